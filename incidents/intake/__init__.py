"""Intake: from the bytes a monitor sent to alerts in one shape. Parsing is pure; what it yields is acted on by the engine in batches."""

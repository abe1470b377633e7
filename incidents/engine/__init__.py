"""The engine: the process that reads the inbox, walks policies in time and sends (DESIGN.md §4)."""

"""Digests: the stand-up of a team, the week of its managers, the month of the auditors. Made of the data, each line linked."""

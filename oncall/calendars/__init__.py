"""iCalendar in both directions: feeds that calendar programs fetch, and calendars that are read.

``writing`` and ``reading`` know the format and nothing else; ``feeds`` and ``sources`` are the services around them.
"""

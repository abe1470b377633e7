"""Django's SQLite backend, whose writers take turns (see ``base``)."""

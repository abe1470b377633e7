"""`manage.py up`: web, engine and cluster under one supervisor that restarts what dies or hangs and leaves nothing
behind."""

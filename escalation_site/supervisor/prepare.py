"""What has to be in place before the first process starts: tables, static files, and the demo organisation if asked
for."""

import hashlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command, get_commands
from django.db import connection

from escalation_site.kernel.migrations import migration_mismatch

Say = Callable[[str], None]


def migrations_missing() -> int:
    """How many migrations the database lacks."""
    return len(migration_mismatch().missing)


def database_prepare(say: Say) -> None:
    """Apply the migrations that are missing."""
    missing = migrations_missing()
    if not missing:
        return
    say(f"Applying {missing} migrations to the database ({connection.vendor}) …")
    call_command("migrate", interactive=False, verbosity=0)


def static_prepare(say: Say) -> None:
    """Collect and compress the static files unless the ones collected last are these."""
    stamp = Path(settings.STATIC_ROOT) / ".collected"
    wanted = _fingerprint()
    if stamp.exists() and stamp.read_text(encoding="ascii") == wanted:
        return
    say("Collecting static files …")
    call_command("collectstatic", interactive=False, verbosity=0, clear=True)
    stamp.write_text(wanted, encoding="ascii")


def _fingerprint() -> str:
    """Changes when any static file is added, removed or written (name, size and time, not the content: this runs at
    each start)."""
    digest = hashlib.sha256()
    for line in sorted(_static_files()):
        digest.update(line.encode())
    return digest.hexdigest()


def _static_files() -> Iterator[str]:
    for finder in get_finders():
        for name, storage in finder.list([]):
            status = Path(storage.path(name)).stat()
            yield f"{name} {status.st_size} {status.st_mtime_ns}\n"


def demo_prepare(say: Say) -> None:
    """Load the demo organisation into a database in which nobody is yet."""
    if "demo" not in get_commands() or get_user_model()._default_manager.exists():
        return
    say("Loading the demo organisation …")
    call_command("demo")


def demo_logins() -> list[str]:
    """One line per role, as `manage.py demo --logins` prints them; none when the database holds no demo
    organisation."""
    if "demo" not in get_commands():
        return []
    printed = io.StringIO()
    call_command("demo", logins=True, stdout=printed)
    return [line for line in printed.getvalue().splitlines() if line.strip()]


def is_empty() -> bool:
    """Whether nobody can sign in yet."""
    return not get_user_model()._default_manager.exists()

"""Loading the demo: the organisation, its exchanges of duty, its year, its last weeks of duty, and that it is loaded."""

import gc
import os
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.db import transaction

from audit.models import LedgerEntry
from audit.services import Actor, EntryValue, entry_append
from escalation_site.configuration.applying import configuration_apply
from escalation_site.demo.author import Author
from escalation_site.demo.boards import boards_write
from escalation_site.demo.command import command_write
from escalation_site.demo.directory import Directory
from escalation_site.demo.duty import duty_exchange
from escalation_site.demo.life import Life, handoffs_plan, notes_plan
from escalation_site.demo.plans import plans_plan
from escalation_site.demo.present import present_write
from escalation_site.demo.recording import Recording
from escalation_site.demo.rows import Rows
from escalation_site.demo.shape import occurrences
from escalation_site.kernel.errors import Conflict
from incidents.models import Incident
from oncall.models import User

FILE = Path(__file__).with_name("organisation.yaml")
LOADED = "demo.load"
SPAN = timedelta(days=365)
SEED = 1878
INCIDENTS = 2950
STORMS = 14

PASSWORD_VARIABLE = "DEMO_PASSWORD"  # noqa: S105  the name of a variable
PASSWORD = "eight-bells-at-brightquay"  # noqa: S105  known to everybody: it opens nothing but the demo

Say = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Login:
    """One of the demo's five doors."""

    role: str
    username: str
    password: str


def demo_is_loaded() -> bool:
    """Whether this database holds the demo organisation."""
    return LedgerEntry.objects.filter(action=LOADED).exists()


def demo_logins(environ: Mapping[str, str] = os.environ) -> list[Login]:
    """The five people whose password is known, one per role; none where the demo is not loaded."""
    if not demo_is_loaded():
        return []
    password = environ.get(PASSWORD_VARIABLE) or PASSWORD
    people = {
        user.username: user for user in User.objects.filter(username__in=("luca", "jonas", "elena", "grace", "ruth"))
    }
    wanted = [people[name] for name in ("luca", "jonas", "elena", "grace", "ruth") if name in people]
    return [Login(str(user.get_role_display()), user.username, password) for user in wanted]


@transaction.atomic
def demo_load(
    *,
    until: datetime,
    seed: int = SEED,
    incidents: int = INCIDENTS,
    environ: Mapping[str, str] = os.environ,
    say: Say = str,
) -> int:
    """Load the demo into a database in which nobody is yet, as of ``until``; returns how many rows its history has.

    The same seed and instant give the same organisation. Raises Conflict where there are people already.
    """
    if User.objects.exists():
        raise Conflict("There are people in this database already: the demo goes into an empty one only.")
    since = until - SPAN
    secrets = {PASSWORD_VARIABLE: environ.get(PASSWORD_VARIABLE) or PASSWORD}
    plan = configuration_apply(FILE.read_text(encoding="utf-8"), source=FILE.name, at=since, environ=secrets)
    say(f"{len(plan.changes)} people, teams, schedules, policies, services and doors.")
    # Chance decides what the example says, and keeps no secret.
    chance = random.Random(seed)  # noqa: S311  a demo that is the same each time is wanted, not a secret
    rows = Rows(chance)
    duty_exchange(rows, chance, since=since, until=until)
    with _collector_resting():
        history_make(rows, chance, since=since, until=until, incidents=incidents)
        life = Life(chance, until=until)
        handoffs_plan(life)
        notes_plan(life)
        plans_plan(life)
        count = rows.store(life)
    command_write(until=until)
    boards_write(until=until)
    say(f"{len(rows.of(Incident))} incidents, {count} rows.")
    entry_append(
        EntryValue(
            at=until,
            action=LOADED,
            object_type="demo",
            object_id=str(seed),
            object_label="Brightquay Operations",
            actor=Actor.system("demo"),
            source="command",
            data={"since": since.isoformat(), "until": until.isoformat(), "rows": count},
        )
    )
    return count


@contextmanager
def _collector_resting() -> Iterator[None]:
    """Some hundred thousand rows are made and all of them are kept: looking for garbage among them would only take
    time.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def history_make(rows: Rows, chance: random.Random, *, since: datetime, until: datetime, incidents: int) -> None:
    """Add the year and what is open at its end to ``rows``, which are not stored yet."""
    recording = Recording(rows, Directory.read(since=since), chance)
    author = Author(recording, since, until)
    for occurrence in occurrences(chance, since=since, until=until, count=incidents, storms=STORMS):
        author.write(occurrence)
    present_write(author)

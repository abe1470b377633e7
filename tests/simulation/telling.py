"""Telling a story from its beginning, and what is kept of it."""

import gc
import hashlib
import json
import logging
import sys
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from unittest.mock import patch

import time_machine
from django.test import override_settings

from incidents.intake.door import keys
from incidents.models import Incident
from notifications.channels import channels_replaced
from tests.simulation.asking import Broken, instant, rows
from tests.simulation.organisation import BEGINNING
from tests.simulation.simulation import SIMULATED, Simulation, SteadyPace
from tests.simulation.store import Store
from tests.simulation.story import Story


@dataclass
class Outcome:
    """How a story ended: what broke, how much of it was told, and figures. Two tellings of one story have the same ``digest``."""

    story: Story
    broken: Broken | None = None
    told: int = 0
    lines: list[str] = field(default_factory=list)
    digest: str = ""
    incident_days: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)

    def read(self, simulation: Simulation) -> None:
        self.told, self.lines, self.counts = simulation.told, simulation.lines, simulation.counts
        self.digest, self.incident_days = _digest(simulation), _incident_days(simulation.instant)
        self.counts["statements"] = simulation.faults.statements
        self.counts["pages"] = rows("SELECT count(*) FROM incidents_page")[0][0]


@contextmanager
def simulation_made(story: Story, store: Store) -> Iterator[Simulation]:
    """The organisation at the beginning of ``story``, on a clock of its own. Raises Broken for what the product swallowed."""
    # What a dead process left half done must never go on, as it would when Python clears away its frames at some odd moment;
    # and while a query of the story before is half read, SQLite does not let its database be given back.
    gc.collect()
    gc.disable()
    try:
        store.restore()
        keys.forget()
        yield from _simulation_told(story)
    finally:
        gc.enable()


def _simulation_told(story: Story) -> Iterator[Simulation]:
    with time_machine.travel(BEGINNING, tick=False) as traveller, swallowed_errors() as swallowed:
        simulation = Simulation(story, traveller)
        with (
            channels_replaced(simulation.providers),
            simulation.faults.hooked(),
            keys_remembered(simulation),
            override_settings(EMAIL_BACKEND="django.core.mail.backends.dummy.EmailBackend"),  # alarms' mails
            # The server of a database has no part in the story's clock.
            patch("incidents.services.set_back.seconds_off", lambda _at: 0.0),
            patch("incidents.tasks.Pace", lambda _most: SteadyPace(story.world.batch)),
        ):
            yield simulation
        if swallowed:
            raise Broken(0, swallowed[0])


@contextmanager
def keys_remembered(simulation: Simulation) -> Iterator[None]:
    """By the clock of the story: on a slow machine they would be asked for more often, and a fault strike at another statement."""
    clock, keys.clock = keys.clock, lambda: simulation.instant.timestamp()
    try:
        yield
    finally:
        keys.clock = clock


def told(story: Story, store: Store) -> Outcome:
    """Tell ``story`` from the beginning."""
    outcome = Outcome(story)
    try:
        with simulation_made(story, store) as simulation:
            try:
                simulation.tell()
            finally:
                outcome.read(simulation)
    except Broken as error:
        outcome.broken = error
    except Exception as error:
        outcome.broken = Broken(0, "".join(traceback.format_exception(error)))
    return outcome


def _digest(simulation: Simulation) -> str:
    """The same for the same course of things: what was done, and what the ledger says of it."""
    digest = hashlib.sha256("\n".join(simulation.lines).encode())
    for at, *entry in rows(
        "SELECT at, action, object_type, object_id, subject, before, after, data FROM audit_ledgerentry ORDER BY id"
    ):
        documents = [json.dumps(json.loads(one) if isinstance(one, str) else one, sort_keys=True) for one in entry[-3:]]
        digest.update(repr((instant(at), *entry[:-3], *documents)).encode())
    return digest.hexdigest()[:16]


def _incident_days(end: datetime) -> float:
    spans = Incident.objects.values_list("started_at", "resolved_at")
    # Not by a clock that was ahead.
    return sum(
        max(min(resolved or end, end) - started, timedelta(0)) / timedelta(days=1) for started, resolved in spans
    )


ALARMS_TOLD = "house.troubles"
"""The house's own word to whoever reads its log: no error."""


class _Listener(logging.Handler):
    """Errors that the product caught, logged and went on from, but for those a fault of ours explains."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if isinstance(record.msg, dict) and record.msg.get("event") == ALARMS_TOLD:
            return
        error = sys.exc_info()[1]
        seen = error
        while seen is not None:
            if SIMULATED in str(seen):
                return
            seen = seen.__cause__ or seen.__context__
        told = "".join(traceback.format_exception(error)) if error else str(record.msg)
        self.heard.append(f"the product went on from an error: {told}")


@contextmanager
def swallowed_errors() -> Iterator[list[str]]:
    """Hear what the product logs as errors instead of printing it."""
    root = logging.getLogger()
    before, listener = list(root.handlers), _Listener()
    root.handlers[:] = [listener]
    try:
        yield listener.heard
    finally:
        root.handlers[:] = before

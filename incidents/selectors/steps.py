"""Where an incident stands on its ladder and what comes next, in the words of its own policy version (R023).

No queries here but one for a business calendar.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from django.utils.translation import gettext as _

from incidents.hours import Hours
from incidents.models import EscalationRun, Incident
from policies.definition import PolicyDef
from policies.escalation import Because, BusinessTime, ForecastStep, Phase, RunState, forecast
from policies.services import version_definition


class Next(StrEnum):
    """What kind of next step there is."""

    CALL = "call"
    SNOOZED = "snoozed"
    EXHAUSTED = "exhausted"
    SET_ASIDE = "set_aside"
    NONE = "none"
    NO_POLICY = "no_policy"
    ASKED = "asked"
    NOBODY = "nobody"
    RESOLVED = "resolved"


class Asked(NamedTuple):
    """From when to when a person is waited for before anybody is paged."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """One line of a ladder.

    ``current`` is the level in force counted from 1, 0 before the first one. ``at`` is when the next step happens, ``since`` from when
    its clock runs, ``to`` whom it calls ("Level 2: Backup"). ``answered`` is whether somebody has it,
    ``suppressed`` whether it is a rule that keeps it silent, where ``next`` is SNOOZED.
    """

    next: Next
    total: int = 0
    current: int = 0
    answered: bool = False
    at: datetime | None = None
    since: datetime | None = None
    to: str = ""
    level: int | None = None
    suppressed: bool = False

    @property
    def finished(self) -> bool:
        return self.next is Next.EXHAUSTED


def level_title(policy: PolicyDef, level: int | None) -> str:
    """ "Level 2: Backup"; None and what lies past the last level is the catch-all."""
    if level is None or level >= len(policy.levels):
        return _("the catch-all")
    return _("Level %(number)d: %(name)s") % {"number": level + 1, "name": policy.levels[level].name}


def next_calls(
    policy: PolicyDef, state: RunState, *, at: datetime, calendar: BusinessTime, limit: int = 1
) -> tuple[ForecastStep, ...]:
    """The levels that will be called while nobody acts. What is overdue is shown as happening now, as the engine will do it."""
    return forecast(policy, state, not_before=at, limit=limit, calendar=calendar)


def standing_of(
    incident: Incident,
    run: EscalationRun | None,
    *,
    at: datetime,
    asked: Asked | None = None,
    hours: Hours | None = None,
) -> Standing:
    """Where ``incident`` stands in ``run``, its current one (with its policy version at hand). None means that nobody is paged: a person
    is asked first (``asked``), a person or a rule said so, or its service has no policy.

    Whoever asks about many incidents gives the same ``hours`` for all: the calendars are then read once.
    """
    if incident.state == Incident.State.RESOLVED:
        return Standing(Next.RESOLVED)
    if run is None:
        answered = incident.state == Incident.State.ACKNOWLEDGED
        if asked is not None:
            return Standing(Next.ASKED, answered=answered, at=asked.until, since=asked.since)
        return Standing(Next.NOBODY if incident.service.policy_id else Next.NO_POLICY, answered=answered)
    policy, state = version_definition(run.policy_version), RunState.from_json(run.state)
    current = min(state.level_number if state.entered else state.level, len(policy.levels))
    base = Standing(Next.NONE, total=len(policy.levels), current=current, answered=state.phase is Phase.ACKNOWLEDGED)
    if run.set_aside_at is not None:
        return replace(base, next=Next.SET_ASIDE, at=run.set_aside_at)
    if state.phase is Phase.EXHAUSTED or incident.exhausted_at is not None:
        return replace(base, next=Next.EXHAUSTED, at=incident.exhausted_at)
    coming = next_calls(policy, state, at=at, calendar=(hours or Hours()).of(policy, incident))
    if not coming:
        return base
    step = coming[0]
    kind = Next.SNOOZED if state.phase is Phase.SNOOZED else Next.CALL
    since = state.level_started_at or state.cycle_started_at
    suppressed = kind is Next.SNOOZED and state.reason is Because.SUPPRESSED
    return replace(
        base,
        next=kind,
        at=step.at,
        since=since,
        to=level_title(policy, step.level),
        level=step.level,
        suppressed=suppressed,
    )

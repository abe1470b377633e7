"""What is wrong with a draft, field by field, and what it says where nothing is."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from oncall.editing.documents import document_of, field_of
from oncall.editing.draft import Draft, Sent
from oncall.gaps import FARTHEST
from oncall.rota import RotaError, ScheduleSpec
from oncall.rota.clock import first_instant, zone_named
from oncall.rota_document import DocumentInvalid, document_dump, document_load
from oncall.rota_document.reading import Node
from oncall.rota_document.words import read_local

LONGEST_REASON = 200
JUST_NOW = timedelta(minutes=2)
"""A form takes a while to fill: an instant that passed meanwhile means now."""


class Problem(NamedTuple):
    """``field`` is the form's, "" for the whole."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Moment:
    """When the edit is to take effect, as typed, and why it is made."""

    in_force: str = "now"
    effective_from: str = ""
    reason: str = ""

    @classmethod
    def sent(cls, data: Sent) -> "Moment":
        return cls(data.get("in_force", "now"), data.get("effective_from", "").strip(), data.get("reason", "").strip())


@dataclass(frozen=True, slots=True)
class Checked:
    """``spec`` and ``definition`` are None where the draft describes no schedule; ``effective_from`` is in UTC."""

    spec: ScheduleSpec | None
    definition: dict[str, Any] | None
    effective_from: datetime
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """What a draft may name: people by id, teams by id, schedules by slug; and the teams it may be given to."""

    people: Collection[int]
    teams: Mapping[int, str]
    schedules: Mapping[str, str]
    own_teams: Collection[int]


def check(draft: Draft, moment: Moment, *, known: Known, at: datetime) -> Checked:
    problems: list[Problem] = []
    if not draft.name:
        problems.append(Problem("name", _("must not be empty")))
    if draft.team and (not draft.team.isdecimal() or int(draft.team) not in known.own_teams):
        problems.append(Problem("team", _("You manage no such team.")))
    strangers = _strangers(draft, known)
    problems += strangers
    spec: ScheduleSpec | None = None
    try:
        spec = document_load(document_of(draft))
    except DocumentInvalid as error:
        problems += [Problem(field_of(one.keys, draft), one.message) for one in error.problems]
    if strangers:
        spec = None
    effective_from, wrong = _effective_from(moment, spec, at)
    problems += [Problem("effective_from", wrong)] if wrong else []
    unshown = _("holds characters that cannot be shown")
    problems += [
        Problem(field, unshown)
        for field, text in (("name", draft.name), ("reason", moment.reason))
        if not text.isprintable()
    ]
    if len(moment.reason) > LONGEST_REASON:
        problems.append(Problem("reason", _("is longer than %(most)d characters") % {"most": LONGEST_REASON}))
    return Checked(spec, document_dump(spec) if spec else None, effective_from, tuple(problems))


def _strangers(draft: Draft, known: Known) -> list[Problem]:
    """People, teams and schedules that do not exist: a reader of documents cannot know."""
    found = []
    nobody = _("There is no such person.")
    places = [("member", draft.members)]
    for number, layer in enumerate(draft.layers):
        places += [(f"layer-{number}-turn-{row}", turn) for row, turn in enumerate(layer.turns)]
        places += [(f"layer-{number}-shift-{row}-people", shift.people) for row, shift in enumerate(layer.shifts)]
    for field, people in places:
        if any(text.isdecimal() and int(text) not in known.people for text in people):
            found.append(Problem(field, nobody))
    if draft.kind == "everyone" and draft.everyone_team.isdecimal() and int(draft.everyone_team) not in known.teams:
        found.append(Problem("everyone_team", _("There is no such team.")))
    if draft.kind == "follow" and draft.follow and draft.follow not in known.schedules:
        found.append(Problem("follow", _("There is no such schedule.")))
    return found


def _effective_from(moment: Moment, spec: ScheduleSpec | None, at: datetime) -> tuple[datetime, str]:
    """The instant the edit takes effect, and what is wrong with it."""
    if moment.in_force != "at":
        return at, ""
    wrong: list[Any] = []
    local = read_local(Node(moment.effective_from or None, (), wrong))
    if local is None or not moment.effective_from:
        return at, _("Say from when.") if not moment.effective_from else str(wrong[0].message)
    try:
        instant = first_instant(local, zone_named(spec.time_zone if spec else "UTC"))
    except (RotaError, OverflowError):
        return at, _("Say from when.")
    if instant < at - JUST_NOW:
        return at, _("That is over; the past is not rewritten.")
    if instant > at + FARTHEST:
        return at, _("At most a year ahead.")
    return max(instant, at), ""

"""From a document to a ScheduleSpec."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, NamedTuple, TypeVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from oncall.rota import (
    PRIMARY,
    Every,
    FixedShift,
    Group,
    Handover,
    HandoverPage,
    HolidayRule,
    LayerSpec,
    Limits,
    Restriction,
    RotaError,
    ScheduleKind,
    ScheduleSpec,
    UserId,
    WhenAbsent,
)
from oncall.rota.clock import zone_named
from oncall.rota.values import LONGEST_EVERY
from oncall.rota_document.reading import DocumentInvalid, Node, Problem
from oncall.rota_document.words import (
    MIDNIGHT,
    duration_of,
    read_day_and_time,
    read_local,
    read_time,
    read_weekdays,
    weekday_of,
)

Built = TypeVar("Built")
ResolveUser = Callable[[str], UserId | None]
ResolveTeam = Callable[[str], int | None]

MOST_LAYERS = 50
MOST_PARTICIPANTS = 200
MOST_RESTRICTIONS = 100
MOST_SHIFTS = 2_000
LONGEST_NAME = 100
LONGEST_ROLE = 32
LONGEST_ID = 2**63 - 1

LONGEST_HANDOVER_MINUTES = 1440
LONGEST_LIMIT = timedelta(days=366)
MOST_PAGES = 10_000

SCHEDULE_FIELDS = (
    "kind",
    "time_zone",
    "layers",
    "members",
    "everyone_in",
    "follow",
    "holidays",
    "limits",
    "handover",
)
LIMIT_FIELDS = ("pages_per_shift", "consecutive", "rest")
LAYER_FIELDS = (
    "name",
    "role",
    "time_zone",
    "start",
    "end",
    "rotation",
    "every",
    "handoff",
    "participants",
    "restrictions",
    "turns_advance_when_closed",
    "when_absent",
    "shifts",
)
DURATIONS = (
    (Every.WEEKLY, timedelta(weeks=1)),
    (Every.DAILY, timedelta(days=1)),
    (Every.HOURLY, timedelta(hours=1)),
)
BROKEN_RULES = {
    "end_before_start": gettext_lazy("must come after the start"),
    "handoff_kind": gettext_lazy("does not go with this rotation"),
    "fixed_kind": gettext_lazy("belongs to the rotation “fixed” only"),
    "fixed_order": gettext_lazy("must come in order and must not overlap"),
    "listed_twice": gettext_lazy("names somebody twice"),
    "layer_names": gettext_lazy("two layers have the same name"),
    "layers_kind": gettext_lazy("belongs to schedules of the kind “layers” only"),
    "members_kind": gettext_lazy("belongs to schedules of the kind “everyone” only"),
    "follows": gettext_lazy("goes with the kind “follow”, which needs it"),
    "out_of_range": gettext_lazy("is out of range: the years from 1900 to 2999 are known"),
}
FIELD_NAMES = {
    "handoff_time": "handoff",
    "handoff_weekday": "handoff",
    "handoff_day": "handoff",
    "fixed_shifts": "shifts",
    "follows": "follow",
    "team": "everyone_in",
    "group": "participants",
}


class Handoff(NamedTuple):
    """When turns change, as far as the document says."""

    clock: time | None = None
    weekday: int | None = None
    day: int | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    """What the whole document shares: how names become people, and the zone of layers that name none."""

    resolve_user: ResolveUser | None
    resolve_team: ResolveTeam | None
    time_zone: str = "UTC"


def document_load(
    document: object, *, resolve_user: ResolveUser | None = None, resolve_team: ResolveTeam | None = None
) -> ScheduleSpec:
    """The schedule that ``document`` (parsed JSON or YAML) describes.

    People and teams are ids (numbers); names are allowed where ``resolve_user`` and ``resolve_team`` turn them into ids
    (None for a stranger). Raises DocumentInvalid with every problem found, each with the path of its field.
    """
    problems: list[Problem] = []
    spec = _schedule(Node(document, (), problems), resolve_user, resolve_team)
    if problems or spec is None:
        raise DocumentInvalid(problems)
    return spec


def _schedule(node: Node, resolve_user: ResolveUser | None, resolve_team: ResolveTeam | None) -> ScheduleSpec | None:
    before, fields = len(node.problems), node.fields(SCHEDULE_FIELDS)
    reader = Reader(resolve_user, resolve_team, _zone(fields["time_zone"]) or "UTC")
    of_people = not (fields["members"].absent and fields["everyone_in"].absent)
    implied = ScheduleKind.EVERYONE if of_people else ScheduleKind.LAYERS
    if not fields["follow"].absent:
        implied = ScheduleKind.FOLLOW
    values = {
        "time_zone": reader.time_zone,
        "kind": fields["kind"].choice(tuple(ScheduleKind), default=implied),
        "layers": fields["layers"].items(lambda layer: _layer(layer, reader), most=MOST_LAYERS),
        "members": fields["members"].items(lambda user: _user(user, reader), most=MOST_PARTICIPANTS),
        "team": _team(fields["everyone_in"], reader),
        "follows": "" if fields["follow"].absent else fields["follow"].text(most=LONGEST_NAME),
        "holidays": fields["holidays"].choice(tuple(HolidayRule), default=HolidayRule.COVER),
        "limits": _limits(fields["limits"]),
        "handover": _handover(fields["handover"]),
    }
    return _built(ScheduleSpec, values, node, before=before)


def _limits(node: Node) -> Limits | None:
    if node.absent:
        return Limits()
    before, fields = len(node.problems), node.fields(LIMIT_FIELDS)
    pages = fields["pages_per_shift"]
    values = {
        "pages_per_shift": None if pages.absent else pages.count(most=MOST_PAGES),
        "consecutive": _length(fields["consecutive"]),
        "rest": _length(fields["rest"]),
    }
    return _built(Limits, values, node, before=before)


def _length(node: Node) -> timedelta | None:
    if node.absent:
        return None
    length = duration_of(node.value)
    if length is None or not timedelta(minutes=1) <= length <= LONGEST_LIMIT:
        node.wrong(_("must be a duration such as “8h” or “2d”, from a minute to a year"))
        return None
    return length


def _handover(node: Node) -> Handover | None:
    if node.absent:
        return Handover()
    before, fields = len(node.problems), node.fields(("minutes", "page"))
    values = {
        "window": timedelta(minutes=fields["minutes"].count(most=LONGEST_HANDOVER_MINUTES, default=15)),
        "page": fields["page"].choice(tuple(HandoverPage), default=HandoverPage.BOTH),
    }
    return _built(Handover, values, node, before=before)


def _team(node: Node, reader: Reader) -> int | None:
    """The team's id; None where there is none, or where it is wrong."""
    value = node.value
    if node.absent:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= LONGEST_ID:
        return value
    if not isinstance(value, str) or reader.resolve_team is None:
        node.wrong(_("must be the name of a team") if reader.resolve_team else _("must be the id of a team"))
        return None
    team_id = reader.resolve_team(value.strip())
    if team_id is None:
        node.wrong(_("there is no team called “%(name)s”") % {"name": value.strip()})
    return team_id


def _layer(node: Node, reader: Reader) -> LayerSpec | None:
    before, fields = len(node.problems), node.fields(LAYER_FIELDS)
    rotation, every = _rotation(fields["rotation"], fields["every"])
    handoff = _handoff(fields["handoff"], rotation)
    shifts = fields["shifts"].items(lambda shift: _fixed_shift(shift, reader), most=MOST_SHIFTS)
    listed = tuple(shift for shift in shifts if shift is not None)
    values = {
        "name": fields["name"].text(most=LONGEST_NAME),
        "role": PRIMARY if fields["role"].absent else fields["role"].text(most=LONGEST_ROLE),
        "time_zone": reader.time_zone if fields["time_zone"].absent else _zone(fields["time_zone"]),
        "start": listed[0].start if listed and fields["start"].absent else _start(fields["start"], handoff),
        "end": None if fields["end"].absent else read_local(fields["end"], midnight=handoff.clock or MIDNIGHT),
        "rotation": rotation,
        "every": every,
        "participants": fields["participants"].items(lambda group: _group(group, reader), most=MOST_PARTICIPANTS),
        "handoff_time": handoff.clock,
        "handoff_weekday": handoff.weekday,
        "handoff_day": handoff.day,
        "restrictions": _restrictions(fields["restrictions"]),
        "turns_advance_when_closed": fields["turns_advance_when_closed"].flag(default=True),
        "when_absent": fields["when_absent"].choice(tuple(WhenAbsent), default=WhenAbsent.NEXT),
        "fixed_shifts": listed,
    }
    return _built(LayerSpec, values, node, before=before)


def _built(make: Callable[..., Built], values: Mapping[str, Any], node: Node, *, before: int) -> Built | None:
    """The value, unless its parts (read since ``before`` problems were known) or the rules of the rota forbid it."""
    if len(node.problems) > before:
        return None
    try:
        return make(**values)
    except RotaError as error:
        field = FIELD_NAMES.get(error.field, error.field)
        node.child(field, None).wrong(str(BROKEN_RULES.get(error.code, error.message)))
        return None


def _start(node: Node, handoff: Handoff) -> datetime | None:
    if node.absent:
        node.wrong(_("must not be empty"))
        return None
    return read_local(node, midnight=handoff.clock or MIDNIGHT)


def _zone(node: Node) -> str | None:
    name = node.text(most=LONGEST_NAME)
    if not name:
        return None
    try:
        zone_named(name)
    except RotaError:
        node.wrong(_("“%(name)s” is no IANA time zone, such as Europe/Rome") % {"name": name})
        return None
    return name


def _rotation(node: Node, every: Node) -> tuple[Every, int]:
    """A word ("weekly", with ``every`` beside it), or a duration: "7d", "12h", 86400."""
    length = duration_of(node.value)
    if length is None:
        rotation = node.choice(tuple(Every), default=Every.WEEKLY)
        return rotation, every.count(most=LONGEST_EVERY)
    if not every.absent:
        every.wrong(_("does not go with a duration"))
    for unit, size in DURATIONS:
        if length and not length % size and length // size <= LONGEST_EVERY:
            return unit, length // size
    node.wrong(_("must be whole hours, days or weeks"))
    return Every.DAILY, 1


def _handoff(node: Node, rotation: Every) -> Handoff:
    """ "09:00", "mon 09:00", "31 09:00" (day of the month), or an object of time, weekday, day."""
    if node.absent:
        return Handoff()
    if isinstance(node.value, Mapping):
        fields = node.fields(("time", "weekday", "day"))
        return Handoff(
            None if fields["time"].absent else read_time(fields["time"]),
            _weekday(fields["weekday"]),
            None if fields["day"].absent else fields["day"].count(most=31),
        )
    day, _blank, clock = node.value.strip().partition(" ") if isinstance(node.value, str) else ("", "", "")
    if rotation is Every.MONTHLY and day.isdecimal() and 1 <= int(day) <= 31:
        return Handoff(clock=read_time(Node(clock, node.keys, node.problems)), day=int(day))
    weekday, moment = read_day_and_time(node)
    return Handoff(clock=moment, weekday=weekday)


def _weekday(node: Node) -> int | None:
    if node.absent:
        return None
    day = weekday_of(node.value) if isinstance(node.value, str) else None
    if day is None:
        node.wrong(_("must be a weekday such as “mon”"))
    return day


def _group(node: Node, reader: Reader) -> Group:
    """One person, or a list of people who serve together; an empty list is a turn nobody serves."""
    if isinstance(node.value, list | tuple):
        group = node.items(lambda user: _user(user, reader), most=MOST_PARTICIPANTS)
        if len(set(group)) != len(group) and all(group):
            node.wrong(str(BROKEN_RULES["listed_twice"]))
            return ()
        return group
    return (_user(node, reader),)


def _user(node: Node, reader: Reader) -> UserId:
    """The person's id; 0, which is nobody's, where it is wrong."""
    value = node.value
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= LONGEST_ID:
        return value
    if not isinstance(value, str) or reader.resolve_user is None:
        node.wrong(_("must be the name of a person") if reader.resolve_user else _("must be the id of a person"))
        return 0
    user_id = reader.resolve_user(value.strip())
    if user_id is None:
        node.wrong(_("there is nobody called “%(name)s”") % {"name": value.strip()})
        return 0
    return user_id


def _restrictions(node: Node) -> tuple[Restriction, ...]:
    return tuple(window for windows in node.items(_windows, most=MOST_RESTRICTIONS) for window in windows)


def _windows(node: Node) -> tuple[Restriction, ...]:
    """Days with a start and an end ("mon-fri", "09:00", "17:00"), or one window from weekday to weekday."""
    fields = node.fields(("days", "start", "end"))
    weekday, start = read_day_and_time(fields["start"])
    end_weekday, end = read_day_and_time(fields["end"], ends=True)
    if weekday is not None and not fields["days"].absent:
        fields["days"].wrong(_("does not go with a weekday in the start"))
    if weekday is None and end_weekday is not None and start is not None:
        fields["start"].wrong(_("needs a weekday too, since the end has one"))
    days = (weekday,) if weekday is not None else read_weekdays(fields["days"])
    if start is None or end is None:
        return ()
    return tuple(Restriction(weekday=day, start=start, end=end, end_weekday=end_weekday) for day in days)


def _fixed_shift(node: Node, reader: Reader) -> FixedShift | None:
    before, fields = len(node.problems), node.fields(("start", "end", "participants"))
    values = {
        "start": read_local(fields["start"]),
        "end": read_local(fields["end"]),
        "group": _group(fields["participants"], reader),
    }
    return _built(FixedShift, values, node, before=before)

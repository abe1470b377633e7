"""On-call hours for pay: one line for each person and shift, which add up to what the workload page shows."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from oncall import rota
from oncall.load.measure import Hours
from oncall.load.reading import Reading
from oncall.models import Schedule, User

HOUR = timedelta(hours=1)
HEAD = (
    "person",
    "username",
    "email",
    "schedule",
    "team",
    "role",
    "time_zone",
    "start_local",
    "end_local",
    "start_utc",
    "end_utc",
    "hours",
    "night_hours",
    "weekend_hours",
    "holiday_hours",
    "hours_counted_in_another_line",
    "why",
    "layer",
    "instead_of",
)


class PaidShift(NamedTuple):
    """One shift of one person; ``hours`` leave out time that an earlier line of the same person has already."""

    user: User
    schedule: Schedule
    shift: rota.Shift
    hours: Hours

    @property
    def elsewhere(self) -> timedelta:
        return self.shift.duration - self.hours.total


def paid_shifts(found: Reading) -> Iterator[PaidShift]:
    """Every shift of the range, person by person in order of name, each person's in order of start."""
    theirs: dict[int, list[tuple[rota.Shift, Schedule]]] = {pk: [] for pk in found.people}
    for loaded in found.schedules:
        for shift in found.shifts_of(loaded):
            theirs[shift.user_id].append((shift, loaded.schedule))
    for user in sorted(found.people.values(), key=lambda one: (one.name, one.pk)):
        reached = found.clocks[user.pk].since
        for shift, schedule in sorted(theirs[user.pk], key=lambda one: (one[0].start, one[1].name, one[0].role)):
            counted = max(shift.start, reached)
            hours = found.clocks[user.pk].hours(counted, shift.end) if counted < shift.end else Hours()
            yield PaidShift(user, schedule, shift, hours)
            reached = max(reached, shift.end)


def csv_rows(found: Reading) -> Iterator[tuple[object, ...]]:
    """The head, then a line for each shift. Hours are decimal; codes of ``why`` are those of the API."""
    names = _replaced(found)
    yield HEAD
    for user, schedule, shift, hours in (one[:4] for one in paid_shifts(found)):
        zone = found.clocks[user.pk].zone
        yield (
            user.name,
            user.username,
            user.email,
            schedule.name,
            schedule.team.name if schedule.team else "",
            shift.role,
            zone.key,
            _written(shift.start.astimezone(zone)),
            _written(shift.end.astimezone(zone)),
            _written(shift.start.astimezone(UTC)),
            _written(shift.end.astimezone(UTC)),
            _decimal(hours.total),
            _decimal(hours.nights),
            _decimal(hours.weekends),
            _decimal(hours.holidays),
            _decimal(shift.duration - hours.total),
            str(shift.why),
            shift.layer,
            names.get(shift.instead_of or 0, ""),
        )


def _replaced(found: Reading) -> Mapping[int, str]:
    """Names of those whose turns somebody else served: one query."""
    ids = {shift.instead_of for loaded in found.schedules for shift in found.shifts_of(loaded) if shift.instead_of}
    return {pk: user.name for pk, user in User.objects.in_bulk(list(ids)).items()}


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _decimal(span: timedelta) -> float:
    return round(span / HOUR, 4)

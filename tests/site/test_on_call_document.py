"""What docs/on-call.md shows is so: its example applies, and its table of clock changes is what the rota says."""

import re
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from escalation_site.configuration.applying import configuration_apply
from oncall.models import Schedule
from oncall.rota import Every, Restriction, shifts
from oncall.selectors import holders_at
from tests.oncall.rota_cast import ALICE, BOB, CAROL, DAVE, hours, layer, schedule

DOCS = Path(__file__).resolve().parents[2] / "docs"
AT = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
SPRING, AUTUMN = datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)


def example(page: str) -> str:
    """The first YAML of a page."""
    found = re.search(r"```yaml\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)
    assert found
    return found[1]


def every_day(start: time, end: time) -> tuple[Restriction, ...]:
    return tuple(Restriction(weekday=day, start=start, end=end) for day in range(7))


@pytest.mark.django_db
def test_when_the_example_is_applied_over_the_small_organisation_then_everybody_is_on_call_as_it_says() -> None:
    for page in ("configuration-as-code.md", "on-call.md"):
        configuration_apply(example(page), source=page, at=AT, environ={})

    schedules = {one.pk: one.slug for one in Schedule.objects.all()}
    holders = holders_at(schedules=list(Schedule.objects.all()), at=AT)
    found = {schedules[pk]: sorted(one.user.username for one in own) for pk, own in holders.items()}
    assert found == {
        "payments-all": ["elena", "jonas", "marta"],
        "payments-first": ["jonas", "marta"],
        "refunds-first": ["jonas", "marta"],
    }


def test_when_the_example_is_applied_again_then_nothing_changes(db: None) -> None:
    for page in ("configuration-as-code.md", "on-call.md"):
        configuration_apply(example(page), source=page, at=AT, environ={})

    again = configuration_apply(example("on-call.md"), source="on-call.md", at=AT, environ={})

    assert {str(change.step) for change in again.changes} == {"unchanged"}


@pytest.mark.parametrize(("change", "length"), [(SPRING, 7), (AUTUMN, 9)])
def test_the_night_window_of_the_table(change: datetime, length: int) -> None:
    spec = schedule(layer("2026-01-05 00:00", ALICE, restrictions=every_day(time(22), time(6))))
    (night,) = shifts(spec, since=change, until=change + timedelta(minutes=1), whole=True)
    assert hours(night) == length


@pytest.mark.parametrize(("change", "closes", "opens"), [(SPRING, "01:00", "01:00"), (AUTUMN, "01:30", "00:30")])
def test_the_windows_that_meet_inside_the_changed_hour(change: datetime, closes: str, opens: str) -> None:
    late = schedule(layer("2026-01-05 00:00", ALICE, restrictions=every_day(time(14, 30), time(2, 30))))
    early = schedule(layer("2026-01-05 00:00", BOB, restrictions=every_day(time(2, 30), time(14, 30))))
    morning = change + timedelta(hours=6)
    assert f"{shifts(late, since=change, until=morning)[0].end:%H:%M}" == closes
    assert f"{shifts(early, since=change, until=morning)[0].start:%H:%M}" == opens


@pytest.mark.parametrize(("change", "people"), [(SPRING, [ALICE, BOB, DAVE]), (AUTUMN, [ALICE, BOB, CAROL, CAROL])])
def test_the_hourly_turns_of_the_table(change: datetime, people: list[int]) -> None:
    start = f"{change:%Y-%m-%d} 00:00"
    spec = schedule(layer(start, ALICE, BOB, CAROL, DAVE, rotation=Every.HOURLY))
    # Midnight in Rome, an hour or two before that in UTC.
    first = change - timedelta(hours=1 if change == SPRING else 2)
    asked = [first + timedelta(hours=number, minutes=30) for number in range(len(people))]
    found = [shifts(spec, since=at, until=at + timedelta(seconds=1))[0].user_id for at in asked]
    assert found == people

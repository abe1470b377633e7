"""Which gaps an edit opens: time that somebody covered and nobody would, from now on."""

from datetime import datetime, time, timedelta

from oncall.gaps import gaps_opened
from oncall.models import Schedule
from oncall.rota import LayerSpec, Restriction, ScheduleSpec, Version
from oncall.selectors import Loaded
from tests.oncall.rota_cast import ALICE, BOB, layer, rome, schedule

NOW = rome("2026-11-23 12:00")
WEEK = timedelta(weeks=1)
LONG_AGO = rome("2026-01-05 09:00")


def said(*layers: LayerSpec, since: datetime = LONG_AGO) -> Loaded:
    return Loaded(Schedule(pk=0, name="Payments"), (Version(since, schedule(*layers)),) if layers else ())


def changed(before: Loaded, spec: ScheduleSpec, at: datetime = NOW) -> Loaded:
    return Loaded(before.schedule, (*before.versions, Version(at, spec)))


def opened(before: Loaded, after: Loaded, at: datetime = NOW) -> list[tuple[str, datetime, datetime]]:
    return [(gap.role, gap.start, gap.end) for gap in gaps_opened(before, after, at=at, horizon=WEEK)]


ALWAYS = layer("2026-01-05 09:00", ALICE, name="always")
WEEKENDS = Restriction(weekday=5, start=time(0), end=time(0), end_weekday=0)
WORKDAYS = Restriction(weekday=0, start=time(0), end=time(0), end_weekday=5)


def test_when_a_layer_loses_its_weekends_then_the_coming_weekend_is_a_gap() -> None:
    before = said(ALWAYS)
    after = changed(before, schedule(layer("2026-01-05 09:00", ALICE, name="always", restrictions=(WORKDAYS,))))
    assert opened(before, after) == [("primary", rome("2026-11-28 00:00"), rome("2026-11-30 00:00"))]


def test_when_a_gap_was_there_before_then_it_is_not_opened() -> None:
    before = said(layer("2026-01-05 09:00", ALICE, name="always", restrictions=(WORKDAYS,)))
    after = changed(before, schedule(layer("2026-01-05 09:00", BOB, name="always", restrictions=(WORKDAYS,))))
    assert opened(before, after) == []


def test_when_a_role_is_added_for_weekends_then_its_weekdays_are_no_gap_that_was_opened() -> None:
    before = said(ALWAYS)
    backup = layer("2026-01-05 09:00", BOB, name="backup", role="secondary", restrictions=(WEEKENDS,))
    assert opened(before, changed(before, schedule(ALWAYS, backup))) == []


def test_when_a_role_is_dropped_then_it_is_a_gap_wherever_somebody_held_it() -> None:
    backup = layer("2026-01-05 09:00", BOB, name="backup", role="secondary")
    before = said(ALWAYS, backup)
    assert opened(before, changed(before, schedule(ALWAYS))) == [("secondary", NOW, NOW + WEEK)]


def test_when_an_edit_is_planned_then_the_horizon_counts_from_when_it_takes_effect() -> None:
    before = said(ALWAYS)
    begins = NOW + timedelta(weeks=20)
    ending = layer("2026-01-05 09:00", ALICE, name="always", restrictions=(WORKDAYS,))
    found = opened(before, changed(before, schedule(ending), begins))
    assert [start for _role, start, _end in found] == [rome("2027-04-17 00:00")]


def test_when_the_schedule_said_nothing_yet_then_every_gap_of_its_first_version_counts() -> None:
    before = said()
    after = changed(before, schedule(layer("2026-11-24 12:00", ALICE, name="always")))
    assert opened(before, after) == [("primary", NOW, rome("2026-11-24 12:00"))]


def test_gaps_of_the_past_are_never_named() -> None:
    before = said(ALWAYS)
    after = changed(before, schedule(layer("2026-11-01 09:00", ALICE, name="always")), rome("2026-10-01 09:00"))
    assert opened(before, after) == []

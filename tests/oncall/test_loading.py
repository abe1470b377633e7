"""What `Loaded` answers by a shorter way is what the rota answers."""

from collections.abc import Iterable
from datetime import timedelta

from hypothesis import example, given

from oncall.loading import Loaded
from oncall.models import Schedule
from oncall.rota import OverrideKind, Shift, Version
from oncall.rota.values import EARLIEST
from tests.oncall.rota_cast import ALICE, BOB, CAROL, layer, override, rome, schedule
from tests.oncall.rota_oracle import Case, cases, grid
from tests.oncall.test_rota_properties import searched

MONDAY = rome("2026-11-23 09:00")
WEEK = timedelta(weeks=1)
LONG_TURNS = Case(
    schedule(
        layer("2026-11-23 09:00", ALICE, BOB, every=3),
        layer("2026-11-23 09:00", CAROL, name="backup", role="secondary"),
    ),
    MONDAY,
    MONDAY + WEEK,
)
COVERED_FOR_AN_HOUR = Case(
    schedule(layer("2026-11-23 09:00", ALICE, BOB)),
    MONDAY,
    MONDAY + WEEK,
    (override(OverrideKind.COVER, CAROL, rome("2026-11-24 12:15"), rome("2026-11-24 13:15"), order=1),),
)


def without_starts(shifts: Iterable[Shift]) -> list[Shift]:
    """In one order; `held_at` does not promise where a shift began."""
    return sorted(shift._replace(start=shift.end) for shift in shifts)


def own_roles(shifts: Iterable[Shift], case: Case) -> list[str]:
    """In the order of the answer; roles that only overrides know come after them, in whatever order."""
    return [shift.role for shift in shifts if shift.role in case.spec.roles]


@searched
@given(cases())
@example(LONG_TURNS)
@example(COVERED_FOR_AN_HOUR)
def test_when_asked_who_holds_it_and_until_when_then_the_quick_answer_is_that_of_the_rota(case: Case) -> None:
    version = Version(EARLIEST, case.spec)
    loaded = Loaded(Schedule(pk=1, slug="payments"), (version,), case.overrides, case.absences)
    for at in grid(case.since, case.until)[::9]:
        quick, whole = loaded.held_at(at), loaded.on_call_at(at)
        assert without_starts(quick) == without_starts(whole)
        assert own_roles(quick, case) == own_roles(whole, case)
        assert all(shift.start <= at < shift.end for shift in quick)

"""The short profile: a few stories that are always the same, two that are today's, and that a story replays exactly.

The long one is ``make simulate``. What fails here prints its seed: ``make simulate SEED=…`` tells it again.
"""

import itertools
import time
from datetime import UTC, datetime

import pytest

from incidents.engine.glance import glance
from tests.simulation.__main__ import seed_of_the_day
from tests.simulation.faults import Fault, Killed
from tests.simulation.shrink import shortened
from tests.simulation.store import Store
from tests.simulation.story import story_of
from tests.simulation.telling import simulation_made, told

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.timeout(300)]

FIXED = (1, 6)  # and 5 and 8 below
TODAYS = 1


@pytest.mark.parametrize("seed", FIXED)
def test_whatever_strikes_the_eight_invariants_hold(store: Store, seed: int) -> None:
    outcome = told(story_of(seed), store)

    assert outcome.broken is None, f"SEED={seed}: {outcome.broken}"
    assert outcome.counts["pages"] > 0


@pytest.mark.parametrize("number", range(TODAYS))
def test_they_hold_in_stories_nobody_has_seen_before(store: Store, number: int) -> None:
    seed = seed_of_the_day(datetime.now(UTC)) + number

    outcome = told(story_of(seed), store)

    assert outcome.broken is None, f"SEED={seed}: {outcome.broken}"


def test_a_seed_is_told_the_same_way_again_however_slow_the_machine(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, another = told(story_of(8), store), told(story_of(5), store)
    slow = itertools.count(step=60)
    monkeypatch.setattr(time, "monotonic", lambda: float(next(slow)))
    again = told(story_of(8), store)

    assert one.counts["killed"] > 0
    apart = [pair for pair in itertools.zip_longest(one.lines, again.lines) if pair[0] != pair[1]]
    assert not apart, f"{len(apart)} lines differ, first {apart[0]}; broken: {one.broken}; {again.broken}"
    assert one.digest == again.digest != another.digest


@pytest.mark.postgres
def test_an_engine_dies_in_its_look_too_though_that_goes_past_the_wrappers_of_statements(store: Store) -> None:
    with simulation_made(story_of(8), store) as simulation:
        died = simulation.unit("a look", glance, fault=Fault("statement", 1))

        assert died is Killed
        assert simulation.faults.statements == 1


def test_a_story_that_is_shortened_keeps_its_instants(store: Store) -> None:
    story = story_of(5)
    every_other = story.keeping(range(0, len(story.happenings), 2))

    instants = [sum(one.after for one in story.happenings[: number + 1]) for number in range(len(story.happenings))]
    kept = [
        sum(one.after for one in every_other.happenings[: number + 1]) for number in range(len(every_other.happenings))
    ]

    assert kept == pytest.approx(instants[::2])


def test_a_failing_story_is_shortened_to_what_makes_it_fail(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.simulation.defects import an_acknowledgement_has_no_entry

    an_acknowledgement_has_no_entry(monkeypatch)
    failing = told(story_of(8), store)
    assert failing.broken is not None

    best, kept = shortened(failing, lambda story: told(story, store), seconds=10)

    assert best.broken is not None
    assert best.broken.number == failing.broken.number
    assert len(kept) < len(failing.story.happenings)
    assert best.story.happenings == failing.story.keeping(kept).happenings

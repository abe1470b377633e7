"""That the simulation can fail: each planted defect is found, and reported as what it is."""

import pytest

from tests.simulation.defects import DEFECTS
from tests.simulation.store import Store
from tests.simulation.story import story_of
from tests.simulation.telling import told

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.timeout(300)]

SEEDS = range(1, 30)


@pytest.mark.parametrize("name", DEFECTS)
def test_a_planted_defect_is_found(store: Store, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    defect = DEFECTS[name]
    defect.plant(monkeypatch)

    # The story of the first seed finds it today; should the product's course change, others will.
    for seed in (defect.found_by, *SEEDS):
        outcome = told(story_of(seed), store)
        if outcome.broken is not None:
            break

    assert outcome.broken is not None, f"{name} was not found by the seeds up to {seed}"
    assert outcome.broken.number in (defect.invariant, *defect.also), f"SEED={seed}: {outcome.broken}"


def test_each_invariant_has_a_defect_that_shows_it() -> None:
    assert {defect.invariant for defect in DEFECTS.values()} == set(range(1, 9))

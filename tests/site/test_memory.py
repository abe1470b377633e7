"""A process that is ready leaves what it has loaded out of its collections, and still collects what comes after."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from escalation_site.kernel.memory import memory_settle


class Ring:
    """Holds itself: only the collector frees it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    before = gc.get_threshold()
    gc.unfreeze()  # what tests/conftest.py froze would count as well
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


def test_when_a_process_has_settled_then_what_it_loaded_is_looked_at_no_more() -> None:
    memory_settle()

    assert gc.get_freeze_count() > 10_000


def test_when_a_process_has_settled_then_new_garbage_is_collected_all_the_same() -> None:
    memory_settle()
    seen = weakref.ref(Ring())

    gc.collect()

    assert seen() is None

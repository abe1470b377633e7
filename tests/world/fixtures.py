"""The ``world`` fixture; tests/conftest.py makes it known everywhere."""

from collections.abc import Iterator

import pytest

from tests.world.harness import World, world_made


@pytest.fixture
def world(db: None) -> Iterator[World]:
    """The whole product on a virtual clock; fails on any message no test expected."""
    with world_made() as made:
        yield made

"""A database of stories for the tests of this package."""

from collections.abc import Iterator

import pytest
from pytest_django.plugin import DjangoDbBlocker

from tests.simulation.organisation import organisation_make
from tests.simulation.store import Store, store_opened


@pytest.fixture
def _django_db_helper() -> None:
    """In place of pytest-django's: the mark ``django_db`` gets a test database made, which these tests only copy. There is no
    transaction around them and nothing to empty afterwards."""


@pytest.fixture(scope="module")
def store(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Store]:
    """Where stories happen."""
    with django_db_blocker.unblock(), store_opened(organisation_make) as opened:
        yield opened

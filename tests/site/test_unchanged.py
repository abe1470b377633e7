"""Whether a database may have changed: whoever is told "no" leaves everything unasked, so that a wrong "no" would delay a page."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from escalation_site.kernel.instants import now
from escalation_site.kernel.unchanged import Changed

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def others() -> Iterator[list[BaseDatabaseWrapper]]:
    """Two more connections to the same database, as other processes have them."""
    made = [connection.copy(), connection.copy()]
    for other in made:
        other.inc_thread_sharing()
    yield made
    for other in made:
        other.close()


@pytest.fixture
def changed() -> Changed:
    return Changed(longest=1e9)


def write(by: BaseDatabaseWrapper) -> None:
    lock = connection.ops.adapt_datetimefield_value(now() - timedelta(seconds=1))
    with by.cursor() as cursor:
        cursor.execute("INSERT INTO django_q_ormq (key, payload, lock) VALUES ('watchbell', 'paper', %s)", [lock])


def test_at_first_and_when_another_has_written_something_may_have_changed(
    changed: Changed, others: list[BaseDatabaseWrapper]
) -> None:
    assert changed()
    for other in others:
        write(other)
        assert changed()


@pytest.mark.postgres
def test_when_a_transaction_ends_after_one_that_began_later_then_that_is_noticed_too(
    changed: Changed, others: list[BaseDatabaseWrapper]
) -> None:
    """Its number lies behind what is over already: the highest number alone would not tell."""
    older, younger = others
    older.set_autocommit(False)
    write(older)
    write(younger)
    changed()

    older.commit()

    assert changed()
    older.set_autocommit(True)


@pytest.mark.postgres
def test_when_the_server_gives_no_answer_then_whoever_asks_next_is_to_be_told_why(changed: Changed) -> None:
    changed()
    connection.connection.close()

    assert [changed(), changed()] == [True, True]
    connection.close()


@pytest.mark.sqlite
def test_while_nobody_writes_nothing_has_changed_but_now_and_then_it_is_asked_all_the_same(changed: Changed) -> None:
    changed()
    assert [changed(), changed()] == [False, False]
    changed.forget()
    assert [changed(), changed()] == [True, False]

    hasty = Changed(longest=-1.0)
    assert [hasty(), hasty()] == [True, True]

"""Looking for several people at once gives what one list of them would, page by page both ways, and each person's entries are
found by their index."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import LedgerEntry
from audit.selectors import MOST_COUNTED, LedgerFilter, LedgerPage, ledger_count, ledger_page
from audit.values import Actor
from tests.audit.writing import write

pytestmark = [pytest.mark.django_db, pytest.mark.requirement("R035")]
WANTED = LedgerFilter(actor_ids=("7", "8", "nobody", "7"))


@pytest.fixture
def theirs() -> list[int]:
    """The numbers of what two people did, the newest first; a third did more between them."""
    found = []
    for person in ("7", "8", "9", "8", "7", "9", "7"):
        numbers = write(3, actor=Actor("user", person, f"Person {person}"))
        found += numbers if person != "9" else []
    return found[::-1]


def keys(page: LedgerPage) -> list[int]:
    return [entry.pk for entry in page.entries]


def walked(step: Callable[[int], LedgerPage], page: LedgerPage, way: str) -> list[list[int]]:
    pages = [keys(page)]
    while (key := getattr(page, way)) is not None:
        page = step(key)
        pages.append(keys(page))
    return pages


def test_when_pages_are_turned_then_each_entry_comes_once_in_the_order_of_its_number(theirs: list[int]) -> None:
    pages = walked(lambda key: ledger_page(WANTED, before=key, size=4), ledger_page(WANTED, size=4), "older")

    assert [len(page) for page in pages] == [4, 4, 4, 3]
    assert [key for page in pages for key in page] == theirs


def test_when_pages_are_turned_back_then_the_same_entries_come_again(theirs: list[int]) -> None:
    last = ledger_page(WANTED, before=theirs[10], size=4)

    pages = walked(lambda key: ledger_page(WANTED, after=key, size=4), last, "newer")

    assert [len(page) for page in pages] == [4, 4, 4, 3]
    assert [key for page in pages[::-1] for key in page] == theirs


def test_when_they_are_counted_then_nobody_counts_twice_and_nothing_beyond_the_most(theirs: list[int]) -> None:
    assert ledger_count(WANTED) == len(theirs) == 15
    write(MOST_COUNTED, actor=Actor("user", "8", "Person 8"))
    assert ledger_count(WANTED) == MOST_COUNTED + 1


def test_no_page_asks_for_several_people_at_once(theirs: list[int]) -> None:
    """Only one person's entries have an order by an index."""
    with CaptureQueriesContext(connection) as caught:
        ledger_page(WANTED, size=4)

    asked = [query["sql"] for query in caught.captured_queries if LedgerEntry._meta.db_table in query["sql"]]
    assert len(asked) == 3
    assert all(" IN ('7')" in one or " IN ('8')" in one or " IN ('nobody')" in one for one in asked)
    assert all("ORDER BY" in one for one in asked)


def test_when_one_way_is_counted_then_it_is_in_the_order_of_an_index(theirs: list[int]) -> None:
    """Of a count without an order the database reads the table from its oldest end."""
    with CaptureQueriesContext(connection) as caught:
        assert ledger_count(LedgerFilter(actor_ids=("7",))) == 9

    (asked,) = (query["sql"] for query in caught.captured_queries if LedgerEntry._meta.db_table in query["sql"])
    assert "ORDER BY" in asked

"""The books of the house: read in force, published as a new version, refused where somebody was quicker."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import LedgerEntry
from policies import books
from policies.books import PRIORITY, ROUTING, BookEditedMeanwhile, book_publish, book_read
from policies.models import BookVersion
from policies.reading import DefinitionInvalid
from policies.routing import RoutingDef
from tests.world.harness import World


def rules(name: str = "Payments", **then: Any) -> dict[str, Any]:
    """One rule, on the service everybody in the cast knows."""
    when = {"fact": "service", "operator": "is", "value": "payments-gateway"}
    return {"rules": [{"key": "payments", "name": name, "when": when, "then": then or {"severity_at_least": "SEV-2"}}]}


def publish(world: World, document: object, **more: Any) -> BookVersion:
    return book_publish(shape=ROUTING, definition=document, author=world.cast.elena, at=world.now, **more)


def test_when_nothing_was_published_then_what_watchbell_comes_with_is_in_force(world: World) -> None:
    reading = book_read(ROUTING)
    assert (reading.number, reading.version_id, reading.value) == (0, None, RoutingDef())


def test_when_a_version_is_published_then_it_is_in_force_with_author_reason_and_ledger_entry(world: World) -> None:
    version = publish(world, rules(), reason="  Payments come first  ")
    reading = book_read(ROUTING)
    assert (reading.number, reading.version_id) == (1, version.pk)
    assert reading.value.rules[0].then.severity_at_least == 2
    assert (version.author, version.reason, version.created_at) == (world.cast.elena, "Payments come first", world.now)
    entry = LedgerEntry.objects.get(action="book.publish")
    assert (entry.object_type, entry.object_id) == ("book", "routing")


def test_books_are_numbered_each_for_itself(world: World) -> None:
    publish(world, rules())
    other = book_publish(
        shape=PRIORITY, definition={"thresholds": [{"at_percent": 50, "raise_by": 1}]}, author=None, at=world.now
    )
    assert other.number == 1
    assert book_read(ROUTING).value.rules


def test_when_nothing_would_change_then_no_version_is_made(world: World) -> None:
    first = publish(world, rules())
    assert publish(world, rules(), reason="Once more", base=1) == first
    assert BookVersion.objects.count() == 1
    assert LedgerEntry.objects.filter(action="book.publish").count() == 1


def test_when_somebody_published_meanwhile_then_nothing_is_saved_and_it_says_who(world: World) -> None:
    publish(world, rules(), base=0)
    with pytest.raises(BookEditedMeanwhile, match="Elena Conti saved version 1") as caught:
        publish(world, rules("Mine"), base=0)
    assert caught.value.newest.number == 1
    assert BookVersion.objects.count() == 1


def test_when_two_publish_at_the_same_time_then_the_second_is_told_of_the_first(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:

    publish(world, rules("Theirs"))
    real_save = BookVersion.save

    def save(self: BookVersion, **options: Any) -> None:
        self.number = 1  # As it was counted before the other one was there to be seen.
        real_save(self, **options)

    monkeypatch.setattr(BookVersion, "save", save)
    with pytest.raises(BookEditedMeanwhile, match="Elena Conti saved version 1"):
        publish(world, rules("Mine"))
    assert BookVersion.objects.count() == 1
    assert LedgerEntry.objects.filter(action="book.publish").count() == 1


def test_when_a_definition_is_wrong_then_every_field_at_fault_is_named_and_nothing_is_stored(world: World) -> None:
    document = rules(severity_at_least="SEV-9")
    document["rules"][0]["name"] = ""
    with pytest.raises(DefinitionInvalid) as caught:
        publish(world, document)
    named = {problem.path for problem in caught.value.problems}
    assert {"rules[0].name", "rules[0].then.severity_at_least"} <= named
    assert not BookVersion.objects.exists()


def test_reading_costs_one_small_query_once_the_version_was_read(world: World) -> None:
    books._parsed.clear()
    publish(world, rules())
    with CaptureQueriesContext(connection) as first:
        read = book_read(ROUTING)
    with CaptureQueriesContext(connection) as again:
        assert book_read(ROUTING).value is read.value
    assert (len(first), len(again)) == (2, 1)
    assert "definition" not in again[0]["sql"]


def test_when_another_process_publishes_then_the_next_reading_sees_it(world: World) -> None:
    publish(world, rules("Old"))
    assert book_read(ROUTING).value.rules[0].name == "Old"
    publish(world, rules("New"))
    assert book_read(ROUTING).value.rules[0].name == "New"


def test_what_was_parsed_is_forgotten_before_it_fills_the_memory(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(books, "_REMEMBERED", 2)
    books._parsed.clear()
    for number in range(5):
        publish(world, rules(f"Version {number}"))
        book_read(ROUTING)
    assert len(books._parsed) <= 3

"""The books of the house on pages and over the API: history, difference, restoring, publishing, refusing."""

import re
from typing import Any

import jsonschema
import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from policies.book_pages.shelf import BOOKS
from policies.books import ROUTING, book_publish, book_read
from policies.models import BookVersion
from tests.policies.test_books import publish, rules
from tests.world.harness import World

HISTORY = "/policies/tools/routing/history/"
API = "/api/v1/books/routing/"


@pytest.fixture
def elena(world: World, client: Client) -> Client:
    """The browser of a manager."""
    client.force_login(world.cast.elena)
    return client


def shown(response: Any) -> str:
    return re.sub(r"\s+", " ", str(response.content.decode()))


def put(client: Client, **body: Any) -> Any:
    return client.put(API, body, content_type="application/json")


# --- history


@pytest.mark.parametrize("book", BOOKS)
def test_every_book_has_a_history_and_says_what_watchbell_comes_with(book: str, elena: Client) -> None:
    assert elena.get(f"/policies/tools/{book}/history/").status_code == 200
    page = elena.get(f"/policies/tools/{book}/versions/0/")
    assert page.status_code == 200
    assert "What Watchbell comes with" in shown(page)


def test_the_history_says_who_published_what_and_why_in_sentences(world: World, elena: Client) -> None:
    publish(world, rules(), reason="Payments come first")
    publish(world, rules(severity_at_least="SEV-1"), reason="Black Friday")
    page = shown(elena.get(HISTORY))
    assert "Reason: Black Friday" in page
    assert "Elena Conti" in page
    assert "<del>Make it at least SEV-2.</del>" in page
    assert "<ins>Make it at least SEV-1.</ins>" in page


def test_two_versions_are_laid_beside_each_other(world: World, elena: Client) -> None:
    publish(world, rules())
    publish(world, rules(escalate=False))
    page = shown(elena.get(f"{HISTORY}?from=1&to=2"))
    assert "Version 1 and version 2" in page
    assert "<ins>Page nobody.</ins>" in page
    assert "They say the same." in shown(elena.get(f"{HISTORY}?from=1&to=1"))
    assert elena.get(f"{HISTORY}?from=1&to=7").status_code == 404


def test_when_an_earlier_version_is_restored_then_its_text_becomes_a_new_version(world: World, elena: Client) -> None:
    publish(world, rules())
    publish(world, rules(escalate=False))
    assert "Version 1 again" in shown(elena.get(f"{HISTORY}?restore=1"))
    answer = elena.post(HISTORY, {"version": "1", "base": "2", "reason": "That paged nobody"})
    assert answer.status_code == 302
    newest = BookVersion.objects.order_by("-number")[0]
    assert (newest.number, newest.reason, newest.author) == (3, "That paged nobody", world.cast.elena)
    assert book_read(ROUTING).value.rules[0].then.severity_at_least == 2


def test_what_watchbell_comes_with_can_be_restored(world: World, elena: Client) -> None:
    publish(world, rules())
    elena.post(HISTORY, {"version": "0", "base": "1", "reason": ""})
    assert book_read(ROUTING).value.rules == ()


def test_when_somebody_published_meanwhile_then_restoring_is_a_conflict(world: World, elena: Client) -> None:
    publish(world, rules())
    publish(world, rules("Quicker"))
    answer = elena.post(HISTORY, {"version": "0", "base": "1", "reason": ""})
    assert answer.status_code == 409
    assert "Elena Conti saved version 2 after you began" in shown(answer)


def test_when_an_old_version_names_what_is_gone_then_it_is_not_restored(world: World, elena: Client) -> None:
    publish(world, rules(policy="long-gone"))
    publish(world, rules())
    answer = elena.post(HISTORY, {"version": "1", "base": "2", "reason": ""})
    assert answer.status_code == 422
    assert "there is no such policy: long-gone" in shown(answer)
    assert BookVersion.objects.count() == 2


def test_responders_read_the_history_and_restore_nothing(world: World, client: Client) -> None:
    publish(world, rules())
    client.force_login(world.cast.marta)
    assert "Restore" not in shown(client.get(HISTORY))
    assert client.get(f"{HISTORY}?restore=0").status_code == 403
    assert client.post(HISTORY, {"version": "0", "base": "1"}).status_code == 403
    client.force_login(world.cast.sofie)
    assert client.get(HISTORY).status_code == 403


def test_a_book_there_is_not_and_a_version_there_is_not_are_not_found(elena: Client) -> None:
    for path in ("/policies/tools/nonsense/history/", "/policies/tools/routing/versions/9/",
                 "/policies/tools/routing/versions/x/"):  # fmt: skip
        assert elena.get(path).status_code == 404, path


def test_the_history_costs_the_same_for_many_versions(
    world: World, elena: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(8):
        publish(world, rules(f"Version {number}"))
    with django_assert_max_num_queries(16):
        elena.get(HISTORY)


# --- API


def test_the_api_says_what_is_in_force(world: World, elena: Client) -> None:
    assert elena.get(API).json()["version"] == 0
    publish(world, rules())
    answer = elena.get(API).json()
    assert (answer["book"], answer["version"]) == ("routing", 1)
    assert answer["definition"]["rules"][0]["name"] == "Payments"
    assert {one["book"] for one in elena.get("/api/v1/books/").json()["results"]} == set(BOOKS)


def test_a_manager_publishes_over_the_api_with_a_reason(world: World, elena: Client) -> None:
    answer = put(elena, definition=rules(), reason="Payments come first", base=0)
    assert answer.status_code == 200, answer.json()
    (version,) = elena.get(f"{API}versions/").json()["results"]
    assert (version["number"], version["author"]["name"], version["reason"]) == (
        1,
        "Elena Conti",
        "Payments come first",
    )
    assert elena.get(f"{API}diff/?from=0&to=1").json()[0] == {"field": "Order", "before": "", "after": "Payments"}


def test_when_a_newer_version_exists_then_the_api_answers_with_a_conflict(world: World, elena: Client) -> None:
    publish(world, rules())
    answer = put(elena, definition=rules("Mine"), base=0)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "edited_meanwhile")


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"rules": [{"key": "x"}]}, "rules[0].name"),
        (rules(policy="long-gone"), "there is no such policy: long-gone"),
        (rules(tell=[{"kind": "user", "ref": "nobody"}]), "there is no such target: user nobody"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_stored(document: Any, said: str, elena: Client) -> None:
    answer = put(elena, definition=document)
    assert answer.status_code == 400
    assert said in str(answer.json())
    assert not BookVersion.objects.exists()


def test_responders_read_over_the_api_and_publish_nothing(world: World, client: Client) -> None:
    client.force_login(world.cast.marta)
    assert client.get(API).status_code == 200
    assert put(client, definition=rules()).status_code == 403
    client.force_login(world.cast.sofie)
    assert client.get(API).status_code == 403


@pytest.mark.parametrize("book", BOOKS)
def test_the_schema_of_each_book_accepts_what_the_book_says(book: str, elena: Client) -> None:
    schema = elena.get(f"/api/v1/books/{book}/schema/").json()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(elena.get(f"/api/v1/books/{book}/").json()["definition"])


@pytest.mark.parametrize("book", BOOKS)
def test_what_the_api_says_of_a_book_can_be_sent_back(book: str, world: World, elena: Client) -> None:
    definition = elena.get(f"/api/v1/books/{book}/").json()["definition"]
    answer = elena.put(f"/api/v1/books/{book}/", {"definition": definition}, content_type="application/json")
    assert answer.status_code == 200, answer.json()
    assert answer.json()["definition"] == definition


def test_the_books_are_read_only_in_the_admin(world: World, client: Client) -> None:
    version = book_publish(shape=ROUTING, definition=rules(), author=None, at=world.now)
    client.force_login(world.cast.hugo)
    assert client.get("/admin/policies/bookversion/").status_code == 200
    assert client.get(f"/admin/policies/bookversion/{version.pk}/change/").status_code == 200
    assert client.get("/admin/policies/bookversion/add/").status_code == 403
    assert client.post(f"/admin/policies/bookversion/{version.pk}/delete/", {"post": "yes"}).status_code == 403

"""The workbench of conditions: write, read, try."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.world.harness import World

PAGE = "/policies/tools/conditions/"
SEVERE = {"when-join": "all", "when-0-fact": "severity", "when-0-operator": "at_least", "when-0-value": "2"}
NIGHT = {
    "when-join": "all",
    "when-0-fact": "time",
    "when-0-operator": "within",
    "when-0-window-0-days": ["sat"],
    "when-0-window-0-start": "22:00",
    "when-0-window-0-end": "06:00",
}


@pytest.fixture
def elena(world: World, client: Client) -> Client:
    """The manager's browser, on a Roman clock."""
    client.force_login(world.cast.elena)
    return client


def shown(response: Any) -> str:
    return str(response.content.decode())


def tried(client: Client, data: dict[str, Any]) -> str:
    response = client.post(PAGE, {**data, "do": "try"})
    assert response.status_code == 200
    return shown(response)


def test_when_the_page_is_opened_then_an_example_is_there_in_the_form_in_words_and_as_a_document(elena: Client) -> None:
    page = shown(elena.get(PAGE))

    assert "The severity is SEV-1 or SEV-2, and (a VIP customer is affected, or" in page
    assert "An incident to try it on" in page
    assert "&quot;similar_incidents&quot;" in page


def test_when_a_condition_is_tried_then_the_page_says_whether_it_holds_and_on_what_value(elena: Client) -> None:
    page = tried(elena, SEVERE | {"facts-severity": "1"})

    assert "It holds" in page
    assert "It is SEV-1." in page
    assert "It does not hold" in tried(elena, SEVERE | {"facts-severity": "3"})
    assert "It is not known." in tried(elena, SEVERE)


def test_when_a_time_is_asked_for_then_it_is_read_on_the_readers_clock(elena: Client) -> None:
    assert "It holds" in tried(elena, NIGHT | {"facts-at": "2026-11-21T22:30"})
    page = tried(elena, NIGHT | {"facts-at": "2026-11-21T21:30"})
    assert "It does not hold" in page
    assert "It is Saturday, 21:30." in page


def test_when_no_time_was_chosen_then_the_field_shows_the_one_it_was_tried_at(elena: Client) -> None:
    assert 'name="facts-at" value="20' in tried(elena, NIGHT)


def test_when_a_fact_makes_no_sense_then_its_field_says_so(elena: Client) -> None:
    page = tried(
        elena,
        {"when-join": "all", "when-0-fact": "age", "when-0-operator": "gt", "when-0-value": "30m", "facts-age": "soon"},
    )

    assert "This is no value of that fact." in page
    assert "It holds" not in page


def test_when_the_condition_is_wrong_then_the_page_says_what_at_its_row(elena: Client) -> None:
    response = elena.post(PAGE, {"when-join": "all", "when-0-fact": "region", "when-0-operator": "is", "do": "try"})

    assert response.status_code == 422
    assert "The value must not be empty." in shown(response)


def test_when_a_row_is_added_then_the_page_comes_back_with_it(elena: Client) -> None:
    response = elena.post(PAGE, SEVERE | {"do": "when-add-check"})

    assert response.status_code == 200
    assert 'id="when-1-fact"' in shown(response)


def test_when_rows_are_added_then_the_page_costs_no_more_queries(elena: Client) -> None:
    def queries(rows: int) -> int:
        checks = {f"when-{number}-fact": "severity" for number in range(rows)}
        with CaptureQueriesContext(connection) as captured:
            elena.post(PAGE, {"when-join": "all", **checks, "do": "when-show"})
        return len(captured)

    queries(1)

    assert queries(20) <= queries(1)


@pytest.mark.parametrize("person", ["sofie", None])
def test_when_a_reporter_or_a_stranger_asks_then_the_page_is_not_theirs(
    world: World, client: Client, person: str | None
) -> None:
    if person:
        client.force_login(world.cast.people[person])

    assert client.get(PAGE).status_code == (403 if person else 302)

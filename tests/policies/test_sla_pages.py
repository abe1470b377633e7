"""SLA targets and the priority matrix on their pages: read by staff, written by managers, without scripts."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from policies.books import PRIORITY, SLA, book_publish, book_read
from policies.models import BookVersion
from policies.priority import SCALE, PriorityDef, Threshold, priority_dump
from tests.world.harness import World

TARGETS = "/policies/tools/sla/"
MATRIX = "/policies/tools/priority/"
OUTAGES = {
    "t-0-name": "Outages",
    "t-0-severity": ["SEV-1"],
    "t-0-tier": ["1"],
    "t-0-acknowledge": "5m",
    "t-0-resolve": "4h",
    "t-0-hours": "all",
}
REST = {"t-1-name": "The rest", "t-1-resolve": "40h", "t-1-hours": "business"}
BOTH: dict[str, Any] = {"t-count": "2", "base": "0", **OUTAGES, **REST}


@pytest.fixture
def elena(world: World, client: Client) -> Client:
    """The manager's browser."""
    client.force_login(world.cast.elena)
    return client


@pytest.fixture
def marta(world: World) -> Client:
    """A responder's."""
    client = Client()
    client.force_login(world.cast.marta)
    return client


def shown(response: Any) -> str:
    return re.sub(r"\s+", " ", str(response.content.decode()))


def matrix_sent(**more: Any) -> dict[str, Any]:
    """The form as it opens where nothing was published, as a browser would send it."""
    definition = PriorityDef()
    sent: dict[str, Any] = {"base": "0", "h-count": str(len(definition.thresholds))}
    sent |= {f"m-{i}-{u}": str(definition.matrix[i - 1][u - 1]) for i in SCALE for u in SCALE}
    sent |= {f"s-{one}": str(definition.severity[one - 1]) for one in SCALE}
    for index, threshold in enumerate(definition.thresholds):
        sent |= {f"h-{index}-percent": str(threshold.at_percent), f"h-{index}-raise": str(threshold.raise_by)}
    return {**sent, **more}


# --- SLA targets


def test_when_a_manager_publishes_targets_then_they_are_in_force_with_author_and_reason(elena: Client) -> None:
    answer = elena.post(TARGETS, {**BOTH, "do": "save", "reason": "New contract"}, follow=True)

    assert answer.redirect_chain == [(TARGETS, 302)]
    page = shown(answer)
    assert "Version 1 is in force." in page
    assert "For SEV-1, SLA tier 1 (by the customer’s contract, else the service’s). Acknowledged" not in page
    assert "Acknowledged within 5 minutes and resolved within 4 hours." in page
    assert "by Elena Conti" in page
    assert "New contract" in page
    names = [target.name for target in book_read(SLA).value.targets]
    assert names == ["Outages", "The rest"]


def test_when_a_button_changes_the_draft_then_nothing_is_stored_and_nothing_typed_is_lost(elena: Client) -> None:
    page = shown(elena.post(TARGETS, {**BOTH, "do": "t-1-up"}))

    assert page.index('value="The rest"') < page.index('value="Outages"')
    assert 'value="4h"' in page
    assert 'name="t-count" value="3"' in shown(elena.post(TARGETS, {**BOTH, "do": "t-add"}))
    assert "Outages" not in shown(elena.post(TARGETS, {**BOTH, "do": "t-0-remove"}))
    assert not BookVersion.objects.exists()


@pytest.mark.parametrize("act", ["t-0-up", "t-9-remove", "t-x", "s-0-up", "delete", ""])
def test_when_a_button_is_made_up_then_the_draft_stays(elena: Client, act: str) -> None:
    page = shown(elena.post(TARGETS, {**BOTH, "do": act}))

    assert page.index('value="Outages"') < page.index('value="The rest"')


def test_when_a_target_is_wrong_then_the_field_says_so_and_nothing_is_published(elena: Client) -> None:
    answer = elena.post(TARGETS, {**BOTH, "t-0-resolve": "soon", "t-1-name": "", "do": "save"})

    page = shown(answer)
    assert answer.status_code == 422
    assert "Not saved: 2 things need mending." in page
    assert 'href="#t-0-resolve"' in page
    assert "Outages, Resolved within" in page
    assert 'value="soon"' in page
    assert not BookVersion.objects.exists()


def test_when_somebody_published_meanwhile_then_the_page_shows_what_and_keeps_what_was_typed(
    world: World, elena: Client
) -> None:
    theirs = {"targets": [{"name": "Theirs", "resolve": "8h"}]}
    book_publish(shape=SLA, definition=theirs, author=world.cast.hugo, at=world.now)

    answer = elena.post(TARGETS, {**BOTH, "do": "save"})

    page = shown(answer)
    assert answer.status_code == 409
    assert "Hugo Brandt saved version 1 after you began." in page
    assert "For every incident. Resolved within 8 hours." in page
    assert 'value="Outages"' in page
    assert 'name="base" value="1"' in page
    assert elena.post(TARGETS, {**BOTH, "base": "1", "do": "save"}).status_code == 302


def test_when_a_responder_looks_then_the_targets_read_like_prose_and_cannot_be_written(
    world: World, marta: Client
) -> None:
    assert "No SLA targets yet" in shown(marta.get(TARGETS))
    definition = {"targets": [{"name": "Gold", "severity": "SEV-1", "resolve": "4h"}]}
    book_publish(shape=SLA, definition=definition, author=None, at=world.now)

    page = shown(marta.get(TARGETS))

    assert "For SEV-1." in page
    assert "<form id=" not in page
    assert marta.post(TARGETS, {**BOTH, "do": "save"}).status_code == 403
    assert book_read(SLA).number == 1


@pytest.mark.parametrize("path", [TARGETS, MATRIX])
def test_when_a_reporter_asks_for_the_rules_then_they_are_refused(world: World, client: Client, path: str) -> None:
    client.force_login(world.cast.sofie)

    assert client.get(path).status_code == 403
    assert client.post(path, {"do": "save"}).status_code == 403


def test_when_the_targets_are_many_then_the_page_asks_no_more_of_the_database(world: World, elena: Client) -> None:
    targets = [{"name": f"Target {number}", "resolve": "8h"} for number in range(50)]
    book_publish(shape=SLA, definition={"targets": targets}, author=world.cast.elena, at=world.now)
    elena.get(TARGETS)

    with CaptureQueriesContext(connection) as queries:
        elena.get(TARGETS)

    # The frame of every page, the version in force, and its author and reason.
    assert len(queries) <= 9, [query["sql"] for query in queries]


# --- the matrix


def test_when_a_manager_changes_a_cell_then_the_matrix_in_force_has_it(elena: Client) -> None:
    sent = matrix_sent(**{"m-5-5": "2", "s-4": "1", "impact-1": "The whole house", "do": "save"})

    page = shown(elena.post(MATRIX, sent, follow=True))

    matrix = book_read(PRIORITY).value
    assert (matrix.matrix[4][4], matrix.severity[3], matrix.impact[0]) == (2, 1, "The whole house")
    assert "The whole house" in page
    assert 'aria-label="Priority at impact 5 and urgency 5"' in page


@pytest.mark.requirement("R305")
def test_when_thresholds_are_added_and_removed_then_they_are_published_in_order(elena: Client) -> None:
    page = shown(elena.post(MATRIX, matrix_sent(do="h-add")))
    assert 'id="h-2-percent"' in page
    assert 'id="h-0-percent"' in shown(elena.post(MATRIX, matrix_sent(do="h-1-remove")))

    three = matrix_sent(**{"h-count": "3", "h-2-percent": "25", "h-2-raise": "2", "do": "save"})
    elena.post(MATRIX, three)

    assert book_read(PRIORITY).value.thresholds == (Threshold(25, 2), Threshold(50), Threshold(80))


def test_when_the_matrix_is_sent_as_it_opened_then_it_is_the_shipped_one(elena: Client) -> None:
    elena.post(MATRIX, matrix_sent(do="save"))

    assert BookVersion.objects.get().definition == priority_dump(PriorityDef())


def test_when_a_cell_or_threshold_is_wrong_then_the_page_names_it(elena: Client) -> None:
    sent = matrix_sent(**{"m-2-3": "7", "h-0-percent": "", "h-1-raise": "9", "do": "save"})

    answer = elena.post(MATRIX, sent)

    page = shown(answer)
    assert answer.status_code == 422
    assert "Priority at impact 2 and urgency 3: " in page
    assert 'href="#h-0-percent"' in page
    assert 'href="#h-1-raise"' in page
    assert not BookVersion.objects.exists()


def test_when_a_responder_looks_at_the_matrix_then_it_is_a_table_without_a_form(marta: Client) -> None:
    page = shown(marta.get(MATRIX))

    assert "Everybody, or the whole business" in page
    assert "After 50 % of the SLA’s time the priority rises by one step." in page
    assert "<select" not in page.partition("<main")[2]


def test_when_a_version_is_published_then_its_history_says_what_changed(elena: Client) -> None:
    elena.post(MATRIX, matrix_sent(**{"m-5-5": "2", "do": "save"}))

    page = shown(elena.get("/policies/tools/priority/history/"))

    assert "P2 at urgency 5" in page

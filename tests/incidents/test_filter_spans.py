"""Incident lists by the instant: from one instant on and before another, on any clock, in pages, files and the API."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from audit.models import LedgerEntry
from escalation_site.kernel.errors import DomainError
from incidents.models import Incident
from incidents.services.lifecycle import incident_acknowledge, incident_open, incident_resolve
from oncall.models import User
from oncall.tokens import token_create
from reports.exports.services import export_request, export_schedule_set
from reports.exports.sources import table_of
from tests.world.harness import World

LIST, API = "/incidents/", "/api/v1/incidents/"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def opened(world: World, title: str, at: datetime, **more: Any) -> Incident:
    values: dict[str, Any] = {"summary": "", "severity": 2, "service": world.cast.gateway, "reporter": world.cast.sofie}
    return incident_open(title=title, at=at, **{**values, **more})


def iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


@pytest.fixture
def three(world: World) -> None:
    """One each hour from noon; the first was acknowledged and is over an hour later."""
    for number, title in enumerate(("First", "Second", "Third")):
        opened(world, title, NOON + number * HOUR)
    first = Incident.objects.get(title="First")
    incident_acknowledge(incident_id=first.pk, actor=world.cast.marta, at=NOON + HOUR)
    incident_resolve(incident_id=first.pk, actor=world.cast.marta, at=NOON + HOUR)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def called(world: World, **query: str) -> Any:
    _token, plain = token_create(owner=world.cast.marta, name="test", actor=world.cast.marta, at=world.now)
    return Client(headers={"authorization": f"Bearer {plain}"}).get(API, query)


def titles(client: Client, **query: str) -> set[str]:
    groups = client.get(f"{LIST}?{urlencode({'tab': 'all', **query})}").context["groups"]
    return {row.incident.title for group in groups for row in group.rows}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"started_since": iso(NOON + HOUR)}, {"Second", "Third"}),
        ({"started_until": iso(NOON + HOUR)}, {"First"}),
        ({"started_since": iso(NOON), "started_until": iso(NOON + HOUR)}, {"First"}),
        ({"started_since": "2026-11-20T18:30:00+05:30"}, {"Second", "Third"}),
        ({"resolved_since": iso(NOON + HOUR)}, {"First"}),
        ({"resolved_until": iso(NOON + HOUR)}, set()),
        ({"changed_since": iso(NOON + HOUR), "changed_until": iso(NOON + 2 * HOUR)}, {"First", "Second"}),
        ({"changed_until": iso(NOON + HOUR)}, {"First"}),
        ({"changed_since": iso(NOON + 2 * HOUR)}, {"Third"}),
    ],
)
def test_when_a_list_is_asked_for_by_the_instant_then_it_begins_with_it_and_ends_before_it(
    world: World, three: None, query: dict[str, str], expected: set[str]
) -> None:
    assert titles(signed_in(world.cast.marta), **query) == expected
    assert {one["title"] for one in called(world, **query).json()["results"]} == expected
    table = table_of(
        "incidents", user=world.cast.marta, query=urlencode({"tab": "all", **query}), at=world.now, words=False
    )
    assert {row[1] for row in table.rows} == expected
    assert table.count == len(expected)


def test_when_a_change_lies_before_and_another_after_then_neither_lies_between(world: World, three: None) -> None:
    between = {"changed_since": iso(NOON + HOUR / 4), "changed_until": iso(NOON + HOUR / 2)}
    assert titles(signed_in(world.cast.marta), **between) == set()


@pytest.mark.parametrize("odd", ["yesterday", "2026-11-20T13:00:00", "2026-11-20", "9999-12-31T23:59:59-12:00"])
@pytest.mark.parametrize("name", ["started_since", "resolved_until", "changed_since"])
def test_when_an_instant_is_not_understood_then_the_api_names_the_field(
    world: World, three: None, name: str, odd: str
) -> None:
    answer = called(world, **{name: odd})
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["field"] == name
    assert "2026-11-21T07:00:00Z" in error["message"]


def test_when_a_span_ends_before_it_begins_then_the_end_is_at_fault(world: World, three: None) -> None:
    answer = called(world, resolved_since=iso(NOON), resolved_until=iso(NOON))
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "resolved_until")


def test_when_a_page_is_asked_for_an_odd_instant_then_it_says_so_and_shows_the_rest(world: World, three: None) -> None:
    page: Any = signed_in(world.cast.marta).get(f"{LIST}?tab=all&resolved_since=yesterday&severity=2")
    chips = {chip["name"]: chip for chip in page.context["chips"]}
    assert chips["Resolved"]["value"].startswith("Write an instant with its zone")
    assert "resolved_since" not in chips["Resolved"]["url"]
    assert page.context["page"].paginator.count == 3


def test_when_a_file_is_asked_for_with_an_odd_instant_then_nothing_is_made(world: World, three: None) -> None:
    """A page that ignores a filter says so above the rows; a file would be sent to somebody with more in it than was meant."""
    query = "tab=resolved&resolved_since=yesterday"
    client, marta = signed_in(world.cast.marta), world.cast.marta
    before = LedgerEntry.objects.filter(action__in=("data_export.take", "incident.export")).count()
    refused: Any = client.post(f"{LIST}export/csv/?{query}", follow=True)
    assert "Resolved at this instant or later: Write an instant" in refused.content.decode()
    for answer in (
        client.get(f"/reports/exports/take/?of=incidents&{query}"),
        client.post(f"/reports/exports/take/?of=incidents&{query}", {"format": "csv"}),
    ):
        assert answer.status_code == 422
    given: dict[str, Any] = {"source": "incidents", "query": query, "format": "xlsx", "at": world.now}
    with pytest.raises(DomainError) as asked:
        export_request(user=marta, **given)
    with pytest.raises(DomainError) as regular:
        export_schedule_set(owner=marta, name="Mine", cadence="daily", send_at=world.now.time(), **given)
    assert asked.value.field == regular.value.field == "resolved_since"
    assert LedgerEntry.objects.filter(action__in=("data_export.take", "incident.export")).count() == before


def test_when_a_span_is_asked_for_then_one_chip_says_it_on_the_readers_clock_and_takes_it_off(
    world: World, three: None
) -> None:
    span = {"started_since": iso(NOON), "started_until": iso(NOON + timedelta(hours=24, seconds=40))}
    client = signed_in(world.cast.marta)
    page: Any = client.get(f"{LIST}?{urlencode({'severity': '2', **span})}")
    chips = {chip["name"]: chip for chip in page.context["chips"]}
    assert chips["Started"]["value"] == "from 20 Nov 2026 13:00 to 21 Nov 2026 13:00:40 (Europe/Rome)"
    assert chips["Started"]["url"] == "?severity=2"
    form = client.get(f"{LIST}filters/?{urlencode(span)}").content.decode()
    assert form.count('type="hidden" name="started_') == 2, "what else is chosen in the form leaves the span as it was"


def test_when_what_is_open_and_what_is_over_are_asked_for_together_then_both_are_counted(
    world: World, three: None
) -> None:
    client = signed_in(world.cast.marta)
    page: Any = client.get(f"{LIST}?tab=all")
    assert [(tab["label"], tab["count"]) for tab in page.context["tabs"]][-2:] == [("Resolved", 1), ("All", 3)]
    assert [group.state for group in page.context["groups"]] == ["triggered", "resolved"]
    assert [row.incident.title for row in page.context["groups"][0].rows] == ["Third", "Second"]
    words: Any = client.get(f"{LIST}?tab=all&q=First")
    assert words.context["page"].paginator.count == 1
    plain: Any = client.get(f"{LIST}?severity=2")
    assert [str(tab["label"]) for tab in plain.context["tabs"]] == ["Open", "Triggered", "Acknowledged", "Resolved"]
    assert titles(client, sort="oldest") == {"First", "Second", "Third"}

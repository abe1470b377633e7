"""The browser of the ledger."""

import csv
import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from audit.models import LedgerEntry
from audit.selectors import LedgerFilter, entries_matching, ledger_export, ledger_page
from incidents.models import Incident
from incidents.services.lifecycle import incident_acknowledge, incident_open, incident_resolve
from reports.ledger import differences, subject_from
from tests.world.harness import World

PAGE = "/audit/"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def amara(world: World, client: Client) -> Client:
    """The auditor's browser, after an incident was filed by Sofie, acknowledged by Marta and resolved by her a day later."""
    incident = incident_open(
        title="Card payments failing",
        summary="",
        severity=1,
        service=world.cast.gateway,
        reporter=world.cast.sofie,
        at=world.now,
    )
    incident_acknowledge(incident_id=incident.pk, actor=world.cast.marta, at=world.now)
    world.jump(days=1)
    incident_resolve(incident_id=incident.pk, actor=world.cast.marta, at=world.now, resolution="A pool was full.")
    client.force_login(world.cast.amara)
    return client


def shown(response: Any) -> str:
    return str(response.content.decode())


def listed(response: Any) -> list[LedgerEntry]:
    return list(response.context["page"].entries)


def actions(response: Any) -> set[str]:
    return {entry.action for entry in listed(response)}


def test_when_opened_then_the_newest_entry_comes_first(amara: Client) -> None:
    entries = listed(amara.get(PAGE))
    assert [entry.pk for entry in entries] == sorted((entry.pk for entry in entries), reverse=True)


def test_when_searched_by_actor_then_only_their_entries_are_listed(amara: Client, world: World) -> None:
    assert {entry.actor_label for entry in listed(amara.get(f"{PAGE}?who=marta"))} == {"Marta Ferri"}
    assert {entry.actor_label for entry in listed(amara.get(f"{PAGE}?who=Sofie van"))} == {"Sofie van Dijk"}
    assert listed(amara.get(f"{PAGE}?who=nobody-of-that-name")) == []


def test_when_searched_by_action_then_only_that_is_listed(amara: Client) -> None:
    assert actions(amara.get(f"{PAGE}?action=incident.acknowledge")) == {"incident.acknowledge"}


def test_when_searched_by_time_then_the_readers_clock_counts(amara: Client) -> None:
    """Amara is in London: the incident was filed at 02:09 there and resolved at 02:09 a day later."""
    later = actions(amara.get(f"{PAGE}?since=2026-11-23T02:09"))
    assert "incident.resolve" in later
    assert "incident.open" not in later
    earlier = actions(amara.get(f"{PAGE}?until=2026-11-22T02:10"))
    assert "incident.open" in earlier
    assert "incident.resolve" not in earlier


@pytest.mark.parametrize("text", ["INC-{}", "inc-{}", "{}", "incident:{}"])
def test_when_searched_by_incident_then_its_whole_history_is_listed(amara: Client, world: World, text: str) -> None:
    entries = listed(amara.get(PAGE, {"subject": text.format(world.incident.pk)}))
    assert {entry.subject for entry in entries} == {f"incident:{world.incident.pk}"}
    assert {"incident.open", "incident.acknowledge", "incident.resolve"} <= {entry.action for entry in entries}


def test_when_an_entry_is_listed_then_it_belongs_to_its_incident_by_the_name_people_know(amara: Client) -> None:
    page = shown(amara.get(f"{PAGE}?action=incident.resolve"))
    reference = Incident.objects.get().reference
    assert f'<span class="trunc muted" role="cell">{reference}</span>' in page


def test_when_searched_by_object_then_kind_and_name_count(amara: Client) -> None:
    entries = listed(amara.get(f"{PAGE}?object_type=incident&text=payments failing"))
    assert entries
    assert {entry.object_type for entry in entries} == {"incident"}
    assert listed(amara.get(f"{PAGE}?object_type=policy&text=payments failing")) == []


def test_when_one_entry_is_chosen_then_before_and_after_stand_beside_each_other(amara: Client) -> None:
    entry = LedgerEntry.objects.get(action="incident.acknowledge")
    page = shown(amara.get(f"{PAGE}?entry={entry.pk}"))
    assert "<del>triggered</del>" in page
    assert "<ins>acknowledged</ins>" in page
    assert "Marta Ferri (" in page


def test_when_same_action_is_asked_for_then_all_its_entries_are_listed(amara: Client) -> None:
    entry = LedgerEntry.objects.get(action="incident.resolve")
    entries = listed(amara.get(f"{PAGE}?together={entry.pk}"))
    assert {one.action_id for one in entries} == {entry.action_id}


def test_an_entry_has_an_address_of_its_own(amara: Client) -> None:
    entry = LedgerEntry.objects.get(action="incident.resolve")
    assert "Card payments failing" in shown(amara.get(f"{PAGE}{entry.pk}/"))
    assert amara.get(f"{PAGE}999999/").status_code == 404


def test_when_the_end_comes_before_the_start_then_the_field_says_so(amara: Client) -> None:
    page = shown(amara.get(f"{PAGE}?since=2026-11-23T00:00&until=2026-11-22T00:00"))
    assert "The end must come after the start." in page


def test_when_nonsense_is_asked_for_then_the_page_still_answers(amara: Client) -> None:
    assert (
        amara.get(f"{PAGE}?before=x&entry=99999999999999999999&since=never&together=y&object_type=z").status_code == 200
    )


def test_the_page_says_that_the_database_refuses_changes(amara: Client) -> None:
    assert "Nobody can change it" in shown(amara.get(PAGE))


def test_when_a_trigger_is_gone_then_the_page_says_so(amara: Client) -> None:
    name = "update" if connection.vendor == "sqlite" else "row"
    on = "" if connection.vendor == "sqlite" else " ON audit_ledgerentry"
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER wb_append_only_audit_ledgerentry_{name}{on}")
    page = shown(amara.get(PAGE))
    assert "Not protected" in page
    assert "audit_ledgerentry" in page


@pytest.mark.parametrize("wanted", [LedgerFilter(), LedgerFilter(subject="lot:1")], ids=["all", "by subject"])
def test_when_read_page_by_page_then_every_entry_comes_exactly_once(amara: Client, wanted: LedgerFilter) -> None:
    lot()
    assert_pages(wanted)


def test_when_a_time_is_read_page_by_page_then_entries_of_one_instant_come_once_each(
    amara: Client, world: World
) -> None:
    lot()
    assert_pages(LedgerFilter(since=world.now - timedelta(days=400)))


def lot(number: int = 25, *, at: datetime | None = None) -> None:
    """Entries of one instant, so that only their number orders them."""
    at = at or LedgerEntry.objects.order_by("pk")[0].at
    LedgerEntry.objects.bulk_create(
        LedgerEntry(
            at=at,
            action="lot.drawn",
            actor_kind="system",
            actor_id="lot",
            actor_label="lot",
            object_type="lot",
            object_id=str(n),
            subject="lot:1",
        )
        for n in range(number)
    )


def assert_pages(wanted: LedgerFilter) -> None:
    whole = [entry.pk for entry in ledger_export(wanted)]
    pages, key = [], None
    while True:
        page = ledger_page(wanted, before=key, size=7)
        pages += [entry.pk for entry in page.entries]
        key = page.older
        if key is None:
            break
    assert pages == whole
    assert len(set(pages)) == len(pages) >= 25
    back: list[int] = []
    while page.newer is not None:
        page = ledger_page(wanted, after=page.newer, size=7)
        back = [entry.pk for entry in page.entries] + back
    assert back == whole[: len(back)], "the way forward shows what the way back did"
    assert len(back) >= len(whole) - 7


def test_when_there_are_more_entries_than_a_page_holds_then_older_leads_on(amara: Client) -> None:
    lot(60)
    first = amara.get(f"{PAGE}?action=lot.drawn")
    older = first.context["page"].older
    assert older is not None
    assert f"before={older}" in shown(first)
    assert len(listed(amara.get(f"{PAGE}?action=lot.drawn&before={older}"))) == 10


def test_when_exported_as_csv_then_the_filtered_entries_are_complete(amara: Client) -> None:
    response: Any = amara.get(f"{PAGE}export.csv?action=incident.acknowledge")
    rows = list(csv.DictReader(StringIO(b"".join(response.streaming_content).decode())))
    assert len(rows) == 1
    assert rows[0]["actor"] == "Marta Ferri"
    assert json.loads(rows[0]["before"])["state"] == "triggered"


def test_when_exported_as_json_then_it_is_one_array_newest_first_and_on_record(amara: Client) -> None:
    response: Any = amara.get(f"{PAGE}export.json")
    entries = json.loads(b"".join(response.streaming_content))
    assert [entry["id"] for entry in entries] == list(LedgerEntry.objects.order_by("-pk").values_list("pk", flat=True))
    assert (entries[0]["action"], entries[0]["actor"]) == ("ledger.download", "Amara Okafor")


def test_when_searched_by_the_way_it_came_then_only_that_is_listed(amara: Client, world: World) -> None:
    incident_acknowledge(incident_id=lone(world).pk, actor=world.cast.marta, at=world.now, source="email")
    assert {entry.source for entry in listed(amara.get(f"{PAGE}?source=email"))} == {"email"}


def lone(world: World) -> Incident:
    return incident_open(
        title="Refunds wait",
        summary="",
        severity=3,
        service=world.cast.gateway,
        reporter=world.cast.sofie,
        at=world.now,
    )


def test_when_nothing_matches_then_the_json_export_is_an_empty_array(amara: Client) -> None:
    response: Any = amara.get(f"{PAGE}export.json?action=no.such")
    assert json.loads(b"".join(response.streaming_content)) == []


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?who=marta",
        "?action=incident.open",
        "?subject=INC-1",
        "?since=2026-11-01T00:00",
        "?text=card",
        "?together=1",
    ],
)
def test_the_browser_takes_at_most_twenty_two_queries(
    amara: Client, query: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    amara.get(PAGE + query)  # The first look of a visit is put on record.
    # Each person who is called so is looked for alone, and so is a part of the system: an index has the order of one only.
    with django_assert_max_num_queries(23 if "who=" in query else 22):
        assert amara.get(PAGE + query).status_code == 200


def assert_found_in_order(wanted: LedgerFilter, index: str) -> None:
    """The database's own plan walks ``index`` and sorts nothing."""
    if connection.vendor == "postgresql":
        # On an almost empty table reading everything is cheapest; the question is what it does on a full one.
        with connection.cursor() as cursor:
            cursor.execute(
                "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off"
            )
    plan = entries_matching(wanted)[:51].explain()
    assert index in plan
    assert "TEMP B-TREE" not in plan
    assert "Sort" not in plan


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (LedgerFilter(subject="incident:1"), "ledger_subject"),
        (LedgerFilter(action="incident.open"), "ledger_action_at"),
        (LedgerFilter(action="incident.open", until=NOON), "ledger_action_at"),
        (LedgerFilter(actor_ids=("1",)), "ledger_actor"),
        (LedgerFilter(actor_ids=("1",), since=NOON), "ledger_person"),
        (LedgerFilter(source="scan"), "ledger_way"),
        (LedgerFilter(object_type="keeper"), "ledger_kind"),
    ],
    ids=["subject", "action", "action within a time", "actor", "person within a time", "rare way", "rare object"],
)
def test_each_search_is_found_by_its_index_and_needs_no_sorting(db: None, wanted: LedgerFilter, index: str) -> None:
    assert_found_in_order(wanted, index)


def test_a_range_of_time_is_found_by_its_index_in_its_order(world: World) -> None:
    assert_found_in_order(LedgerFilter(since=world.now, text="card"), "ledger_at")


@pytest.mark.parametrize("path", [PAGE, f"{PAGE}1/", f"{PAGE}export.csv", f"{PAGE}export.json"])
@pytest.mark.parametrize(
    ("username", "allowed"), [("amara", True), ("hugo", True), ("elena", False), ("marta", False), ("sofie", False)]
)
def test_auditors_and_administrators_alone_read_the_ledger(
    world: World, client: Client, path: str, username: str, allowed: bool
) -> None:
    client.force_login(world.cast.people[username])
    answer = client.get(path.replace("/1/", f"/{LedgerEntry.objects.order_by('pk')[0].pk}/"))
    assert answer.status_code == (200 if allowed else 403)


@pytest.mark.parametrize("path", [PAGE, f"{PAGE}1/", f"{PAGE}export.csv", f"{PAGE}export.json"])
def test_the_ledger_is_read_and_never_posted_to(amara: Client, path: str) -> None:
    assert amara.post(path).status_code == 405


def test_what_people_type_becomes_a_subject() -> None:
    assert [subject_from(text) for text in ("INC-42", " 42 ", "incident:42", "policy:3", "")] == [
        "incident:42",
        "incident:42",
        "incident:42",
        "policy:3",
        "",
    ]


def test_a_difference_shows_every_field_of_either_side() -> None:
    found = differences({"state": "triggered", "count": 0}, {"state": "acknowledged", "tags": ["a"]})
    assert [(one.field, one.before, one.after) for one in found] == [
        ("state", "triggered", "acknowledged"),
        ("count", "0", ""),
        ("tags", "", '[\n "a"\n]'),
    ]


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page looks through ten entries, where it looks through any."""
    monkeypatch.setattr("audit.selectors.LOOKED_THROUGH", 10)


@pytest.mark.parametrize(
    "wanted",
    [
        LedgerFilter(text="7"),
        LedgerFilter(text="7", since=NOON - timedelta(days=400)),
        LedgerFilter(text="7", action="lot.drawn"),
        LedgerFilter(text="7", actor_ids=("lot", "nobody")),
        LedgerFilter(text="7", actor_ids=("lot", "nobody"), since=NOON - timedelta(days=400)),
    ],
    ids=["all", "within a time", "of an action", "of an actor", "of an actor within a time"],
)
def test_when_much_is_looked_through_then_every_page_ends_in_time_and_none_misses_an_entry(
    few: None, amara: Client, wanted: LedgerFilter
) -> None:
    lot(40)
    everything = LedgerEntry.objects.order_by("pk")
    expected = [entry.pk for entry in everything if entry.object_id == "7" and entry.action == "lot.drawn"]
    seen, back, page = [], [], ledger_page(wanted)
    assert page.looked is not None, "the newest ten entries have none"
    while True:
        seen += [entry.pk for entry in page.entries if entry.action == "lot.drawn"]
        if page.older is None:
            break
        page = ledger_page(wanted, before=page.older)
    assert seen == expected
    while page.newer is not None:
        page = ledger_page(wanted, after=page.newer)
        back += [entry.pk for entry in page.entries if entry.action == "lot.drawn"]
    assert set(back) <= set(expected)
    assert [entry.pk for entry in ledger_export(wanted) if entry.action == "lot.drawn"] == expected


def test_when_a_page_ends_before_anything_is_found_then_it_says_how_far_it_looked_and_leads_on(
    few: None, amara: Client, world: World
) -> None:
    lot(40, at=world.now + timedelta(hours=1))
    asked = f"{PAGE}?text=payments failing&since=2025-01-01T00:00"
    answer = amara.get(asked)
    assert listed(answer) == []
    assert "Looked through as far as" in shown(answer)
    assert "Nothing found so far" in shown(answer)
    while not listed(answer):
        older = answer.context["page"].older
        assert f"before={older}" in shown(answer)
        answer = amara.get(f"{asked}&before={older}")
    assert all("payments failing" in entry.object_label for entry in listed(answer))


def test_when_few_have_a_way_or_a_kind_then_nothing_is_looked_through(few: None, amara: Client, world: World) -> None:
    lot(40)
    incident_acknowledge(incident_id=lone(world).pk, actor=world.cast.marta, at=world.now, source="email")
    lot(40)
    assert ledger_page(LedgerFilter(source="email")).looked is None
    assert ledger_page(LedgerFilter(object_type="lot")).looked is None
    assert ledger_page(LedgerFilter(action="lot.drawn", since=NOON - timedelta(days=400))).looked is None
    assert ledger_page(LedgerFilter(subject="lot:1", text="7")).looked is None
    assert ledger_page(LedgerFilter(source="alert", since=NOON - timedelta(days=400))).looked is not None

"""The demo's history is told in bulk; these tests hold it against the services, row by row and column by column."""

import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import models

from audit.models import LedgerEntry
from escalation_site.configuration.applying import configuration_apply
from escalation_site.demo import loading
from escalation_site.demo.author import Author
from escalation_site.demo.case import Case
from escalation_site.demo.directory import Directory
from escalation_site.demo.duty import duty_exchange
from escalation_site.demo.recording import Recording
from escalation_site.demo.rows import NUMBERED, UNNUMBERED, HistoricalIncident, Rows
from escalation_site.demo.shape import occurrences
from incidents.models import Incident, Page
from incidents.services import paging
from notifications.channels import channels_replaced
from notifications.decisions import Result
from notifications.models import Delivery
from notifications.testing import FakeChannel
from tests.site.demo_replay import Replay

pytestmark = pytest.mark.django_db

UNTIL = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SINCE = UNTIL - timedelta(days=60)
NOT_COMPARED = {"id", "history_id", "action_id", "history_change_reason"}
EVERY_VERB = {
    "alert_opens",
    "person_opens",
    "tick",
    "claimed_for_sending",
    "settled",
    "reported",
    "repeated",
    "recovered",
    "acknowledged",
    "moved",
    "commented",
    "escalated",
    "rated",
    "reassigned",
    "mitigated",
    "snoozed",
    "resolved",
    "reopened",
}


class Troubled(Author):
    """An author whose mail server fails far more often, so that a small sample meets every outcome."""

    def _outcome(self, delivery: Delivery) -> Result:
        draw = self.chance.random()
        if delivery.attempts_made == 0 and draw < 0.1:
            return Result.UNAVAILABLE
        return Result.REFUSED if draw > 0.85 else Result.SENT


@pytest.fixture
def author() -> Iterator[Author]:
    configuration_apply(
        loading.FILE.read_text(encoding="utf-8"),
        source="organisation.yaml",
        at=SINCE,
        environ={loading.PASSWORD_VARIABLE: loading.PASSWORD},
    )
    chance = random.Random(7)
    duty_exchange(Rows(chance), chance, since=SINCE, until=UNTIL)
    with channels_replaced({"email": FakeChannel()}):
        yield Troubled(Recording(Rows(chance), Directory.read(since=SINCE), chance), SINCE, UNTIL)


def sample(author: Author, count: int) -> list[Case]:
    """``count`` cases as the demo has them, and one that is snoozed, one that comes back."""
    found = occurrences(author.chance, since=SINCE, until=UNTIL, count=count, storms=0)
    cases = [case for case in (author.write(occurrence) for occurrence in found) if case is not None]
    cases.append(put_aside(author))
    return cases


def put_aside(author: Author) -> Case:
    """Taken, snoozed, ringing again, taken again, escalated, handed on, resolved, back again, and over."""
    case, at = author.case(), SINCE + timedelta(days=20)
    author.person_files(case, author.directory.services["payments-gateway"], 2, at)
    page = case.pages[0]
    actor = author.directory.people[page.recipient_id]
    case.acknowledged(actor, at + timedelta(minutes=2), page)
    case.snoozed(actor, at + timedelta(minutes=3), at + timedelta(hours=1))
    case.time_passes(at + timedelta(hours=1, minutes=1))
    case.acknowledged(actor, at + timedelta(hours=1, minutes=2))
    case.escalated(actor, at + timedelta(hours=1, minutes=4), "I need a decision.")
    case.acknowledged(actor, at + timedelta(hours=1, minutes=6))
    case.reassigned(actor, at + timedelta(hours=1, minutes=8), author.directory.users["ines"])
    case.rated(
        author.directory.users["ines"], at + timedelta(hours=1, minutes=20), complete=False, missing="What was tried"
    )
    case.resolved(actor, at + timedelta(hours=2), "Restarted.")
    case.reopened(actor, at + timedelta(hours=3), "It is back.")
    case.acknowledged(actor, at + timedelta(hours=3, minutes=1))
    case.resolved(actor, at + timedelta(hours=4), "Replaced.")
    return case


def facts(row: models.Model) -> dict[str, Any]:
    """Every column but the numbers and the chance of the ledger's grouping."""
    fields = [field for field in row._meta.concrete_fields if field.attname not in NOT_COMPARED]
    return {field.attname: getattr(row, field.attname) for field in fields}


def groups(entries: list[LedgerEntry]) -> list[int]:
    """Which entries belong to one action, by the first of each."""
    first: dict[Any, int] = {}
    return [first.setdefault(entry.action_id, index) for index, entry in enumerate(entries)]


def bound(versions: list[Any], entries: list[LedgerEntry]) -> list[int]:
    """To which action each version belongs, by the first entry of it."""
    first: dict[str, int] = {}
    for index, entry in enumerate(entries):
        first.setdefault(str(entry.action_id), index)
    return [first[version.history_change_reason] for version in versions]


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_when_the_same_incidents_go_through_the_services_then_every_row_is_the_same(
    author: Author, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = LedgerEntry.objects.count()
    cases = sample(author, 26)
    rows = author.recording.rows
    nonces = iter([page.link_nonce for page in rows.made(Page)])
    monkeypatch.setattr(paging, "nonce_make", lambda: next(nonces))

    for case in cases:
        Replay(case).play()

    verbs = Counter(call.verb for case in cases for call in case.journal)
    assert set(verbs) == EVERY_VERB
    for model in NUMBERED:
        stored = {row.pk: facts(row) for row in model._default_manager.all()}
        assert stored == {row.pk: facts(row) for row in rows.made(model)}, model.__name__
    for model in UNNUMBERED:
        pk = model._meta.pk
        assert pk is not None
        kept = list(model._default_manager.order_by(pk.attname))[before if model is LedgerEntry else 0 :]
        assert [facts(row) for row in kept] == [facts(row) for row in rows.made(model)], model.__name__
    entries = list(LedgerEntry.objects.order_by("id")[before:])
    assert len(entries) > 300
    assert groups(entries) == groups(rows.made(LedgerEntry))
    versions = list(Incident.history.order_by("history_id"))
    assert len(versions) > 50
    assert bound(versions, entries) == bound(rows.made(HistoricalIncident), rows.made(LedgerEntry))


def test_when_the_history_is_stored_then_the_rows_have_the_numbers_they_name(author: Author) -> None:
    before = LedgerEntry.objects.count()
    sample(author, 12)
    rows = author.recording.rows

    count = rows.store()

    assert count == sum(len(rows.made(model)) for model in (*NUMBERED, *UNNUMBERED))
    incident = Incident.objects.latest("id")
    assert facts(incident) == facts(rows.made(Incident)[-1])
    entries = list(LedgerEntry.objects.order_by("id")[before:])
    assert [entry.at for entry in entries] == sorted(entry.at for entry in entries)
    opened = [entry for entry in entries if entry.action == "incident.open"]
    assert {entry.subject for entry in opened} == {one.subject for one in Incident.objects.all()}


def test_when_the_seed_is_the_same_then_the_year_is_the_same() -> None:
    shapes = [occurrences(random.Random(5), since=SINCE, until=UNTIL, count=200, storms=2) for _again in range(2)]

    assert shapes[0] == shapes[1]
    working = [one for one in shapes[0] if one.at.weekday() < 5]
    assert len(working) > 0.75 * len(shapes[0])

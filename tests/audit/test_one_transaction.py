"""A change and what the ledger says of it are one transaction; the entries of one request are one action."""

from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from audit.context import action, current_action
from audit.models import LedgerEntry
from audit.services import EntryValue, entries_append, entry_append
from escalation_site.kernel.errors import Conflict
from incidents import changes as incident_changes
from incidents.models import EscalationRun, Incident, Page, TimelineEvent
from incidents.services.lifecycle import incident_acknowledge, incident_escalate, incident_resolve
from notifications.models import Message
from tests.world.harness import World


class Stop(Exception):
    """Raised by the tests where a crash would be."""


def everything() -> dict[str, list[Any]]:
    """Every row an action on an incident could have touched."""
    models = (Incident, EscalationRun, Page, Message, TimelineEvent, LedgerEntry)
    rows = {model.__name__: list(model.objects.order_by("pk").values_list()) for model in models}
    return {**rows, "history": list(Incident.history.order_by("pk").values_list())}


@pytest.fixture
def paged(world: World) -> World:
    """One incident, whose first level has been paged."""
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    return world


def test_when_the_transaction_fails_after_the_change_then_neither_change_nor_entry_is_there(paged: World) -> None:
    before = everything()

    @transaction.atomic
    def crash_after_the_change() -> None:
        incident_acknowledge(incident_id=paged.incident.pk, actor=paged.cast.marta, at=paged.now)
        assert LedgerEntry.objects.filter(action="incident.acknowledge").exists()
        raise Stop

    with pytest.raises(Stop):
        crash_after_the_change()

    assert everything() == before


@pytest.mark.parametrize("failing", ["entries_append", "rows_insert", "history_append"])
def test_when_writing_the_entries_fails_then_the_change_is_undone_too(
    paged: World, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    before = everything()

    def stop(*_arguments: Any, **_named: Any) -> None:
        raise Stop

    monkeypatch.setattr(incident_changes, failing, stop)
    with pytest.raises(Stop), transaction.atomic():
        incident_resolve(incident_id=paged.incident.pk, actor=paged.cast.marta, at=paged.now)

    assert everything() == before


def test_when_a_service_refuses_late_then_what_it_had_begun_is_undone(paged: World) -> None:
    for _level in range(2):
        incident_escalate(incident_id=paged.incident.pk, actor=paged.cast.marta, reason="On", at=paged.now)
    incident_escalate(incident_id=paged.incident.pk, actor=paged.cast.marta, reason="Beyond the last", at=paged.now)
    before = everything()

    with pytest.raises(Conflict), transaction.atomic():
        # Its entry and its line are gathered before the run says that there is no further level.
        incident_escalate(incident_id=paged.incident.pk, actor=paged.cast.marta, reason="Further", at=paged.now)

    assert everything() == before
    paged.settle()
    for username in ("marta", "jonas", "elena", "hugo")[1:]:
        paged.expect_page(username)


def test_when_changes_are_written_outside_a_transaction_then_they_refuse(
    paged: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = incident_changes.Changes(at=paged.now)
    changes.ledger(paged.incident, "incident.comment")

    class NoTransaction:
        in_atomic_block = False

    with monkeypatch.context() as patched:
        patched.setattr(transaction, "get_connection", lambda: NoTransaction)
        with pytest.raises(RuntimeError, match="outside a transaction"):
            changes.write()


def test_when_one_request_changes_several_things_then_its_entries_share_action_and_address(paged: World) -> None:
    last = LedgerEntry.objects.latest("pk").pk
    client = Client()
    client.force_login(paged.cast.marta)

    answer = client.post(f"/incidents/{paged.incident.pk}/acknowledge/", REMOTE_ADDR="192.0.2.7")

    assert answer.status_code < 400, answer.content
    entries = list(LedgerEntry.objects.filter(pk__gt=last))
    assert len(entries) >= 1
    assert {entry.address for entry in entries} == {"192.0.2.7"}
    assert {entry.actor_label for entry in entries} == {"Marta Ferri"}
    assert len({entry.action_id for entry in entries}) == 1


def test_when_two_requests_follow_each_other_then_each_is_an_action_of_its_own(paged: World) -> None:
    last = LedgerEntry.objects.latest("pk").pk
    client = Client()
    client.force_login(paged.cast.marta)

    for verb in ("acknowledge", "unacknowledge"):
        answer = client.post(f"/incidents/{paged.incident.pk}/{verb}/", REMOTE_ADDR="192.0.2.7")
        assert answer.status_code < 400, answer.content

    actions = {entry.action_id for entry in LedgerEntry.objects.filter(pk__gt=last, action__startswith="incident.")}
    assert len(actions) == 2
    paged.settle()
    paged.expect_page("marta", level=1)  # given back, so it rings again
    assert current_action() is None


def test_when_several_services_are_called_in_one_action_then_all_their_entries_carry_it(paged: World) -> None:
    last = LedgerEntry.objects.latest("pk").pk

    with action(source="command", address="192.0.2.9") as bound:
        incident_acknowledge(incident_id=paged.incident.pk, actor=paged.cast.marta, at=paged.now)
        incident_resolve(incident_id=paged.incident.pk, actor=paged.cast.marta, at=paged.now)

    entries = LedgerEntry.objects.filter(pk__gt=last)
    assert set(entries.values_list("action_id", "address")) == {(bound.action_id, "192.0.2.9")}


def test_when_no_action_is_bound_then_the_entries_written_together_still_share_one(paged: World) -> None:
    values = [
        EntryValue(at=paged.now, action="test.done", object_type="test", object_id=str(number)) for number in range(3)
    ]
    entries_append(values)
    entry_append(EntryValue(at=paged.now, action="test.later", object_type="test", object_id="3"))

    done = set(LedgerEntry.objects.filter(action="test.done").values_list("action_id", flat=True))
    assert len(done) == 1
    assert LedgerEntry.objects.get(action="test.later").action_id not in done


def test_when_a_label_is_longer_than_its_column_then_the_entry_is_written_with_its_beginning(paged: World) -> None:
    entry_append(
        EntryValue(at=paged.now, action="test.done", object_type="test", object_id="1", object_label="x" * 500)
    )

    assert LedgerEntry.objects.get(action="test.done").object_label == "x" * 200

"""Every version in a history names the action that made it, so that an entry leads to what it wrote and a version that no
entry knows is found."""

import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import transaction
from django.db.models import Model, Q
from django.test import Client
from django.urls import reverse

from audit.binding import acting, reason_now, unbound_in, versions_made
from audit.context import action
from audit.findings import ADDED, CHANGED, GONE
from audit.leaves import tables
from audit.management.commands.audit_verify import lines
from audit.models import LedgerEntry
from audit.rows import row_set
from audit.sealing import ledger_seal
from audit.verifying import ledger_verify
from escalation_site.configuration.applying import configuration_apply
from escalation_site.demo import loading
from incidents.models import Incident, Stage, Task
from incidents.services.lifecycle import incident_acknowledge, incident_resolve
from notifications.models import ContactMethod
from notifications.services.contact_methods import contact_methods_set
from notifications.values import ContactMethodValue
from oncall.services import override_create
from tests.audit.tampering import tamper
from tests.audit.writing import MINUTE, NOON
from tests.world.harness import World

pytestmark = [pytest.mark.django_db, pytest.mark.requirement("R299")]

STAGES = "incidents_historicalstage"
INCIDENTS = "incidents_historicalincident"


@pytest.fixture(autouse=True)
def own_key(settings: LazySettings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path


def edges() -> dict[str, int]:
    """The last number of each history."""
    return {name: last(table.model) for name, table in tables().items() if table.is_history}


def last(model: type[Model]) -> int:
    return model._default_manager.order_by("-pk").values_list("pk", flat=True).first() or 0


def without_entry(since: dict[str, int]) -> list[str]:
    """Versions made since then of whose action the ledger has no entry, or that name none."""
    found = []
    for name, number in since.items():
        table = tables()[name]
        fresh = Q(**{f"{table.key}__gt": number})
        silent = table.model._base_manager.filter(fresh, history_change_reason=None).values_list(table.key, flat=True)
        found += [f"{name} {row}" for row in (*silent, *unbound_in(table, fresh))]
    return found


def count_since(since: dict[str, int]) -> int:
    return sum(tables()[name].model._base_manager.filter(pk__gt=number).count() for name, number in since.items())


def stage_saved(*, name: str, at: datetime) -> Stage:
    stage = Stage.objects.get(key="new")
    assert row_set(stage, {"name": name}, noun="stage", at=at, actor=None)
    return stage


def test_when_a_signal_opens_and_people_work_then_every_version_has_its_entry(world: World) -> None:
    since = edges()

    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    incident_acknowledge(incident_id=world.incident.pk, actor=world.cast.marta, at=world.now)
    override_create(
        schedule=world.cast.schedule,
        user=world.cast.jonas,
        start=world.now,
        end=world.now + timedelta(hours=1),
        actor=world.cast.jonas,
        at=world.now,
    )
    incident_resolve(incident_id=world.incident.pk, actor=world.cast.marta, at=world.now)

    assert count_since(since) >= 3
    assert without_entry(since) == []


def test_when_a_configuration_is_applied_then_every_version_has_its_entry(db: None) -> None:
    since = edges()

    configuration_apply(
        loading.FILE.read_text(encoding="utf-8"),
        source="organisation.yaml",
        at=NOON,
        environ={loading.PASSWORD_VARIABLE: loading.PASSWORD},
    )

    assert count_since(since) > 50
    assert without_entry(since) == []


def test_when_methods_of_contact_are_written_together_then_their_versions_have_the_entry(world: World) -> None:
    since = edges()
    values = [ContactMethodValue(kind="email", address=f"jonas{number}@brightquay.example") for number in range(2)]

    contact_methods_set(user_id=world.cast.jonas.pk, values=values, at=world.now)
    contact_methods_set(user_id=world.cast.jonas.pk, values=values[::-1], at=world.now)

    assert ContactMethod.history.filter(pk__gt=since["notifications_historicalcontactmethod"]).count() >= 4
    assert without_entry(since) == []


def test_when_a_page_changes_an_incident_then_its_entry_leads_to_the_version_and_shows_it(world: World) -> None:
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    pk = world.incident.pk
    client = Client()
    client.force_login(world.cast.marta)
    assert client.post(f"/incidents/{pk}/acknowledge/").status_code < 400
    entry = LedgerEntry.objects.get(action="incident.acknowledge")

    (made,) = [one for one in versions_made(entry) if one.table.name == INCIDENTS]

    assert (made.about, made.kind) == (str(pk), "~")
    version = Incident.history.get(history_id=made.number)
    assert (version.state, version.history_change_reason) == ("acknowledged", str(entry.action_id))
    client.force_login(world.cast.amara)
    page = client.get(reverse("audit:entry", args=(entry.pk,)))
    address = f"/audit/versions/incident/{pk}/?right={made.number}"
    assert f'href="{address}"' in page.content.decode()
    beside = client.get(address)
    assert beside.context["right"].key == made.number
    assert beside.context["left"].key == max(
        one for one in Incident.history.filter(id=pk).values_list("history_id", flat=True) if one < made.number
    )


def test_when_two_services_follow_in_one_transaction_without_a_name_then_each_version_has_an_entry_of_its_action() -> (
    None
):
    before = last(LedgerEntry)
    with transaction.atomic():
        first = stage_saved(name="Just in", at=NOON).history.latest()
        second = stage_saved(name="Fresh", at=NOON).history.latest()

    actions = {str(one) for one in LedgerEntry.objects.filter(pk__gt=before).values_list("action_id", flat=True)}
    assert {first.history_change_reason, second.history_change_reason} <= actions


def test_when_a_transaction_is_undone_then_the_next_one_is_another_action() -> None:
    with transaction.atomic():
        lost = reason_now()
        assert str(acting().action_id) == lost
        transaction.set_rollback(True)

    assert str(acting().action_id) != lost
    with transaction.atomic():
        assert reason_now() not in (None, lost)


def test_when_an_action_is_named_then_versions_and_entries_carry_its_id() -> None:
    with action(source="web") as named:
        assert reason_now() == str(named.action_id) == str(acting().action_id)


@pytest.mark.django_db(transaction=True)
def test_when_a_version_is_saved_in_no_transaction_then_it_names_no_action_and_the_next_one_neither() -> None:
    assert reason_now() is None
    with transaction.atomic():
        first = reason_now()
    with transaction.atomic():
        assert reason_now() != first


def test_when_a_version_is_written_in_past_the_services_then_the_verification_counts_and_names_it() -> None:
    stage_saved(name="Just in", at=NOON)
    ledger_seal(at=NOON)
    assert ledger_verify().unbound == 0
    stage = Stage.objects.get(key="new")
    forged = Stage.history.model(
        **{field.attname: getattr(stage, field.attname) for field in Stage._meta.concrete_fields},
        history_date=NOON,
        history_type="~",
        history_change_reason=str(uuid.UUID(int=7, version=4)),
    )
    forged.save()
    ledger_seal(at=NOON + MINUTE)

    verdict = ledger_verify()

    assert verdict.whole, "nothing that was sealed was changed"
    assert (verdict.unbound, verdict.unbound_first) == (1, ((STAGES, forged.history_id),))
    assert f"1 versions name no action, or one of which there is no entry: {STAGES} {forged.history_id}" in "\n".join(
        lines(verdict)
    )


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        (f"UPDATE {STAGES} SET name = 'Nothing' WHERE history_id = %s", CHANGED),  # noqa: S608  own names, values are parameters
        (f"UPDATE {STAGES} SET history_change_reason = NULL WHERE history_id = %s", CHANGED),  # noqa: S608  own names, values are parameters
        (f"DELETE FROM {STAGES} WHERE history_id = %s", GONE),  # noqa: S608  own names, values are parameters
    ],
)
def test_when_a_sealed_version_is_changed_unbound_or_removed_then_it_is_named(statement: str, kind: str) -> None:
    victim = stage_saved(name="Just in", at=NOON).history.latest().history_id
    ledger_seal(at=NOON)
    tamper(STAGES, statement, victim)

    assert [(one.kind, one.table, one.row) for one in ledger_verify().findings] == [(kind, STAGES, victim)]


def test_when_a_version_is_slipped_in_below_sealed_ones_then_it_is_named_whatever_it_is_bound_to() -> None:
    stage = stage_saved(name="Just in", at=NOON)
    ledger_seal(at=NOON)
    entry = LedgerEntry.objects.get(action="stage.change")
    version: Any = stage.history.latest()
    version.pk = -5
    version.history_change_reason = str(entry.action_id)
    version.save(force_insert=True)

    assert [(one.kind, one.table, one.row) for one in ledger_verify().findings] == [(ADDED, STAGES, -5)]


def test_when_the_action_of_an_entry_made_nothing_then_it_leads_to_nothing() -> None:
    stage_saved(name="Just in", at=NOON)
    other = LedgerEntry(at=NOON, action_id=uuid.UUID(int=9, version=4))

    assert versions_made(other) == []
    entry = LedgerEntry.objects.get(action="stage.change")
    assert [(one.table.name, one.kind) for one in versions_made(entry)] == [(STAGES, "~")]


def test_tasks_saved_one_by_one_are_bound_too(world: World) -> None:
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    since = edges()
    client = Client()
    client.force_login(world.cast.marta)

    answer = client.post(f"/incidents/{world.incident.pk}/tasks/", {"title": "Restart it"})

    assert answer.status_code < 400, answer.content
    assert Task.history.filter(pk__gt=since["incidents_historicaltask"]).count() == 1
    assert without_entry(since) == []

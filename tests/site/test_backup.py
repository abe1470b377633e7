"""Backup and restore, there and back, on SQLite and on PostgreSQL."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client

from audit.findings import GONE
from audit.leaves import ENTRIES
from audit.models import LedgerEntry
from audit.sealing import ledger_seal
from audit.verifying import ledger_verify
from escalation_site.backup import services
from escalation_site.backup.values import BackupError
from incidents.models import EscalationRun, Incident, ProcessBeat, TimelineEvent
from incidents.services.intake import inbox_process
from incidents.services.runs import runs_step
from notifications.models import Attempt, Delivery
from notifications.services.deliveries import attempt_hand_over, deliveries_claim
from oncall.models import User
from tests.audit.tampering import triggers_off
from tests.site.backups import Elsewhere, backup, ledger, opened, refused, restore
from tests.site.backups import database_elsewhere as database_elsewhere
from tests.site.backups import elsewhere as elsewhere
from tests.site.backups import file as file
from tests.world.harness import World

pytestmark = pytest.mark.django_db(transaction=True)


def worked(world: World) -> Incident:
    """An incident for which Marta has been paged a minute ago."""
    incident = opened(world)
    world.advance(minutes=1)
    world.expect_page("marta")
    return incident


# --- there and back


def test_when_a_backup_is_restored_into_an_empty_database_then_every_row_is_there_with_its_number(
    world: World, file: Path, elsewhere: Elsewhere
) -> None:
    worked(world)
    kept = ledger()
    pages = list(TimelineEvent.objects.order_by("pk").values_list("pk", "kind", "at"))
    backup(file)

    with elsewhere.used():
        restore(file)

        assert ledger()[:-1] == kept
        assert list(TimelineEvent.objects.order_by("pk").values_list("pk", "kind", "at")) == pages
        assert User.objects.get(username="marta").check_password("correct horse battery staple")


def test_when_it_is_restored_then_the_database_still_refuses_to_change_its_history(
    world: World, file: Path, elsewhere: Elsewhere
) -> None:
    worked(world)
    backup(file)

    with elsewhere.used():
        restore(file)

        for rows in (LedgerEntry.objects, TimelineEvent.objects):
            with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
                rows.update(at=world.now)
            with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
                rows.all()._raw_delete(using="default")


def test_when_it_is_restored_then_new_rows_get_numbers_above_those_there_are(
    world: World, file: Path, elsewhere: Elsewhere
) -> None:
    incident = worked(world)
    backup(file)

    with elsewhere.used():
        restore(file)
        highest = LedgerEntry.objects.order_by("-pk")[0].pk

        assert opened(world, "Refunds stuck").pk == incident.pk + 1
        assert min(entry.pk for entry in LedgerEntry.objects.filter(action="incident.open", pk__gt=highest)) > highest


def test_making_and_restoring_a_backup_are_entries_of_the_ledger(
    world: World, file: Path, elsewhere: Elsewhere
) -> None:
    opened(world)
    last = LedgerEntry.objects.order_by("-pk")[0].pk
    backup(file)
    made = LedgerEntry.objects.get(action="backup.create")
    assert made.data is not None
    assert made.data["ledger_entry"] == last

    with elsewhere.used():
        restore(file)

        went_back = LedgerEntry.objects.order_by("-pk")[0]
        assert (went_back.action, went_back.object_id) == ("backup.restore", made.object_id)
        assert went_back.before is None
        assert went_back.after is not None
        assert went_back.after["ledger_entry"] == last
        assert not LedgerEntry.objects.filter(action="backup.create").exists()


def test_when_it_is_restored_over_a_running_history_then_no_number_is_given_twice(
    world: World, file: Path, elsewhere: Elsewhere
) -> None:
    opened(world)
    backup(file)
    with elsewhere.used():
        restore(file)
        later = [opened(world, title).pk for title in ("Refunds stuck", "Login slow")]
        last = LedgerEntry.objects.order_by("-pk")[0].pk

        restore(file, replace=True)

        went_back = LedgerEntry.objects.order_by("-pk")[0]
        assert went_back.pk > last
        assert went_back.before is not None
        assert went_back.before["ledger_entry"] == last
        assert not Incident.objects.filter(pk__in=later).exists()
        assert opened(world, "Checkout slow").pk > max(later)


def test_when_it_is_restored_over_a_running_history_then_the_ledger_verifies_and_only_what_the_restore_says_is_missing(
    world: World, file: Path, elsewhere: Elsewhere
) -> None:
    opened(world)
    backup(file)
    with elsewhere.used():
        restore(file)
        opened(world, "Refunds stuck")
        ledger_seal(at=world.now)
        restore(file, replace=True)
        assert ledger_verify().findings == ()

        restored = LedgerEntry.objects.order_by("-pk")[0].pk
        opened(world, "Checkout slow")
        ledger_seal(at=world.now)
        verdict = ledger_verify()
        assert (verdict.findings, verdict.words) == ((), (restored,) if connection.vendor == "sqlite" else ())

        opened(world, "Login slow")
        if connection.vendor == "sqlite":
            # The owner of the database takes an entry away before it is sealed: no restore speaks of its number.
            with triggers_off(ENTRIES):
                taken = LedgerEntry.objects.order_by("-pk")[0]
                LedgerEntry.objects.filter(pk=taken.pk)._raw_delete("default")
            ledger_seal(at=world.now)
            assert [(one.kind, one.row) for one in ledger_verify().findings] == [(GONE, taken.pk)]


def test_when_the_work_after_a_restore_fails_then_still_no_number_is_given_twice(
    world: World, file: Path, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: Any, **_options: Any) -> None:
        raise BackupError("a migration failed")

    backup(file)
    with elsewhere.used():
        restore(file)
        later = opened(world).pk
        last = LedgerEntry.objects.order_by("-pk")[0].pk
        monkeypatch.setattr(services, "_finish", fail)

        assert refused(restore, file, replace=True) == "a migration failed"

        assert opened(world, "Checkout slow").pk > later
        assert LedgerEntry.objects.filter(action="incident.open")[0].pk > last


def test_when_it_is_restored_then_nobody_is_signed_in_and_no_process_seems_alive(
    world: World, file: Path, elsewhere: Elsewhere, client: Client
) -> None:
    client.force_login(world.cast.marta)
    ProcessBeat.objects.create(name="engine", host="alpha", pid=1, started_at=world.now, beat_at=world.now)
    backup(file)
    assert client.get("/").status_code == 200

    with elsewhere.used():
        restore(file)

        assert client.get("/").status_code == 302
        assert not ProcessBeat.objects.exists()


# --- what was under way


def test_when_steps_came_due_while_it_was_away_then_the_next_engine_does_them_once(
    world: World, file: Path, elsewhere: Elsewhere
) -> None:
    worked(world)
    backup(file)
    with elsewhere.used():
        restore(file)
        world.jump(hours=3)

        world.engine = world.engine_start()
        world.settle()
        world.expect_page("jonas", level=2)
        world.settle()

        assert EscalationRun.objects.get().level == 1
        world.expect_silence()


def test_when_a_message_may_have_been_handed_over_then_it_is_not_sent_again_and_the_next_level_is_told(
    world: World, file: Path, elsewhere: Elsewhere
) -> None:
    opened(world)
    runs_step(at=world.now)
    (delivery,) = deliveries_claim(at=world.now, channel="email", limit=5, worker="an engine that dies")
    assert attempt_hand_over(delivery=delivery, at=world.now)
    backup(file)
    with elsewhere.used():
        restore(file)
        world.jump(minutes=1)

        world.engine = world.engine_start()
        world.settle()
        world.expect_silence()
        assert Attempt.objects.get(delivery=delivery.pk).outcome == Attempt.Outcome.UNKNOWN
        assert Delivery.objects.get(pk=delivery.pk).state == Delivery.State.FAILED

        world.advance(seconds=30)
        world.expect_page("jonas", level=2)


def test_when_a_signal_was_accepted_and_not_read_then_it_is_read_after_the_restore(
    world: World, file: Path, elsewhere: Elsewhere
) -> None:
    world.alert()
    backup(file)
    with elsewhere.used():
        restore(file)

        inbox_process(at=world.now)

        assert Incident.objects.get().title


# --- refusals before anything is changed


def test_when_the_database_is_not_empty_then_it_is_not_replaced_unless_told_so(world: World, file: Path) -> None:
    backup(file)
    before = ledger()

    assert "The database is not empty" in refused(restore, file)
    assert ledger() == before


def test_when_an_engine_beats_then_nothing_is_restored_unless_told_so(
    world: World, file: Path, elsewhere: Elsewhere
) -> None:
    backup(file)
    with elsewhere.used():
        restore(file)
        beat = ProcessBeat.objects.create(name="engine", host="alpha", pid=1, started_at=world.now, beat_at=world.now)

        assert "An engine works on this database" in refused(restore, file, replace=True)
        restore(file, replace=True, while_running=True)

        beat.beat_at = world.now - timedelta(minutes=5)
        beat.save(force_insert=True)
        restore(file, replace=True)

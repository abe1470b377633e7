"""Versions, routing decisions and timelines are sealed as the ledger is: pages of the past and packs are read from them."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.db import DatabaseError, connection, models, transaction

from audit import watchbell_verify
from audit.findings import ADDED, CHANGED, GONE
from audit.leaves import tables
from audit.models import LedgerEntry
from audit.retention import segment_archive, segment_take_out
from audit.sealing import ledger_seal
from audit.selectors import only_growing, tables_protected
from audit.verifying import ledger_verify
from incidents.models import RoutingDecision, TimelineEvent
from oncall.models import ScheduleVersion
from policies.models import BookVersion, PolicyVersion
from tests.audit.ground import append_only_models, populate
from tests.audit.tampering import triggers_off
from tests.audit.writing import MARTA, MINUTE
from tests.world.harness import World

STANDING: tuple[type[models.Model], ...] = (
    TimelineEvent, RoutingDecision, PolicyVersion, ScheduleVersion, BookVersion,
)  # fmt: skip
COLUMN = {TimelineEvent: "data", RoutingDecision: "decision"}

pytestmark = pytest.mark.requirement("R299", "R302")


@pytest.fixture
def sealed(world: World, settings: LazySettings, tmp_path: Path) -> World:
    settings.DATA_DIR = tmp_path
    populate(world)
    ledger_seal(at=world.now)
    assert ledger_verify().whole
    return world


def victim_of(model: type[models.Model]) -> int:
    return int(model._default_manager.order_by("pk").values_list("pk", flat=True)[0])


def found() -> list[tuple[str, str, int | None]]:
    return [(one.kind, one.table, one.row) for one in ledger_verify().findings]


def test_every_table_that_refuses_changes_is_sealed_or_holds_what_sealing_made(world: World) -> None:
    sealed = {table.model for table in tables().values()}
    assert [model._meta.db_table for model in append_only_models() if model not in sealed] == []
    assert sorted(set(tables_protected()) ^ set(only_growing())) == []


@pytest.mark.parametrize("model", STANDING, ids=lambda model: model.__name__)
def test_when_a_version_a_decision_or_a_line_is_changed_or_taken_away_then_it_is_named(
    sealed: World, model: type[models.Model]
) -> None:
    table, victim = model._meta.db_table, victim_of(model)
    with triggers_off(table):
        model._default_manager.filter(pk=victim).update(**{COLUMN.get(model, "definition"): {"nothing": "happened"}})
    assert found() == [(CHANGED, table, victim)]


def test_when_a_line_of_a_timeline_is_deleted_or_slipped_in_then_it_is_named(sealed: World) -> None:
    table, victim = TimelineEvent._meta.db_table, victim_of(TimelineEvent)
    row = TimelineEvent.objects.get(pk=victim)
    with triggers_off(table):
        TimelineEvent.objects.filter(pk=victim)._raw_delete("default")
        row.pk = -3
        row.save(force_insert=True)
    assert sorted(found()) == [(ADDED, table, -3), (GONE, table, victim)]


def test_when_their_segment_is_taken_out_then_they_stay_and_are_still_verified(sealed: World, tmp_path: Path) -> None:
    at = sealed.now + timedelta(days=400)
    kept = {model: model._default_manager.count() for model in STANDING}
    segment = segment_archive(until=sealed.now + MINUTE, at=at, actor=MARTA, to=tmp_path)
    file = tmp_path / segment.file
    assert f"all {segment.rows} rows" in watchbell_verify.check(str(file))

    segment_take_out(segment=segment, file=file, actor=MARTA, at=at)

    assert {model: model._default_manager.count() for model in STANDING} == kept
    assert not LedgerEntry.objects.filter(at__lt=sealed.now).exists()
    ledger_seal(at=at)
    verdict = ledger_verify()
    assert verdict.whole, verdict.findings
    taken_out = LedgerEntry.objects.get(action="ledger.take_out")
    assert verdict.words == (taken_out.pk,), "it says by whose word it believes that"
    victim = victim_of(PolicyVersion)
    with triggers_off(PolicyVersion._meta.db_table):
        PolicyVersion.objects.filter(pk=victim).update(reason="because")
    assert found() == [(CHANGED, PolicyVersion._meta.db_table, victim)]


@pytest.mark.postgres
def test_when_a_session_names_their_segment_then_they_refuse_to_go_all_the_same(sealed: World, tmp_path: Path) -> None:
    segment = segment_archive(until=sealed.now + MINUTE, at=sealed.now, actor=MARTA, to=tmp_path)
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('watchbell.segment', %s, true)", [str(segment.pk)])
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        TimelineEvent.objects.filter(pk=victim_of(TimelineEvent))._raw_delete("default")

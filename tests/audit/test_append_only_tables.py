"""The database itself refuses to change or delete what is past, whatever statement tries (DESIGN.md §5, invariant 8)."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, connection, models, transaction

from audit.models import LedgerEntry
from incidents.models import TimelineEvent
from oncall.models import ScheduleVersion
from policies.models import PolicyVersion
from reports.ledger import database_protection
from tests.audit.ground import append_only_models, is_history, is_version, populate
from tests.world.harness import World

TABLES = append_only_models()
Attempt = Callable[[type[models.Model]], object]


def _row(model: type[models.Model]) -> models.Model:
    row = model._base_manager.first()
    assert row is not None, f"nothing left a row in {model._meta.db_table}: let ground.populate make one"
    return row


def _field(model: type[models.Model]) -> Any:
    """A field that may be written: any but the key."""
    return next(field for field in model._meta.concrete_fields if not field.primary_key)


def _save(model: type[models.Model]) -> None:
    _row(model).save()


def _delete(model: type[models.Model]) -> None:
    _row(model).delete()


def _queryset_update(model: type[models.Model]) -> None:
    row, name = _row(model), _field(model).attname
    model._base_manager.filter(pk=row.pk).update(**{name: getattr(row, name)})


def _queryset_delete(model: type[models.Model]) -> None:
    model._base_manager.filter(pk=_row(model).pk).delete()


def _bulk_update(model: type[models.Model]) -> None:
    model._base_manager.bulk_update([_row(model)], [_field(model).name])


def _upsert(model: type[models.Model]) -> None:
    model._base_manager.bulk_create(
        [_row(model)], update_conflicts=True, update_fields=[_field(model).name], unique_fields=[model._meta.pk.name]
    )


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _raw_update(model: type[models.Model]) -> None:
    column = _field(model).column
    _execute(f'UPDATE "{model._meta.db_table}" SET "{column}" = "{column}"')  # noqa: S608  own names, values are parameters


def _raw_delete(model: type[models.Model]) -> None:
    _execute(f'DELETE FROM "{model._meta.db_table}"')  # noqa: S608  own names, values are parameters


ATTEMPTS: tuple[Attempt, ...] = (
    _save,
    _delete,
    _queryset_update,
    _queryset_delete,
    _bulk_update,
    _upsert,
    _raw_update,
    _raw_delete,
)


def refused(attempt: Attempt, model: type[models.Model]) -> bool:
    """Whether the attempt raised and left every row as it was."""
    before = list(model._base_manager.order_by("pk").values_list())
    refusal = ""
    try:
        with transaction.atomic():
            attempt(model)
    except models.ProtectedError:
        refusal = (
            "append-only"  # Django looks at what hangs on a version before it asks the database; raw DELETE asks it.
        )
    except DatabaseError as error:
        refusal = str(error)
    return "append-only" in refusal and list(model._base_manager.order_by("pk").values_list()) == before


def test_the_list_of_append_only_tables_knows_those_there_are() -> None:
    assert {LedgerEntry, TimelineEvent, PolicyVersion, ScheduleVersion} <= set(TABLES)
    assert sum(is_history(model) for model in TABLES) >= 11


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: attempt.__name__.strip("_"))
@pytest.mark.requirement("R035")
def test_when_the_past_is_changed_or_deleted_by_any_statement_then_every_table_refuses(
    world: World, attempt: Attempt
) -> None:
    populate(world)

    assert [model._meta.db_table for model in TABLES if not refused(attempt, model)] == []


def _truncate(table: str) -> None:
    # Foreign keys wait for the end of the transaction, and a table that waits refuses to be truncated for that reason.
    _execute("SET CONSTRAINTS ALL IMMEDIATE")
    _execute(f'TRUNCATE "{table}" CASCADE')


@pytest.mark.postgres
def test_when_a_table_is_truncated_then_it_refuses(world: World) -> None:
    populate(world)

    def truncate(model: type[models.Model]) -> None:
        _truncate(model._meta.db_table)

    assert [model._meta.db_table for model in TABLES if not refused(truncate, model)] == []


@pytest.mark.postgres
def test_when_the_people_are_truncated_with_all_that_hangs_on_them_then_the_versions_refuse(world: World) -> None:
    populate(world)

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        _truncate("oncall_user")


@pytest.mark.sqlite
def test_when_a_row_is_replaced_by_its_key_then_it_refuses(world: World) -> None:
    populate(world)

    def replace(model: type[models.Model]) -> None:
        table = model._meta.db_table
        _execute(f'INSERT OR REPLACE INTO "{table}" SELECT * FROM "{table}" LIMIT 1')  # noqa: S608  own names, values are parameters

    assert [model._meta.db_table for model in TABLES if not refused(replace, model)] == []


@pytest.mark.sqlite
@pytest.mark.parametrize("model", [PolicyVersion, ScheduleVersion], ids=lambda model: model.__name__)
def test_when_a_version_is_replaced_by_its_number_under_another_key_then_it_refuses(
    world: World, model: type[models.Model]
) -> None:
    populate(world)

    def replace(model: type[models.Model]) -> None:
        columns = ", ".join(f'"{field.column}"' for field in model._meta.concrete_fields if not field.primary_key)
        table = model._meta.db_table
        _execute(f'INSERT OR REPLACE INTO "{table}" ({columns}) SELECT {columns} FROM "{table}"')  # noqa: S608  own names, values are parameters

    assert refused(replace, model)


def test_when_an_ordinary_row_is_added_then_no_table_refuses(world: World) -> None:
    populate(world)

    for model in TABLES:
        row = _row(model)
        before = model._base_manager.count()
        if is_version(model):
            row.number += 1000  # type: ignore[attr-defined]
        row.pk = None
        row._state.adding = True
        row.save(force_insert=True)
        assert model._base_manager.count() == before + 1


def test_the_audit_page_s_own_look_finds_every_table_protected(world: World) -> None:
    protection = database_protection()

    assert protection.whole
    # And the seals and what was sent to keepers, which tests/audit/test_sealing.py and test_keepers.py try to change.
    assert protection.tables == len(TABLES) + 2


def test_when_a_trigger_is_missing_then_the_audit_page_says_which_table_is_open(world: World) -> None:
    table = PolicyVersion._meta.db_table
    kind = "update" if connection.vendor == "sqlite" else "row"
    on = "" if connection.vendor == "sqlite" else f' ON "{table}"'
    with transaction.atomic():
        _execute(f"DROP TRIGGER wb_append_only_{table}_{kind}{on}")
        protection = database_protection()
        transaction.set_rollback(True)

    assert protection.broken == (table,)

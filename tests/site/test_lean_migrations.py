"""Migrations that render few models lead to what Django's own would (escalation_site/kernel/migrating.py)."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.test.utils import CaptureQueriesContext

from escalation_site.kernel.migrating import LeanMigration, TablesChanged, TablesMade, together

OURS = ("audit", "incidents", "notifications", "oncall", "policies", "reports")


def names(operations: list[Operation]) -> list[str]:
    return [type(operation).__name__ for operation in operations]


def a_toy(name: str, *columns: tuple[str, "models.Field[Any, Any]"]) -> migrations.CreateModel:
    return migrations.CreateModel(
        name, [("id", models.BigAutoField(primary_key=True)), *columns], {"indexes": [], "constraints": []}
    )


def refers(to: str, **options: Any) -> "models.ForeignKey[Any, Any]":
    return models.ForeignKey(f"toys.{to}", models.PROTECT, **options)


# --- which operations become one


def test_when_a_table_is_new_then_it_is_made_with_what_is_added_to_it_in_that_order() -> None:
    [made] = together(
        [
            a_toy("Ball", ("name", models.TextField())),
            a_toy("Box"),
            migrations.AddField("ball", "box", refers("Box")),
            migrations.AddField("ball", "colour", models.TextField()),
            migrations.AddIndex("ball", models.Index(fields=["colour"], name="ball_colour")),
        ],
        "toys",
    )

    assert isinstance(made, TablesMade)
    assert [[name for name, _field in one.fields] for one in made.operations] == [
        ["id", "name", "box", "colour"],
        ["id"],
    ]
    assert [index.name for index in made.operations[0].options["indexes"]] == ["ball_colour"]


def test_when_other_tables_change_too_then_they_do_so_after_the_new_ones_are_made() -> None:
    made, changed = together([migrations.AddField("shelf", "box", refers("Box", null=True)), a_toy("Box")], "toys")

    assert isinstance(made, TablesMade)
    assert isinstance(changed, TablesChanged)


def test_when_an_operation_is_of_another_kind_then_nothing_is_moved_past_it() -> None:
    code = migrations.RunPython(migrations.RunPython.noop)
    done = together(
        [a_toy("Box"), code, migrations.AddField("box", "size", models.IntegerField(null=True)), a_toy("Ball")], "toys"
    )

    assert names(list(done)) == ["TablesMade", "RunPython", "TablesMade", "TablesChanged"]


def test_when_a_default_is_for_old_rows_only_then_the_table_is_not_made_with_it() -> None:
    passing = migrations.AddField("box", "size", models.IntegerField(default=1), preserve_default=False)

    assert names(list(together([a_toy("Box"), passing], "toys"))) == ["TablesMade", "AddField"]


# --- what they lead to


@pytest.fixture(scope="module")
def ours() -> list[Migration]:
    """Every migration of ours, in the order an empty database takes them."""
    loader = MigrationLoader(None)
    plan = dict.fromkeys(key for leaf in loader.graph.leaf_nodes() for key in loader.graph.forwards_plan(leaf))
    return [loader.graph.nodes[key] for key in plan]


def test_every_migration_together_leads_to_the_models_it_was_written_for(ours: list[Migration]) -> None:
    """Fields in their order, too: so stand the columns."""
    written, lean = ProjectState(), ProjectState()
    for migration in ours:
        written = migration.mutate_state(written, preserve=False)
        for operation in together(migration.operations, migration.app_label):
            operation.state_forwards(migration.app_label, lean)

    assert written == lean
    assert {key: list(state.fields) for key, state in written.models.items()} == {
        key: list(state.fields) for key, state in lean.models.items()
    }


def test_every_migration_of_ours_that_makes_or_changes_tables_is_lean(ours: list[Migration]) -> None:
    """A Django migration in the midst of ours takes seconds: write ``class Migration(LeanMigration)``."""
    slow = [
        str(migration)
        for migration in ours
        if migration.app_label in OURS and not isinstance(migration, LeanMigration)
        if not {"TablesMade", "TablesChanged"}.isdisjoint(
            names(list(together(migration.operations, migration.app_label)))
        )
    ]

    assert slow == []


# --- on the database

FIRST: tuple[Operation, ...] = (
    a_toy("Shelf", ("name", models.CharField(max_length=20, unique=True))),
    a_toy("Ball", ("weight", models.IntegerField(default=1))),
    migrations.AddField("ball", "shelf", refers("Shelf")),
    migrations.AddField("ball", "friends", models.ManyToManyField("toys.ball")),
    migrations.AddIndex("ball", models.Index(fields=["shelf", "-weight"], name="ball_heavy")),
    migrations.AddConstraint("ball", models.CheckConstraint(condition=models.Q(weight__gt=0), name="ball_weighs")),
)
SECOND: tuple[Operation, ...] = (
    a_toy("Box", ("size", models.IntegerField())),
    migrations.AddField("ball", "box", refers("Box", null=True)),
    migrations.AddField("ball", "boxes", models.ManyToManyField("toys.box", related_name="+")),
    migrations.AddField("ball", "colour", models.CharField(max_length=9, default="red", db_default="red")),
    migrations.AddField("ball", "twin", models.OneToOneField("toys.ball", models.PROTECT, null=True)),
    migrations.RemoveConstraint("ball", "ball_weighs"),
    migrations.AddConstraint("ball", models.UniqueConstraint(fields=["shelf", "colour"], name="ball_one_of_a_colour")),
    migrations.RemoveIndex("ball", "ball_heavy"),
    migrations.AddIndex("shelf", models.Index(fields=["name"], name="shelf_name")),
    migrations.AddField("box", "ball", refers("Ball", null=True)),
)
TOYS = ("toys_ball_boxes", "toys_ball_friends", "toys_box", "toys_ball", "toys_shelf")


@pytest.fixture
def toys() -> Iterator[None]:
    yield
    with connection.cursor() as cursor:
        for table in TOYS:
            cursor.execute(f"DROP TABLE IF EXISTS {table}{' CASCADE' if connection.vendor == 'postgresql' else ''}")


def tables_after(base: type[Migration]) -> dict[str, Any]:
    """What the database says of the toys' tables when both migrations ran, and went away again."""
    states = [ProjectState()]
    steps = []
    for name, operations in (("0001_first", FIRST), ("0002_second", SECOND)):
        step: Any = base(name, "toys")
        step.operations = list(operations)
        state = states[-1].clone()
        state.apps.get_models()  # are rendered before Django applies one
        with connection.schema_editor() as editor:
            states.append(step.apply(state, editor))
        steps.append(step)
    with connection.cursor() as cursor:
        told = {
            table: (
                connection.introspection.get_table_description(cursor, table),
                connection.introspection.get_constraints(cursor, table),
            )
            for table in TOYS
        }
    for step, before in reversed(list(zip(steps, states, strict=False))):
        with connection.schema_editor() as editor:
            step.unapply(before, editor)
    return told


@pytest.mark.django_db(transaction=True)
def test_when_a_lean_migration_runs_then_the_tables_are_those_that_django_would_make(toys: None) -> None:
    assert tables_after(LeanMigration) == tables_after(Migration)


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_when_a_column_has_one_value_in_all_rows_then_sqlite_adds_it_in_place(toys: None) -> None:
    """Django would copy the table for each: of a million rows that takes minutes."""
    before, after = ProjectState(), ProjectState()
    steps: list[Any] = [LeanMigration("0001_first", "toys"), LeanMigration("0002_second", "toys")]
    steps[0].operations = [a_toy("Ball", ("weight", models.IntegerField(default=1))), a_toy("Box"), a_toy("Shelf")]
    steps[1].operations = [
        migrations.AddField("ball", "size", models.IntegerField(default=-3, db_default=-3)),
        migrations.AddField("ball", "colour", models.CharField(max_length=9, default="red", db_default="it's red")),
    ]
    with connection.schema_editor() as editor:
        before = steps[0].apply(before, editor)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO toys_ball (weight) VALUES (7)")
    after = before.clone()
    after.apps.get_models()
    with CaptureQueriesContext(connection) as asked, connection.schema_editor() as editor:
        steps[1].apply(after, editor)
    assert [query["sql"] for query in asked.captured_queries if "new__toys_ball" in query["sql"]] == []
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO toys_ball (weight) VALUES (8)")
        cursor.execute("SELECT weight, size, colour FROM toys_ball ORDER BY weight")
        assert cursor.fetchall() == [(7, -3, "it's red"), (8, -3, "it's red")]

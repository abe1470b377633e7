"""Upgrades: the engine refuses tables that are not this code's, and no migration breaks the release that still runs.

The rule of migrations is docs/operations/upgrade.md. That the last release's rows run under this code can be shown from
the second release on: until then there is no last release.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from django.core.management import CommandError, call_command
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration
from django.db.migrations.operations.base import Operation
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ProjectState, StateApps
from pytest_django import DjangoAssertNumQueries

from escalation_site.env import BASE_DIR
from escalation_site.kernel import migrations as kernel_migrations
from escalation_site.kernel.migrations import EXIT_MISMATCH, DatabaseMismatch, migration_mismatch
from escalation_site.supervisor.children import Child, Program
from escalation_site.supervisor.output import Output
from incidents.engine.loop import Engine
from incidents.models import Alarm, ProcessBeat
from incidents.plan_templates import templates_create
from incidents.roles import roles_create
from incidents.services.alarms import house_check
from incidents.stages import stages_create
from incidents.tasks import escalation_check
from tests.world.harness import NIGHT

OURS = ("audit", "incidents", "notifications", "oncall", "policies", "reports")

CONTRACTS: dict[str, str] = {
    "oncall.0004_duty_life": "Before the first release: no other release ever ran on these tables.",
    "incidents.0015_covering_lists": "An index goes, and no column: whoever runs on without it looks merged incidents up more slowly.",
}
"""Migrations that may take something away, as "application.name", each with the release that stopped using it."""


# --- the engine's refusal


def refusal() -> CommandError:
    with pytest.raises(CommandError) as raised:
        call_command("run_engine")
    return raised.value


@pytest.fixture
def no_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(_engine: Engine) -> None:
        raise AssertionError("the engine went to work")

    monkeypatch.setattr(Engine, "run", run)


@pytest.mark.django_db
def test_when_a_migration_is_not_applied_then_the_engine_refuses_and_names_it(no_turns: None) -> None:
    MigrationRecorder.Migration.objects.filter(app="policies", name="0002_append_only").delete()

    error = refusal()

    assert error.returncode == EXIT_MISMATCH
    assert "policies.0002_append_only" in str(error)
    assert str(error).startswith("The database is behind this code")
    assert "\n" not in str(error)


@pytest.mark.django_db
def test_when_newer_code_has_migrated_then_the_engine_refuses_and_names_what_it_does_not_know(no_turns: None) -> None:
    MigrationRecorder.Migration.objects.create(app="incidents", name="0999_from_the_future", applied=NIGHT)

    error = refusal()

    assert error.returncode == EXIT_MISMATCH
    assert "incidents.0999_from_the_future" in str(error)
    assert str(error).startswith("The database is ahead of this code")


@pytest.mark.django_db
def test_when_an_application_is_no_longer_installed_then_what_it_left_is_no_reason_to_refuse() -> None:
    MigrationRecorder.Migration.objects.create(app="long_gone", name="0001_initial", applied=NIGHT)

    assert not migration_mismatch()


@pytest.mark.django_db
def test_when_the_migrations_match_then_the_engine_goes_to_work(no_turns: None) -> None:
    with pytest.raises(AssertionError, match="the engine went to work"):
        call_command("run_engine")


def command(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """``manage.py`` as an operator starts it, on a SQLite database of its own."""
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "DJANGO_SETTINGS_MODULE")}
    return subprocess.run(
        [sys.executable, str(BASE_DIR / "manage.py"), *arguments],
        env={**kept, "DATA_DIR": str(folder), "PORT": "18093"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("program", ["run_engine", "up"])
def test_when_the_database_is_empty_then_the_program_ends_with_one_line_and_its_own_exit_code(
    tmp_path: Path, program: str
) -> None:
    ended = command(tmp_path, program)

    assert ended.returncode == EXIT_MISMATCH
    assert len(ended.stderr.splitlines()) == 1
    assert "The database is behind this code" in ended.stderr
    assert "run manage.py migrate" in ended.stderr


class _Line:
    """What the supervisor says, without a terminal."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return False


def test_when_the_engine_refuses_the_database_then_the_supervisor_waits_long_before_it_asks_again() -> None:
    said: Any = _Line()
    refuses = Program("engine", (sys.executable, "-c", "raise SystemExit(3)"), refusal_code=EXIT_MISMATCH)
    child = Child(refuses, output=Output(as_json=False, stream=said), environment=dict(os.environ))
    child.start(NIGHT)
    while child.pid:
        child.tend(NIGHT)

    child.tend(NIGHT + timedelta(seconds=29))
    assert child.restarts == 0
    assert "refuses to work, for the reason above (exit code 3)" in said.text
    child.tend(NIGHT + timedelta(seconds=31))
    assert child.restarts == 1
    child.kill()
    child.terminate()
    while not child.has_ended():
        pass


@pytest.mark.django_db
def test_when_the_engine_has_refused_then_it_left_no_beat_by_which_it_would_seem_alive(no_turns: None) -> None:
    MigrationRecorder.Migration.objects.filter(app="policies", name="0002_append_only").delete()

    refusal()

    assert not ProcessBeat.objects.exists()


@pytest.mark.parametrize(("name", "words"), [("0002_append_only", "behind"), ("0999_from_the_future", "ahead of")])
@pytest.mark.django_db
def test_when_the_database_does_not_match_then_the_safety_net_refuses_it_too_and_falls_silent(
    monkeypatch: pytest.MonkeyPatch, name: str, words: str
) -> None:
    monkeypatch.setattr(kernel_migrations, "_fitting", set())
    rows = MigrationRecorder.Migration.objects
    if not rows.filter(app="policies", name=name).delete()[0]:
        rows.create(app="policies", name=name, applied=NIGHT)

    with pytest.raises(DatabaseMismatch, match=rf"The database is {words} this code \(policies.{name} "):
        escalation_check()

    assert not ProcessBeat.objects.exists()
    house_check(at=NIGHT, by="engine")
    assert Alarm.objects.get(gone_at=None).code == "cluster_missing"


@pytest.mark.django_db
def test_when_newer_code_expands_the_tables_then_a_safety_net_that_runs_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kernel_migrations, "_fitting", set())
    escalation_check()
    MigrationRecorder.Migration.objects.create(app="incidents", name="0999_from_the_future", applied=NIGHT)

    escalation_check()

    assert ProcessBeat.objects.get().name == "cluster"


# --- expand first, contract a release later


def takings(migration: Migration, before: ProjectState | None = None) -> Iterator[str]:
    """What ``migration`` takes from the release that still runs, in words. ``before`` is what it finds."""
    made = {operation.name_lower for operation in migration.operations if isinstance(operation, migrations.CreateModel)}
    for operation in migration.operations:
        model = getattr(operation, "model_name_lower", "")
        if model not in made and (words := taking(operation, migration.app_label, before)):
            yield words


def taking(operation: Operation, app_label: str, before: ProjectState | None) -> str:
    match operation:
        case migrations.RemoveField():
            return f"removes {operation.model_name}.{operation.name}"
        case migrations.RenameField():
            return f"renames {operation.model_name}.{operation.old_name}"
        case migrations.DeleteModel():
            return f"removes the table of {operation.name}"
        case migrations.RenameModel():
            return f"renames the table of {operation.old_name}"
        case migrations.AlterModelTable():
            return f"renames the table of {operation.name}"
        case migrations.AddField():
            return f"demands {operation.model_name}.{operation.name}" if demands(operation.field) else ""
        case migrations.AlterField():
            if before and before.models[app_label, operation.model_name_lower].fields[operation.name].null:
                return "" if operation.field.null else f"demands {operation.model_name}.{operation.name}"
            return ""
        case migrations.RunSQL():
            return "runs SQL, which nobody has looked at"
        case migrations.SeparateDatabaseAndState():
            return "changes tables and models apart, which nobody has looked at"
        case _:
            return ""


def demands(field: "models.Field[Any, Any]") -> bool:
    """Whether a row cannot be without a value for this new column."""
    return not (field.null or field.many_to_many or field.has_default() or field.db_default is not models.NOT_PROVIDED)


@pytest.fixture(scope="module")
def loader() -> MigrationLoader:
    return MigrationLoader(None)


def test_no_migration_takes_from_the_release_that_still_runs(loader: MigrationLoader) -> None:
    found = {
        f"{label}.{name}": list(takings(migration, loader.project_state((label, name), at_end=False)))
        for (label, name), migration in loader.disk_migrations.items()
        if label in OURS
    }

    assert {key: words for key, words in found.items() if words and key not in CONTRACTS} == {}


def test_every_listed_contract_is_a_migration_and_has_its_reason(loader: MigrationLoader) -> None:
    ours = {f"{label}.{name}" for label, name in loader.disk_migrations}

    assert set(CONTRACTS) <= ours
    assert all(reason.strip() for reason in CONTRACTS.values())


def migration(*operations: Operation) -> Migration:
    made: Any = Migration("0002_example", "incidents")
    made.operations = list(operations)
    return cast(Migration, made)


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        (migrations.RemoveField("incident", "title"), "removes incident.title"),
        (migrations.RenameField("incident", "title", "headline"), "renames incident.title"),
        (migrations.DeleteModel("Alert"), "removes the table of Alert"),
        (migrations.RenameModel("Alert", "Signal"), "renames the table of Alert"),
        (migrations.AlterModelTable("alert", "alerts"), "renames the table of alert"),
        (migrations.AddField("incident", "colour", models.CharField(max_length=9)), "demands incident.colour"),
        (migrations.AlterField("alert", "resolved_at", models.DateTimeField()), "demands alert.resolved_at"),
        (migrations.RunSQL("DROP TABLE incidents_alert"), "runs SQL, which nobody has looked at"),
    ],
)
def test_when_a_migration_takes_something_away_then_it_is_found(
    loader: MigrationLoader, operation: Operation, words: str
) -> None:
    before = loader.project_state(("incidents", "0001_initial"))

    assert list(takings(migration(operation), before)) == [words]


@pytest.mark.parametrize(
    "field",
    [
        models.CharField(max_length=9, null=True),
        models.CharField(max_length=9, default=""),
        models.CharField(max_length=9, db_default=""),
    ],
)
def test_when_a_new_column_can_be_left_out_then_nothing_is_wrong(field: "models.Field[Any, Any]") -> None:
    assert list(takings(migration(migrations.AddField("incident", "colour", field)))) == []


def test_when_a_table_is_new_in_the_same_migration_then_its_columns_may_demand_what_they_like() -> None:
    steps = (
        migrations.CreateModel("Colour", [("id", models.BigAutoField(primary_key=True))]),
        migrations.AddField("colour", "name", models.CharField(max_length=9)),
    )

    assert list(takings(migration(*steps))) == []


@pytest.mark.django_db
@pytest.mark.parametrize("point", [None, ("incidents", "0001_initial"), ("incidents", "0008_alarm")])
def test_when_somebody_migrates_to_a_point_on_the_way_then_nothing_is_put_into_tables_that_are_not_there(
    loader: MigrationLoader, point: tuple[str, str] | None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    reached = loader.project_state(point).apps if point else StateApps([], {})

    with django_assert_num_queries(0):
        for follows in (stages_create, roles_create, templates_create):
            follows(None, using="default", apps=reached)

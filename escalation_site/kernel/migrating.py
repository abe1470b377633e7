"""Migrations that render few models.

After each operation Django renders every model anew that is related to the one it changed. Here nearly all are related, through the people
who made them: that was nine tenths of the time an empty database took.
"""

from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from typing import Any, Generic, TypeGuard, TypeVar

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import (
    AddConstraint,
    AddField,
    AddIndex,
    CreateModel,
    Migration,
    RemoveConstraint,
    RemoveIndex,
    RunPython,
)
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ModelState, ProjectState, StateApps

Change = AddConstraint | AddField | AddIndex | RemoveConstraint | RemoveIndex
"""What the database's side of these looks at is one model, and of those it points to no more than tables and keys."""

Each = TypeVar("Each", bound=Operation)


class LeanMigration(Migration):
    """A migration whose operations stand as Django writes them, and are applied together.

    New tables are made whole, with the columns, indexes and constraints added to them further down, and before other tables change.
    """

    def apply(
        self, project_state: ProjectState, schema_editor: BaseDatabaseSchemaEditor, collect_sql: bool = False
    ) -> ProjectState:
        lean: Any = copy(self)
        lean.operations = list(together(self.operations, self.app_label))
        return Migration.apply(lean, project_state, schema_editor, collect_sql)


def together(operations: Iterable[Operation], app_label: str) -> Iterator[Operation]:
    """Operations that lead to the same as ``operations``, and fewer. Nothing is moved past an operation of another kind."""
    made: dict[str, CreateModel] = {}
    changes: list[Change] = []
    for operation in operations:
        if type(operation) is CreateModel:
            made[operation.name_lower] = operation
        elif _is_change(operation):
            if model := made.get(operation.model_name_lower):
                merged: Any = model.reduce(operation, app_label)
                (made[model.name_lower],) = merged
            else:
                changes.append(operation)
        else:
            yield from _gathered(made, changes)
            made, changes = {}, []
            yield operation
    yield from _gathered(made, changes)


def _is_change(operation: Operation) -> TypeGuard[Change]:
    """Whether nothing but a `Change`: what is derived from one may do more, and a default for old rows only is none for new ones."""
    return type(operation) in Change.__args__ and getattr(operation, "preserve_default", True)


def _gathered(made: dict[str, CreateModel], changes: Sequence[Change]) -> Iterator[Operation]:
    if made:
        yield TablesMade(list(made.values()))
    if changes:
        yield TablesChanged(changes)


class _Together(Operation, Generic[Each]):
    def __init__(self, operations: Sequence[Each]) -> None:
        self.operations = operations

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        # What is not rendered is not rendered again. Whoever asks for models next has all of them rendered, once.
        state.__dict__.pop("apps", None)
        state.is_delayed = False
        for operation in self.operations:
            operation.state_forwards(app_label, state)

    def describe(self) -> str:
        return "; ".join(operation.describe() for operation in self.operations)


class TablesMade(_Together[CreateModel]):
    """New tables, each of which may refer to any other."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        for operation in self.operations:
            operation.database_forwards(app_label, schema_editor, from_state, to_state)


class TablesChanged(_Together[Change]):
    """Changes of tables one after the other. For each its own model is rendered alone: others still refer to what it was.

    A column that the database itself fills with one value is added in place, on SQLite too, where Django would copy the whole table for
    each.
    """

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        for operation in self.operations:
            apps, to_state = from_state.apps.clone(), from_state.clone()
            to_state.__dict__.pop("apps")
            operation.state_forwards(app_label, to_state)
            _render(to_state.models[app_label, operation.model_name_lower], apps)
            to_state.apps = apps
            if isinstance(operation, AddField) and schema_editor.connection.vendor == "sqlite" and _in_place(operation):
                model = apps.get_model(app_label, operation.model_name)
                BaseDatabaseSchemaEditor.add_field(schema_editor, model, model._meta.get_field(operation.name))
            else:
                operation.database_forwards(app_label, schema_editor, from_state, to_state)
            from_state = to_state


def _in_place(added: AddField) -> bool:
    """Whether it is a plain column that holds one and the same value in every row there is."""
    field = added.field
    return not field.is_relation and not field.unique and isinstance(field.db_default, int | str)


def _render(changed: ModelState, apps: StateApps) -> None:
    """Put the model as it is now in the place of the one in ``apps``."""
    for field in apps.get_model(changed.app_label, changed.name)._meta.local_many_to_many:
        through = field.remote_field.through._meta
        if through.auto_created:
            apps.unregister_model(changed.app_label, through.model_name)
    apps.unregister_model(changed.app_label, changed.name_lower)
    apps.render_multiple([changed])


class TablesRun(RunPython):
    """RunPython for code that asks for no models."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        unasked: Any = None
        self.code(unasked, schema_editor)

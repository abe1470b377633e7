"""The work on incidents as a table: every task with who has it, when it was due and what became of it."""

from collections.abc import Iterator

from django.db.models import QuerySet
from django.utils.dateformat import format as date_text
from django.utils.translation import gettext as _

from incidents.models import Incident, Task
from oncall.models import User
from reports.exports.asking import Asked, counted, filters_text
from reports.exports.incidents import AT_ONCE, scope_of
from reports.exports.table import Column, Kind, Row, Table, columns_of
from reports.narrow import ALL, behind
from reports.selectors import Scope

_FIELDS = (
    "incident", "incident__title", "title", "kind", "state", "priority", "assignee", "created_at", "starts_at", "due_at",
    "started_at", "ended_at", "ended_by",
)  # fmt: skip


def tasks_table(asked: Asked) -> Table:
    """The tasks of the incidents that began in a range of days, incident by incident in their order."""
    scope, _which = scope_of(asked)
    found = _tasks(scope)
    count, more = counted(found)
    days = {"first": date_text(scope.period.first, "j M Y"), "last": date_text(scope.period.last, "j M Y")}
    return Table(
        name=f"tasks-{scope.period.first}-{scope.period.last}",
        title=_("Tasks"),
        columns=_columns(),
        rows=_rows(found, asked),
        count=count,
        more=more,
        about=[(_("Incidents started"), _("%(first)s to %(last)s") % days), (_("Filters"), filters_text(asked))],
    )


def _columns() -> tuple[Column, ...]:
    text, long, instant, flag = Kind.TEXT, Kind.LONG, Kind.INSTANT, Kind.FLAG
    return columns_of(
        ("reference", _("Reference"), text, True), ("incident", _("Incident"), long), ("task", _("Task"), long, True),
        ("kind", _("Kind"), text), ("state", _("State"), text, True), ("priority", _("Priority"), text),
        ("assignee", _("Assignee"), text, True), ("created_at", _("Created"), instant), ("starts_at", _("Planned start"), instant),
        ("due_at", _("Due"), instant, True), ("started_at", _("Started"), instant), ("ended_at", _("Done or dropped"), instant, True),
        ("ended_by", _("Done by"), text), ("overdue", _("Overdue"), flag, True),
    )  # fmt: skip


def _tasks(scope: Scope) -> QuerySet[Task]:
    incidents: QuerySet[Incident] = behind(scope, ALL)
    return Task.objects.filter(incident__in=incidents.order_by().values("pk")).order_by("incident", "position", "id")


def _rows(found: QuerySet[Task], asked: Asked) -> Iterator[Row]:
    users = User.objects.only("username", "first_name", "last_name")
    people = {one.pk: one.name if asked.words else one.username for one in users}
    labels = {str(value): str(label) for value, label in (*Task.Kind.choices, *Task.State.choices)}
    priorities = {one.value: str(one.label) if asked.words else one.name.lower() for one in Task.Priority}
    for row in found.values_list(*_FIELDS).iterator(chunk_size=AT_ONCE):
        incident, title, task, kind, state, priority, holder, created, planned, due, began, ended, by = row
        yield (
            f"INC-{incident}",
            title,
            task,
            labels[kind] if asked.words else kind,
            labels[state] if asked.words else state,
            priorities[priority],
            people.get(holder, ""),
            created,
            planned,
            due,
            began,
            ended,
            people.get(by, ""),
            due is not None and due < (ended or asked.at),
        )

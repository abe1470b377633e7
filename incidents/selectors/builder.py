"""What the pages of the form, the categories and the workflow show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet

from incidents.custom_fields import label_of
from incidents.models import Category, CustomField, Incident, Stage, StageGuard
from incidents.services.workflow import Workflow
from incidents.stages import ENDS, NEEDED
from policies.books import ROUTING, book_read
from policies.conditions import condition_parse, condition_sentence, needs
from policies.reading import DefinitionInvalid
from policies.severity import Severity


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A field as the builder lists it. ``rules`` are those in force that ask for its answer."""

    field: CustomField
    label: str
    condition: str
    categories: Sequence[str]
    rules: Sequence[str]
    is_first: bool = False
    is_last: bool = False


@dataclass(frozen=True, slots=True)
class GroupRows:
    """A group of the form, with what Watchbell itself asks in it and the house's own fields."""

    key: str
    label: str
    built_in: Sequence[str]
    fields: Sequence[FieldRow]


def groups_of(
    built_in: Mapping[str, Sequence[str]], fields: Sequence[CustomField]
) -> tuple[list[GroupRows], list[FieldRow]]:
    """The form by group, and the fields that are retired: one query, with ``fields`` and their categories at hand."""
    asked = rules_by_field()
    groups = []
    for key, label in CustomField.Group.choices:
        own = [field for field in fields if field.group == key and field.active]
        rows = [
            _row(field, asked, is_first=place == 0, is_last=place == len(own) - 1) for place, field in enumerate(own)
        ]
        groups.append(GroupRows(key, str(label), built_in.get(key, ()), rows))
    return groups, [_row(field, asked) for field in fields if not field.active]


def rules_by_field() -> dict[str, list[str]]:
    """The names of the rules in force that ask for a field's answer, by its key."""
    found: dict[str, list[str]] = {}
    for rule in book_read(ROUTING).value.rules:
        for name in needs(rule.when).facts if rule.enabled else ():
            family, dot, key = name.partition(".")
            if dot and family == "custom":
                found.setdefault(key, []).append(rule.name)
    return found


def _row(
    field: CustomField, asked: Mapping[str, list[str]], *, is_first: bool = False, is_last: bool = False
) -> FieldRow:
    return FieldRow(
        field,
        label_of(field),
        _sentence(field.shown_if),
        [category.name for category in field.categories.all()],
        asked.get(field.key, ()),
        is_first,
        is_last,
    )


def _sentence(document: Any) -> str:
    if not document:
        return ""
    try:
        return condition_sentence(condition_parse(document))
    except DefinitionInvalid:
        return ""


# Categories.


@dataclass(frozen=True, slots=True)
class Branch:
    """A category with its incidents: ``own`` directly in it, ``total`` with what is below it. ``depth`` counts from 0."""

    category: Category
    depth: int
    own: int
    total: int


def category_counts(visible: QuerySet[Incident]) -> tuple[list[Branch], int]:
    """The tree, each category behind what it is part of, with how many of ``visible`` are in it; and how many are in none.

    The totals of the top and those in none add up to all of them. Two queries.
    """
    counted = visible.order_by().values_list("category").annotate(n=Count("pk"))
    own: Counter[int | None] = Counter(dict(counted))
    below: dict[int | None, list[Category]] = {}
    for category in Category.objects.order_by("position", "name"):
        below.setdefault(category.parent_id, []).append(category)
    return list(_branches(None, below, own, 0)), own[None]


def _branches(
    parent: int | None, below: Mapping[int | None, Sequence[Category]], own: Counter[int | None], depth: int
) -> Iterable[Branch]:
    for category in below.get(parent, ()):
        deeper = list(_branches(category.pk, below, own, depth + 1))
        total = own[category.pk] + sum(branch.own for branch in deeper)
        yield Branch(category, depth, own[category.pk], total)
        yield from deeper


# The workflow.


@dataclass(frozen=True, slots=True)
class WayCell:
    """Whether the stage of this column may follow that of the row."""

    name: str
    after: Stage
    is_open: bool
    is_self: bool


@dataclass(frozen=True, slots=True)
class StageRow:
    """A stage with the ways out of it, its guards as choices, and how many incidents are in it."""

    stage: Stage
    ways: Sequence[WayCell]
    guards: Sequence[tuple[str, str, int]]
    incidents: int
    is_end: bool
    may_remove: bool
    is_first: bool
    is_last: bool


def stage_rows(workflow: Workflow) -> list[StageRow]:
    """The stages in their order: one query."""
    stages = list(Stage.objects.annotate(n=Count("incidents")).order_by("position"))
    between = [stage for stage in stages if stage.key not in ENDS]
    chosen = {(guard.stage, guard.kind): guard.severity for guard in workflow.guards}
    return [
        StageRow(
            stage,
            [
                WayCell(
                    f"way-{stage.key}-{after.key}", after, (stage.key, after.key) in workflow.ways, stage.pk == after.pk
                )
                for after in between
            ],
            [
                (f"guard-{stage.key}-{kind}", str(label), chosen.get((stage.key, kind), 0))
                for kind, label in StageGuard.Kind.choices
            ],
            getattr(stage, "n", 0),
            is_end=stage.key in ENDS,
            may_remove=stage.key not in NEEDED and not getattr(stage, "n", 0),
            is_first=stage == between[0] if between else False,
            is_last=stage == between[-1] if between else False,
        )
        for stage in stages
    ]


SEVERITIES = [(0, ""), *((severity.value, severity.label) for severity in Severity)]

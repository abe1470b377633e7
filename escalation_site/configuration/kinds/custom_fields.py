"""Fields of the house's own on the filing form."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from escalation_site.configuration.definitions import problems_placed
from escalation_site.configuration.document import Item
from escalation_site.configuration.fields import UNUSABLE, Choice, Field, Flag, References, Scope, Text, Whole, text_of
from escalation_site.configuration.kind import Fields, Kind, Writing
from escalation_site.configuration.kinds.categories import KIND as CATEGORIES
from incidents.models import CustomField
from incidents.services.fields import MAX_OPTION, field_set
from policies.conditions import condition_definitions, condition_dump, condition_parse
from policies.own_facts import own_facts_follow
from policies.reading import DefinitionInvalid

_PLAIN = ("label", "labels", "help_text", "kind", "options", "group", "required", "shown_if", "position", "active")


@dataclass(frozen=True, slots=True)
class Lines(Field):
    """A list of short texts, in their order."""

    empty: Any = ()

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "string", "maxLength": MAX_OPTION}}

    def value(self, item: Item, scope: Scope) -> Any:
        if not isinstance(item.data, list):
            item.wrong(_("must be a list of texts"))
            return UNUSABLE
        found = [text_of(entry, most=MAX_OPTION) for entry in item.entries]
        return UNUSABLE if UNUSABLE in found else found


@dataclass(frozen=True, slots=True)
class Texts(Field):
    """Texts by language."""

    empty: Any = None

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": {"type": "string", "maxLength": 120}}

    def value(self, item: Item, scope: Scope) -> Any:
        if not isinstance(item.data, dict):
            item.wrong(_("must be texts by language, such as {it: …}"))
            return UNUSABLE
        found = {name: text_of(member, most=120) for name, member in item.members.items()}
        return UNUSABLE if UNUSABLE in found.values() else found


@dataclass(frozen=True, slots=True)
class When(Field):
    """A condition."""

    empty: Any = None

    def schema(self) -> dict[str, Any]:
        return {"$ref": "#/$defs/condition"}

    def value(self, item: Item, scope: Scope) -> Any:
        own_facts_follow()
        try:
            return condition_dump(condition_parse(item.data))
        except DefinitionInvalid as error:
            problems_placed(item, ((problem.keys, problem.message) for problem in error.problems), noted=set())
            return UNUSABLE


class CustomFields(Kind):
    section = "custom_fields"
    help = "Fields of the house's own on the filing form, by key. Key and kind stay as they were made."
    model = CustomField
    name_field = "key"
    name_pattern = r"[-a-z0-9_]+"
    name_length = 40
    after = ("categories",)
    fields = (
        Text("label", "The question as it stands beside the field.", required=True, most=120),
        Texts("labels", "The question in other languages."),
        Text("help_text", "Help below the field.", most=240),
        Choice("kind", "What an answer is.", required=True, choices=tuple(CustomField.Kind.values)),
        Lines("options", "What may be chosen; for choice and choices."),
        Choice(
            "group",
            "The group of the form.",
            empty=CustomField.Group.CLASSIFICATION.value,
            choices=tuple(CustomField.Group.values),
        ),
        Flag("required", "Whether it must be answered. Where a rule in force depends on it, it must be anyway."),
        References(
            "categories",
            "Asked for these and what is part of them only; replaces what was there.",
            section="categories",
        ),
        When("shown_if", "Asked only if this condition holds, over what is answered so far."),
        Whole("position", "Place within its group.", empty=0, least=0, most=9999),
        Flag("active", "Whether it is asked; answers stay.", empty=True),
    )

    def schema(self) -> dict[str, Any]:
        return {**super().schema(), "$defs": condition_definitions()}

    def current(self) -> dict[str, Fields]:
        return {
            field.key: {
                **{name: getattr(field, name) for name in _PLAIN},
                "categories": sorted(category.slug for category in field.categories.all()),
            }
            for field in CustomField.objects.prefetch_related("categories")
        }

    def differs(self, name: str, before: Any, wanted: Any) -> bool:
        """Nothing is the same as an empty list or no texts."""
        return (before or None) != (wanted or None)

    def write(self, writing: Writing, name: str, wanted: Fields, changed: Mapping[str, Any]) -> CustomField:
        row = CustomField.objects.filter(key=name).first() or CustomField()
        values = {field: changed[field] for field in _PLAIN if field in changed}
        if "labels" in values:
            values["labels"] = values["labels"] or {}
        if row._state.adding:
            values["key"] = name
        categories = None
        if "categories" in changed:
            categories = [writing.row(CATEGORIES, slug) for slug in changed["categories"]]
        return field_set(field=row, values=values, categories=categories, actor=writing.user, at=writing.at)


KIND = CustomFields()

"""The house's own fields, written. Key and kind are for ever: rules and answers that were given rest on them."""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from audit.rows import row_set
from audit.services import EntryValue, entry_append
from escalation_site.kernel.errors import DomainError
from incidents.changes import actor_of
from incidents.models import Category, CustomField
from incidents.own_facts import FAMILY
from incidents.permissions import require_configurer
from oncall.models import User
from policies.books import CRITERIA, ROUTING, book_read
from policies.conditions import condition_dump, condition_parse, needs
from policies.own_facts import own_facts_follow
from policies.reading import DefinitionInvalid

Kind = CustomField.Kind
LISTS = (Kind.CHOICE, Kind.CHOICES)
MAX_OPTION, MAX_OPTIONS = 60, 100
FOR_EVER = ("key", "kind")
# Keys are places in addresses, names in conditions and steps of paths in the database, where "__" means something else.
_KEY = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*", re.ASCII)


@transaction.atomic
def field_set(
    *,
    field: CustomField,
    values: Mapping[str, Any],
    actor: User | None,
    at: datetime,
    categories: Collection[Category] | None = None,
) -> CustomField:
    """Give ``field``, new or stored, these values, and ``categories`` where they are given; nothing is written where nothing differs.

    ``shown_if`` is a condition's document, None for always. Retiring is ``active`` False: answers stay. ``actor`` None is the
    system. Raises DomainError naming what is at fault, also where rules in force could no longer be read; ValidationError for
    what the model refuses; NotAllowed for anybody but administrators.
    """
    if actor is not None:
        require_configurer(actor)
    wanted = _checked(field, dict(values))
    written = row_set(field, wanted, noun="custom_field", at=at, actor=actor_of(actor), user=actor)
    if written:
        _rules_readable()
    if categories is not None:
        _categories_set(field, categories, actor=actor, at=at)
    return field


@transaction.atomic
def fields_order(*, keys: Sequence[str], actor: User | None, at: datetime) -> None:
    """Ask the fields of one group in the order of ``keys``. Those that are not named keep their place behind."""
    if actor is not None:
        require_configurer(actor)
    rows = {field.key: field for field in CustomField.objects.filter(key__in=keys)}
    if len({field.group for field in rows.values()}) > 1:
        raise DomainError(_("Fields are put in order within one group."), field="group")
    for place, key in enumerate(keys, 1):
        if key in rows:
            row_set(rows[key], {"position": place}, noun="custom_field", at=at, actor=actor_of(actor), user=actor)


def _checked(field: CustomField, values: dict[str, Any]) -> dict[str, Any]:
    if not field._state.adding:
        for name in FOR_EVER:
            if name in values and values[name] != getattr(field, name):
                raise DomainError(_("This stays as it was made. Retire the field and add another."), field=name)
    else:
        values["key"] = str(values.get("key", "")).strip().lower()
        if not _KEY.fullmatch(values["key"]):
            raise DomainError(
                _("A letter first, then letters, digits and single “_” or “-” between them."), field="key"
            )
        _key_free(values["key"])
    kind = values.get("kind", field.kind)
    if "options" in values or field._state.adding:
        values["options"] = _options(values.get("options"), Kind(kind))
    if "shown_if" in values:
        values["shown_if"] = _condition(values["shown_if"], values.get("key", field.key))
    return values


def _key_free(key: str) -> None:
    """The severity criteria ask questions of their own, whose answers have names of the same family."""
    if any(question.fact == FAMILY + key for question in book_read(CRITERIA).value.questions):
        raise DomainError(_("A question of the severity criteria has this key. Choose another."), field="key")


def _options(raw: Any, kind: Kind) -> list[str]:
    if kind not in LISTS:
        return []
    options = [str(option).strip() for option in raw or [] if str(option).strip()]
    if not options:
        raise DomainError(_("Give it something to choose from."), field="options")
    if len(set(options)) < len(options):
        raise DomainError(_("Name each entry once."), field="options")
    if len(options) > MAX_OPTIONS or any(len(option) > MAX_OPTION or "," in option for option in options):
        raise DomainError(
            _("At most %(many)d entries of at most %(most)d characters, without commas.")
            % {"many": MAX_OPTIONS, "most": MAX_OPTION},
            field="options",
        )
    return options


def _condition(document: Any, key: str) -> Any:
    """The document as it is always written; None for one that checks nothing."""
    if not document:
        return None
    own_facts_follow()
    try:
        condition = condition_parse(document)
    except DefinitionInvalid as error:
        raise DomainError(str(error.problems[0]), field="shown_if") from error
    asked = needs(condition).facts
    if not asked:
        return None
    if FAMILY + key in asked:
        raise DomainError(_("Whether it is asked cannot hang on its own answer."), field="shown_if")
    return condition_dump(condition)


def _rules_readable() -> None:
    """The rules in force must still be understood: a list that lost an entry which a rule asks for would stop them all."""
    own_facts_follow()
    try:
        book_read(ROUTING)
    except DefinitionInvalid as error:
        raise DomainError(
            _("The routing rules in force would not be understood any more: %(problem)s")
            % {"problem": str(error.problems[0])},
            code="rules_depend",
        ) from error


def _categories_set(field: CustomField, categories: Collection[Category], *, actor: User | None, at: datetime) -> None:
    before = sorted(field.categories.values_list("slug", flat=True))
    after = sorted(category.slug for category in categories)
    if before == after:
        return
    field.categories.set(categories)
    entry_append(
        EntryValue(
            at=at,
            action="custom_field.categories",
            object_type="custom_field",
            object_id=str(field.pk),
            object_label=str(field),
            subject=f"custom_field:{field.pk}",
            actor=actor_of(actor),
            before={"categories": before},
            after={"categories": after},
        )
    )

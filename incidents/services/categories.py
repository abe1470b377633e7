"""Categories and customers, written. Neither is ever deleted: old incidents keep them, new ones do not offer those that are retired."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from audit.rows import row_set
from escalation_site.kernel.errors import DomainError
from incidents.changes import actor_of
from incidents.models import Category, Customer
from incidents.permissions import require_configurer
from oncall.models import User

MAX_DEPTH = 5


@transaction.atomic
def category_set(*, category: Category, values: Mapping[str, Any], actor: User | None, at: datetime) -> Category:
    """Give ``category``, new or stored, these values; nothing is written where nothing differs. ``actor`` None is the system.

    Raises DomainError (field ``parent``) where it would be part of itself or too deep, ValidationError for what the model
    refuses, NotAllowed for anybody but administrators.
    """
    if actor is not None:
        require_configurer(actor)
    if values.get("parent") is not None:
        tree_check(category, values["parent"])
    row_set(category, values, noun="category", at=at, actor=actor_of(actor), user=actor)
    return category


@transaction.atomic
def tree_check(category: Category, parent: Category) -> None:
    """Raise DomainError where ``category`` below ``parent`` would make a circle or go too deep. The tree stays locked until the
    transaction ends, so that two moves cannot make a circle together."""
    parents = dict(Category.objects.select_for_update().order_by("pk").values_list("pk", "parent"))
    above: list[int] = []
    step: int | None = parent.pk
    while step is not None and step not in above:
        above.append(step)
        step = parents.get(step)
    if category.pk in above:
        raise DomainError(_("It cannot be part of itself or of what is part of it."), field="parent")
    if len(above) + _depth_below(category.pk, parents) > MAX_DEPTH:
        raise DomainError(_("Categories are at most %(most)d deep.") % {"most": MAX_DEPTH}, field="parent")


def _depth_below(pk: int | None, parents: Mapping[int, int | None]) -> int:
    """How many levels the category and what is below it make: 1 for one alone."""
    children = [child for child, above in parents.items() if above == pk] if pk is not None else []
    return 1 + max((_depth_below(child, parents) for child in children), default=0)


def customer_set(*, customer: Customer, values: Mapping[str, Any], actor: User | None, at: datetime) -> Customer:
    """Give ``customer``, new or stored, these values; nothing is written where nothing differs. ``actor`` None is the system.

    Raises ValidationError for what the model refuses, NotAllowed for anybody but administrators.
    """
    if actor is not None:
        require_configurer(actor)
    row_set(customer, values, noun="customer", at=at, actor=actor_of(actor), user=actor)
    return customer

"""Runbooks, articles and references: written by administrators and by configuration as code, shown where they help."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import models, transaction
from django.utils.translation import gettext as _

from audit.rows import row_set
from audit.services import entry_append
from audit.values import Actor, EntryValue
from escalation_site.kernel.errors import DomainError
from incidents.changes import actor_of
from incidents.models import Category, Document, Service
from oncall.models import User


@transaction.atomic
def document_set(
    *,
    document: Document,
    values: Mapping[str, Any],
    actor: User | None,
    at: datetime,
    services: Iterable[Service] | None = None,
    categories: Iterable[Category] | None = None,
) -> Document:
    """Give ``document``, new or stored, these values, and tie it to these services and categories (None: as they are).

    Raises DomainError where it would say nothing, ValidationError for what the model refuses.
    """
    url, text = (values.get(name, getattr(document, name)) for name in ("url", "text"))
    if not url and not text:
        raise DomainError(_("Give it an address or a text."), field="text")
    row_set(document, values, noun="document", at=at, actor=actor_of(actor), user=actor)
    links_set(document, document.services, services, "document.services", actor=actor_of(actor), at=at)
    links_set(document, document.categories, categories, "document.categories", actor=actor_of(actor), at=at)
    return document


def links_set(
    row: models.Model, manager: Any, wanted: Iterable[models.Model] | None, action: str, *, actor: Actor, at: datetime
) -> bool:
    """Tie ``row`` to ``wanted`` and to nothing else; None and the same do nothing. Returns whether anything changed."""
    if wanted is None:
        return False
    chosen, present = list(wanted), list(manager.all())
    if {one.pk for one in chosen} == {one.pk for one in present}:
        return False
    manager.set(chosen)
    noun = action.partition(".")[0]
    entry_append(
        EntryValue(
            at=at,
            action=action,
            object_type=noun,
            object_id=str(row.pk),
            object_label=str(row),
            subject=f"{noun}:{row.pk}",
            actor=actor,
            before={"of": sorted(str(one) for one in present)},
            after={"of": sorted(str(one) for one in chosen)},
        )
    )
    return True

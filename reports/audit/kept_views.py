"""Filters of the ledger kept under a name: services. Auditors write nothing else."""

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from audit.rows import refusal_of, row_set
from audit.services import EntryValue, entry_append
from escalation_site.kernel.errors import DomainError, NotAllowed
from incidents.changes import actor_of
from incidents.services.saved_views import view_query
from oncall.models import User
from reports.models import LedgerView

NOUN = "ledger_view"
NOT_KEPT = ("before", "after", "entry", "together", "csrfmiddlewaretoken")
"""What an address says of where the reader is, and not of what was looked for."""
MOST = 50
LONGEST = 2_000


def views_seen(user: User) -> QuerySet[LedgerView]:
    """The reader's own, and what others share, by name."""
    return LedgerView.objects.filter(Q(owner=user) | Q(shared=True)).select_related("owner").order_by("name", "id")


def query_kept(address: str) -> str:
    """The filters of an address, always written the same way. Raises DomainError where they are too long."""
    return view_query(address, without=NOT_KEPT, longest=LONGEST)


@transaction.atomic
def ledger_view_save(*, owner: User, name: str, query: str, shared: bool, at: datetime) -> LedgerView:
    """Keep the filters of an address under a name. Raises DomainError naming the field at fault."""
    if LedgerView.objects.filter(owner=owner).count() >= MOST:
        raise DomainError(_("You keep %(count)d views here already. Delete one first.") % {"count": MOST})
    view = LedgerView(owner=owner, created_at=at)
    _set(view, actor=owner, at=at, name=name.strip(), query=query_kept(query), shared=shared)
    return view


@transaction.atomic
def ledger_view_change(*, view: LedgerView, actor: User, name: str, shared: bool, at: datetime) -> LedgerView:
    """Rename it, or share it otherwise. Raises NotAllowed for somebody else's."""
    _require_owner(view, actor)
    _set(view, actor=actor, at=at, name=name.strip(), shared=shared)
    return view


@transaction.atomic
def ledger_view_delete(*, view: LedgerView, actor: User, at: datetime) -> None:
    """Take it away, for everybody it was shared with. Raises NotAllowed for somebody else's."""
    _require_owner(view, actor)
    pk, label = view.pk, view.name
    before = {"name": view.name, "query": view.query, "shared": view.shared}
    view.delete()
    entry_append(
        EntryValue(
            at=at,
            action=f"{NOUN}.delete",
            object_type=NOUN,
            object_id=str(pk),
            object_label=label,
            subject=f"{NOUN}:{pk}",
            actor=actor_of(actor),
            before=before,
        )
    )


def _require_owner(view: LedgerView, actor: User) -> None:
    if view.owner_id != actor.pk:
        raise NotAllowed(_("Only whoever made this view may change it."))


def _set(view: LedgerView, *, actor: User, at: datetime, **values: Any) -> None:
    try:
        row_set(view, values, noun=NOUN, at=at, actor=actor_of(actor), user=actor)
    except ValidationError as error:
        raise refusal_of(error) from error

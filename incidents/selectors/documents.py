"""Documents: those that belong to an incident, and those a person may search."""

from django.db.models import Q, QuerySet

from incidents.models import Category, Document, Incident
from oncall.models import User

MOST_PINNED = 8
MOST_WORDS = 8


def documents_for(incident: Incident) -> list[Document]:
    """What is tied to its service, or to its category and what that is part of; runbooks first: one query, two with a category."""
    tied = Q(services=incident.service_id)
    if incident.category_id is not None:
        tied |= Q(categories__in=category_line(incident.category_id))
    rows = Document.objects.filter(tied, active=True).distinct()
    return sorted(rows.order_by("title")[:50], key=lambda one: one.kind != Document.Kind.RUNBOOK)[:MOST_PINNED]


def category_line(category_id: int | None) -> list[int]:
    """The category and those it is part of; nothing without one."""
    if category_id is None:
        return []
    parents = dict(Category.objects.values_list("pk", "parent"))
    found: list[int] = []
    here: int | None = category_id
    while here is not None and here not in found:
        found.append(here)
        here = parents.get(here)
    return found


def documents_for_user(user: User) -> QuerySet[Document]:
    """What ``user`` may read: whoever files sees what is meant for them, those who respond and audit see all."""
    rows = Document.objects.filter(active=True)
    return rows.filter(for_requesters=True) if user.role == User.Role.REPORTER else rows


def documents_found(user: User, words: str, *, kind: str = "", service: str = "") -> QuerySet[Document]:
    """Those that hold all of ``words``, in title, keywords or text; those of ``kind`` and of the service with that slug."""
    rows = documents_for_user(user)
    for word in words.split()[:MOST_WORDS]:
        rows = rows.filter(Q(title__icontains=word) | Q(keywords__icontains=word) | Q(text__icontains=word))
    if kind in Document.Kind.values:
        rows = rows.filter(kind=kind)
    if service:
        rows = rows.filter(services__slug=service)
    return rows.prefetch_related("services", "categories").order_by("title")

"""Runbooks, articles and references: a page to search them, and each on its own."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from incidents.markdown import markdown_html
from incidents.models import Document
from incidents.selectors.documents import documents_for_user, documents_found

PAGE = 50


@require_safe
@login_required
def document_list(request: HttpRequest) -> HttpResponse:
    """What there is to read, found by words, kind and service."""
    user: Any = request.user
    words, kind, service = (request.GET.get(name, "")[:120] for name in ("q", "kind", "service"))
    page = Paginator(documents_found(user, words, kind=kind, service=service), PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "words": words, "kind": kind, "service": service, "kinds": Document.Kind.choices}
    return render(request, "incidents/documents.html", context)


@require_safe
@login_required
def document_detail(request: HttpRequest, document: str) -> HttpResponse:
    """One document, its Markdown as safe HTML."""
    user: Any = request.user
    rows = documents_for_user(user).prefetch_related("services", "categories")
    found = get_object_or_404(rows, slug=document)
    return render(request, "incidents/document.html", {"document": found, "html": markdown_html(found.text)})

"""Taking lists and reports out: the page of one's exports, one list with its formats, and what is sent regularly."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now
from escalation_site.kernel.streams import streamed
from incidents.views.answers import status_of
from oncall.models import User
from reports.exports.asking import query_kept
from reports.exports.forms import ExportScheduleForm, initial_of
from reports.exports.making import AT_ONCE, TYPES, WORDED, file_made, filename_of
from reports.exports.paper import paper_check
from reports.exports.services import (
    export_enter,
    export_request,
    export_schedule_delete,
    export_schedule_set,
    regular_of,
)
from reports.exports.sources import SOURCES, source_of, table_of
from reports.exports.text import csv_of, json_of
from reports.forms import ReportFilters
from reports.models.exports import ExportFile, ExportSchedule, Format

FILES_SHOWN = 25
ASKED = ("period", "first", "last", "team", "severity")
BY_DAYS = ("report", "events", "pages", "tasks", "figures")
"""Sources of a range of days: their filters are on the page itself."""


@never_cache
@require_safe
@login_required
def export_list(request: HttpRequest) -> HttpResponse:
    """What may be taken out, what is sent to the reader regularly, and the files made for them."""
    user = cast(User, request.user)
    schedules = ExportSchedule.objects.filter(owner=user).select_related("owner")
    files = ExportFile.objects.filter(owner=user).select_related("schedule")
    context = {
        "at": now(),
        "sources": [one for one in SOURCES.values() if user.role in one.roles],
        "schedules": [{"row": row, "label": _label(row.source)} for row in schedules],
        "page": Paginator(files, FILES_SHOWN).get_page(request.GET.get("page")),
    }
    return render(request, "reports/exports/list.html", context)


def _label(key: str) -> Any:
    source = SOURCES.get(key)
    return source.label if source else key


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def export_take(request: HttpRequest) -> HttpResponseBase:
    """One list or report with the filters of the address: how many rows it has, and its formats; a POST takes it out.

    CSV and JSON are sent as they are read, however many rows; what must be made as a whole is made meanwhile where it is long.
    """
    user, at = cast(User, request.user), now()
    try:
        source = source_of(request.GET.get("of", "incidents"), user)
        query = query_kept(request.GET.urlencode())
        if request.method == "POST":
            return _taken(request, source.key, query, request.POST.get("format", ""))
        table = table_of(source.key, user=user, query=query, at=at, words=True)
    except DomainError as error:
        return render(request, "reports/exports/refused.html", {"error": error}, status=status_of(error))
    form = ReportFilters(QueryDict(query) or {"period": "28d"}) if source.key in BY_DAYS else None
    context = {
        "at": at,
        "source": source,
        "table": table,
        "kept": query,
        "formats": Format.choices,
        "slow": table.count > AT_ONCE,
        "form": form,
        "hidden": _unasked(form, query) if form else [],
        "address": f"{reverse(source.place)}?{query}",
    }
    return render(request, "reports/exports/take.html", context)


def _unasked(form: ReportFilters, query: str) -> list[tuple[str, str]]:
    """What the address filters by besides the fields of the page, to be kept when these change."""
    asked = {*ASKED, *(field.name for field in form.own)}
    return [(name, value) for name, values in QueryDict(query).lists() if name not in asked for value in values]


def _taken(request: HttpRequest, source: str, query: str, format: str) -> HttpResponseBase:
    user, at = cast(User, request.user), now()
    if format not in Format.values:
        raise DomainError(_("Choose a format."), field="format")
    table = table_of(source, user=user, query=query, at=at, words=format in WORDED)
    if format == Format.PDF:
        paper_check(table.count)
    if format in WORDED and table.count > AT_ONCE:
        export_request(user=user, source=source, query=query, format=format, at=at)
        messages.success(request, _("It is being made. You are told when it is ready."))
        return HttpResponseRedirect(reverse("exports:list"), status=303)
    export_enter(user=user, source=source, query=query, format=format, table=table, at=at)
    if format in WORDED:
        return _small(user, source, query, format)
    pieces = csv_of(table) if format == Format.CSV else json_of(table)
    return streamed(request, pieces, content_type=TYPES[Format(format)], filename=filename_of(table, format, at))


def _small(user: User, source: str, query: str, format: str) -> HttpResponse:
    with file_made(user=user, source=source, query=query, format=format, at=now()) as made:
        headers = {"Content-Disposition": f'attachment; filename="{made.filename}"', "Cache-Control": "no-store"}
        return HttpResponse(made.path.read_bytes(), content_type=TYPES[Format(format)], headers=headers)


@never_cache
@require_safe
@login_required
def export_file(request: HttpRequest, pk: int) -> HttpResponseBase:
    """A file that was made for the reader, while it is kept."""
    row = get_object_or_404(ExportFile, pk=pk, owner=cast(User, request.user))
    if row.state != ExportFile.State.READY or not row.file:
        raise Http404
    name = str(row.file.name).rsplit("/", 1)[1]
    answer = FileResponse(
        row.file.open("rb"), as_attachment=True, filename=name, content_type=TYPES[Format(row.format)]
    )
    answer["Cache-Control"] = "no-store"
    return answer


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def schedule_edit(request: HttpRequest, pk: int = 0) -> HttpResponse:
    """What is sent regularly: a new one with the filters of the address, or one of the reader's own."""
    user, at = cast(User, request.user), now()
    row = get_object_or_404(ExportSchedule.objects.select_related("owner"), pk=pk, owner=user) if pk else None
    form = ExportScheduleForm(request.POST or None, initial=initial_of(row) if row else _offered(request, user))
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                saved = export_schedule_set(owner=user, at=at, schedule=row, **form.cleaned_data)
            except DomainError as error:
                form.add_error(error.field if error.field in form.fields else None, error.message)
                status = status_of(error)
            else:
                messages.success(request, _("“%(name)s” is kept.") % {"name": saved.name})
                return redirect("exports:list")
    source = form["source"].value() or ""
    context = {
        "at": at,
        "form": form,
        "row": row,
        "source": SOURCES.get(source),
        "kept": form["query"].value() or "",
        "next_at": regular_of(row).next_after(at) if row and row.active else None,
    }
    return render(request, "reports/exports/schedule.html", context, status=status)


def _offered(request: HttpRequest, user: User) -> dict[str, Any]:
    key = request.GET.get("of", "")
    source = SOURCES.get(key) if key in SOURCES and user.role in SOURCES[key].roles else SOURCES["incidents"]
    return {
        "name": str(source.label) if source else "",
        "source": source.key if source else "",
        "query": query_kept(request.GET.urlencode()),
        "format": Format.XLSX,
        "cadence": ExportSchedule.Cadence.WEEKLY,
        "send_at": "07:00",
        "day": 1,
        "active": True,
    }


@require_POST
@login_required
def schedule_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Send it no more."""
    user = cast(User, request.user)
    row = get_object_or_404(ExportSchedule, pk=pk, owner=user)
    export_schedule_delete(schedule=row, actor=user, at=now())
    messages.success(request, _("“%(name)s” is sent no more.") % {"name": row.name})
    return redirect("exports:list")

"""The browser of the ledger: search, one entry with before and after, export. It reads and never writes."""

import json
from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from audit.models import LedgerEntry
from audit.selectors import MOST_COUNTED, LedgerFilter, actions_known, ledger_count, ledger_export, ledger_page
from escalation_site.kernel.instants import now
from escalation_site.kernel.streams import csv_pieces, streamed
from oncall.access import role_required
from oncall.models import User
from reports.audit_forms import LedgerFilters
from reports.ledger import Line, as_json, database_protection, detail, line
from reports.ledger_words import action_words

READERS = (User.Role.AUDITOR, User.Role.ADMINISTRATOR)
CSV_STRUCTURES = ("before", "after", "data")


def _asked(request: HttpRequest, at: datetime) -> tuple[LedgerFilters, LedgerFilter, ZoneInfo]:
    zone = ZoneInfo(cast(User, request.user).time_zone)
    form = LedgerFilters(request.GET)
    form.is_valid()
    return form, form.filters(at=at, zone=zone), zone


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 19 else None


@never_cache
@require_safe
@role_required(*READERS)
def browser(request: HttpRequest) -> HttpResponse:
    """Entries that match the filters, newest first, a page at a time; ``entry`` is shown beside them."""
    at = now()
    form, wanted, zone = _asked(request, at)
    page = ledger_page(wanted, before=_number(request.GET.get("before", "")))
    count = ledger_count(wanted)
    chosen = _chosen(request, page.entries[0] if page.entries else None)
    context = {
        "at": at,
        "form": form,
        "wanted": wanted,
        "days": _by_day([line(entry) for entry in page.entries], zone),
        "page": page,
        "count": min(count, MOST_COUNTED),
        "count_is_more": count > MOST_COUNTED,
        "detail": detail(chosen) if chosen else None,
        "actions": [(action, action_words(action)) for action in actions_known()],
        "protection": database_protection(),
        "newest": LedgerEntry.objects.order_by("-id").first(),
        "zone_name": at.astimezone(zone).tzname(),
    }
    return render(request, "audit/browser.html", context)


def _chosen(request: HttpRequest, first: LedgerEntry | None) -> LedgerEntry | None:
    pk = _number(request.GET.get("entry", ""))
    return first if pk is None else LedgerEntry.objects.filter(pk=pk).first() or first


def _by_day(lines: list[Line], zone: ZoneInfo) -> list[tuple[datetime, list[Line]]]:
    """Consecutive entries of one day on the reader's clock, under the first one's instant."""
    groups = groupby(lines, key=lambda one: one.entry.at.astimezone(zone).date())
    found = [list(group) for _day, group in groups]
    return [(group[0].entry.at.astimezone(zone), group) for group in found]


@never_cache
@require_safe
@role_required(*READERS)
def entry_page(request: HttpRequest, pk: int) -> HttpResponse:
    """One entry by its number: the address to send to somebody."""
    entry = LedgerEntry.objects.filter(pk=pk).first()
    if entry is None:
        raise Http404
    return render(request, "audit/entry.html", {"at": now(), "detail": detail(entry)})


@never_cache
@require_safe
@role_required(*READERS)
def export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """All entries that match, as CSV or as JSON (one array), newest first, sent as they are read."""
    at = now()
    _form, wanted, _zone = _asked(request, at)
    entries = ledger_export(wanted)
    name = f"ledger-{at:%Y%m%dT%H%M%SZ}.{kind}"
    if kind == "csv":
        return streamed(request, csv_pieces(_csv_rows(entries)), content_type="text/csv", filename=name)
    return streamed(request, _json_pieces(entries), content_type="application/json", filename=name)


def _csv_rows(entries: Iterator[LedgerEntry]) -> Iterator[list[Any]]:
    head: list[str] | None = None
    for entry in entries:
        fields = as_json(entry)
        if head is None:
            head = list(fields)
            yield head
        yield [_plain(value) if name in CSV_STRUCTURES else value for name, value in fields.items()]


def _plain(value: Any) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _json_pieces(entries: Iterator[LedgerEntry]) -> Iterator[str]:
    separator = "[\n"
    for entry in entries:
        yield separator + json.dumps(as_json(entry), ensure_ascii=False)
        separator = ",\n"
    yield "\n]\n" if separator != "[\n" else "[]\n"

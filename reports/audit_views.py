"""The browser of the ledger: search, one entry with before and after, export. It changes nothing, and its reading is on record."""

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

from audit.checking import entry_states, ledger_health
from audit.looking import Reading, reading_note
from audit.models import LedgerEntry
from audit.proving import entry_proof, newest_seal
from audit.selectors import (
    MOST_COUNTED,
    LedgerFilter,
    LedgerPage,
    actions_known,
    ledger_count,
    ledger_export,
    ledger_page,
)
from audit.services import EntryValue, entry_append
from audit.values import Actor
from escalation_site.kernel.instants import now
from escalation_site.kernel.streams import csv_pieces, streamed
from oncall.access import role_required
from oncall.models import User
from reports.audit.kept_views import LONGEST, query_kept, views_seen
from reports.audit.versions import version_words, versions_made_by
from reports.audit_forms import LedgerFilters
from reports.ledger import Line, as_json, database_protection, detail, line
from reports.ledger_words import action_words

READERS = (User.Role.AUDITOR, User.Role.ADMINISTRATOR)
CSV_STRUCTURES = ("before", "after", "data")


def asked(request: HttpRequest, at: datetime) -> tuple[LedgerFilters, LedgerFilter, ZoneInfo]:
    """What the address asks for: the form, the filter that follows from it, and the reader's zone."""
    zone = ZoneInfo(cast(User, request.user).time_zone)
    form = LedgerFilters(request.GET)
    form.is_valid()
    return form, form.filters(at=at, zone=zone), zone


def reading(page: str, about: str = "") -> None:
    """Whoever looks into the ledger is on record too: with what they looked for, once per visit."""
    reading_note(Reading("ledger.read", "ledger", page, about))


def _sought(request: HttpRequest) -> str:
    """What the address looks for, without where in the result the reader is."""
    return query_kept(request.GET.urlencode()[:LONGEST])


def number_in(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 19 else None


@never_cache
@require_safe
@role_required(*READERS)
def browser(request: HttpRequest) -> HttpResponse:
    """Entries that match the filters, newest first, a page at a time; ``entry`` is shown beside them."""
    at = now()
    form, wanted, zone = asked(request, at)
    before, after = (number_in(request.GET.get(name, "")) for name in ("before", "after"))
    page = ledger_page(wanted, before=before, after=after)
    if after is not None and page.newer is None:
        # On the way forward the last step leads to the newest page, which is full.
        page = ledger_page(wanted)
    first = before is None and after is None
    reading("browser", _sought(request))
    chosen = _chosen(request, page.entries[0] if page.entries else None)
    health = ledger_health()
    context = {
        "at": at,
        "form": form,
        "wanted": wanted,
        "days": _by_day([line(entry) for entry in page.entries], zone),
        "page": page,
        **_counted(wanted, page, first=first),
        "detail": detail(chosen) if chosen else None,
        "actions": [(action, action_words(action)) for action in actions_known()],
        "protection": database_protection(),
        "health": health,
        "seal": newest_seal(),
        "states": entry_states({entry.pk for entry in (*page.entries, *([chosen] if chosen else ()))}, health=health),
        "proof": entry_proof(chosen.pk) if chosen else None,
        "newest": LedgerEntry.objects.order_by("-id").first(),
        "zone_name": at.astimezone(zone).tzname(),
        "kept": views_seen(cast(User, request.user)),
        "sought": _sought(request),
    }
    return render(request, "audit/browser.html", context)


def _counted(wanted: LedgerFilter, page: LedgerPage, *, first: bool) -> dict[str, Any]:
    """How many match. Where they are looked through, that costs as much as the page itself, and only the first one tells it: so many
    at least."""
    if first and (page.older is None or page.looked):
        return {"count": len(page.entries), "count_is_least": bool(page.looked)}
    if wanted.sifted and not first:
        return {"count": None}
    count = ledger_count(wanted)
    return {
        "count": min(count, MOST_COUNTED),
        "count_is_more": count > MOST_COUNTED,
        "count_is_least": wanted.sifted,
    }


def _chosen(request: HttpRequest, first: LedgerEntry | None) -> LedgerEntry | None:
    pk = number_in(request.GET.get("entry", ""))
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
    reading("entry", str(entry.pk))
    context = {
        "at": now(),
        "detail": detail(entry),
        "proof": entry_proof(entry.pk),
        "states": entry_states({entry.pk}, health=ledger_health()),
        "made": versions_made_by(entry),
        "words": version_words(),
    }
    return render(request, "audit/entry.html", context)


@never_cache
@require_safe
@role_required(*READERS)
def export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """All entries that match, as CSV or as JSON (one array), newest first, sent as they are read."""
    at = now()
    _form, wanted, _zone = asked(request, at)
    _exported(request, kind, at)
    entries = ledger_export(wanted)
    name = f"ledger-{at:%Y%m%dT%H%M%SZ}.{kind}"
    if kind == "csv":
        return streamed(request, csv_pieces(_csv_rows(entries)), content_type="text/csv", filename=name)
    return streamed(request, _json_pieces(entries), content_type="application/json", filename=name)


def _exported(request: HttpRequest, kind: str, at: datetime) -> None:
    """On record before the first line is sent, each time."""
    user = cast(User, request.user)
    entry_append(
        EntryValue(
            at=at,
            action="ledger.download",
            object_type="ledger",
            object_id=kind,
            actor=Actor("user", str(user.pk), user.name),
            data={"filters": _sought(request)},
        )
    )


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

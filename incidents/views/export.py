"""The incidents of a list as a file: same filters, same order, same rights; who took it is put on record."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import orjson
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_POST

from audit.services import EntryValue, entry_append
from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now
from escalation_site.kernel.streams import csv_pieces, streamed
from incidents.changes import actor_of
from incidents.custom_fields import answers_of
from incidents.custom_filters import CUSTOM
from incidents.models import CustomField, Incident
from incidents.selectors.listing import COUNTED
from incidents.span_filters import spans_require
from incidents.views.answers import see_other, tell_refusal
from incidents.views.listing import Asked
from oncall.models import User
from policies.severity import Severity

KINDS = ("csv", "json")
AT_ONCE = 500
FIELDS = (
    "reference", "title", "severity", "priority", "state", "stage", "service", "team", "category", "customer", "environment",
    "source", "owner", "reporter", "restricted", "test", "major", "started_at", "acknowledged_at", "sla_due_at",
    "mitigated_at", "resolved_at", "alerts", "merged_into", "summary", "customer_impact", "resolution",
)  # fmt: skip
_RELATED = ("service", "team", "stage", "owner", "reporter", "category", "customer")


@require_POST
@login_required
def incidents_export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The incidents of the address's filters as CSV or JSON, sent piece by piece; instants in UTC."""
    if kind not in KINDS:
        raise Http404
    user: Any = request.user
    at = now()
    asked = Asked(request)
    try:
        spans_require(asked.filters)
    except DomainError as error:
        tell_refusal(request, error)
        return see_other(f"{reverse('incidents:list')}?{request.GET.urlencode()}")
    found = asked.in_order().select_related(*_RELATED)
    export_enter(user, asked, kind=kind, at=at)
    own = list(CustomField.objects.order_by("position", "key"))
    rows = (row_of(incident, own) for incident in found.iterator(chunk_size=AT_ONCE))
    name = f"incidents-{asked.tab}-{at:%Y%m%d-%H%M}.{kind}"
    if kind == "json":
        return streamed(request, _json(rows), content_type="application/json", filename=name)
    table = _table(rows, own)
    return streamed(request, csv_pieces(table), content_type="text/csv", filename=name)


@transaction.atomic
def export_enter(user: User, asked: Asked, *, kind: str, at: datetime) -> None:
    """Who took how many incidents out, by which filters; in the ledger before the first byte goes."""
    count = asked.counts[asked.tab]
    filters = {name: values for name, values in asked.query.lists() if name not in ("page", "view")}
    entry_append(
        EntryValue(
            at=at,
            action="incident.export",
            object_type="incident",
            object_id="",
            object_label=kind.upper(),
            subject=f"user:{user.pk}",
            actor=actor_of(user),
            data={"filters": filters, "tab": asked.tab, "count": count, "more": count > COUNTED, "format": kind},
        )
    )


def row_of(incident: Incident, own: Sequence[CustomField] = ()) -> dict[str, Any]:
    """One incident as plain values, by the names of the columns: those of its own row, then the answers to ``own`` fields as they are
    stored (a number is a number, None is not known), each under ``custom_<key>``."""
    answers = answers_of(incident)
    return {
        "reference": incident.reference,
        "title": incident.title,
        "severity": Severity(incident.severity).name,
        "priority": incident.priority,
        "state": incident.state,
        "stage": incident.stage.key,
        "service": incident.service.slug,
        "team": incident.team.slug,
        "category": incident.category.slug if incident.category else "",
        "customer": incident.customer.slug if incident.customer else "",
        "environment": incident.environment,
        "source": incident.source,
        "owner": incident.owner.username if incident.owner else "",
        "reporter": incident.reporter.username if incident.reporter else "",
        "restricted": incident.restricted,
        "test": incident.is_test,
        "major": incident.major_at is not None,
        **{name: _instant(getattr(incident, name)) for name in FIELDS if name.endswith("_at")},
        "alerts": incident.alert_count,
        "merged_into": f"INC-{incident.merged_into_id}" if incident.merged_into_id else "",
        "summary": incident.summary,
        "customer_impact": incident.customer_impact,
        "resolution": incident.resolution,
        **{CUSTOM + field.key: answers.get(field.key) for field in own},
    }


def _instant(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else ""


def _table(rows: Iterator[dict[str, Any]], own: Sequence[CustomField]) -> Iterator[list[Any]]:
    names = [*FIELDS, *(CUSTOM + field.key for field in own)]
    yield names
    for row in rows:
        yield [_cell(row[name]) for name in names]


def _cell(value: Any) -> Any:
    """A value in a table: several answers stand in one cell."""
    if value is True or value is False:
        return "yes" if value else "no"
    return ", ".join(str(one) for one in value) if isinstance(value, list) else value


def _json(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    """One list, some hundreds of rows at a time."""
    before = "[\n"
    for some in batched(rows, AT_ONCE):
        yield before + ",\n".join(orjson.dumps(row).decode() for row in some)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def batched(rows: Iterator[dict[str, Any]], count: int) -> Iterator[list[dict[str, Any]]]:
    while some := list(islice(rows, count)):
        yield some

"""Filters of incident lists by the instant: began, was resolved or changed from one instant until another.

The form asks for days. These are for whoever counts by the instant and leads to exactly what was counted (the stand-up), and for the
API. What is meant is from ``_since`` on and before ``_until``, so that spans that meet hold nothing twice.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.timezone import get_current_timezone_name
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from escalation_site.kernel.errors import DomainError
from escalation_site.ui import moments
from incidents.models import Incident, TimelineEvent

SINCE, UNTIL = "_since", "_until"
SPANS: Mapping[str, str | Promise] = {
    "started": gettext_lazy("Started"),
    "resolved": gettext_lazy("Resolved"),
    "changed": gettext_lazy("Changed"),
}
INSTANTS = frozenset(name + end for name in SPANS for end in (SINCE, UNTIL))
"""What they are called in an address."""
CHANGES = (
    "incident.open", "incident.acknowledge", "incident.unacknowledge", "incident.ack_expire", "incident.escalate",
    "incident.reassign", "incident.team", "incident.severity", "incident.stage", "incident.mitigate", "incident.resolve",
    "incident.reopen", "incident.close", "incident.merge", "incident.snooze", "incident.major_person", "incident.major_rule",
    "incident.major_level", "escalation.exhaust", "vendor.call", "review.publish",
)  # fmt: skip
"""What people want to have heard of in the morning; not each page and each remark."""


class InstantField(forms.DateTimeField):
    """An instant as ISO 8601 writes it. It must name its zone: without one nobody knows which of the two hours is meant in the night in
    which the clock goes back, and an address is read by others on other clocks."""

    def to_python(self, value: Any) -> datetime | None:
        if value in self.empty_values:
            return None
        try:
            found = parse_datetime(str(value).strip())
            if found is not None and found.tzinfo is not None:
                return found.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        raise ValidationError(_("Write an instant with its zone, for example 2026-11-21T07:00:00Z."), code="invalid")


class InstantFilter(django_filters.IsoDateTimeFilter):  # type: ignore[misc]  # its base class comes from a library without types
    field_class = InstantField


class SpanForm(forms.Form):
    """The form of the filters: of a span the end comes after the beginning."""

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        for name in SPANS:
            since, until = data.get(name + SINCE), data.get(name + UNTIL)
            if since and until and until <= since:
                self.add_error(name + UNTIL, _("The end must come after the start."))
        return data


class SpanFilters(django_filters.FilterSet):  # type: ignore[misc]  # as above
    """What an incident list is asked for by the instant."""

    started_since = InstantFilter(label=gettext_lazy("Started at this instant or later"), method="filter_started")
    started_until = InstantFilter(label=gettext_lazy("Started before this instant"), method="filter_started")
    resolved_since = InstantFilter(label=gettext_lazy("Resolved at this instant or later"), method="filter_resolved")
    resolved_until = InstantFilter(label=gettext_lazy("Resolved before this instant"), method="filter_resolved")
    changed_since = InstantFilter(label=gettext_lazy("Changed at this instant or later"), method="filter_changed")
    changed_until = InstantFilter(label=gettext_lazy("Changed before this instant"), method="filter_changed")

    def filter_started(self, found: QuerySet[Incident], name: str, at: datetime) -> QuerySet[Incident]:
        return found.filter(**_side("started_at", name, at))

    def filter_resolved(self, found: QuerySet[Incident], name: str, at: datetime) -> QuerySet[Incident]:
        return found.filter(**_side("resolved_at", name, at))

    def filter_changed(self, found: QuerySet[Incident], name: str, _at: datetime) -> QuerySet[Incident]:
        """Both ends at once: one change lies between them, and not one after the first and another before the second."""
        since, until = (self.form.cleaned_data.get(f"changed{end}") for end in (SINCE, UNTIL))
        if since and name.endswith(UNTIL):
            return found
        return found.filter(changed_between(since, until))


def _side(field: str, name: str, at: datetime) -> dict[str, datetime]:
    return {f"{field}__{'gte' if name.endswith(SINCE) else 'lt'}": at}


def changed_between(since: datetime | None, until: datetime | None) -> Q:
    """That something of ``CHANGES`` happened from ``since`` on and before ``until``, to what was not over before."""
    lines = TimelineEvent.objects.filter(incident=OuterRef("pk"), **in_span(since, until))
    return lasting(since) & Q(Exists(lines))


def lasting(since: datetime | None) -> Q:
    """What was not over before ``since``. What is written to an old one later (it was closed, its review came out) is no change of what
    a team has before it, and looking for it would read the timeline of everything there ever was."""
    return Q(resolved_at=None) | Q(resolved_at__gte=since) if since else Q()


def in_span(since: datetime | None, until: datetime | None) -> dict[str, Any]:
    """The lines of a timeline that are changes, in a span of time."""
    ends = {"at__gte": since, "at__lt": until}
    return {"kind__in": CHANGES, **{name: at for name, at in ends.items() if at is not None}}


def spans_require(filters: django_filters.FilterSet) -> None:
    """For whatever leaves the house: raises DomainError naming the field where an instant is not understood. Ignored, as on a page that
    says so, a file would hold more than was asked for."""
    for name, messages in filters.form.errors.items():
        if name in INSTANTS:
            raise DomainError(f"{filters.form.fields[name].label}: {' '.join(map(str, messages))}", field=name)


class Said(NamedTuple):
    """A span that is asked for, in words, and the names in the address that ask for it."""

    label: str
    words: str
    names: Sequence[str]


def spans_said(form: forms.Form) -> list[Said]:
    """What is asked for by the instant, or why it cannot be, on the reader's clock."""
    found = []
    for name, label in SPANS.items():
        names = [name + end for end in (SINCE, UNTIL) if name + end in form.fields]
        faults = [str(text) for one in names for text in form.errors.get(one, ())]
        since, until = (form.cleaned_data.get(name + end) for end in (SINCE, UNTIL))
        words = " ".join(faults) if faults else _between(since, until)
        if words:
            found.append(Said(str(label), words, names))
    return found


def _between(since: datetime | None, until: datetime | None) -> str:
    words = {"zone": get_current_timezone_name()}
    words |= {name: _written(at) for name, at in (("since", since), ("until", until)) if at is not None}
    if since and until:
        return _("from %(since)s to %(until)s (%(zone)s)") % words
    if since:
        return _("from %(since)s (%(zone)s)") % words
    return _("before %(until)s (%(zone)s)") % words if until else ""


def _written(at: datetime) -> str:
    clock = "seconds" if at.second or at.microsecond else "clock"
    return f"{moments.written(at, 'date', at=at)} {moments.written(at, clock, at=at)}"

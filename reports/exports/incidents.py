"""Incidents as a table: those of the list, and the report of a range of days with full detail; their lines and their pages.

Rows are read as plain values and never as objects; what hangs on an incident is asked for a thousand of them at once. So a
million rows need as much memory as a thousand.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from html import unescape
from typing import Any

from django.db.models import Avg, Count, F, Model, QuerySet, Sum
from django.utils.dateformat import format as date_text
from django.utils.html import strip_tags
from django.utils.translation import gettext as _

from incidents.models import (
    Category,
    Customer,
    CustomField,
    Incident,
    Page,
    Review,
    Service,
    Stage,
    Survey,
    TimeEntry,
    TimelineEvent,
)
from incidents.selectors.listing import in_tab
from incidents.span_filters import spans_require
from incidents.timeline_words import line_html
from incidents.views.listing import Asked as ListAsked
from oncall.models import Team, User
from policies.priority import priority_name
from policies.severity import Severity
from reports.exports.asking import Asked, as_said_to, batches, counted, filters_text
from reports.exports.table import Column, Kind, Row, Table, columns_of
from reports.figures.keeping import figures_ready
from reports.forms import ReportFilters
from reports.narrow import behind, title_of, which_of
from reports.selectors import Scope

AT_ONCE = 1_000
_RAW = (
    "id", "title", "severity", "priority", "state", "stage_id", "service_id", "team_id", "category_id", "customer_id", "environment",
    "source", "owner_id", "reporter_id", "restricted", "is_test", "major_at", "started_at", "acknowledged_at", "sla_due_at",
    "mitigated_at", "resolved_at", "alert_count", "merged_into_id", "summary", "customer_impact", "resolution", "exhausted_at",
    "detection", "facts",
)  # fmt: skip
_PLACE = {name: place for place, name in enumerate(_RAW)}


def incidents_table(asked: Asked) -> Table:
    """The incident list with its tab, filters and order. Raises DomainError as ``spans_require``."""
    given = ListAsked(asked.request)
    spans_require(given.filters)
    found = given.in_order()
    count, more = counted(in_tab(given.found, given.tab))
    return Table(
        name=f"incidents-{given.tab}",
        title=_("Incidents"),
        columns=columns(),
        rows=_rows(found, asked, full=False),
        count=count,
        more=more,
        about=[(_("Tab"), given.tab), (_("Filters"), filters_text(asked))],
    )


def report_table(asked: Asked) -> Table:
    """The incidents that began in a range of days, with how long each took, who was paged, what it cost and what was learnt."""
    scope, which = scope_of(asked)
    found = behind(scope, which)
    count, more = counted(found)
    own = _own_fields()
    return Table(
        name=f"incident-report-{scope.period.first}-{scope.period.last}",
        title=_("Incident report"),
        columns=(*columns(), *_detail_columns(), *(Column(f"custom.{key}", label) for key, label in own)),
        rows=_rows(found, asked, full=True, own=[key for key, _label in own]),
        count=count,
        more=more,
        about=about_scope(scope, which, asked),
        detail=lambda row: _told(row, asked),
    )


def _told(row: Row, asked: Asked) -> Table:
    """What happened to one incident of the report."""
    found = TimelineEvent.objects.filter(incident=int(str(row[0]).removeprefix("INC-")))
    return Table(
        "events", _("Timeline"), _event_columns()[1:], (line[1:] for line in _event_rows(found, asked)), found.count()
    )


def scope_of(asked: Asked) -> tuple[Scope, str]:
    """The range and filters of the metrics' pages, and the number behind which the incidents stand."""
    form = ReportFilters(asked.query or {"period": "28d"})
    form.is_valid()
    figures_ready(at=asked.at)
    return form.scope(asked.user, at=asked.at, zone=asked.zone), which_of(asked.query.get("which", ""))


def about_scope(scope: Scope, which: str, asked: Asked) -> list[tuple[str, str]]:
    days = {"first": date_text(scope.period.first, "j M Y"), "last": date_text(scope.period.last, "j M Y")}
    return [
        (_("Which"), title_of(which)),
        (_("Started"), _("%(first)s to %(last)s") % days),
        (_("Filters"), filters_text(asked)),
        (_("Left out"), _("Tests, incidents merged into others, and what the reader may not see.")),
    ]


def _own_fields() -> list[tuple[str, str]]:
    """The house's own fields, retired ones too: their answers are still figures of the past."""
    return list(CustomField.objects.order_by("group", "position", "key").values_list("key", "label"))


# --- columns


def columns() -> tuple[Column, ...]:
    text, long, instant, flag, number = Kind.TEXT, Kind.LONG, Kind.INSTANT, Kind.FLAG, Kind.NUMBER
    return columns_of(
        ("reference", _("Reference"), text, True), ("title", _("Title"), long, True), ("severity", _("Severity"), text, True),
        ("priority", _("Priority"), text), ("state", _("State"), text, True), ("stage", _("Stage"), text),
        ("service", _("Service"), text, True), ("team", _("Team"), text, True), ("category", _("Category"), text),
        ("customer", _("Customer"), text), ("environment", _("Environment"), text), ("source", _("Source"), text),
        ("owner", _("Owner"), text, True), ("reporter", _("Reported by"), text), ("restricted", _("Restricted"), flag),
        ("test", _("Test"), flag), ("major", _("Major"), flag), ("started_at", _("Started"), instant, True),
        ("acknowledged_at", _("Acknowledged"), instant), ("sla_due_at", _("SLA ends"), instant),
        ("mitigated_at", _("Mitigated"), instant), ("resolved_at", _("Resolved"), instant, True), ("alerts", _("Alerts"), number),
        ("merged_into", _("Merged into"), text), ("summary", _("Summary"), long), ("customer_impact", _("What customers notice"), long),
        ("resolution", _("Cause and fix"), long),
    )  # fmt: skip


def _detail_columns() -> tuple[Column, ...]:
    text, long, seconds, flag, number = Kind.TEXT, Kind.LONG, Kind.SECONDS, Kind.FLAG, Kind.NUMBER
    return columns_of(
        ("detection", _("How it was noticed"), text), ("seconds_to_acknowledge", _("Acknowledged after"), seconds),
        ("seconds_to_mitigate", _("Mitigated after"), seconds), ("seconds_to_resolve", _("Resolved after"), seconds),
        ("sla_kept", _("SLA kept"), flag), ("levels_called", _("Levels called"), number), ("pages", _("Pages"), number),
        ("people_paged", _("People paged"), number), ("unanswered_on_every_level", _("Unanswered on every level"), flag),
        ("minutes_spent", _("Minutes spent"), number), ("satisfaction", _("Satisfaction, of 5"), number),
        ("review", _("Review"), text), ("root_cause", _("Root cause"), long), ("done", _("What was done"), long),
        ("follow_up", _("What follows"), long), ("lessons", _("What we learnt"), long),
    )  # fmt: skip


# --- rows


class _Names:
    """What ids are called: one query for each kind, and there are few of each beside the incidents."""

    def __init__(self, *, words: bool) -> None:
        named = "name" if words else "slug"
        self.services = _by_id(Service, named)
        self.teams = _by_id(Team, named)
        self.categories = _by_id(Category, named)
        self.customers = _by_id(Customer, named)
        self.stages = {one.pk: one.label if words else one.key for one in Stage.objects.all()}
        self.users = {one.pk: one.name if words else one.username for one in User.objects.only(*_NAMES)}
        self.severities = {one.value: str(one.label) if words else one.name for one in Severity}
        self.states = {one.value: str(one.label) if words else one.value for one in Incident.State}
        self.sources = {one.value: str(one.label) if words else one.value for one in Incident.Source}
        self.detections = {one.value: str(one.label) if words else one.value for one in Incident.Detection}
        self.priority: Callable[[int], Any] = priority_name if words else int


_NAMES = ("username", "first_name", "last_name")


def _by_id(model: type[Model], named: str) -> dict[int, str]:
    return dict(model._default_manager.values_list("pk", named))


def _rows(found: QuerySet[Incident], asked: Asked, *, full: bool, own: Sequence[str] = ()) -> Iterator[Row]:
    names = _Names(words=asked.words)
    # What nobody asks for is not parsed a million times: the facts come last.
    raw = found.values_list(*(_RAW if own else _RAW[:-1])).iterator(chunk_size=AT_ONCE)
    for batch in batches(raw, AT_ONCE):
        details = _Details([row[0] for row in batch]) if full else None
        for row in batch:
            values = _values(row, names)
            yield [*values, *details.of(row, asked.at), *_answers(row, own)] if details else values


def _values(row: Sequence[Any], names: _Names) -> list[Any]:
    get: Callable[[str], Any] = lambda name: row[_PLACE[name]]  # noqa: E731  A name for what is said thirty times.
    return [
        f"INC-{row[0]}",
        get("title"),
        names.severities[get("severity")],
        names.priority(get("priority")) if get("priority") else None,
        names.states[get("state")],
        names.stages.get(get("stage_id"), ""),
        names.services.get(get("service_id"), ""),
        names.teams.get(get("team_id"), ""),
        names.categories.get(get("category_id"), ""),
        names.customers.get(get("customer_id"), ""),
        get("environment"),
        names.sources[get("source")],
        names.users.get(get("owner_id"), ""),
        names.users.get(get("reporter_id"), ""),
        get("restricted"),
        get("is_test"),
        get("major_at") is not None,
        *(get(name) for name in ("started_at", "acknowledged_at", "sla_due_at", "mitigated_at", "resolved_at")),
        get("alert_count"),
        f"INC-{get('merged_into_id')}" if get("merged_into_id") else "",
        *(get(name) for name in ("summary", "customer_impact", "resolution")),
    ]


def _answers(row: Sequence[Any], own: Sequence[str]) -> list[Any]:
    said = row[_PLACE["facts"]].get("custom") if own else None
    answers: Mapping[str, Any] = said if isinstance(said, Mapping) else {}
    return [answers.get(key) for key in own]


class _Details:
    """What hangs on these incidents: four queries for all of them."""

    def __init__(self, ids: Sequence[int]) -> None:
        paged = Page.objects.filter(incident__in=ids).order_by().values_list("incident")
        # A rung as one number: SQLite counts distinct values of one expression only.
        counts = paged.annotate(
            pages=Count("id"),
            people=Count("recipient", distinct=True),
            rungs=Count(F("cycle") * 1000 + F("level"), distinct=True),
        )
        self.paged = {pk: (rungs, pages, people) for pk, pages, people, rungs in counts}
        self.minutes = dict(
            TimeEntry.objects.filter(incident__in=ids).order_by().values_list("incident").annotate(Sum("minutes"))
        )
        self.scores = dict(
            Survey.objects.filter(incident__in=ids).order_by().values_list("incident").annotate(Avg("score"))
        )
        texts = ("root_cause", "mitigation", "follow_up", "lessons")
        self.reviews = {
            pk: (published, said)
            for pk, published, *said in Review.objects.filter(incident__in=ids).values_list(
                "incident", "published_at", *texts
            )
        }

    def of(self, row: Sequence[Any], at: datetime) -> list[Any]:
        pk, began = row[0], row[_PLACE["started_at"]]
        ends = [row[_PLACE[name]] for name in ("acknowledged_at", "mitigated_at", "resolved_at")]
        published, said = self.reviews.get(pk, (None, ["", "", "", ""]))
        score = self.scores.get(pk)
        return [
            row[_PLACE["detection"]],
            *(None if end is None else max((end - began).total_seconds(), 0.0) for end in ends),
            _kept(row[_PLACE["sla_due_at"]], ends[2], at),
            *self.paged.get(pk, (0, 0, 0)),
            row[_PLACE["exhausted_at"]] is not None,
            self.minutes.get(pk, 0),
            None if score is None else round(float(score), 1),
            "" if pk not in self.reviews else "published" if published else "draft",
            *said,
        ]


def _kept(due: datetime | None, resolved: datetime | None, at: datetime) -> bool | None:
    """Whether the SLA was kept; None where there is none, or while its time still runs."""
    if due is None or (resolved is None and at <= due):
        return None
    return resolved is not None and resolved <= due


# --- what happened, line by line


def events_table(asked: Asked) -> Table:
    """Every line of the timelines of the report's incidents that the reader may read, incident by incident."""
    scope, which = scope_of(asked)
    wanted = behind(scope, which).order_by().values("pk")
    found = TimelineEvent.objects.filter(incident__in=wanted)
    count, more = counted(found)
    return Table(
        name=f"incident-events-{scope.period.first}-{scope.period.last}",
        title=_("Timelines of incidents"),
        columns=_event_columns(),
        rows=as_said_to(asked.user, _event_rows(found, asked)),
        count=count,
        more=more,
        about=about_scope(scope, which, asked),
    )


def _event_columns() -> tuple[Column, ...]:
    text, long = Kind.TEXT, Kind.LONG
    return columns_of(
        ("reference", _("Reference"), text, True), ("at", _("When"), Kind.INSTANT, True), ("kind", _("Kind"), text),
        ("what", _("What happened"), long, True), ("person", _("Person"), text, True), ("text", _("What was written"), long, True),
    )  # fmt: skip


def _event_rows(found: QuerySet[TimelineEvent], asked: Asked) -> Iterator[Row]:
    people = {one.pk: one.name for one in User.objects.only(*_NAMES)}
    raw = found.order_by("incident", "at", "id").values_list("incident", "at", "kind", "actor", "text", "data")
    for incident, at, kind, actor, text, data in raw.iterator(chunk_size=AT_ONCE):
        person = people.get(actor, "")
        words = unescape(strip_tags(line_html(kind, actor=person or "Watchbell", data=data)))
        yield (f"INC-{incident}", at, kind, words, person, text)


def pages_table(asked: Asked) -> Table:
    """Who was paged for the report's incidents, when and why, and when each answered."""
    scope, which = scope_of(asked)
    wanted = behind(scope, which).order_by().values("pk")
    found = Page.objects.filter(incident__in=wanted)
    count, more = counted(found)
    return Table(
        name=f"pages-{scope.period.first}-{scope.period.last}",
        title=_("Pages"),
        columns=_page_columns(),
        rows=_page_rows(found, asked),
        count=count,
        more=more,
        about=about_scope(scope, which, asked),
    )


def _page_columns() -> tuple[Column, ...]:
    text, instant, number = Kind.TEXT, Kind.INSTANT, Kind.NUMBER
    return columns_of(
        ("reference", _("Reference"), text, True), ("person", _("Person"), text, True), ("level", _("Level"), number, True),
        ("cycle", _("Cycle"), number), ("repeat", _("Repeat"), number), ("created_at", _("Paged"), instant, True),
        ("state", _("State"), text, True), ("reason", _("Reason"), text), ("settled_at", _("Settled"), instant),
        ("answered_at", _("Answered"), instant, True), ("declined_at", _("Declined"), instant),
    )  # fmt: skip


def _page_rows(found: QuerySet[Page], asked: Asked) -> Iterator[Row]:
    people = {one.pk: one.name if asked.words else one.username for one in User.objects.only(*_NAMES)}
    names = (
        "level",
        "cycle",
        "repeat",
        "created_at",
        "state",
        "state_reason",
        "settled_at",
        "answered_at",
        "declined_at",
    )
    raw = found.order_by("incident", "id").values_list("incident", "recipient", *names).iterator(chunk_size=AT_ONCE)
    for incident, person, level, cycle, *rest in raw:
        yield (f"INC-{incident}", people.get(person, ""), level + 1, cycle + 1, *rest)

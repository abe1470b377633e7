"""The report of an incident (R112): six parts, three that its record says and three that people wrote; and its exports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import unescape
from typing import Any

from django.db.models import Q
from django.utils.html import strip_tags
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from escalation_site.ui.durations import in_two_units
from incidents.models import Incident, Review, Service, TimelineEvent
from incidents.selectors.timeline import readable_by
from incidents.services.reviews import review_begun, version_of
from incidents.timeline_words import line_html
from oncall.models import User
from policies.definition import severity_name

_TOLD = (
    "incident.open", "incident.acknowledge", "incident.escalate", "escalation.enter_level", "escalation.exhaust", "incident.severity",
    "incident.major", "incident.stage", "incident.mitigate", "incident.resolve", "incident.reopen", "incident.close", "incident.decide",
)  # fmt: skip
"""What a reader needs of the timeline to follow what happened."""
MOST_LINES = 200


@dataclass(frozen=True, slots=True)
class Moment:
    """A line of the timeline: when, what, and what was written with it."""

    at: datetime
    words: str
    text: str


@dataclass(frozen=True, slots=True)
class Report:
    """``texts`` are the review's, or what a first draft begins with. ``version`` is 0 for a draft."""

    incident: Incident
    review: Review | None
    version: int
    severities: Sequence[str]
    services: Sequence[Service]
    moments: Sequence[Moment]
    texts: Mapping[str, str]

    @property
    def measures(self) -> list[tuple[str, str]]:
        """How long things took, in words."""
        incident = self.incident
        ends = (
            (_("Until somebody had it"), incident.acknowledged_at),
            (_("Until the harm was stopped"), incident.mitigated_at),
            (_("Until it was resolved"), incident.resolved_at),
        )
        return [
            (label, in_two_units((end - incident.started_at).total_seconds())) for label, end in ends if end is not None
        ]


def report_of(incident: Incident, *, reader: User) -> Report:
    """Four queries at most."""
    review = Review.objects.select_related("author").filter(incident=incident).first()
    texts = {name: getattr(review, name) for name in texts_of()} if review else review_begun(incident)
    rows = _told(incident, reader)
    return Report(
        incident=incident,
        review=review,
        version=version_of(review) if review and review.published_at else 0,
        severities=_severities(incident, rows),
        services=_services(incident, reader),
        moments=[_moment(row) for row in rows],
        texts=texts,
    )


def texts_of() -> dict[str, str]:
    """The parts that people write, by field, as they are headed."""
    return {
        "root_cause": _("Root cause"),
        "mitigation": _("What was done"),
        "follow_up": _("What follows"),
        "lessons": _("What we learnt"),
    }


def _told(incident: Incident, reader: User) -> list[TimelineEvent]:
    """The lines that tell what happened, oldest first: the milestones, the decisions and whatever was pinned."""
    wanted = Q(kind__in=_TOLD) | Q(pin__isnull=False)
    rows = readable_by(reader, incident).filter(wanted).select_related("actor").order_by("at", "id")
    return list(rows[:MOST_LINES])


def _moment(row: TimelineEvent) -> Moment:
    actor = row.actor.name if row.actor else "Watchbell"
    return Moment(row.at, _plain(line_html(row.kind, actor=actor, data=row.data)), row.text)


def _plain(html: str) -> str:
    return unescape(strip_tags(html))


def _severities(incident: Incident, rows: Sequence[TimelineEvent]) -> list[str]:
    """The severity at first and after each change."""
    found: list[str] = []
    for row in rows:
        if row.kind not in ("incident.open", "incident.severity"):
            continue
        said = row.data.get("severity") if row.kind == "incident.open" else row.data.get("after")
        name = severity_name(said) if isinstance(said, int) else str(said or "")
        if name and (not found or found[-1] != name):
            found.append(name)
    now = severity_name(incident.severity)
    return found if found and found[-1] == now else [*found, now]


def _services(incident: Incident, reader: User) -> list[Service]:
    """Its own service, and those of incidents linked with it that ``reader`` may see: one query."""
    linked = Q(links_out__target=incident) | Q(links_in__source=incident)
    others = Incident.objects.visible_to(reader).filter(linked).values("service")
    wanted = Q(pk=incident.service_id) | Q(pk__in=others)
    found = Service.objects.filter(wanted).select_related("team").order_by("name")
    return sorted(found, key=lambda service: service.pk != incident.service_id)


# Exports.


def report_json(report: Report) -> dict[str, Any]:
    """The six parts and what they rest on, for machines."""
    incident, review = report.incident, report.review
    return {
        "incident": incident.reference,
        "title": incident.title,
        "status": "published" if report.version else "draft",
        "version": report.version,
        "published_at": _instant(review.published_at if review else None),
        "edited_at": _instant(review.edited_at if review else None),
        "author": review.author.name if review else None,
        "severity": {"now": severity_name(incident.severity), "course": list(report.severities)},
        "services": [{"slug": one.slug, "name": one.name, "team": one.team.name} for one in report.services],
        "timeline": [
            {"at": _instant(moment.at), "what": moment.words, "text": moment.text} for moment in report.moments
        ],
        **dict(report.texts),
    }


def _instant(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None


def report_markdown(report: Report) -> str:
    """The same as a document for people."""
    incident, review = report.incident, report.review
    lines = [f"# {incident.reference}: {_escaped(incident.title)}", ""]
    if review is not None and report.version:
        by = {"number": report.version, "name": review.author.name, "at": _local(review.edited_at)}
        lines.append(_("Published review, version %(number)s, by %(name)s on %(at)s.") % by)
    else:
        lines.append(_("Draft, not published."))
    lines += ["", f"## {_('Severity')}", "", " → ".join(report.severities)]
    lines += ["", f"## {_('Affected services')}", ""]
    lines += [f"- {_escaped(service.name)} ({_escaped(service.team.name)})" for service in report.services]
    lines += ["", f"## {_('Timeline')}", ""]
    lines += [f"- {label}: {words}" for label, words in report.measures]
    lines.append("")
    for moment in report.moments:
        lines.append(f"- **{_local(moment.at)}** {_escaped(moment.words)}")
        lines += [f"  > {line}" for line in moment.text.splitlines() if line.strip()]
    for name, heading in texts_of().items():
        text = report.texts.get(name, "")
        if text or name != "lessons":
            lines += ["", f"## {heading}", "", text or _("Nothing written.")]
    return "\n".join(lines).rstrip() + "\n"


def _local(at: datetime) -> str:
    return localtime(at).strftime("%Y-%m-%d %H:%M %Z")


def _escaped(text: str) -> str:
    """A name in a line of its own document: no mark of Markdown in it has a meaning."""
    return "".join(f"\\{mark}" if mark in "\\`*_[]<>#|" else mark for mark in text)

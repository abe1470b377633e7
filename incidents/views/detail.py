"""The incident page (mock-up 02), its live fragments, and the plain-words page for whoever filed it."""

from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from escalation_site.kernel.instants import now
from escalation_site.ui.shapes import STATES
from incidents.forms import CommentForm
from incidents.models import Incident, Stage
from incidents.permissions import incident_for, may_file
from incidents.selectors.around import around_of
from incidents.selectors.ladder import ladder_of, run_of
from incidents.selectors.steps import Next, Standing, standing_of
from incidents.selectors.timeline import events_of, line_counts, lines_of
from incidents.stages import stage_label
from incidents.timeline_words import ALERTS, ESCALATION, PEOPLE, SYSTEM
from incidents.views.verbs import offer_for
from oncall.models import User

STAGES_SECONDS = 60
"""How long the names of the stages are remembered; they change once a year."""
SHOWS = ("ladder", "timeline", "details")


@require_safe
@login_required
def incident_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One incident: the ladder, the timeline, the facts, and what the reader may do."""
    user: Any = request.user
    return incident_page(request, incident_for(user, pk), at=now())


def incident_page(
    request: HttpRequest, incident: Incident, *, at: datetime, status: int = 200, **more: Any
) -> HttpResponse:
    """The whole page, by role; also what a refused action shows again."""
    user: Any = request.user
    template = (
        "incidents/incident_reporter.html" if user.role == User.Role.REPORTER else "incidents/incident_detail.html"
    )
    return render(request, template, {**incident_context(request, incident, at=at), **more}, status=status)


@require_safe
@login_required
def incident_live(request: HttpRequest, pk: int) -> HttpResponse:
    """The parts of the page that change, each to be put in its place."""
    user: Any = request.user
    return live_fragment(request, incident_for(user, pk), at=now())


def live_fragment(
    request: HttpRequest, incident: Incident, *, at: datetime, status: int = 200, **more: Any
) -> HttpResponse:
    """As ``incident_live``; ``more`` may bring a form to put beside."""
    context = {**incident_context(request, incident, at=at), "oob": True, **more}
    return render(request, "incidents/partials/_live.html", context, status=status)


def incident_context(request: HttpRequest, incident: Incident, *, at: datetime) -> dict[str, Any]:
    """What page and fragments share: three queries, and those for the people of the next level."""
    user: Any = request.user
    run = run_of(incident)
    events = events_of(incident)
    group = request.GET.get("lines", "")
    group = group if group in (PEOPLE, ESCALATION, ALERTS, SYSTEM) else ""
    ladder = ladder_of(incident, run, at=at, events=events) if run else None
    standing = standing_of(incident, run, at=at)
    show = request.GET.get("show", "")
    return {
        "at": at,
        "incident": incident,
        "run": run,
        "standing": standing,
        "ladder": ladder,
        "lines": lines_of(events, group=group, at=at),
        "line_tabs": _line_tabs(line_counts(events), group),
        "lines_group": group,
        "stages": _stages(incident),
        "offer": offer_for(user, incident),
        "composer": CommentForm() if may_file(user) else None,
        "show": show if show in SHOWS else SHOWS[0],
        "state_name": state_name(incident, standing),
        "reporter_page": user.role == User.Role.REPORTER,
        "may_audit": user.role in (User.Role.AUDITOR, User.Role.ADMINISTRATOR),
        "took": (incident.acknowledged_at - incident.started_at) if incident.acknowledged_at else None,
        "lasted": (incident.resolved_at - incident.started_at) if incident.resolved_at else None,
    }


def state_name(incident: Incident, standing: Standing) -> str:
    """The state as the tag shows it: exhausted and snoozed are said before triggered."""
    if standing.next in (Next.EXHAUSTED, Next.SNOOZED):
        return standing.next.value
    return incident.state if incident.state in STATES else "other"


def _line_tabs(counts: dict[str, int], current: str) -> list[dict[str, Any]]:
    labels = {"": _("All"), PEOPLE: _("People"), ESCALATION: _("Escalation"), ALERTS: _("Alerts"), SYSTEM: _("System")}
    return [
        {
            "label": label,
            "count": counts[group],
            "url": f"?show=timeline&lines={group}",
            "group": group,
            "current": group == current,
        }
        for group, label in labels.items()
    ]


def _stages(incident: Incident) -> list[dict[str, Any]]:
    """The life cycle with what is behind and what is ahead. The names are remembered for a minute: every page shows them."""
    stages: list[tuple[str, str, int]] | None = cache.get("incident-stages")
    if stages is None:
        stages = list(Stage.objects.order_by("position").values_list("key", "name", "position"))
        cache.set("incident-stages", stages, STAGES_SECONDS)
    here = incident.stage.position
    return [
        {"name": stage_label(name), "done": position < here, "now": position == here} for _key, name, position in stages
    ]


@require_safe
@login_required
def incident_around(request: HttpRequest, pk: int) -> HttpResponse:
    """Alerts, who is on call, what else is open on the service: read after the page, because nobody acts on it first."""
    at = now()
    user: Any = request.user
    incident = incident_for(user, pk)
    context = {"at": at, "incident": incident, "around": around_of(incident, user=user, at=at)}
    return render(request, "incidents/partials/_around.html", context)

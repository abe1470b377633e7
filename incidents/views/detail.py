"""The incident page (mock-up 02), its live fragments, and the plain-words page for whoever filed it."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from escalation_site.kernel.instants import now
from escalation_site.ui.context import frame_of
from escalation_site.ui.shapes import STATES
from incidents.bridges import bridge_of
from incidents.hours import Hours
from incidents.markdown import markdown_html
from incidents.models import Incident, Objective, Stage
from incidents.permissions import incident_for, may_file
from incidents.selectors.around import around_of
from incidents.selectors.beside import OBJECTIVES, entry_seen, has
from incidents.selectors.checkpoints import checkpoints_of
from incidents.selectors.joining import joined_late
from incidents.selectors.ladder import ladder_of, run_of
from incidents.selectors.steps import Next, Standing, standing_of
from incidents.selectors.terms import terms_shown
from incidents.selectors.timeline import GROUPS, Timeline, Wanted, timeline_of
from incidents.stages import stage_label
from incidents.talk_forms import QUICK_REPLIES, TalkForm
from incidents.timeline_words import ALERTS, DECISIONS, ESCALATION, PEOPLE, SYSTEM
from incidents.views.answers import page_or_fragment
from incidents.views.verbs import offer_for
from oncall.loading import Loaded
from oncall.models import User
from oncall.standing import schedules_kept

STAGES_SECONDS = 60
"""How long the names of the stages are remembered; they change once a year."""
SHOWS = ("ladder", "timeline", "room", "details")
_LONGEST_SEARCH = 80


@require_safe
@login_required
def incident_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One incident: the ladder, the timeline, the facts, and what the reader may do."""
    user: Any = request.user
    incident = incident_for(user, pk, with_run=True)
    # As of the first that was read: what changes after this is told to the page once it listens.
    return incident_page(request, incident, at=now(), live_entry=entry_seen(incident))


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
    return live_fragment(request, incident_for(user, pk, with_run=True), at=now())


def live_fragment(
    request: HttpRequest, incident: Incident, *, at: datetime, status: int = 200, **more: Any
) -> HttpResponse:
    """As ``incident_live``; ``more`` may bring a form to put beside."""
    context = {**incident_context(request, incident, at=at), "oob": True, **more}
    return render(request, "incidents/partials/_live.html", context, status=status)


def incident_context(request: HttpRequest, incident: Incident, *, at: datetime) -> dict[str, Any]:
    """What page and fragments share: five queries, those for what few incidents have, and those for the people of the next level."""
    user: Any = request.user
    run = run_of(incident)
    timeline = timeline_of(incident, reader=user, wanted=wanted_lines(request), at=at)
    hours = Hours()
    ladder = (
        ladder_of(incident, run, at=at, events=timeline.skips, hours=hours, schedules=partial(_schedules, request, at))
        if run
        else None
    )
    checkpoints = checkpoints_of(incident)
    asked = next((one.asked for one in checkpoints if one.is_open and one.takes_severity), None)
    standing = standing_of(incident, run, at=at, asked=asked, hours=hours)
    show = request.GET.get("show", "")
    return {
        "at": at,
        "incident": incident,
        "objectives": _objectives(incident) if has(incident, OBJECTIVES) else (),
        "run": run,
        "standing": standing,
        "ladder": ladder,
        "checkpoints": checkpoints,
        "past_checkpoints": [one for one in checkpoints if not one.is_open],
        **lines_context(request, incident, timeline),
        "joined_late": not _acted(timeline, user) and joined_late(incident, user, at=at),
        "stages": _stages(incident),
        "offer": offer_for(user, incident),
        "composer": TalkForm() if may_file(user) else None,
        "quick_replies": QUICK_REPLIES if may_file(user) else (),
        "show": show if show in SHOWS else SHOWS[0],
        "may_talk": may_file(user),
        "summary_html": markdown_html(incident.summary),
        "bridge": bridge_of(incident),
        "state_name": state_name(incident, standing),
        "terms": terms_shown(incident, at=at),
        "reporter_page": user.role == User.Role.REPORTER,
        "may_audit": user.role in (User.Role.AUDITOR, User.Role.ADMINISTRATOR),
        "took": (incident.acknowledged_at - incident.started_at) if incident.acknowledged_at else None,
        "lasted": (incident.resolved_at - incident.started_at) if incident.resolved_at else None,
    }


def _objectives(incident: Incident) -> QuerySet[Objective]:
    return Objective.objects.filter(incident=incident).exclude(state=Objective.State.DROPPED).order_by("rank", "id")


def _schedules(request: HttpRequest, at: datetime) -> Mapping[int, Loaded]:
    """The schedules by which the frame says who is on call."""
    mark = frame_of(request).counts.mark
    return schedules_kept(at, mark=mark) if mark is not None else {}


def _acted(timeline: Timeline, user: User) -> bool:
    """Whether ``user`` did anything among the lines at hand, which spares asking whether they came late."""
    return any(event.actor_id == user.pk for event in timeline.events)


def state_name(incident: Incident, standing: Standing) -> str:
    """The state as the tag shows it: exhausted and snoozed are said before triggered."""
    if standing.suppressed:
        return "suppressed"
    if standing.next in (Next.EXHAUSTED, Next.SNOOZED):
        return standing.next.value
    return incident.state if incident.state in STATES else "other"


def wanted_lines(request: HttpRequest) -> Wanted:
    """Which lines of the timeline the address asks for; what makes no sense asks for nothing."""

    def number(name: str) -> int:
        text = request.GET.get(name, "")
        return int(text) if text.isdecimal() and len(text) < 19 else 0

    group = request.GET.get("lines", "")
    return Wanted(
        group=group if group in GROUPS else "",
        by=number("by"),
        words=request.GET.get("words", "").strip()[:_LONGEST_SEARCH],
        oldest=number("line") or number("oldest"),
        before=number("before"),
    )


def lines_context(request: HttpRequest, incident: Incident, timeline: Timeline) -> dict[str, Any]:
    """What the timeline's template needs. In the room the newest line stands last, beside the composer."""
    room = request.GET.get("show") == "room" or request.GET.get("order") == "room"
    user: Any = request.user
    return {
        "timeline": timeline,
        "lines": list(reversed(timeline.lines)) if room else timeline.lines,
        "line_tabs": _line_tabs(timeline.counts, timeline.wanted.group, "room" if room else "timeline"),
        "lines_group": timeline.wanted.group,
        "room": room,
        "may_pin": user.may_respond,
    }


@require_safe
@login_required
def incident_lines(request: HttpRequest, pk: int) -> HttpResponse:
    """Older lines of the timeline: what follows the line that the address names. A page of its own without scripts."""
    user: Any = request.user
    incident, at = incident_for(user, pk), now()
    timeline = timeline_of(incident, reader=user, wanted=wanted_lines(request), at=at)
    context = {"at": at, "incident": incident, **lines_context(request, incident, timeline)}
    return page_or_fragment(request, "incidents/lines.html", "incidents/partials/_lines.html", context)


def _line_tabs(counts: Mapping[str, int], current: str, show: str) -> list[dict[str, Any]]:
    labels = {
        "": _("All"),
        PEOPLE: _("People"),
        DECISIONS: _("Decisions"),
        ESCALATION: _("Escalation"),
        ALERTS: _("Alerts"),
        SYSTEM: _("System"),
    }
    return [
        {
            "label": label,
            "count": counts[group],
            "url": f"?show={show}&lines={group}",
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

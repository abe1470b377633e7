"""Cards that tell in words: the summary for executives, the update on the work, the stand-up. Made of data, each line linked.

In the language and on the clock in force; of what the reader may see and the filters leave.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from escalation_site.ui import durations
from incidents.models import Incident, Task
from oncall.models import Team
from policies.severity import Severity
from reports.digests.standup import standup_content
from reports.digests.value import Content, Figure, Line, Section
from reports.narrow import behind
from reports.panels import Data, number_card
from reports.selectors import chosen_incidents, incidents_in

SHOWN = 5
TOLD: Mapping[str, str | Promise] = {
    "summary": gettext_lazy("Executive summary"),
    "update": gettext_lazy("Update on the work"),
    "standup": gettext_lazy("Stand-up"),
}
"""What a card of words can tell, in the order of the menu (``reports.cards.TOLD`` has the same keys)."""
_FIGURES = ("incidents", "acknowledge", "resolve", "escalated", "sla")


def told(data: Data, key: str, *, at: datetime) -> Content:
    """The card's content."""
    makers: Mapping[str, Callable[[Data, datetime], Content]] = {
        "summary": _summary,
        "update": _update,
        "standup": _standup,
    }
    return makers[key](data, at)


def _summary(data: Data, at: datetime) -> Content:
    """Where it goes (figures with their change), what takes too long, what was achieved. Five queries beside the figures'."""
    cards = [number_card(data, key) for key in _FIGURES]
    figures = [Figure(card.title, card.parts[0].value, card.parts[0].change.text, card.link) for card in cards]
    waiting = behind(data.scope, "resolve.waiting").order_by("severity", "started_at", "pk")
    ended = incidents_in(data.scope).filter(resolved_at__isnull=False).order_by("severity", "-resolved_at", "-pk")
    return Content(
        str(TOLD["summary"]),
        "",
        figures,
        (
            _incidents(_("Still open"), waiting, data.link("resolve.waiting"), at, _("Nothing is open.")),
            _incidents(_("Over"), ended, data.link("resolve.done"), at, _("Nothing was resolved.")),
        ),
    )


def _incidents(title: str, found: QuerySet[Incident], link: str, at: datetime, empty: str) -> Section:
    return Section(title, [_incident(one, at) for one in found[:SHOWN]], empty, max(found.count() - SHOWN, 0), link)


def _incident(incident: Incident, at: datetime) -> Line:
    took = durations.in_two_units(((incident.resolved_at or at) - incident.started_at).total_seconds())
    words = _("resolved after %(span)s") if incident.resolved_at else _("open for %(span)s")
    return Line(
        f"{incident.reference} {incident.title}",
        f"{Severity(incident.severity).label} · {words % {'span': took}}",
        incident.get_absolute_url(),
    )


def _update(data: Data, at: datetime) -> Content:
    """What was done in the period, what is late, what is going on: tasks of the scope's incidents. Six queries."""
    period = data.scope.period
    wanted = chosen_incidents(data.scope).order_by().values("pk")
    tasks = Task.objects.filter(incident__in=wanted).select_related("incident", "assignee")
    done = tasks.filter(state=Task.State.DONE, ended_at__gte=period.since, ended_at__lt=period.until)
    still = tasks.filter(ended_at=None)
    late, going = still.filter(due_at__lt=at), still.exclude(due_at__lt=at)
    return Content(
        str(TOLD["update"]),
        "",
        (),
        (
            _tasks(_("Late"), late.order_by("due_at", "pk"), at, _("Nothing is late.")),
            _tasks(_("Done"), done.order_by("-ended_at", "-pk"), at, _("Nothing was done in the period.")),
            _tasks(_("Under way"), going.order_by("priority", "due_at", "pk"), at, _("Nothing is under way.")),
        ),
    )


def _tasks(title: str, found: QuerySet[Task], at: datetime, empty: str) -> Section:
    return Section(title, [_task(one, at) for one in found[:SHOWN]], empty, max(found.count() - SHOWN, 0))


def _task(task: Task, at: datetime) -> Line:
    who = task.assignee.name if task.assignee else _("nobody has it")
    parts = [task.incident.reference, who]
    if task.ended_at is None and task.due_at is not None and task.due_at < at:
        span = durations.in_two_units((at - task.due_at).total_seconds())
        parts.append(_("late by %(span)s") % {"span": span})
    return Line(task.title, " · ".join(parts), f"{task.incident.get_absolute_url()}#task-{task.pk}")


def _standup(data: Data, at: datetime) -> Content:
    """The team's where one is chosen, else the house's."""
    chosen: Sequence[int] = data.scope.teams
    team = Team.objects.filter(pk=chosen[0]).first() if len(chosen) == 1 else None
    zone = data.scope.period.zone
    return standup_content(
        visible=Incident.objects.visible_to(data.scope.user),
        team=team,
        teams=chosen or None,
        at=at,
        zone=zone if isinstance(zone, ZoneInfo) else ZoneInfo("UTC"),
        shown=SHOWN,
    )

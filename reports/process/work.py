"""What is left undone, what is done by hand again and again, and whether time on call is shared fairly."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Count, F, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from escalation_site.ui import durations
from incidents.models import Incident, Task, TimelineEvent
from incidents.querysets import IncidentQuerySet
from incidents.timeline_words import WORDINGS
from oncall.load.fairness import EVEN, UNEVEN, fairnesses
from oncall.load.measure import Days
from oncall.load.reading import reading
from oncall.models import Schedule, User
from policies.severity import Severity
from reports.ledger_words import ACTIONS, action_words
from reports.process.patterns import percent
from reports.process.values import Finding, Measured
from reports.selectors import Scope, incidents_in

SHOWN = 8
REVIEW_WITHIN = timedelta(days=7)
TOIL = 10
NO_TOIL = (
    "incident.comment",
    "incident.decide",
    "incident.correct",
    "survey.answer",
    "incident.open",
    "attachment.add",
)
"""What only people can do: to say something."""
TOIL_BEHIND = 200
"""Incidents kept behind one kind of step, those with most of it."""


# --- overdue actions


def overdue_findings(scope: Scope, *, at: datetime) -> tuple[list[Finding], int]:
    """Tasks that should be done by now, by who has them; and severe incidents without a review a week after their end.

    Whatever the period: what is overdue is overdue. Returns how many tasks are open too.
    """
    visible = Incident.objects.visible_to(scope.user).counted()
    if scope.teams:
        visible = visible.filter(team__in=scope.teams)
    tasks = Task.objects.filter(ended_at=None, incident__in=visible.values("pk"))
    late = tasks.filter(due_at__lt=at).select_related("assignee", "incident").order_by("due_at", "pk")
    by_person: dict[User | None, list[Task]] = defaultdict(list)
    for task in late[:2000]:
        by_person[task.assignee].append(task)
    found = [_overdue(person, own, at) for person, own in by_person.items()]
    found.sort(key=lambda one: -len(one.incidents))
    unreviewed = _unreviewed(visible, at)
    return [*found[:SHOWN], *unreviewed], tasks.count()


def _overdue(person: User | None, tasks: Sequence[Task], at: datetime) -> Finding:
    oldest = tasks[0]
    late = durations.in_one_unit((at - oldest.due_at).total_seconds()) if oldest.due_at else ""
    words = {"name": person.name if person else "", "number": len(tasks), "task": oldest.title, "late": late}
    if person is None:
        said = ngettext("%(number)d overdue task has nobody.", "%(number)d overdue tasks have nobody.", len(tasks))
    else:
        said = ngettext("%(name)s has %(number)d overdue task.", "%(name)s has %(number)d overdue tasks.", len(tasks))
    return Finding(
        key=f"task-{person.pk if person else 0}",
        said=said % words,
        why=_("The oldest, “%(task)s”, is %(late)s late.") % words,
        incidents=sorted({task.incident_id for task in tasks}),
        link=reverse("incidents:task", args=(oldest.incident_id, oldest.pk)),
        link_words=_("See the oldest"),
    )


def _unreviewed(visible: IncidentQuerySet, at: datetime) -> list[Finding]:
    rows: list[int] = list(
        visible.filter(resolved_at__lt=at - REVIEW_WITHIN, resolved_at__gte=at - timedelta(days=180))
        .filter(Q(severity=Severity.SEV1.value) | Q(major_at__isnull=False))
        .exclude(review__published_at__isnull=False)
        .order_by("pk")
        .values_list("pk", flat=True)[:500]
    )
    if not rows:
        return []
    words = {"number": len(rows)}
    return [
        Finding(
            key="review",
            said=ngettext(
                "%(number)d severe incident has no published review.",
                "%(number)d severe incidents have no published review.",
                len(rows),
            )
            % words,
            why=_("They were resolved more than a week ago."),
            incidents=rows,
        )
    ]


def completion(scope: Scope, *, at: datetime) -> Measured:
    """Of the tasks that were due in the period, how many were done, and done in time; those that followed from an incident, begun after
    its end, by themselves. Dropped ones are left out. One query."""
    visible = Incident.objects.visible_to(scope.user).counted()
    if scope.teams:
        visible = visible.filter(team__in=scope.teams)
    due = Task.objects.filter(
        due_at__gte=scope.period.since, due_at__lt=min(scope.period.until, at), incident__in=visible.values("pk")
    ).exclude(state=Task.State.DROPPED)
    done = Q(state=Task.State.DONE)
    after = Q(incident__resolved_at__lte=F("created_at"))
    counts = due.aggregate(
        all=Count("id"),
        done=Count("id", filter=done),
        kept=Count("id", filter=done & Q(ended_at__lte=F("due_at"))),
        after=Count("id", filter=after),
        after_done=Count("id", filter=after & done),
        after_kept=Count("id", filter=after & done & Q(ended_at__lte=F("due_at"))),
    )

    def line(name: str, whole: int, part: int, kept: int) -> tuple[str, ...]:
        return (name, str(whole), str(part), percent(part, whole), percent(kept, whole))

    return Measured(
        _("Tasks that were due in the period"),
        (_("Which"), _("due"), _("done"), _("completion rate"), _("done in time")),
        [
            line(_("All tasks"), counts["all"], counts["done"], counts["kept"]),
            line(_("Follow-up, made after the end"), counts["after"], counts["after_done"], counts["after_kept"]),
        ],
    )


# --- toil


def toil_findings(scope: Scope) -> tuple[list[Finding], int, int]:
    """What people do by hand most, step by step; how many steps people took, and how many the system. Three queries."""
    wanted = incidents_in(scope).order_by().values("pk")
    lines = TimelineEvent.objects.filter(incident__in=wanted).order_by()
    rows = lines.values_list("kind").annotate(by_hand=Count("actor"), all=Count("id"))
    steps = {kind: (by_hand, every - by_hand) for kind, by_hand, every in rows}
    manual = sum(by_hand for by_hand, _auto in steps.values())
    automatic = sum(auto for _by_hand, auto in steps.values())
    often = sorted((kind for kind, (by_hand, _a) in steps.items() if by_hand >= TOIL and kind not in NO_TOIL))
    often.sort(key=lambda kind: -steps[kind][0])
    found = [_toil(kind, steps[kind][0], manual, lines) for kind in often[: SHOWN - 3]]
    return found, manual, automatic


def _toil(kind: str, times: int, manual: int, lines: QuerySet[TimelineEvent]) -> Finding:
    behind = (
        lines.filter(kind=kind, actor__isnull=False)
        .values_list("incident")
        .annotate(times=Count("id"))
        .order_by("-times", "incident")[:TOIL_BEHIND]
    )
    incidents = [pk for pk, _times in behind]
    words = {"step": step_words(kind), "times": times, "share": round(100 * times / manual)}
    return Finding(
        key=kind,
        said=_("By hand, %(times)d times: %(step)s.") % words,
        why=_("%(share)d%% of all steps by hand. A rule, a plan template or an integration may take it over.") % words,
        weight="look",
        incidents=incidents,
    )


def step_words(kind: str) -> str:
    """A kind of line as a step: as the ledger calls it, else its sentence with the places left open."""
    if kind in ACTIONS:
        return action_words(kind)
    wording = WORDINGS.get(kind)
    if wording is None:
        return kind
    places = _Places(actor=_("somebody"))
    return str(wording.sentence) % places


class _Places(dict[str, str]):
    """Fills every place of a sentence that is not known."""

    def __missing__(self, _key: str) -> str:
        return "…"


# --- fairness


def fairness_findings(scope: Scope) -> tuple[list[Finding], int]:
    """Schedules whose burden is not shared evenly, the least even first, with who bears most."""
    wanted = Schedule.objects.select_related("team").order_by("name")
    schedules = list(wanted.filter(team__in=scope.teams) if scope.teams else wanted)
    days = Days(scope.period.first, scope.period.last)
    scored = fairnesses(reading(schedules, days=days)) if schedules else []
    found = []
    for one in scored:
        if one.worst >= EVEN:
            continue
        worst = min(one.scores, key=lambda score: score.value)
        words = {"name": one.schedule.name, "what": worst.label, "score": worst.value, "word": worst.word}
        found.append(
            Finding(
                key=one.schedule.slug,
                said=_("%(name)s: %(what)s are %(word)s, %(score)d of 100.") % words,
                why=" ".join((worst.sentence, *one.reasons[:2])),
                weight="act" if one.worst < UNEVEN else "look",
                link=f"{reverse('oncall:workload')}?schedule={one.schedule.slug}",
                link_words=_("See the workload"),
            )
        )
    return found[:SHOWN], len(scored)

"""The ladder of one incident: what was called and what came of it, what rings now, what comes next and when (R023)."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db.models import FilteredRelation, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from escalation_site.ui.durations import in_two_units, list_of
from incidents.hours import Hours
from incidents.models import EscalationRun, Incident, Page, TimelineEvent
from incidents.querysets import IncidentQuerySet
from incidents.selectors.beside import SKILLS, has
from incidents.selectors.steps import level_title, next_calls
from incidents.selectors.who import people_called
from incidents.timeline_words import because_words, reason_words, why_words
from oncall.loading import Loaded
from oncall.models import User
from policies.definition import PolicyDef, targets_parse
from policies.escalation import Because, ForecastStep, Phase, RunState
from policies.glossary import meaning
from policies.models import Guideline
from policies.reasons import channels_words_of, untold_words
from policies.services import version_definition

CHANNEL_ICONS = {"email": "mail", "sms": "message-square", "voice": "phone", "push": "smartphone", "chat": "hash"}
_DELIVERY = "message__deliveries__"
_COLUMNS = (
    "id", "run_id", "cycle", "level", "why", "state", "state_reason", "created_at", "settled_at", "answered_at", "declined_at",
    "recipient_id", "recipient__first_name", "recipient__last_name", "recipient__username",
    f"{_DELIVERY}channel", f"{_DELIVERY}state", f"{_DELIVERY}attempts_made", f"{_DELIVERY}reason", f"{_DELIVERY}created_at",
    f"{_DELIVERY}settled_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one delivery; ``title`` says it in words."""

    icon: str
    title: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Told:
    """A person on a level: why, what came of it (``result`` with its ``tone``), the receipts, and how often they were told
    (``times``, "" for once)."""

    person: User
    why: str
    result: str = ""
    tone: str = ""
    how: str = ""
    times: str = ""
    receipts: Sequence[Receipt] = ()

    @property
    def name(self) -> str:
        return self.person.name


@dataclass(frozen=True, slots=True)
class Rung:
    """One level. ``phase`` is past, current, next or todo; a running clock has ``due_at`` and says what it leads to (``then``)."""

    phase: str
    level: int
    title: str
    at: datetime | None = None
    people: Sequence[Told] = ()
    answered: bool = False
    due_at: datetime | None = None
    clock_label: str = ""
    clock_means: str = ""
    then: str = ""
    is_flag: bool = False


@dataclass(frozen=True, slots=True)
class Flag:
    """A remark between two levels: a level that was skipped, an earlier cycle, the end of the ladder. One that ``belongs`` says
    more of the level above it: a place that was told."""

    text: str
    icon: str
    at: datetime | None = None
    belongs: bool = False
    is_flag: bool = True


@dataclass(frozen=True, slots=True)
class Ladder:
    """Everything on the ladder, and the next step for the facts above it: ``next_at`` and ``next_to`` ("Elena Conti")."""

    policy: str
    version: int
    steps: Sequence[Rung | Flag] = ()
    total: int = 0
    next_at: datetime | None = None
    next_since: datetime | None = None
    next_to: str = ""
    policy_url: str = ""
    guidelines: Sequence[Guideline] = ()


@dataclass(slots=True)
class _PageRow:
    """A page as the ladder needs it, with its deliveries."""

    values: dict[str, Any]
    receipts: list[Receipt] = field(default_factory=list)
    times: int = 1

    @property
    def person(self) -> User:
        return User(
            pk=self.values["recipient_id"],
            first_name=self.values["recipient__first_name"],
            last_name=self.values["recipient__last_name"],
            username=self.values["recipient__username"],
        )


_CURRENT = "current_run"


def with_current_run(incidents: IncidentQuerySet) -> IncidentQuerySet:
    """``incidents``, each with its current run and the run's policy version in the same query."""
    current = FilteredRelation("runs", condition=Q(runs__superseded=False))
    return incidents.annotate(**{_CURRENT: current}).select_related(f"{_CURRENT}__policy_version__policy")


def run_of(incident: Incident) -> EscalationRun | None:
    """The incident's current run with its policy version: one query, none where it came ``with_current_run``."""
    if _CURRENT in vars(incident):
        found: EscalationRun | None = vars(incident)[_CURRENT]
        return found
    runs = EscalationRun.objects.filter(incident=incident, superseded=False).select_related("policy_version__policy")
    return runs.first()


def ladder_of(
    incident: Incident,
    run: EscalationRun,
    *,
    at: datetime,
    events: Sequence[TimelineEvent] = (),
    hours: Hours | None = None,
    schedules: Callable[[], Mapping[int, Loaded]] | None = None,
) -> Ladder:
    """The ladder of ``run``: one query for the pages with their deliveries, and those of the next level's people.

    ``events`` are the incident's timeline, from which levels that reached nobody are told. ``schedules`` gives all there are, where the
    page has them at hand.
    """
    policy, state = version_definition(run.policy_version), RunState.from_json(run.state)
    every_page = _pages(run)
    pages = [page for page in every_page if page.values["run_id"] == run.pk]
    coming = (
        next_calls(policy, state, at=at, calendar=(hours or Hours()).of(policy, incident), limit=len(policy.levels) + 1)
        if incident.is_open and not run.set_aside_at
        else ()
    )
    next_people = _next_people(run, state, coming, incident, at, schedules)
    next_names = list_of([one.name for one in next_people])
    past = _past(policy, state, pages, events, incident)
    future = _future(policy, state, coming, next_people)
    last = next((row for row in reversed(range(len(past))) if not _belongs(past[row])), None)
    if last is not None and coming:
        past[last] = _with_clock(past[last], state, coming[0], next_names, policy)
    version = run.policy_version
    return Ladder(
        policy=version.policy.name,
        version=version.number,
        steps=[*_before_this_path(every_page, run), *past, *future],
        total=len(policy.levels),
        next_at=coming[0].at if coming else None,
        next_since=state.level_started_at or state.cycle_started_at,
        next_to=(next_names or level_title(policy, coming[0].level)) if coming else "",
        policy_url=version.policy.slug,
        guidelines=list(version.policy.guidelines.all()),
    )


def _pages(run: EscalationRun) -> list[_PageRow]:
    rows: dict[int, _PageRow] = {}
    found = Page.objects.filter(incident=run.incident_id).order_by("id", f"{_DELIVERY}position").values(*_COLUMNS)
    for values in found:
        row = rows.setdefault(values["id"], _PageRow(values))
        if values[f"{_DELIVERY}channel"]:
            row.receipts.append(_receipt(values))
    return list(rows.values())


def _before_this_path(pages: Sequence[_PageRow], run: EscalationRun) -> list[Rung | Flag]:
    """One line for whoever was paged before the incident went over to this policy."""
    own = [page for page in pages if page.values["run_id"] != run.pk]
    if not own:
        return []
    count = len({page.values["recipient_id"] for page in own})
    words = ngettext(
        "By another policy before: %(count)d person was paged",
        "By another policy before: %(count)d people were paged",
        count,
    )
    return [Flag(words % {"count": count}, "split", own[0].values["created_at"])]


def _receipt(values: dict[str, Any]) -> Receipt:
    channel, attempts = values[f"{_DELIVERY}channel"], values[f"{_DELIVERY}attempts_made"]
    words = {
        "queued": _("waiting to be sent"),
        "sending": _("being sent"),
        "delivered": _("delivered"),
        "failed": _("failed"),
        "cancelled": _("called off"),
    }
    name = {"email": _("E-mail"), "sms": _("SMS"), "voice": _("Call"), "push": _("Push")}.get(channel, channel)
    title = f"{name} {words.get(values[f'{_DELIVERY}state'], '')}"
    if values[f"{_DELIVERY}state"] == "failed" and values[f"{_DELIVERY}reason"]:
        title = f"{title}: {values[f'{_DELIVERY}reason']}"
    if attempts > 1:
        title = f"{title}, " + ngettext("%(count)d attempt", "%(count)d attempts", attempts) % {"count": attempts}
    return Receipt(
        CHANNEL_ICONS.get(channel, "send"), title, values[f"{_DELIVERY}settled_at"] or values[f"{_DELIVERY}created_at"]
    )


def _past(
    policy: PolicyDef, state: RunState, pages: Sequence[_PageRow], events: Sequence[TimelineEvent], incident: Incident
) -> list[Rung | Flag]:
    """What happened in the cycle in force, level by level; earlier cycles are one line each."""
    levels: dict[tuple[int, int], list[_PageRow]] = defaultdict(list)
    for page in pages:
        levels[(page.values["cycle"], page.values["level"])].append(page)
    newest = max((cycle for cycle, _level in levels), default=state.cycle)
    steps: list[tuple[datetime, Rung | Flag]] = []
    for (cycle, level), own in levels.items():
        if cycle == newest:
            rung = _rung(policy, state, cycle, level, own, incident)
            steps.append((own[0].values["created_at"], rung))
    began = min((at for at, _step in steps), default=state.cycle_started_at)
    for event in events:
        if event.at < min(began, state.cycle_started_at):
            continue
        if event.kind == "escalation.skip_level":
            steps.append((event.at, _skipped(event)))
        elif event.kind in _PLACES:
            steps.append((event.at, _place(event)))
    steps.sort(key=lambda step: step[0])
    return [*_earlier_cycles(levels, newest), *(step for _at, step in steps)]


def _earlier_cycles(levels: dict[tuple[int, int], list[_PageRow]], newest: int) -> list[Rung | Flag]:
    flags: list[Rung | Flag] = []
    for cycle in sorted({cycle for cycle, _level in levels if cycle < newest}):
        own = [page for (at_cycle, _level), pages in levels.items() if at_cycle == cycle for page in pages]
        count = len({page.values["recipient_id"] for page in own})
        words = ngettext(
            "Cycle %(cycle)d: %(count)d person was paged", "Cycle %(cycle)d: %(count)d people were paged", count
        )
        flags.append(Flag(words % {"cycle": cycle + 1, "count": count}, "repeat", own[0].values["created_at"]))
    return flags


def _belongs(step: Rung | Flag) -> bool:
    return isinstance(step, Flag) and step.belongs


_PLACES = {"escalation.post": "send", "escalation.post_skip": "skip-forward", "post.failed": "triangle-alert"}


def _place(event: TimelineEvent) -> Flag:
    """A destination that was told beside the people of a level, or could not be."""
    data = event.data
    places = {
        "places": list_of([str(name) for name in data.get("places", ())]),
        "name": data.get("name", ""),
        "why": untold_words(str(data.get("untold", ""))),
    }
    match event.kind:
        case "escalation.post":
            text = _("Told %(places)s") % places
        case "escalation.post_skip":
            text = _("%(name)s was not told: %(why)s") % places
        case _:
            text = _("%(name)s could not be told: %(why)s") % places
    return Flag(text, _PLACES[event.kind], event.at, belongs=True)


def _skipped(event: TimelineEvent) -> Flag:
    data = event.data
    because = because_words(str(data.get("because", "")))
    words = _("Level %(level)s: %(name)s was skipped. %(because)s")
    return Flag(
        words % {"level": data.get("level"), "name": data.get("name", ""), "because": because}, "skip-forward", event.at
    )


def _rung(
    policy: PolicyDef, state: RunState, cycle: int, level: int, pages: Sequence[_PageRow], incident: Incident
) -> Rung:
    catch_all = level >= len(policy.levels)
    exhausted = state.phase is Phase.EXHAUSTED or incident.exhausted_at is not None
    stands_here = catch_all if exhausted else state.entered and (state.cycle, state.level) == (cycle, level)
    in_force = incident.is_open and stands_here
    answered = any(page.values["answered_at"] for page in pages)
    # Who had time to answer and did not is told apart from who still has.
    taken = answered or incident.acknowledged_at is not None or not incident.is_open
    title = _("Catch-all") if catch_all else level_title(policy, level)
    if level > len(policy.levels):
        title = _("Final decision-maker")
    if cycle:
        title = _("%(level)s, cycle %(cycle)d") % {"level": title, "cycle": cycle + 1}
    return Rung(
        phase="current" if in_force else "past",
        level=level + 1,
        title=title,
        at=pages[0].values["created_at"],
        people=[_told(page, in_force=in_force, taken=taken) for page in _each_once(pages)],
        answered=answered,
    )


def _each_once(pages: Sequence[_PageRow]) -> list[_PageRow]:
    """Each person once, with their newest page, the receipts of all of them, and whatever they said to any."""
    found: dict[int, _PageRow] = {}
    for page in pages:
        before = found.get(page.values["recipient_id"])
        if before is not None:
            said = {name: page.values[name] or before.values[name] for name in ("answered_at", "declined_at")}
            told_at = {"created_at": before.values["created_at"]} if said["answered_at"] else {}
            page = _PageRow(page.values | said | told_at, [*before.receipts, *page.receipts], before.times + 1)
        found[page.values["recipient_id"]] = page
    return list(found.values())


def _told(page: _PageRow, *, in_force: bool, taken: bool) -> Told:
    values = page.values
    why = "; ".join(filter(None, (why_words(values["why"]), channels_words_of(values["why"]))))
    times = ngettext("told %(count)d time", "told %(count)d times", page.times) % {"count": page.times}
    told = Told(page.person, why, receipts=page.receipts, times=times if page.times > 1 else "")
    if values["answered_at"]:
        span = in_two_units((values["answered_at"] - values["created_at"]).total_seconds())
        return replace(told, result=_("Took it, %(span)s") % {"span": span}, tone="acc")
    if values["declined_at"]:
        return replace(told, result=_("Can’t take it"), tone="warn")
    match values["state"]:
        case Page.State.FAILED:
            return replace(
                told, result=_("Not reached"), tone="warn", how=reason_words(values["state_reason"]).capitalize()
            )
        case Page.State.CANCELLED:
            return replace(told, result=_("Stood down"))
        case Page.State.PENDING:
            return replace(told, result=_("On its way"))
    if in_force and not taken:
        return replace(told, result=_("Ringing"), tone="inv")
    return replace(told, result=_("No answer"), tone="" if taken and in_force else "warn")


def _with_clock(step: Rung | Flag, state: RunState, call: ForecastStep, names: str, policy: PolicyDef) -> Rung | Flag:
    """The last rung with the clock that runs on it and what that leads to."""
    if isinstance(step, Flag):
        return step
    labels = {
        Phase.PAGING: _("Time to answer"),
        Phase.WAITING: _("Until the next level"),
        Phase.ACKNOWLEDGED: _("Resolution timeout"),
        Phase.SNOOZED: _("Kept silent by a rule") if state.reason is Because.SUPPRESSED else _("Snoozed"),
    }
    whom = names or level_title(policy, call.level)
    then = (
        _("Calls %(whom)s unless it is mitigated or resolved first") if state.acknowledged else _("Then calls %(whom)s")
    )
    means = meaning({Phase.PAGING: "ack_timeout", Phase.ACKNOWLEDGED: "resolve_timeout"}.get(state.phase, ""))
    label = labels.get(state.phase, "")
    return replace(step, due_at=call.at, clock_label=label, clock_means=means, then=then % {"whom": whom})


def _next_people(
    run: EscalationRun,
    state: RunState,
    coming: Sequence[ForecastStep],
    incident: Incident,
    at: datetime,
    schedules: Callable[[], Mapping[int, Loaded]] | None,
) -> list[Told]:
    """Whom the next level would reach; with it those whom a rule sends for, where the walk has still to begin."""
    if not coming:
        return []
    people = people_called(
        version_definition(run.policy_version),
        coming[0].level,
        service=incident.service,
        team=incident.team,
        at=at,
        straight_to=targets_parse(run.straight_to) if state.opens and not state.entered else (),
        schedules=schedules,
        asks_skills=has(incident, SKILLS),
    )
    return [Told(one.user, why_words(one.why)) for one in people]


def _future(
    policy: PolicyDef, state: RunState, coming: Sequence[ForecastStep], next_people: Sequence[Told]
) -> list[Rung | Flag]:
    """The levels to come with their instants: the next one with its people, the rest of its cycle by name."""
    steps: list[Rung | Flag] = []
    for place, call in enumerate(coming):
        if call.level is None:
            steps.append(Flag(_("Then every level has been called, and the catch-all is told"), "bell-off", call.at))
            break
        if place and call.cycle != coming[0].cycle:
            steps.append(Flag(_("Then cycle %(cycle)d begins") % {"cycle": call.cycle + 1}, "repeat", call.at))
            break
        steps.append(
            Rung(
                phase="todo" if place else "next",
                level=call.level + 1,
                title=level_title(policy, call.level),
                at=call.at,
                people=() if place else next_people,
            )
        )
    return steps

"""Timers against what really happened: a level's timeout beside how long its people take, and a value that fits. Pure.

A level was *answered* when the incident was acknowledged after it was called and before the next one was; it *ran out* when
the next level was called. Too short: at least two in five ran out although most were answered in the end, later than the
timeout. Too long: nine in ten answers come within a third of it, so that an unanswered level waits for nothing.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils.translation import gettext as _

from escalation_site.ui import durations
from policies.definition import Hours, LevelDef, MeasuredFrom, Timeout
from reports.metrics import percentile
from reports.process.values import Called, Finding, Ground, Measured

FEWEST = 5
RAN_OUT = 0.4
IDLE = 3
ACK, RESOLVE = "ack", "resolve"
STEPS = (30, 60, 120, 180, 300, 420, 600, 900, 1200, 1800, 2700, 3600, 5400, 7200, 10800, 14400, 28800, 43200, 86400)
"""Values people would choose."""


@dataclass(frozen=True, slots=True)
class Timed:
    """A policy as the check needs it: ``link`` leads to its editor, or to its page."""

    pk: int
    name: str
    link: str
    levels: Sequence[LevelDef]


@dataclass(slots=True)
class _Level:
    """Of each incident that called the level: when it did and when somebody acknowledged it (None: nobody), and whether it ran out."""

    answers: dict[int, tuple[datetime, datetime | None]]
    ran_out: set[int]


def nice(seconds: float) -> int:
    """The smallest value people would choose that is no less."""
    return next((step for step in STEPS if step >= seconds), STEPS[-1])


@dataclass(frozen=True, slots=True)
class _Timing:
    """One timer: ``what`` it is for ("ack" or "resolve"), what it is set to, how long it really took (sorted), how many of ``asked``
    ran over; and the value to try, where it does not fit: ``short`` says which way."""

    policy: Timed
    number: int
    level: LevelDef
    what: str
    limit: "_Limit"
    known: Sequence[float]
    asked: int
    over: frozenset[int]
    better: int | None = None
    short: bool = False
    incidents: frozenset[int] = frozenset()

    @property
    def set_to(self) -> str:
        return _said(self.limit.seconds, self.limit)

    @property
    def tried(self) -> str:
        """The value to try, in words."""
        return _said(self.better or 0, self.limit)

    @property
    def name(self) -> object:
        return self.level.name or self.number + 1

    @property
    def median(self) -> float:
        return percentile(self.known, 50) or 0.0

    @property
    def p90(self) -> float:
        return percentile(self.known, 90) or 0.0


def timer_findings(ground: Ground, policies: Sequence[Timed]) -> list[Finding]:
    """Levels whose timeout does not fit, those that run out most first."""
    made = [_finding(timing) for timing in _timings(ground, policies) if timing.better is not None]
    return sorted(made, key=lambda one: -len(one.incidents))


def timer_table(ground: Ground, policies: Sequence[Timed]) -> Measured:
    """Every timer that somebody was called under, beside what really happened, and the value to try."""
    rows = [
        (
            f"{timing.policy.name}: {timing.name}",
            _("acknowledge") if timing.what == ACK else _("resolve"),
            timing.set_to,
            str(len(timing.known)),
            _span(timing.median) if timing.known else "–",
            _span(timing.p90) if timing.known else "–",
            _advice(timing),
        )
        for timing in _timings(ground, policies)
    ]
    heads = (_("Level"), _("time to"), _("set to"), _("answers"), _("median"), _("p90"), _("suggested"))
    return Measured(_("Every timer beside what happened"), heads, rows)


def _advice(timing: _Timing) -> str:
    if timing.better is not None:
        return timing.tried
    return _("too few answers") if len(timing.known) < FEWEST else _("as it is")


def _timings(ground: Ground, policies: Sequence[Timed]) -> list[_Timing]:
    levels = _levels(ground)
    return [
        timing
        for policy in policies
        for number, level in enumerate(policy.levels)
        if (sample := levels.get((policy.pk, number))) is not None
        for timing in (
            _acknowledged(policy, number, level, sample, ground),
            _resolved(policy, number, level, sample, ground),
        )
        if timing is not None
    ]


def _levels(ground: Ground) -> Mapping[tuple[int, int], _Level]:
    """By policy and level. Only the first walk counts: who is called again knows already."""
    first: dict[int, dict[int, Called]] = defaultdict(dict)
    for page in ground.called:
        if page.cycle == 0:
            first[page.incident].setdefault(page.level, page)
    found: dict[tuple[int, int], _Level] = {}
    for incident, by_level in first.items():
        case = ground.cases[incident]
        for number, page in by_level.items():
            sample = found.setdefault((page.policy, number), _Level({}, set()))
            done = case.acknowledged
            after = by_level.get(number + 1)
            if done is not None and done < page.at:
                continue  # It was acknowledged and given back before this level.
            sample.answers[incident] = (page.at, done)
            if after is not None and (done is None or after.at <= done):
                sample.ran_out.add(incident)
    return found


def _acknowledged(policy: Timed, number: int, level: LevelDef, sample: _Level, ground: Ground) -> _Timing | None:
    limit = _limit(level.ack_timeout)
    if limit is None:
        return None
    known = sorted(
        ground.span(ground.cases[pk], called, done, business=limit.business)
        for pk, (called, done) in sample.answers.items()
        if done is not None
    )
    over = frozenset(sample.ran_out)
    timing = _Timing(policy, number, level, ACK, limit, known, len(sample.answers), over)
    if len(known) < FEWEST:
        return timing
    if len(over) >= RAN_OUT * timing.asked and timing.median > limit.seconds:
        return replace(timing, better=nice(percentile(known, 75) or 0.0), short=True, incidents=over)
    if timing.p90 * IDLE <= limit.seconds and nice(timing.p90 * 1.5) < limit.seconds:
        return replace(timing, better=nice(timing.p90 * 1.5), incidents=frozenset(sample.answers))
    return timing


def _resolved(policy: Timed, number: int, level: LevelDef, sample: _Level, ground: Ground) -> _Timing | None:
    limit = _limit(level.resolve_timeout)
    if limit is None:
        return None
    cases = [ground.cases[pk] for pk in sample.answers if pk not in sample.ran_out]
    took = {
        case.pk: max(ground.span(case, case.started, case.resolved, business=limit.business), 0.0)
        for case in cases
        if case.resolved is not None
    }
    known = sorted(took.values())
    late = frozenset(pk for pk, seconds in took.items() if seconds > limit.seconds)
    timing = _Timing(policy, number, level, RESOLVE, limit, known, len(cases), late)
    if len(known) < FEWEST or len(late) < RAN_OUT * len(cases) or timing.median <= limit.seconds:
        return timing
    return replace(timing, better=nice(percentile(known, 75) or 0.0), short=True, incidents=late)


@dataclass(frozen=True, slots=True)
class _Limit:
    """What a timer is set to; ``business`` seconds count while the calendar of the incident's service is open."""

    seconds: int
    business: bool


def _limit(timeout: Timeout | None) -> _Limit | None:
    """A timeout that counts from the level's entry; of others (before the SLA ends, from the start) nothing is said."""
    if timeout is None or timeout.measured_from is not MeasuredFrom.LEVEL or not timeout.seconds:
        return None
    return _Limit(timeout.seconds, timeout.hours is Hours.BUSINESS)


def _said(seconds: int, limit: _Limit) -> str:
    span = _span(seconds)
    return _("%(span)s of working hours") % {"span": span} if limit.business else span


def _span(seconds: float) -> str:
    return durations.in_two_units(seconds)


def _finding(timing: _Timing) -> Finding:
    words = {
        "policy": timing.policy.name, "level": timing.name, "limit": timing.set_to, "median": _span(timing.median),
        "p90": _span(timing.p90), "share": round(100 * len(timing.over) / timing.asked), "number": len(timing.known),
        "asked": timing.asked, "better": timing.tried,
    }  # fmt: skip
    said, why = _sentences(timing)
    return Finding(
        key=f"{timing.policy.pk}-{timing.number}-{timing.what}",
        said=said % words,
        why=why % words,
        incidents=sorted(timing.incidents),
        link=timing.policy.link,
        link_words=_("Change the policy"),
    )


def _sentences(timing: _Timing) -> tuple[str, str]:
    if timing.what == RESOLVE:
        return (
            _(
                "“%(level)s” of %(policy)s has %(limit)s to resolve, and most take longer: try %(better)s, or look at the work."
            ),
            _("%(share)d%% of %(asked)d took longer. Resolved after %(median)s (median), %(p90)s (p90)."),
        )
    if timing.short:
        return (
            _("“%(level)s” of %(policy)s has %(limit)s to answer, and its people need longer: try %(better)s."),
            _("%(share)d%% of %(asked)d calls ran out. Acknowledged after %(median)s (median), %(p90)s (p90)."),
        )
    return (
        _("“%(level)s” of %(policy)s waits %(limit)s, and its answers come much sooner: try %(better)s."),
        _("Nine in ten of %(number)d answers came within %(p90)s; half within %(median)s."),
    )

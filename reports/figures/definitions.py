"""Every metric of the reports, defined once: what is counted, what is left out and why, where it comes from. Pure.

A page that shows a number shows these words beside it; docs/metrics.md is the same in prose. A metric names a column of
``reports.figures.facts``:

- a **time** holds whole seconds; a **mark** hundredths. ``NOT`` means that the metric does not concern the incident,
  ``WAITING`` that it does and has no value yet: those are counted beside the number and never dropped in silence.
  ``UNCOUNTED`` means that a release before this one counted the incident and knew no such time: until it is counted anew, a number
  that would need it is not shown.
- a **share** holds one of ``NONE`` (does not concern it), ``YES``, ``NO``, ``OPEN`` (not known yet). It is the part YES
  of the whole YES and NO.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

NOT, WAITING, UNCOUNTED = -1, -2, -3
NONE, YES, NO, OPEN = 0, 1, 2, 3
BUSINESS, OFF, SLEEP = 1, 2, 3
"""When a page came, on the clock of whoever it was for (``reports.figures.hours``)."""
REFIRE_HOURS = 24
SHIFT_HOURS = 12
SHIFT_MOST = 2

Text = str | Promise


class Kind(StrEnum):
    TIME = "time"
    SHARE = "share"
    MARK = "mark"
    NUMBER = "number"


class Group(StrEnum):
    """The tab of the dashboard under which a metric shows."""

    SPEED = "speed"
    ESCALATION = "escalation"
    QUALITY = "quality"
    LOAD = "load"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. ``work`` names the column that holds the same in business time; "" where there is none, and ``always`` says why.

    ``better`` is "less" or "more". ``of`` is what is counted: "incidents" or "pages".
    """

    key: str
    kind: Kind
    group: Group
    title: Text
    rule: Text
    left_out: Text
    why: Text
    source: Text
    better: str = "less"
    of: str = "incidents"
    work: str = ""
    always: Text = ""

    @property
    def column(self) -> str:
        return self.key

    @property
    def unit(self) -> Text:
        if self.kind == Kind.TIME:
            return _("hours, minutes and seconds")
        if self.kind == Kind.NUMBER:
            return _("number")
        return _("percent") if self.kind == Kind.SHARE else _("0 to 5")

    @property
    def clock(self) -> Text:
        """Of a time: in which hours it may be counted."""
        return BY_WORK if self.work else self.always


BY_WORK = _(
    "By the clock, or in working hours only: then the hours count in which the calendar of the service, or the house’s, is open."
)
_BUILT = (
    Metric(
        "acknowledge",
        Kind.TIME,
        Group.SPEED,
        _("MTTA, time to acknowledge"),
        _("From the start of an incident until somebody acknowledged it."),
        _("Incidents that nobody has acknowledged are counted beside it."),
        _("They have no such time yet, and may be the worst of all."),
        _("Incident: started, acknowledged"),
        work="acknowledge_work",
    ),
    Metric(
        "resolve",
        Kind.TIME,
        Group.SPEED,
        _("MTTR, time to resolve"),
        _("From the start of an incident until it was resolved: all of its life."),
        _("Open incidents are counted beside it."),
        _("They have no such time yet."),
        _("Incident: started, resolved"),
        work="resolve_work",
    ),
    Metric(
        "detect",
        Kind.TIME,
        Group.SPEED,
        _("MTTD, time to detect"),
        _("From the start of an incident, as its alert or whoever filed it says, until Watchbell knew of it."),
        _("Nothing."),
        _("Every incident was noticed at some instant."),
        _("Incident: started; history: first version"),
        always=_(
            "Always by the clock: whoever detects at night is a machine, and what nobody noticed before the morning is what this "
            "number is to show."
        ),
    ),
    Metric(
        "respond",
        Kind.TIME,
        Group.SPEED,
        _("MTTR, time to respond"),
        _("From the instant Watchbell knew of an incident until somebody acknowledged it: what people took."),
        _("Incidents that nobody has acknowledged are counted beside it."),
        _("Late detection is no fault of those who answer, so it is told apart."),
        _("History: first version; incident: acknowledged"),
        work="respond_work",
    ),
    Metric(
        "repair",
        Kind.TIME,
        Group.SPEED,
        _("MTTR, time to repair"),
        _("From the acknowledgement until it was mitigated, or resolved where nobody marked it mitigated."),
        _("Incidents never acknowledged are left out; those being repaired are counted beside it."),
        _("Nobody repaired what ended by itself."),
        _("Incident: acknowledged, mitigated, resolved"),
        work="repair_work",
    ),
    Metric(
        "recover",
        Kind.TIME,
        Group.SPEED,
        _("MTTR, time to recover"),
        _("From the start until customers were well again: mitigated, or resolved where nobody marked it mitigated."),
        _("Those that still hurt are counted beside it."),
        _("They have no such time yet."),
        _("Incident: started, mitigated, resolved"),
        work="recover_work",
    ),
    Metric(
        "escalated",
        Kind.SHARE,
        Group.ESCALATION,
        _("Past level 1"),
        _("The share of incidents for which a second level was called, or the ladder was walked again."),
        _("Nothing; those that began at a higher level count once that level was passed too."),
        _("A high share means gaps in triage or knowledge on level 1."),
        _("Pages: cycle and level"),
    ),
    Metric(
        "again",
        Kind.SHARE,
        Group.ESCALATION,
        _("Escalated again"),
        _("Of those past level 1, the share that had to go further still."),
        _("Incidents that stayed on level 1."),
        _("It tells incomplete fixes and lost context apart from a first escalation."),
        _("Pages: cycle and level"),
    ),
    Metric(
        "exhausted",
        Kind.SHARE,
        Group.ESCALATION,
        _("Unanswered on every level"),
        _("The share of incidents for which every level was called and nobody answers yet."),
        _("Nothing."),
        _("Each of them is a failure of the policy, whatever the averages say."),
        _("Incident: exhausted"),
    ),
    Metric(
        "escalate",
        Kind.TIME,
        Group.ESCALATION,
        _("Time to escalation"),
        _("From the instant Watchbell knew of an incident until the second level was called."),
        _("Incidents that stayed on level 1."),
        _("They were not escalated."),
        _("History: first version; pages: second rung"),
        work="escalate_work",
    ),
    Metric(
        "handoff",
        Kind.TIME,
        Group.ESCALATION,
        _("Handover lag"),
        _("From the escalation, or the handover to another team, until the next one acknowledged it."),
        _("Incidents resolved before anybody else took them; those that wait are counted beside it."),
        _("Nobody took over, so there is no lag."),
        _("Pages: second rung; timeline: team, acknowledge, reassign"),
        work="handoff_work",
    ),
    Metric(
        "resolve_escalated",
        Kind.TIME,
        Group.ESCALATION,
        _("Resolution of escalated incidents"),
        _("From the escalation until it was resolved."),
        _("Incidents that stayed on level 1; escalated ones still open are counted beside it."),
        _("They were not escalated."),
        _("Pages: second rung; incident: resolved"),
        work="resolve_escalated_work",
    ),
    Metric(
        "context",
        Kind.SHARE,
        Group.ESCALATION,
        _("Context passed on"),
        _("Of incidents escalated or handed over, the share of which somebody read the brief afterwards."),
        _("Incidents that were not passed on; those nobody has taken over yet."),
        _("Whoever reads the brief need not ask the customer again."),
        _("Timeline: brief read"),
        better="more",
    ),
    Metric(
        "sla",
        Kind.SHARE,
        Group.QUALITY,
        _("SLA kept"),
        _("Of incidents under an SLA, the share resolved before it ended."),
        _("Incidents without an SLA; those whose time still runs are counted beside it."),
        _("An open incident whose time is over counts as missed at once."),
        _("Incident: SLA ends, resolved"),
        better="more",
    ),
    Metric(
        "first_contact",
        Kind.SHARE,
        Group.QUALITY,
        _("Solved at first contact"),
        _("The share resolved without a second level, a handover or a reopening."),
        _("Open incidents for which none of these has happened."),
        _("They may still be."),
        _("Pages; timeline: reassign, team, reopen"),
        better="more",
    ),
    Metric(
        "csat",
        Kind.MARK,
        Group.QUALITY,
        _("CSAT, satisfaction"),
        _("The marks from 0 to 5 of whoever filed it; an incident with several counts their mean, once."),
        _("Incidents that nobody has judged."),
        _("No answer is no opinion."),
        _("Survey answers"),
        better="more",
    ),
    Metric(
        "severity_kept",
        Kind.SHARE,
        Group.QUALITY,
        _("Severity right at once"),
        _("Of resolved incidents, the share that ended with the severity they began with."),
        _("Open incidents."),
        _("Their severity may still change."),
        _("History: first version; incident: severity"),
        better="more",
    ),
    Metric(
        "refired",
        Kind.SHARE,
        Group.QUALITY,
        _("Fired again"),
        _(
            "Of incidents from monitors, the share that began within 24 hours after one of the same key was resolved, or was reopened."
        ),
        _("Incidents filed by people."),
        _("They have no key by which a repeat is known."),
        _("Incident: integration, key, started, resolved"),
    ),
    Metric(
        "noise",
        Kind.SHARE,
        Group.QUALITY,
        _("Noise"),
        _("Of incidents from monitors, the share that recovered by itself before anybody acknowledged it."),
        _("Incidents filed by people; those that ring and may still recover."),
        _("What needed nobody should not have rung."),
        _("Incident: source, acknowledged, resolved by"),
    ),
    Metric(
        "full_context",
        Kind.SHARE,
        Group.ESCALATION,
        _("Full context at handover"),
        _(
            "Of incidents handed to another person or team, the share of which everybody who took one over and said so had the whole "
            "picture."
        ),
        _("Incidents that nobody handed on; those whose receivers have not said yet are counted beside it."),
        _("Whoever takes over knows best whether they had to ask again."),
        _("Timeline: handover, rated by the receiver"),
        better="more",
    ),
    Metric(
        "sleep",
        Kind.SHARE,
        Group.LOAD,
        _("Pages in sleeping hours"),
        _("The share of pages that came between 22:00 and 06:00 where the person lives."),
        _("Pages withdrawn before they went out."),
        _("They interrupted nobody."),
        _("Pages; the person’s time zone"),
        of="pages",
    ),
    Metric(
        "off_hours",
        Kind.SHARE,
        Group.LOAD,
        _("Pages outside working hours"),
        _("The share of pages that came outside Monday to Friday, 09:00 to 18:00, where the person lives."),
        _("Pages withdrawn before they went out."),
        _("They interrupted nobody."),
        _("Pages; the person’s time zone"),
        of="pages",
    ),
    Metric(
        "delivered",
        Kind.SHARE,
        Group.LOAD,
        _("Pages delivered"),
        _("Of pages that were sent, the share that reached the person by one of their ways."),
        _("Pages withdrawn; those on their way are counted beside it."),
        _("Their outcome is not known."),
        _("Pages: state"),
        better="more",
        of="pages",
    ),
    Metric(
        "answered",
        Kind.SHARE,
        Group.LOAD,
        _("Pages answered"),
        _(
            "Of pages that rang until somebody answered or the next level was called, the share answered by whom they were for."
        ),
        _(
            "Pages withdrawn, and those that a colleague on the same level answered; those that still ring are counted beside it."
        ),
        _("Whoever was quicker takes nothing from the others."),
        _("Pages: answered, declined; pages of the next rung"),
        better="more",
        of="pages",
    ),
    Metric(
        "answer",
        Kind.TIME,
        Group.LOAD,
        _("Time to answer a page"),
        _("From the page until the person it was for acknowledged the incident."),
        _("Pages that this person did not answer; those that still ring are counted beside it."),
        _("What a colleague answered says nothing of their own speed."),
        _("Pages: made, answered"),
        of="pages",
        always=_(
            "Always by the clock: whoever is on call answers at any hour. Pages outside a person’s own working hours are told apart "
            "by number."
        ),
    ),
)

METRICS: Mapping[str, Metric] = {metric.key: metric for metric in _BUILT}
LEFT_OUT_OF_ALL = _(
    "Tests and drills, incidents merged into another one, and incidents you may not see are part of no figure."
)
PERCENTILE_RULE = _(
    "Median and p90 are real values: the smallest within which at least half, or nine in ten, lie. "
    "The mean is shown beside them."
)


def of_incidents(kind: Kind) -> tuple[str, ...]:
    """The keys of the metrics of incidents of one kind."""
    return tuple(metric.key for metric in _BUILT if metric.of == "incidents" and metric.kind == kind)


WORK_TIMES = tuple(metric.work for metric in _BUILT if metric.work)
"""Columns of incidents that hold times in working hours."""
AT_A_GLANCE = ("acknowledge_work", "resolve_work")
"""Those of them that the overview shows: they are packed among the others."""
SPANS = tuple(name for name in WORK_TIMES if name not in AT_A_GLANCE)
"""The others: packed by themselves, and read where they are shown."""
TIMES = (*of_incidents(Kind.TIME), *AT_A_GLANCE, *of_incidents(Kind.MARK))
"""Columns of incidents that hold numbers and are packed together."""
CODES = of_incidents(Kind.SHARE)
"""Columns of incidents that hold NONE, YES, NO or OPEN."""
PAGE_CODES = tuple(metric.key for metric in _BUILT if metric.of == "pages" and metric.kind == Kind.SHARE)
PAGE_TIMES = tuple(metric.key for metric in _BUILT if metric.of == "pages" and metric.kind == Kind.TIME)

"""Handovers of single incidents: how much came along, and how many receivers had the full context, as they say themselves (R319)."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from incidents.handovers import CHECKLIST, ITEMS, RATED
from incidents.models import TimelineEvent
from reports.process.patterns import percent
from reports.process.values import Finding, Measured
from reports.selectors import Scope, chosen_incidents

COMPLETE = 0.8
FEWEST = 5
_HANDED = ("incident.reassign", "incident.team")
_KINDS = (*_HANDED, "incident.undo", RATED)


@dataclass(slots=True)
class Passed:
    """One handover: whose incident it is, what came along, what the receiver said."""

    incident: int
    team: str
    there: list[str] = field(default_factory=list)
    to_team: bool = False
    complete: bool | None = None


def incident_handovers(scope: Scope) -> tuple[list[Finding], Measured, int]:
    """Teams whose handovers left something out, the worst first; all teams beside each other; how many handovers. One query."""
    found = _passed(scope)
    teams: dict[str, list[Passed]] = defaultdict(list)
    for one in found:
        teams[one.team].append(one)
    lines = [(team, *_counted(those)) for team, those in sorted(teams.items())]
    poor = [line for line in lines if line[2] >= FEWEST and line[3] < COMPLETE * line[2]]
    poor.sort(key=lambda line: (line[3] / line[2], line[0]))
    measured = Measured(
        _("Handovers of incidents, by team"),
        (
            _("Team"),
            _("handovers"),
            _("rated"),
            _("had the full context"),
            _("percent of rated"),
            _("of the checklist"),
        ),
        [
            (team, str(number), str(rated), str(whole), percent(whole, rated), percent(there, number * len(ITEMS)))
            for team, number, rated, whole, there in lines
        ],
    )
    findings = [_finding(team, rated, whole, teams[team]) for team, _number, rated, whole, _there in poor]
    return findings, measured, len(found)


def _passed(scope: Scope) -> list[Passed]:
    """The handovers made in the period, less those taken back, each with what was said of it since."""
    rows = TimelineEvent.objects.filter(
        incident__in=chosen_incidents(scope).order_by().values("pk"), kind__in=_KINDS, at__gte=scope.period.since
    ).order_by("incident", "at", "pk")
    last: dict[int, Passed] = {}
    found: list[Passed] = []
    for incident, team, kind, at, data in rows.values_list("incident", "incident__team__name", "kind", "at", "data"):
        one = last.get(incident)
        if kind == RATED and one is not None:
            one.complete = bool(data.get("complete"))
        elif kind in _HANDED:
            if CHECKLIST not in data:
                # Who takes what came to their team stays with that handover.
                if one is not None and not one.to_team:
                    last.pop(incident)
                continue
            last.pop(incident, None)
            if at < scope.period.until:
                last[incident] = Passed(incident, team, data[CHECKLIST], kind == "incident.team")
                found.append(last[incident])
        elif data.get("cause") == "reassign" and one is not None and not one.to_team:
            found.remove(last.pop(incident))
    return found


def _counted(those: Iterable[Passed]) -> tuple[int, int, int, int]:
    """How many, how many were rated, how many of these had the full context, and items of the checklist that were there."""
    every = list(those)
    there = sum(len(set(one.there) & set(ITEMS)) for one in every)
    rated = [one for one in every if one.complete is not None]
    return len(every), len(rated), sum(bool(one.complete) for one in rated), there


def _finding(team: str, rated: int, whole: int, those: list[Passed]) -> Finding:
    words = {"name": team, "complete": whole, "rated": rated, "share": percent(whole, rated)}
    short = [one for one in those if one.complete is False]
    lacked = Counter(key for one in short for key in ITEMS if key not in one.there)
    often = "; ".join(
        _("%(item)s: missing %(number)d times") % {"item": ITEMS[key], "number": number}
        for key, number in lacked.most_common(3)
    )
    return Finding(
        key=team,
        said=_("%(name)s: %(complete)d of %(rated)d who took an incident over had the full context (%(share)s).")
        % words,
        why=often or _("What was missing is written in each incident’s timeline."),
        incidents=[one.incident for one in short],
    )

"""What comes again and again: noise, wrong ways, wrong severities, clusters of the same trouble. Pure.

- **Noise**: an incident that ended without anybody acknowledging it, or that came again within a day of its end.
- **Misrouting**: another team got it within an hour of its beginning.
- **Severity, priority**: it was changed after the beginning. A published review confirms what a severity ended with.
- **Cluster**: at least three incidents of one service with the same words in their titles (numbers left out), or the same key.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Hashable
from datetime import timedelta
from itertools import pairwise

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from incidents.selectors.similar import words_of
from reports.process.values import Case, Change, Finding, Ground, Measured

NOISY = 0.4
FEWEST = 5
SOON = timedelta(hours=1)
MISROUTED = 2
CHANGED = 0.2
CLUSTER = 3
SHOWN = 8
_NUMBERS = re.compile(r"\d+")
_LEVEL = re.compile(r"(\d+)")


def noise_findings(ground: Ground) -> list[Finding]:
    """Services by how much noise they make; those of which at least two in five are noise are to be acted on."""
    noise = ground.noise()
    by_service: dict[int, list[int]] = defaultdict(list)
    for case in ground.cases.values():
        by_service[case.service].append(case.pk)
    found = []
    for service, incidents in by_service.items():
        noisy = sorted(noise.intersection(incidents))
        if len(noisy) >= FEWEST and service in ground.services:
            found.append(_noisy(ground, service, incidents, noisy))
    return sorted(found, key=lambda one: (one.weight != "act", -len(one.incidents)))[:SHOWN]


def _noisy(ground: Ground, service: int, incidents: list[int], noisy: list[int]) -> Finding:
    name, slug = ground.services[service]
    share = len(noisy) / len(incidents)
    keys = Counter(ground.cases[pk].title for pk in noisy)
    title, times = keys.most_common(1)[0]
    alerts = sum(ground.cases[pk].alerts for pk in incidents)
    words = {"name": name, "noisy": len(noisy), "all": len(incidents), "share": round(100 * share)}
    return Finding(
        key=str(service),
        said=_("%(name)s: %(noisy)d of %(all)d incidents were noise (%(share)d%%).") % words,
        why=_("Most often “%(title)s”, %(times)d times. %(alerts)d alerts in all.")
        % {"title": title, "times": times, "alerts": alerts},
        weight="act" if share >= NOISY else "look",
        incidents=noisy,
        link=reverse("incidents:service", args=(slug,)),
        link_words=_("See the service"),
    )


def misrouting_findings(ground: Ground) -> list[Finding]:
    """Incidents of a service that went from one team to another soon after they began, by both teams."""
    every = ground.every
    moved: dict[tuple[int, str, str], list[int]] = defaultdict(list)
    for change in ground.changes:
        case = every[change.incident]
        if _astray(change, case):
            moved[case.service, change.before, change.after].append(case.pk)
    found = []
    for (service, before, after), incidents in moved.items():
        if service not in ground.services:
            continue
        name, _slug = ground.services[service]
        words = {"name": name, "before": before, "after": after, "number": len(incidents)}
        said = ngettext(
            "%(number)d incident of %(name)s went from %(before)s to %(after)s within an hour.",
            "%(number)d incidents of %(name)s went from %(before)s to %(after)s within an hour.",
            len(incidents),
        )
        found.append(
            Finding(
                key=f"{service}-{before}-{after}",
                said=said % words,
                why=_("A routing rule, or %(after)s as the owner of the service, would have sent them there at once.")
                % words,
                weight="act" if len(incidents) >= MISROUTED else "look",
                incidents=sorted(incidents),
                link=reverse("policies:rules"),
                link_words=_("See the routing rules"),
            )
        )
    return sorted(found, key=lambda one: (-len(one.incidents), one.key))[:SHOWN]


def _astray(change: Change, case: Case) -> bool:
    return change.kind == "incident.team" and change.at - case.started <= SOON


def rerouted(ground: Ground) -> Measured:
    """Of each team's incidents, those it had at first, how many went to another one within an hour."""
    every = ground.every
    first: dict[int, str] = {}
    astray: set[int] = set()
    for change in ground.changes:
        if change.kind == "incident.team":
            if change.incident not in first and _astray(change, every[change.incident]):
                astray.add(change.incident)
            first.setdefault(change.incident, change.before)
    had: dict[str, list[int]] = defaultdict(list)
    for case in every.values():
        had[first.get(case.pk) or ground.teams.get(case.team, "")].append(case.pk)
    looked = {name: pks for name, pks in had.items() if name and (not ground.chosen or name in ground.chosen)}
    lines = [(name, len(pks), len(astray.intersection(pks))) for name, pks in looked.items()]
    lines.sort(key=lambda line: (-line[2] / line[1], -line[1], line[0]))
    return Measured(
        _("By the team that had them at first"),
        (_("Team"), _("incidents"), _("went to another team within an hour"), _("percent")),
        [(name, str(number), str(away), percent(away, number)) for name, number, away in lines],
    )


def percent(part: int, whole: int) -> str:
    """Of nothing there is no share."""
    return f"{round(100 * part / whole)}%" if whole else "–"


def loudness(ground: Ground) -> Measured:
    """How much was said for how much trouble: alerts, incidents made of them, pages sent for these."""
    alerts, incidents, pages = sum(case.alerts for case in ground.cases.values()), len(ground.cases), len(ground.called)

    def each(number: int) -> str:
        return f"{number / incidents:.1f}" if incidents else "–"

    return Measured(
        _("Alerts, incidents and pages"),
        (_("What"), _("number"), _("for each incident")),
        [
            (_("Alerts from monitors"), str(alerts), each(alerts)),
            (_("Incidents"), str(incidents), each(incidents)),
            (_("Pages"), str(pages), each(pages)),
            (_("Incidents that were noise"), str(len(ground.noise())), percent(len(ground.noise()), incidents)),
        ],
    )


def first_severities(ground: Ground) -> dict[int, int]:
    """The severity that each incident began with, where it is another one now or was in between."""
    first: dict[int, int] = {}
    for change in ground.changes:
        if change.kind == "incident.severity" and (level := _level(change.before)):
            first.setdefault(change.incident, level)
    return first


def reviewed_findings(ground: Ground) -> list[Finding]:
    """How right severities were, of those incidents alone whose severity a published review confirms."""
    first = first_severities(ground)
    cases = [case for case in ground.cases.values() if case.reviewed and case.resolved is not None]
    if not cases:
        return []
    low = [case.pk for case in cases if first.get(case.pk, case.severity) > case.severity]
    high = [case.pk for case in cases if first.get(case.pk, case.severity) < case.severity]
    number, wrong = len(cases), len(low) + len(high)
    right = {"number": number, "right": number - wrong, "share": percent(number - wrong, number)}
    said = ngettext(
        "Of %(number)d reviewed incident, %(right)d began with the severity it deserved (%(share)s).",
        "Of %(number)d reviewed incidents, %(right)d began with the severity they deserved (%(share)s).",
        number,
    )
    shares = {"low": len(low), "high": len(high), "low_share": percent(len(low), number)}
    shares["high_share"] = percent(len(high), number)
    return [
        Finding(
            key="reviewed",
            said=said % right,
            why=_("Too mild: %(low)d (%(low_share)s); too severe: %(high)d (%(high_share)s).") % shares,
            weight="act" if number >= FEWEST and wrong >= CHANGED * number else "look",
            incidents=sorted((*low, *high)),
            link=reverse("policies:criteria"),
            link_words=_("See the criteria"),
        )
    ]


def severity_findings(ground: Ground) -> list[Finding]:
    """By where incidents come from: how many had another severity at the end than at the beginning, and which way."""
    first = first_severities(ground)
    by_source: dict[str, list[Case]] = defaultdict(list)
    for case in ground.cases.values():
        by_source[case.source].append(case)
    found = []
    for source, cases in by_source.items():
        too_low = [case for case in cases if first.get(case.pk, case.severity) > case.severity]
        too_high = [case for case in cases if first.get(case.pk, case.severity) < case.severity]
        wrong = [*too_low, *too_high]
        if len(cases) < FEWEST or not wrong:
            continue
        share = len(wrong) / len(cases)
        words = {"wrong": len(wrong), "all": len(cases), "source": _source(source), "share": round(100 * share)}
        reviewed = [case for case in wrong if case.reviewed]
        found.append(
            Finding(
                key=source,
                said=_("%(wrong)d of %(all)d incidents from %(source)s changed their severity (%(share)d%%).") % words,
                why=_("%(low)d began too mild, %(high)d too severe; %(reviewed)d of them are confirmed by a review.")
                % {"low": len(too_low), "high": len(too_high), "reviewed": len(reviewed)},
                weight="act" if share >= CHANGED else "look",
                incidents=sorted(case.pk for case in wrong),
                link=reverse("policies:criteria"),
                link_words=_("See the criteria"),
            )
        )
    return sorted(found, key=lambda one: (one.weight != "act", -len(one.incidents)))


def priority_findings(ground: Ground) -> list[Finding]:
    """How many incidents have another priority than the one they began with, and which way; what only the time of an SLA raised is no
    change of this kind."""
    ends: dict[int, tuple[int, int]] = {}
    for change in ground.changes:
        if change.kind == "incident.priority" and change.incident in ground.cases:
            before, after = _level(change.before), _level(change.after)
            if before and after:
                ends[change.incident] = (ends.get(change.incident, (before, 0))[0], after)
    low = [pk for pk, (first, last) in ends.items() if first > last]
    high = [pk for pk, (first, last) in ends.items() if first < last]
    wrong, every = len(low) + len(high), len(ground.cases)
    if every < FEWEST or not wrong:
        return []
    words = {"wrong": wrong, "all": every, "share": percent(wrong, every), "low": len(low), "high": len(high)}
    return [
        Finding(
            key="priority",
            said=_("%(wrong)d of %(all)d incidents changed their priority (%(share)s).") % words,
            why=_("%(low)d began too low, %(high)d too high. What the time of an SLA raised is left out.") % words,
            weight="act" if wrong >= CHANGED * every else "look",
            incidents=sorted((*low, *high)),
            link=reverse("policies:criteria"),
            link_words=_("See the criteria"),
        )
    ]


def _level(text: str) -> int:
    """The number in "SEV-2" or "P2"; 0 where there is none."""
    match = _LEVEL.search(text)
    return int(match[1]) if match else 0


def _source(source: str) -> str:
    return {"monitoring": _("monitoring"), "person": _("people"), "api": _("the API")}.get(source, source)


def cluster_findings(ground: Ground) -> list[Finding]:
    """The same trouble three times or more, the largest first; each may be made a problem to be solved."""
    groups: dict[Hashable, list[Case]] = defaultdict(list)
    for case in ground.cases.values():
        groups[_alike(case)].append(case)
    large = [cases for cases in groups.values() if len(cases) >= CLUSTER]
    found = [_cluster(ground, sorted(cases, key=lambda one: (one.started, one.pk))) for cases in large]
    return sorted(found, key=lambda one: (-len(one.incidents), one.key))[:SHOWN]


def _alike(case: Case) -> Hashable:
    words = frozenset(words_of(_NUMBERS.sub(" ", case.title)))
    return (case.service, words) if words else (case.service, case.key or case.pk)


def _cluster(ground: Ground, cases: list[Case]) -> Finding:
    newest = cases[-1]
    hours = sum(_hours(case) for case in cases)
    gaps = [(later.started - earlier.started) for earlier, later in pairwise(cases)]
    every = sum(gaps, timedelta()) / len(gaps)
    words = {
        "title": newest.title,
        "number": len(cases),
        "service": ground.services.get(newest.service, ("", ""))[0],
        "hours": round(hours),
        "days": max(round(every / timedelta(days=1), 1), 0.1),
    }
    return Finding(
        key=f"{newest.service}-{cases[0].pk}",
        said=_("“%(title)s” on %(service)s came %(number)d times.") % words,
        why=" ".join(
            (
                _("About every %(days)s days; %(hours)d hours until they were resolved, taken together.") % words,
                _cause(cases),
            )
        ),
        incidents=[case.pk for case in cases],
        problem=True,
    )


def _cause(cases: list[Case]) -> str:
    """What people wrote most often as the cause, the newest of several."""
    said = Counter(case.cause for case in reversed(cases) if case.cause)
    if not said:
        return _("Nobody wrote down a cause.")
    cause, times = said.most_common(1)[0]
    return _("Suspected cause: “%(cause)s”, written on %(times)d of them.") % {"cause": cause, "times": times}


def _hours(case: Case) -> float:
    return (case.to_resolve or 0.0) / 3600

"""Alert fatigue by person, with its causes. Pure.

A person bears too much with more than fourteen pages a week (two incidents a shift of twelve hours), with three nights a week
disturbed, or with more than two incidents on every fifth day.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from escalation_site.ui.durations import list_of
from oncall.rota.clock import zone_named
from reports.process.values import Called, Finding, Ground, Measured
from reports.selectors import is_night

A_WEEK = 14
NIGHTS_A_WEEK = 3
A_DAY = 2
CROWDED = 0.2
CAUSES = 3
FEWEST = 5
SHOWN = 20


def fatigue_findings(ground: Ground) -> list[Finding]:
    """Who bears too much, the most paged first; and beside them the most paged person, whoever that is."""
    theirs: dict[int, list[Called]] = defaultdict(list)
    for page in ground.called:
        if page.person in ground.people:
            theirs[page.person].append(page)
    ranked = sorted(theirs.items(), key=lambda item: (-len(item[1]), item[0]))
    found = [_finding(ground, person, pages) for person, pages in ranked if len(pages) >= FEWEST]
    return [one for place, one in enumerate(found) if one.weight == "act" or place == 0]


def loads(ground: Ground) -> Measured:
    """Each person's pages, how many of them repeated an incident that the person had been paged for, and the hours they came at."""
    theirs: dict[int, list[Called]] = defaultdict(list)
    for page in ground.called:
        if page.person in ground.people:
            theirs[page.person].append(page)
    ranked = sorted(theirs.items(), key=lambda item: (-len(item[1]), item[0]))
    rows = []
    for person, pages in ranked[:SHOWN]:
        name, zone_name = ground.people[person]
        zone = zone_named(zone_name)
        nights = sum(is_night(page.at, zone) for page in pages)
        hours = Counter(page.at.astimezone(zone).hour for page in pages)
        by_hour = " · ".join(f"{hour:02d}:00 {number}" for hour, number in sorted(hours.items()))
        rows.append((name, str(len(pages)), str(_repeats(pages)), str(nights), by_hour))
    heads = (_("Person"), _("pages"), _("repeats"), _("at night"), _("pages by hour, on their clock"))
    return Measured(_("Pages of each person"), heads, rows)


def _repeats(pages: Sequence[Called]) -> int:
    """Pages for an incident after the first one for it."""
    return len(pages) - len({page.incident for page in pages})


def _finding(ground: Ground, person: int, pages: Sequence[Called]) -> Finding:
    name, zone_name = ground.people[person]
    zone = zone_named(zone_name)
    nights = {page.at.astimezone(zone).date() for page in pages if is_night(page.at, zone)}
    by_day: Mapping[date, set[int]] = _by_day(pages, zone_name)
    crowded = sum(len(incidents) > A_DAY for incidents in by_day.values())
    a_week, nights_a_week = len(pages) / ground.weeks, len(nights) / ground.weeks
    unanswered = sum(not page.answered and not page.cancelled for page in pages)
    heavy = a_week > A_WEEK or nights_a_week >= NIGHTS_A_WEEK or crowded >= CROWDED * ground.days
    incidents = sorted({page.incident for page in pages})
    said = (
        ngettext("%(name)s got %(pages)d page", "%(name)s got %(pages)d pages", len(pages))
        + ", "
        + _("%(rate).1f a week, on %(nights)d nights.")
    )
    why = " ".join(
        filter(
            None,
            (
                _(
                    "Days with more than two incidents: %(crowded)d; pages unanswered: %(unanswered)d; repeats: %(repeats)d."
                )
                % {"crowded": crowded, "unanswered": unanswered, "repeats": _repeats(pages)},
                _causes(ground, incidents),
            ),
        )
    )
    words = {"name": name, "pages": len(pages), "rate": a_week, "nights": len(nights)}
    return Finding(
        key=str(person),
        said=said % words,
        why=why,
        weight="act" if heavy else "look",
        incidents=incidents,
        link=reverse("oncall:workload"),
        link_words=_("See the workload"),
    )


def _by_day(pages: Sequence[Called], zone_name: str) -> Mapping[date, set[int]]:
    found: dict[date, set[int]] = defaultdict(set)
    zone = zone_named(zone_name)
    for page in pages:
        found[page.at.astimezone(zone).date()].add(page.incident)
    return found


def _causes(ground: Ground, incidents: Sequence[int]) -> str:
    """The services behind it, and how much of it was noise."""
    services = Counter(ground.cases[pk].service for pk in incidents)
    named = [
        f"{ground.services[pk][0]} ({round(100 * number / len(incidents))}%)"
        for pk, number in services.most_common(CAUSES)
        if pk in ground.services
    ]
    noise = len(ground.noise() & set(incidents))
    return _("Causes: %(services)s; %(noise)d of %(all)d were noise.") % {
        "services": list_of(named),
        "noise": noise,
        "all": len(incidents),
    }

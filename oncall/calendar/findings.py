"""What deserves a look, in words: who, when and why. Gaps to mend, overlaps, people on call while away."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from escalation_site.ui import durations
from oncall import rota
from oncall.calendar.reading import Reading, Teller
from oncall.wording import absence_words, override_words, role_words


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at: ``strong`` says what, ``why`` the reason, ``elsewhere`` the times on the other clock."""

    icon: str
    strong: str
    start: datetime
    end: datetime
    length: str
    why: str
    elsewhere: str


def overlap_words(overlap: rota.Overlap, tell: Teller) -> str:
    """Who holds what at once."""
    names = durations.list_of([tell.name(user) for user in overlap.user_ids])
    roles = durations.list_of([role_words(role) for role in overlap.roles])
    if overlap.kind is rota.OverlapKind.SAME_PERSON:
        return _("%(name)s holds %(roles)s at once") % {"name": names, "roles": roles}
    return _("%(names)s hold %(role)s at once") % {"names": names, "role": roles}


def overlaps(reading: Reading, tell: Teller) -> Iterator[Finding]:
    """Several people in one role, and several roles of one person, each with how it comes about."""
    for overlap in reading.overlaps:
        yield _finding(
            "users", overlap_words(overlap, tell), overlap.start, overlap.end, _whys(overlap, reading, tell), tell
        )


def _whys(overlap: rota.Overlap, reading: Reading, tell: Teller) -> str:
    alone = overlap.kind is rota.OverlapKind.SAME_PERSON
    return "; ".join(
        f"{role_words(shift.role) if alone else tell.name(shift.user_id)} {tell.why(shift, reading)}"
        for shift in reading.final
        if shift.user_id in overlap.user_ids and shift.role in overlap.roles
        if shift.start < overlap.end and overlap.start < shift.end
    )


def away(reading: Reading, tell: Teller) -> Iterator[Finding]:
    """People on call while away: an override is somebody's explicit word, but they should know."""
    for shift, absence in rota.away_on_call(reading.final, reading.absences):
        start, end = max(shift.start, absence.start), min(shift.end, absence.end)
        said = _("%(name)s is on call as %(role)s, but not there (%(why)s)") % {
            "name": tell.name(shift.user_id),
            "role": role_words(shift.role),
            "why": absence_words(absence),
        }
        yield _finding("tree-palm", said, start, end, tell.why(shift, reading), tell)


def override_overlaps(reading: Reading, tell: Teller) -> Iterator[Finding]:
    """Overrides that share a window, and which of them has the last word."""
    for pair in rota.override_overlaps(reading.overrides):
        why = _("First: %(earlier)s. Then: %(later)s. The later one has the last word.") % {
            "earlier": override_words(pair.earlier, tell.name),
            "later": override_words(pair.later, tell.name),
        }
        yield _finding("replace", _("Two overrides overlap"), pair.start, pair.end, why, tell)


def _finding(icon: str, strong: str, start: datetime, end: datetime, why: str, tell: Teller) -> Finding:
    length = durations.in_two_units((end - start).total_seconds())
    return Finding(icon, strong, start, end, length, why, tell.clocks.elsewhere(start, end))

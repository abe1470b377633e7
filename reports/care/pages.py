"""Findings and reviews as pages show them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from incidents.causes import Cause
from oncall.models import User
from oncall.wording import role_words
from policies.care import policies_let_down
from policies.lint import Code, FindingWords, Weight, words_of
from policies.lint.values import weight_of
from policies.models import PolicyFinding, PolicyReview
from policies.severity import Severity
from reports.care.links import fix_link, slugs_read

HEADINGS: Mapping[str, tuple[str | Promise, str]] = {
    "stalls": (_("Somebody would wait in vain"), "octagon-alert"),
    "weak": (_("It goes worse than it has to"), "triangle-alert"),
    "note": (_("Worth knowing"), "info"),
    "accepted": (_("Gaps that somebody accepted"), "calendar-off"),
}
_GROUPS = {Weight.STALLS: "stalls", Weight.WEAK: "weak", Weight.NOTE: "note"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A finding in the reader's language, with the address at which it is mended ("" where the reader may open none)."""

    row: PolicyFinding
    words: FindingWords
    link: str
    policies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    title: str
    icon: str
    findings: Sequence[Shown]


def groups_of(rows: Iterable[PolicyFinding], *, reader: User) -> list[Group]:
    """The findings by how bad they are, worst first; groups without any are left out. At most five queries."""
    rows = list(rows)
    slugs = slugs_read((row.about for row in rows), reader=reader)
    found: dict[str, list[Shown]] = {name: [] for name in HEADINGS}
    for row in rows:
        words = words_of(row.code, row.data, role=role_words(str(row.data.get("role", ""))))
        link = fix_link(row.about, row.data, slugs=slugs, reader=reader)
        found[_group(row.code)].append(Shown(row, words, link, policies_let_down(row)))
    return [
        Group(name, str(HEADINGS[name][0]), HEADINGS[name][1], sorted(shown, key=_order))
        for name, shown in found.items()
        if shown
    ]


def _order(shown: Shown) -> tuple[tuple[str, ...], str, str]:
    return (shown.policies, shown.row.place, shown.words.title)


def _group(code: str) -> str:
    if code not in set(Code):
        return "weak"
    if code == Code.GAP_ACCEPTED:
        return "accepted"
    return _GROUPS[weight_of(Code(code))]


# --- reviews


@dataclass(frozen=True, slots=True)
class TeamChange:
    """Somebody came to a team, left it or has another part in it."""

    at: datetime | None
    words: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence of a review with its instants read; see `reports.care.evidence`."""

    since: datetime | None
    until: datetime | None
    incidents: int
    severities: tuple[tuple[str, int], ...]
    acknowledge: Mapping[str, Any]
    resolve: Mapping[str, Any]
    levels: Sequence[Mapping[str, Any]]
    exhausted: int
    by_hand: tuple[tuple[str, int], ...]
    findings: int
    version: Mapping[str, Any]
    changed_at: datetime | None
    drills: Mapping[str, Any]
    team: Sequence[TeamChange]
    team_number: int

    @property
    def by_hand_total(self) -> int:
        return sum(count for _label, count in self.by_hand)


def evidence_of(review: PolicyReview) -> Evidence:
    data = review.evidence
    version = data.get("version") or {}
    none = {"median": None, "p90": None, "number": 0}
    return Evidence(
        since=parse_datetime(data.get("since", "")),
        until=parse_datetime(data.get("until", "")),
        incidents=data.get("incidents", 0),
        severities=tuple((str(Severity(int(key)).label), count) for key, count in data.get("severities", {}).items()),
        acknowledge=data.get("acknowledge", none),
        resolve=data.get("resolve", none),
        levels=data.get("levels", ()),
        exhausted=data.get("exhausted", 0),
        by_hand=tuple((str(Cause(key).label), count) for key, count in data.get("by_hand", {}).items()),
        findings=data.get("findings", 0),
        version=version,
        changed_at=parse_datetime(version.get("at", "")),
        drills=data.get("drills", {}),
        team=tuple(_team_change(one) for one in data.get("team", {}).get("newest", ())),
        team_number=data.get("team", {}).get("number", 0),
    )


def _team_change(one: Mapping[str, Any]) -> TeamChange:
    words = {
        "joined": _("%(person)s joined %(team)s"),
        "left": _("%(person)s left %(team)s"),
        "role": _("%(person)s leads %(team)s") if one["role"] == "lead" else _("%(person)s is a member of %(team)s"),
    }
    places = {"person": one["person"], "team": one["team"]}
    return TeamChange(parse_datetime(one["at"]), str(words.get(one["change"], words["role"])) % places)


def incident_of(review: PolicyReview) -> int | None:
    """The number of the major incident that asked for it."""
    kind, _colon, pk = review.subject.partition(":")
    return int(pk) if kind == "incident" and pk.isdecimal() else None

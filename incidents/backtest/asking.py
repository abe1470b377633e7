"""What programs and the page ask of a back-test, and its answer as rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from escalation_site.kernel.errors import DomainError
from incidents.backtest import BackTest, Outcome, backtest
from policies.definition import PolicyDef, policy_parse
from policies.models import EscalationPolicy
from policies.sentences import duration_words
from policies.services import version_definition

MOST = 100
"""How many incidents are walked while somebody waits; the command takes more."""
LONGEST_DAYS = 365


@dataclass(frozen=True, slots=True)
class FigureRow:
    """One figure under both readings, in words; ``better`` is "current", "draft" or "" where neither is."""

    label: str
    current: str
    draft: str
    better: str


def backtest_asked(
    policy: EscalationPolicy, *, days: int, at: datetime, version: int | None = None, definition: object = None
) -> BackTest:
    """A version, or a draft's definition, on the newest MOST incidents of so many days, beside the version in force.

    Raises DomainError naming the field at fault, DefinitionInvalid for a draft that cannot be used.
    """
    if policy.current_version is None:
        raise DomainError(_("This policy has no version in force to compare with."), field="policy")
    if not 1 <= days <= LONGEST_DAYS:
        raise DomainError(_("From 1 day to %(most)d.") % {"most": LONGEST_DAYS}, field="days")
    draft = policy_parse(definition) if definition is not None else _version(policy, version)
    current = version_definition(policy.current_version)
    return backtest(policy, current=current, draft=draft, since=at - timedelta(days=days), until=at, most=MOST)


def _version(policy: EscalationPolicy, number: int | None) -> PolicyDef:
    found = policy.versions.filter(number=number or 0).first()
    if found is None:
        raise DomainError(_("This policy has no such version."), field="version")
    return version_definition(found)


_LABELS: Sequence[tuple[str, str | Promise]] = (
    ("pages", gettext_lazy("Pages")),
    ("median_to_page", gettext_lazy("Median time to the first page")),
    ("longest_to_page", gettext_lazy("Longest time to the first page")),
    ("unpaged", gettext_lazy("Incidents of which nobody is told")),
    ("woken", gettext_lazy("People woken at night")),
    ("exhausted", gettext_lazy("Incidents that nobody answered")),
)


def figure_rows(found: BackTest) -> tuple[FigureRow, ...]:
    """Less is better throughout: fewer pages, less time, fewer people woken."""
    return tuple(_row(name, str(label), found.current, found.draft) for name, label in _LABELS)


def _row(name: str, label: str, current: Outcome, draft: Outcome) -> FigureRow:
    before, after = _number(getattr(current, name)), _number(getattr(draft, name))
    better = ""
    if before is not None and after is not None and before != after:
        better = "current" if before < after else "draft"
    return FigureRow(label, _words(getattr(current, name)), _words(getattr(draft, name)), better)


def _number(value: timedelta | int | None) -> float | None:
    return value.total_seconds() if isinstance(value, timedelta) else value


def _words(value: timedelta | int | None) -> str:
    if value is None:
        return _("never")
    if isinstance(value, timedelta):
        seconds = round(value.total_seconds())
        return duration_words(seconds) if seconds else _("at once")
    return str(value)

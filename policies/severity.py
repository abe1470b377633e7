"""How bad an incident is: SEV-1 (worst) to SEV-5, and what the words of monitoring tools mean on that scale.

Pure apart from translated labels. Tables are data: an integration may carry its own words and default.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from django.db.models import IntegerChoices, TextChoices
from django.utils.translation import gettext_lazy as _


class Severity(IntegerChoices):
    """A lower number is worse, so that an ascending sort puts the worst first."""

    SEV1 = 1, _("SEV-1")
    SEV2 = 2, _("SEV-2")
    SEV3 = 3, _("SEV-3")
    SEV4 = 4, _("SEV-4")
    SEV5 = 5, _("SEV-5")


class Urgency(TextChoices):
    """How hard a person is disturbed: their own contact rules are chosen by it."""

    HIGH = "high", _("high")
    LOW = "low", _("low")


_UNEXPANDED_MACRO = re.compile(r"\{[A-Z0-9_.]+\}")  # Zabbix sends a macro that does not apply as its own name.
_SEVERITY_CODE = re.compile(r"(?:sev|p)?[\s_-]*([1-5])", re.ASCII)


def _word(value: object) -> str:
    """The comparable form of what a source sent: lower case without surrounding blanks, "" for nothing."""
    if value is None or isinstance(value, bool):
        return ""
    text = str(value).strip()
    return "" if _UNEXPANDED_MACRO.fullmatch(text) else text.lower()


@dataclass(frozen=True, slots=True)
class SeverityTable:
    """What a source's words mean. `words` holds lower-case words; a word it lacks gives `default`.

    With `reads_codes` (the default) a code such as "SEV-2", "sev 2", "P2" or 2 is read as that severity. A source
    that counts the other way round switches it off and lists its digits as words.
    """

    words: Mapping[str, Severity]
    default: Severity = Severity.SEV3
    reads_codes: bool = True

    def severity_of(self, value: object) -> Severity:
        """The severity meant by `value` (text, a number or None). Never raises: unknown input gives the default."""
        return self.find(value) or self.default

    def find(self, value: object) -> Severity | None:
        """As `severity_of`, but None when the word says nothing, for triage to name severity as missing."""
        word = _word(value)
        known = self.words.get(word)
        if known is not None:
            return known
        code = _SEVERITY_CODE.fullmatch(word) if self.reads_codes else None
        return Severity(int(code[1])) if code else None

    def extended(self, words: Mapping[str, int], default: int | None = None) -> SeverityTable:
        """This table with a person's own words put over it. Raises ValueError for a number that is no severity."""
        own = {_word(word): Severity(number) for word, number in words.items()}
        merged = MappingProxyType({**self.words, **own})
        return SeverityTable(merged, self.default if default is None else Severity(default), self.reads_codes)


_COMMON_WORDS: dict[Severity, tuple[str, ...]] = {
    Severity.SEV1: ("critical", "crit", "emergency", "emerg", "fatal", "disaster", "blocker", "page", "down"),
    Severity.SEV2: ("error", "err", "high", "major", "urgent", "alert", "unknown", "unreachable"),
    Severity.SEV3: ("average", "moderate", "medium", "normal"),
    Severity.SEV4: ("warning", "warn", "low", "minor"),
    Severity.SEV5: (
        "info", "information", "informational", "notice", "none", "debug", "trivial", "ok", "success", "not classified",
    ),
}  # fmt: skip

DEFAULT_SEVERITIES = SeverityTable(
    MappingProxyType({word: severity for severity, words in _COMMON_WORDS.items() for word in words})
)
"""The words of PagerDuty, Opsgenie, Alertmanager, Nagios, Datadog, syslog. A signal that names none is SEV-3: a
missing word must be looked at soon, and must not look like an outage."""

ZABBIX_SEVERITIES = SeverityTable(
    MappingProxyType(
        {
            **DEFAULT_SEVERITIES.words,
            "0": Severity.SEV5,
            "1": Severity.SEV5,
            "2": Severity.SEV4,
            "3": Severity.SEV3,
            "4": Severity.SEV2,
            "5": Severity.SEV1,
        }
    ),
    reads_codes=False,
)
"""Zabbix counts upwards: 0 not classified, 1 information, 2 warning, 3 average, 4 high, 5 disaster."""

DEFAULT_URGENCIES: Mapping[Severity, Urgency] = MappingProxyType(
    {
        Severity.SEV1: Urgency.HIGH,
        Severity.SEV2: Urgency.HIGH,
        Severity.SEV3: Urgency.HIGH,
        Severity.SEV4: Urgency.LOW,
        Severity.SEV5: Urgency.LOW,
    }
)


def urgency_of(severity: Severity | int, urgencies: Mapping[Severity, Urgency] = DEFAULT_URGENCIES) -> Urgency:
    """How hard to disturb people for `severity`. One that a table leaves out is urgent: the safe side is a page."""
    return urgencies.get(Severity(severity), Urgency.HIGH)

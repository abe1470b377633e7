"""SLA targets in words, in the active language."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from policies.definition import Hours, severity_name
from policies.sentences import duration_words, joined
from policies.sla.values import SlaDef, SlaTarget


def sla_lines(sla: SlaDef) -> dict[str, str]:
    """Everything the targets say, in sentences by name and in their order: for the page and for comparing versions."""
    lines: dict[str, str] = {_("Order"): " → ".join(target.name for target in sla.targets)} if sla.targets else {}
    passed: dict[str, int] = {}
    for target in sla.targets:
        passed[target.name] = passed.get(target.name, 0) + 1
        title = target.name if passed[target.name] == 1 else f"{target.name} ({passed[target.name]})"
        lines[title] = " ".join(target_sentences(target))
    return lines


def target_sentences(target: SlaTarget) -> tuple[str, ...]:
    """Which incidents it is for, and by when they are to be had."""
    return (_whom(target), _by_when(target))


def _whom(target: SlaTarget) -> str:
    parts = []
    if target.severities:
        parts.append(joined([severity_name(one) for one in target.severities]))
    if target.priorities:
        parts.append(joined([f"P{one}" for one in target.priorities]))
    if target.tiers:
        tiers = joined([str(one) for one in target.tiers])
        parts.append(_("SLA tier %(tiers)s (by the customer’s contract, else the service’s)") % {"tiers": tiers})
    return _("For %(which)s.") % {"which": ", ".join(parts)} if parts else _("For every incident.")


def _span(seconds: int, hours: Hours) -> str:
    """Working hours are never summed up to days: a working day has no 24 of them."""
    whole, rest = divmod(seconds, 3_600)
    if hours is Hours.ALL or whole < 24:
        return duration_words(seconds)
    words = ngettext("%(count)d hour", "%(count)d hours", whole) % {"count": whole}
    return f"{words} {duration_words(rest)}" if rest else words


def _by_when(target: SlaTarget) -> str:
    resolve = _span(target.resolve_seconds, target.hours)
    business = target.hours is Hours.BUSINESS
    if target.acknowledge_seconds is None:
        text = (
            _("Resolved within %(resolve)s, counted in working hours.")
            if business
            else _("Resolved within %(resolve)s.")
        )
        return text % {"resolve": resolve}
    text = (
        _("Acknowledged within %(acknowledge)s and resolved within %(resolve)s, counted in working hours.")
        if business
        else _("Acknowledged within %(acknowledge)s and resolved within %(resolve)s.")
    )
    return text % {"acknowledge": _span(target.acknowledge_seconds, target.hours), "resolve": resolve}

"""The priority matrix in words, in the active language."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from policies.definition import severity_name
from policies.priority.values import SCALE, PriorityDef, Threshold, priority_name
from policies.sentences import joined

_IMPACT: tuple[Promise, ...] = (
    gettext_lazy("Everybody, or the whole business"),
    gettext_lazy("Many customers or several teams"),
    gettext_lazy("Some customers or one team"),
    gettext_lazy("A few people"),
    gettext_lazy("One person"),
)
_URGENCY: tuple[Promise, ...] = (
    gettext_lazy("Now: the damage grows by the minute"),
    gettext_lazy("Within the hour"),
    gettext_lazy("Today"),
    gettext_lazy("This week"),
    gettext_lazy("When there is time"),
)
_SHIPPED: Mapping[str, tuple[Promise, ...]] = {"impact": _IMPACT, "urgency": _URGENCY}


def level_label(definition: PriorityDef, scale: str, step: int) -> str:
    """What a step (1 to 5) of the "impact" or the "urgency" is called."""
    own: str = getattr(definition, scale)[step - 1]
    return own or str(_SHIPPED[scale][step - 1])


def priority_lines(definition: PriorityDef) -> dict[str, str]:
    """Everything the matrix says, in sentences, by what each is about: for the page and for comparing versions."""
    lines: dict[str, str] = {}
    for impact in SCALE:
        name = level_label(definition, "impact", impact)
        lines[_("Impact %(number)d: %(name)s") % {"number": impact, "name": name}] = joined(
            [
                _("%(priority)s at urgency %(number)d")
                % {"priority": priority_name(definition.matrix[impact - 1][urgency - 1]), "number": urgency}
                for urgency in SCALE
            ]
        )
    for urgency in SCALE:
        lines[_("Urgency %(number)d") % {"number": urgency}] = level_label(definition, "urgency", urgency)
    lines[_("Where impact or urgency is unknown")] = joined(
        [
            _("%(severity)s is %(priority)s")
            % {"severity": severity_name(severity), "priority": priority_name(definition.severity[severity - 1])}
            for severity in SCALE
        ]
    )
    lines[_("As the SLA’s time runs down")] = " ".join(priority_sentences(definition))
    return lines


def priority_sentences(definition: PriorityDef) -> tuple[str, ...]:
    """How the priority rises, a sentence for each threshold."""
    if not definition.thresholds:
        return (_("The priority stays as it is, however much of the SLA’s time has passed."),)
    return tuple(_threshold(one) for one in definition.thresholds)


def _threshold(threshold: Threshold) -> str:
    return ngettext(
        "After %(percent)d %% of the SLA’s time the priority rises by one step.",
        "After %(percent)d %% of the SLA’s time the priority rises by %(count)d steps.",
        threshold.raise_by,
    ) % {"percent": threshold.at_percent, "count": threshold.raise_by}

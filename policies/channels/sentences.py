"""Channel criteria in words, in the active language."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext as _

from policies.channels.values import ChannelsDef
from policies.conditions import condition_sentence
from policies.conditions.sentences import Namer, as_written
from policies.sentences import channels_words


def channels_lines(channels: ChannelsDef, *, name: Namer = as_written) -> Mapping[str, str]:
    """Everything the criteria say, in their order, by what each sentence is about."""
    lines: dict[str, str] = {}
    for number, rule in enumerate(channels.rules, 1):
        parts = (
            _("When: %(condition)s") % {"condition": condition_sentence(rule.when, name=name)},
            _("Then people are paged by %(channels)s only.") % {"channels": channels_words(rule.use)},
            rule.reason,
            "" if rule.enabled else _("Switched off."),
        )
        lines[_("%(number)d. %(name)s") % {"number": number, "name": rule.name}] = " ".join(
            part for part in parts if part
        )
    if channels.rules:
        lines[_("With the channels of a level")] = _(
            "Where a level of a policy names channels, they come after those of the rule that holds."
        )
    lines[_("Otherwise")] = _(
        "Everybody is told as their level says, or by their own contact methods, in their own order."
    )
    return lines

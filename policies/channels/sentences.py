"""Channel criteria in words, in the active language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from policies.channels.values import ChannelsDef
from policies.conditions import condition_sentence
from policies.conditions.sentences import Namer, as_written
from policies.sentences import joined

_LABELS: Mapping[str, str | Promise] = {
    "email": gettext_lazy("e-mail"),
    "sms": gettext_lazy("SMS"),
    "voice": gettext_lazy("call"),
    "push": gettext_lazy("push"),
    "chat": gettext_lazy("chat"),
}


def channels_words(kinds: Sequence[str]) -> str:
    """ "SMS and call"."""
    return joined([str(_LABELS.get(kind, kind)) for kind in kinds])


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
    lines[_("Otherwise")] = _("Everybody is told by their own contact methods, in their own order.")
    return lines

"""The words that policies, timelines and pages share: durations, lists of names, channels, causes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from policies.escalation import Because
from policies.ways import Way


def because_text(because: Because | str) -> str:
    """Why something happened, in the active language. Raises ValueError for a code that no release has written."""
    return str(_BECAUSE[Because(because)])


def duration_words(seconds: int) -> str:
    """ "1 hour 30 minutes", "90 seconds": days, hours, minutes, and seconds as far as they say something."""
    if 60 < seconds < 120:
        return ngettext("%(count)d second", "%(count)d seconds", seconds) % {"count": seconds}
    words = []
    for size, word in ((86_400, _days), (3_600, _hours), (60, _minutes), (1, _seconds)):
        count, seconds = divmod(seconds, size)
        if count:
            words.append(word(count))
    return " ".join(words) or _seconds(0)


def joined(names: Sequence[str]) -> str:
    """ "A", "A and B", "A, B and C" in the active language."""
    if len(names) < 2:
        return "".join(names)
    return _("%(first)s and %(last)s") % {"first": ", ".join(names[:-1]), "last": names[-1]}


def channels_words(kinds: Sequence[str]) -> str:
    """ "SMS and call"."""
    return joined([str(_CHANNELS.get(kind, kind)) for kind in kinds])


def _days(count: int) -> str:
    return ngettext("%(count)d day", "%(count)d days", count) % {"count": count}


def _hours(count: int) -> str:
    return ngettext("%(count)d hour", "%(count)d hours", count) % {"count": count}


def _minutes(count: int) -> str:
    return ngettext("%(count)d minute", "%(count)d minutes", count) % {"count": count}


def _seconds(count: int) -> str:
    return ngettext("%(count)d second", "%(count)d seconds", count) % {"count": count}


_CHANNELS: Mapping[str, Promise] = {
    Way.EMAIL: gettext_lazy("e-mail"),
    Way.SMS: gettext_lazy("SMS"),
    Way.VOICE: gettext_lazy("call"),
    Way.PUSH: gettext_lazy("push"),
    Way.CHAT: gettext_lazy("chat"),
}
_BECAUSE: Mapping[Because, Promise] = {
    Because.STARTED: gettext_lazy("the incident began"),
    Because.ACK_TIMEOUT: gettext_lazy("nobody acknowledged in time"),
    Because.RESOLVE_TIMEOUT: gettext_lazy("it was not resolved in time"),
    Because.BY_HAND: gettext_lazy("somebody escalated it"),
    Because.NOBODY_ON_CALL: gettext_lazy("nobody was on call"),
    Because.NOBODY_REACHABLE: gettext_lazy("nobody could be reached"),
    Because.ACKNOWLEDGED: gettext_lazy("it was acknowledged"),
    Because.UNACKNOWLEDGED: gettext_lazy("the acknowledgement was given back"),
    Because.ACK_EXPIRED: gettext_lazy("the acknowledgement expired"),
    Because.SNOOZED: gettext_lazy("it was snoozed"),
    Because.SNOOZE_ENDED: gettext_lazy("the snooze ended"),
    Because.RESOLVED: gettext_lazy("it was resolved"),
    Because.CLOSED: gettext_lazy("it was closed"),
    Because.MERGED: gettext_lazy("it was merged into another incident"),
    Because.SUPPRESSED: gettext_lazy("it was suppressed"),
    Because.SUPPRESSION_ENDED: gettext_lazy("its suppression ended"),
    Because.REOPENED: gettext_lazy("it was reopened"),
    Because.RESTARTED: gettext_lazy("somebody had the levels begin again"),
    Because.UNANSWERED: gettext_lazy("nobody had answered yet"),
    Because.PARTLY_ANSWERED: gettext_lazy("not everybody had answered"),
    Because.SEVERITY_RAISED: gettext_lazy("its severity got worse"),
    Because.DECLINED: gettext_lazy("whoever was told cannot take it"),
}

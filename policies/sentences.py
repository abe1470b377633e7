"""A policy in words, generated from its data: who is told, when, how, and what follows.

Whole sentences go through gettext with named placeholders, never pieces of them, so that every language may put the
parts where it wants them. Names of targets come from the caller, who knows the people and the schedules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from policies.definition import LevelDef, MeasuredFrom, PolicyDef, TargetDef, Timeout
from policies.escalation import Because

TargetNamer = Callable[[TargetDef], str]
"""How a target is called in the reader's language, as it reads after "tell": "the primary on Payments", "Bob Smith"."""


@dataclass(frozen=True, slots=True)
class LevelText:
    """One level in words. `number` counts from 1; `name`, `duty` and `names` are people's own words.

    The others are whole sentences: `tell` says who is told and when, `also` when that happens besides ("" for never),
    `answer` how long people have, `how` by what means they are reached.
    """

    number: int
    name: str
    duty: str
    names: tuple[str, ...]
    tell: str
    also: str
    answer: str
    how: str

    @property
    def sentences(self) -> tuple[str, ...]:
        return tuple(sentence for sentence in (self.tell, self.also, self.answer, self.how) if sentence)


@dataclass(frozen=True, slots=True)
class PolicyText:
    """A policy in words: its levels in order, then what holds for all of them."""

    levels: tuple[LevelText, ...]
    closing: tuple[str, ...]


def policy_text(policy: PolicyDef, name_target: TargetNamer) -> PolicyText:
    """The policy in the active language."""
    levels = tuple(_level_text(policy, index, name_target) for index in range(len(policy.levels)))
    return PolicyText(levels, _closing(policy, name_target))


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


def _level_text(policy: PolicyDef, index: int, name_target: TargetNamer) -> LevelText:
    level = policy.levels[index]
    names = tuple(name_target(target) for target in level.targets)
    return LevelText(
        number=index + 1,
        name=level.name,
        duty=level.duty,
        names=names,
        tell=_tell(policy, index) % _places(policy, index, names),
        also=_also(policy, index) % _places(policy, index, names),
        answer=_answer(level, mitigation_counts=policy.mitigated_satisfies_resolution),
        how=_("Each person is reached by the contact methods they chose, one after the other. One answer is enough."),
    )


def _places(policy: PolicyDef, index: int, names: Sequence[str]) -> Mapping[str, object]:
    """What the sentences about entering a level may mention."""
    resolve = policy.levels[index - 1].resolve_timeout if index else None
    return {
        "names": joined(names),
        "delay": duration_words(policy.levels[index].start.delay_seconds),
        "before": index,
        "time": duration_words(resolve.seconds) if resolve else "",
    }


def _tell(policy: PolicyDef, index: int) -> str:
    entry = policy.levels[index].start
    if index == 0:
        return (
            _("If it is still open after %(delay)s, tell %(names)s.")
            if entry.delay_seconds
            else _("At once, tell %(names)s.")
        )
    if policy.levels[index - 1].ack_timeout is None:
        return _tell_unresolved(policy, index)
    if not entry.delay_seconds:
        return _("If nobody at level %(before)d acknowledges in time, tell %(names)s.")
    if entry.measured_from is MeasuredFrom.START:
        return _("If nobody at level %(before)d acknowledges in time, tell %(names)s %(delay)s after the start.")
    return _("If nobody at level %(before)d acknowledges in time, wait %(delay)s more, then tell %(names)s.")


def _tell_unresolved(policy: PolicyDef, index: int) -> str:
    """The level before has a resolution timeout only."""
    match (_counts_from_start(policy, index), policy.mitigated_satisfies_resolution):
        case (True, True):
            return _(
                "If it is neither resolved nor mitigated %(time)s after the start, acknowledged or not, tell %(names)s."
            )
        case (True, False):
            return _("If it is not resolved %(time)s after the start, acknowledged or not, tell %(names)s.")
        case (False, True):
            return _(
                "If it is neither resolved nor mitigated %(time)s after level %(before)d was told, "
                "acknowledged or not, tell %(names)s."
            )
        case _:
            return _(
                "If it is not resolved %(time)s after level %(before)d was told, acknowledged or not, tell %(names)s."
            )


def _also(policy: PolicyDef, index: int) -> str:
    """The second way into a level: answered in time at the level before, and then not resolved in time."""
    before = policy.levels[index - 1] if index else None
    if before is None or before.ack_timeout is None or before.resolve_timeout is None:
        return ""
    match (_counts_from_start(policy, index), policy.mitigated_satisfies_resolution):
        case (True, True):
            return _("At once too if it is acknowledged, but neither resolved nor mitigated %(time)s after the start.")
        case (True, False):
            return _("At once too if it is acknowledged, but not resolved %(time)s after the start.")
        case (False, True):
            return _(
                "At once too if it is acknowledged, but neither resolved nor mitigated "
                "%(time)s after level %(before)d was told."
            )
        case _:
            return _("At once too if it is acknowledged, but not resolved %(time)s after level %(before)d was told.")


def _counts_from_start(policy: PolicyDef, index: int) -> bool:
    resolve = policy.levels[index - 1].resolve_timeout
    return resolve is not None and resolve.measured_from is MeasuredFrom.START


def _answer(level: LevelDef, *, mitigation_counts: bool) -> str:
    """How long the people of a level have to acknowledge and to resolve."""
    times = {
        "acknowledge": _length(level.ack_timeout) if level.ack_timeout else "",
        "resolve": _length(level.resolve_timeout) if level.resolve_timeout else "",
    }
    match (level.ack_timeout is not None, level.resolve_timeout is not None, mitigation_counts):
        case (True, False, _counts):
            text = _("Time to acknowledge: %(acknowledge)s.")
        case (True, True, True):
            text = _("Time to acknowledge: %(acknowledge)s. Time to resolve or mitigate: %(resolve)s.")
        case (True, True, False):
            text = _("Time to acknowledge: %(acknowledge)s. Time to resolve: %(resolve)s.")
        case (False, _resolves, True):
            text = _("Time to resolve or mitigate: %(resolve)s.")
        case _:
            text = _("Time to resolve: %(resolve)s.")
    return text % times


def _length(timeout: Timeout) -> str:
    words = duration_words(timeout.seconds)
    return _("%(time)s from the start") % {"time": words} if timeout.measured_from is MeasuredFrom.START else words


def _closing(policy: PolicyDef, name_target: TargetNamer) -> tuple[str, ...]:
    names = joined([name_target(target) for target in policy.catch_all]) or _("the administrators")
    walked = ngettext(
        "The levels are gone through once.", "The levels are gone through %(count)d times.", policy.cycles
    ) % {"count": policy.cycles}
    return (
        _("A level with nobody on call, or nobody who can be reached, is skipped at once, and the skip is shown."),
        walked,
        _("After that the incident is listed as exhausted, and these are told: %(names)s.") % {"names": names},
    )


def _days(count: int) -> str:
    return ngettext("%(count)d day", "%(count)d days", count) % {"count": count}


def _hours(count: int) -> str:
    return ngettext("%(count)d hour", "%(count)d hours", count) % {"count": count}


def _minutes(count: int) -> str:
    return ngettext("%(count)d minute", "%(count)d minutes", count) % {"count": count}


def _seconds(count: int) -> str:
    return ngettext("%(count)d second", "%(count)d seconds", count) % {"count": count}


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
    Because.REOPENED: gettext_lazy("it was reopened"),
    Because.RESTARTED: gettext_lazy("somebody had the levels begin again"),
}

"""One level in sentences: who is told and when, how long they have, what is special about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from policies.definition import (
    AckMode,
    Entry,
    IfUnreachable,
    LevelDef,
    MeasuredFrom,
    PolicyDef,
    Raci,
    TargetDef,
    Timeout,
    severity_name,
)
from policies.sentences.times import finer_sentences, repeat_sentence
from policies.sentences.words import channels_words, duration_words, joined

TargetNamer = Callable[[TargetDef], str]
"""How a target is called in the reader's language, as it reads after "tell": "the primary on Payments", "Bob Smith"."""


@dataclass(frozen=True, slots=True)
class LevelText:
    """One level in words. `number` counts from 1; `name`, `duty` and `names` are people's own words.

    The others are whole sentences: `tell` says who is told and when, `also` when that happens besides ("" for never),
    `answer` how long people have, `how` by what means they are reached, `more` what else is special about the level.
    """

    number: int
    name: str
    duty: str
    names: tuple[str, ...]
    tell: str
    also: str
    answer: str
    how: str
    more: tuple[str, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        return tuple(sentence for sentence in (self.tell, self.also, self.answer, *self.more, self.how) if sentence)


def level_text(policy: PolicyDef, index: int, name_target: TargetNamer) -> LevelText:
    level = policy.levels[index]
    names = tuple(name_target(target) for target in level.targets)
    places = _places(policy, index, names)
    return LevelText(
        number=index + 1,
        name=level.name,
        duty=level.duty,
        names=names,
        tell=_tell(policy, index) % places,
        also=_also(policy, index) % places,
        answer=_answer(level, mitigation_counts=policy.mitigated_satisfies_resolution),
        how=_how(level),
        more=_more(policy, index, name_target),
    )


def severities_text(severities: Sequence[int]) -> str:
    """ "SEV-1 and SEV-2"."""
    return joined([severity_name(severity) for severity in severities])


def _how(level: LevelDef) -> str:
    if level.channels:
        text = (
            _(
                "People are told by %(channels)s; whoever has no such contact method, by those they chose. "
                "Everybody has to answer."
            )
            if level.ack_mode is AckMode.ALL
            else _(
                "People are told by %(channels)s; whoever has no such contact method, by those they chose. "
                "One answer is enough."
            )
        )
        return text % {"channels": channels_words(level.channels)}
    if level.ack_mode is AckMode.ALL:
        return _(
            "Each person is reached by the contact methods they chose, one after the other. Everybody has to answer."
        )
    return _("Each person is reached by the contact methods they chose, one after the other. One answer is enough.")


def _more(policy: PolicyDef, index: int, name_target: TargetNamer) -> tuple[str, ...]:
    level = policy.levels[index]
    sentences = list(finer_sentences(level, mitigation_counts=policy.mitigated_satisfies_resolution, first=index == 0))
    if level.repeat is not None:
        sentences.append(repeat_sentence(level.repeat, severities_text(level.repeat.severities)))
    if level.if_unreachable is IfUnreachable.WAIT:
        sentences.append(_("Even if none of them can be reached, the next level is only told when their time is over."))
    if level.major:
        sentences.append(_("An incident that gets as far as this level is declared a major incident."))
    if level.raci is not None:
        sentences += raci_text(level.raci, name_target)
    return tuple(sentences)


def raci_text(raci: Raci, name_target: TargetNamer) -> list[str]:
    """Who does what at a level, a sentence for each filled cell."""

    def named(targets: Sequence[TargetDef]) -> dict[str, str]:
        return {"names": joined([name_target(target) for target in targets])}

    return [
        _("Responsible for the work: %(names)s.") % named(raci.responsible),
        _("Accountable for it: %(names)s.") % named([raci.accountable]),
        *([_("To be consulted: %(names)s.") % named(raci.consulted)] if raci.consulted else []),
        *([_("To be informed: %(names)s.") % named(raci.informed)] if raci.informed else []),
    ]


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
        return _tell_first(entry)
    before = policy.levels[index - 1]
    if before.ack_timeout is None and before.resolve_timeout is not None:
        return _tell_unresolved(policy, index)
    if before.ack_mode is AckMode.ALL:
        return _tell_not_all(entry)
    if entry.measured_from is MeasuredFrom.BEFORE_SLA:
        return _(
            "If nobody at level %(before)d acknowledges in time, tell %(names)s %(delay)s before the SLA of the "
            "incident ends."
        )
    if not entry.delay_seconds:
        return _("If nobody at level %(before)d acknowledges in time, tell %(names)s.")
    if entry.measured_from is MeasuredFrom.START:
        return _("If nobody at level %(before)d acknowledges in time, tell %(names)s %(delay)s after the start.")
    return _("If nobody at level %(before)d acknowledges in time, wait %(delay)s more, then tell %(names)s.")


def _tell_first(entry: Entry) -> str:
    if entry.measured_from is MeasuredFrom.BEFORE_SLA:
        return _("If it is still open %(delay)s before its SLA ends, tell %(names)s.")
    if entry.delay_seconds:
        return _("If it is still open after %(delay)s, tell %(names)s.")
    return _("At once, tell %(names)s.")


def _tell_not_all(entry: Entry) -> str:
    """The level before wants everybody's answer."""
    if entry.measured_from is MeasuredFrom.BEFORE_SLA:
        return _(
            "If not everybody at level %(before)d acknowledges in time, tell %(names)s %(delay)s before the SLA of "
            "the incident ends."
        )
    if not entry.delay_seconds:
        return _("If not everybody at level %(before)d acknowledges in time, tell %(names)s.")
    if entry.measured_from is MeasuredFrom.START:
        return _("If not everybody at level %(before)d acknowledges in time, tell %(names)s %(delay)s after the start.")
    return _("If not everybody at level %(before)d acknowledges in time, wait %(delay)s more, then tell %(names)s.")


def _tell_unresolved(policy: PolicyDef, index: int) -> str:
    """The level before has a resolution timeout only."""
    match (_resolution_origin(policy, index), policy.mitigated_satisfies_resolution):
        case (MeasuredFrom.START, True):
            return _(
                "If it is neither resolved nor mitigated %(time)s after the start, acknowledged or not, tell %(names)s."
            )
        case (MeasuredFrom.START, False):
            return _("If it is not resolved %(time)s after the start, acknowledged or not, tell %(names)s.")
        case (MeasuredFrom.BEFORE_SLA, True):
            return _(
                "If it is neither resolved nor mitigated %(time)s before its SLA ends, acknowledged or not, "
                "tell %(names)s."
            )
        case (MeasuredFrom.BEFORE_SLA, False):
            return _("If it is not resolved %(time)s before its SLA ends, acknowledged or not, tell %(names)s.")
        case (_origin, True):
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
    match (_resolution_origin(policy, index), policy.mitigated_satisfies_resolution):
        case (MeasuredFrom.START, True):
            return _("At once too if it is acknowledged, but neither resolved nor mitigated %(time)s after the start.")
        case (MeasuredFrom.START, False):
            return _("At once too if it is acknowledged, but not resolved %(time)s after the start.")
        case (MeasuredFrom.BEFORE_SLA, True):
            return _(
                "At once too if it is acknowledged, but neither resolved nor mitigated %(time)s before its SLA ends."
            )
        case (MeasuredFrom.BEFORE_SLA, False):
            return _("At once too if it is acknowledged, but not resolved %(time)s before its SLA ends.")
        case (_origin, True):
            return _(
                "At once too if it is acknowledged, but neither resolved nor mitigated "
                "%(time)s after level %(before)d was told."
            )
        case _:
            return _("At once too if it is acknowledged, but not resolved %(time)s after level %(before)d was told.")


def _resolution_origin(policy: PolicyDef, index: int) -> MeasuredFrom | None:
    resolve = policy.levels[index - 1].resolve_timeout
    return resolve.measured_from if resolve is not None else None


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
        case (False, True, True):
            text = _("Time to resolve or mitigate: %(resolve)s.")
        case (False, True, False):
            text = _("Time to resolve: %(resolve)s.")
        case _:
            times["acknowledge"] = duration_words(level.repeat.every_seconds if level.repeat else 0)
            text = _("Time to acknowledge: %(acknowledge)s after they were last told.")
    return text % times


def _length(timeout: Timeout) -> str:
    words = duration_words(timeout.seconds)
    match timeout.measured_from:
        case MeasuredFrom.START:
            return _("%(time)s from the start") % {"time": words}
        case MeasuredFrom.BEFORE_SLA:
            otherwise = duration_words(timeout.otherwise_seconds or timeout.seconds)
            return _("until %(time)s before the SLA ends, or %(otherwise)s where there is none") % {
                "time": words,
                "otherwise": otherwise,
            }
    return words

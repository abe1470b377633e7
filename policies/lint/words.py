"""Findings in words: what is wrong, what it costs, and what its link is called. Whole sentences, in the reader's language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from policies.definition import severity_name
from policies.lint.values import Code
from policies.sentences import channels_words, duration_words, joined

Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FindingWords:
    title: str
    cost: str
    fix: str


@dataclass(frozen=True, slots=True)
class _Template:
    """A sentence with places, or a function of the data where it takes more than one sentence."""

    title: str | Promise | Callable[[Data], str]
    cost: str | Promise | Callable[[Data], str]
    fix: str | Promise


_POLICY = gettext_lazy("Look at the policy")
_SCHEDULE = gettext_lazy("Look at the schedule")
_SERVICE = gettext_lazy("Look at the service")
_RULE = gettext_lazy("Look at the rule")


def words_of(code: str, data: Data, *, role: str = "") -> FindingWords:
    """The finding in the active language; `role` is the schedule's role as people say it. A code that no release has
    written is shown as it is, with no cost."""
    template = _WORDS.get(Code(code)) if code in set(Code) else None
    if template is None:
        return FindingWords(code, "", str(_POLICY))
    places = _places(data, role)
    return FindingWords(_filled(template.title, places), _filled(template.cost, places), str(template.fix))


def _filled(line: str | Promise | Callable[[Data], str], places: Data) -> str:
    text = line(places) if callable(line) and not isinstance(line, Promise) else str(line)
    return text % places


_DURATIONS = ("seconds", "every", "median", "p90", "entered")
_NAMES = ("targets", "teams", "policies", "named", "gone", "people")


def _places(data: Data, role: str) -> dict[str, Any]:
    places: dict[str, Any] = dict(data)
    for key in _DURATIONS:
        if isinstance(data.get(key), int | float):
            places[key] = duration_words(int(data[key]))
    for key in _NAMES:
        if isinstance(data.get(key), list):
            places[key] = joined([str(one) for one in data[key]])
    if isinstance(data.get("severities"), list):
        places["severities"] = joined([severity_name(one) for one in data["severities"]])
    if isinstance(data.get("channels"), list):
        places["channels"] = channels_words([str(kind) for kind in data["channels"]])
    if isinstance(data.get("circle"), list):
        places["circle"] = " → ".join(data["circle"])
    if isinstance(data.get("cells"), list):
        places["levels"] = joined([str(number) for number in dict.fromkeys(number for number, _cell in data["cells"])])
        places["count"] = len(data["cells"])
    places["role"] = role or data.get("role", "")
    return places


# --- sentences that depend on more than their names


def _empty_title(data: Data) -> str:
    if data["teams"]:
        return _("Level %(number)s, %(level)s, reaches nobody for %(teams)s")
    return _("Level %(number)s, %(level)s, reaches nobody")


def _empty_cost(data: Data) -> str:
    if data["last"]:
        return _("The last level is skipped: whoever waits for it waits in vain.")
    return _("The level is skipped at once, and those who should have been first never hear of it.")


def _dead_end_cost(data: Data) -> str:
    if not data["administrators"]:
        return _("After %(seconds)s nobody is left: the incident stays open and nobody is told any more.")
    return ngettext(
        "After %(seconds)s nobody is left: only the one administrator is told, once.",
        "After %(seconds)s nobody is left: only the %(administrators)s administrators are told, once.",
        data["administrators"],
    )


def _single_cost(data: Data) -> str:
    if data["last"]:
        return _("If %(name)s does not hear it, there is nobody after: it is the last level.")
    return _("If %(name)s does not hear it, nobody else is called for %(seconds)s.")


def _person_title(data: Data) -> str:
    if data["active"]:
        return _("%(name)s has no contact method that can be used")
    return _("The account of %(name)s is closed")


def _person_cost(data: Data) -> str:
    if data.get("places", 1) > 1 and data.get("policies"):
        return _("Whatever is paged to them goes nowhere. Levels of %(policies)s count on them.")
    return _("Level %(number)s of %(policy)s counts on them: a page to them goes nowhere.")


def _lacked_title(data: Data) -> str:
    return ngettext(
        "%(people)s has no contact method over which level %(number)s, %(level)s, tells people: %(channels)s",
        "%(people)s have no contact method over which level %(number)s, %(level)s, tells people: %(channels)s",
        data["count"],
    )


def _never_cost(data: Data) -> str:
    if data["informed"]:
        return _("Every severity begins above it: its people are informed, and never paged.")
    return _("Every severity begins above it: its people never hear of anything.")


def _gap_title(data: Data) -> str:
    return ngettext(
        "Nobody is on call as %(role)s on %(schedule)s for %(seconds)s within %(days)s days",
        "Nobody is on call as %(role)s on %(schedule)s for %(seconds)s, %(count)s times, within %(days)s days",
        data["count"],
    )


def _repeats_cost(data: Data) -> str:
    if data["times"] is None:
        return _("At %(severities)s people are told every %(every)s until somebody answers: they learn not to listen.")
    return ngettext(
        "At %(severities)s people are told again after %(every)s: they learn not to listen.",
        "At %(severities)s people are told again every %(every)s, %(times)s times: they learn not to listen.",
        data["times"],
    )


def _stale_title(data: Data) -> str:
    if data["gone"]:
        return _("%(service)s: whoever led %(team)s has left (%(gone)s)")
    return _("%(service)s: %(team)s has neither a lead nor a manager")


def _gone_title(data: Data) -> str:
    if not data["rule"]:
        return _("What no rule decides names “%(name)s”, which does not exist")
    return _("The rule “%(rule)s” names “%(name)s”, which does not exist")


def _nothing_cost(data: Data) -> str:
    if data["before"]:
        return _("“%(before)s” comes first, holds whenever this one does, and has decided it already.")
    return _("It is the last one and only says that no later rule is looked at.")


def _silences_cost(data: Data) -> str:
    if data["named"]:
        return ngettext(
            "Incidents of %(count)s service page nobody when it holds: somebody finds them by chance.",
            "Incidents of %(count)s services page nobody when it holds: somebody finds them by chance.",
            data["count"],
        )
    return ngettext(
        "It is not bound to a service: when it holds, incidents of the %(count)s service there is page nobody.",
        "It is not bound to a service: when it holds, incidents of any of %(count)s services page nobody.",
        data["count"],
    )


_WORDS: Mapping[Code, _Template] = {
    Code.NO_VERSION: _Template(
        gettext_lazy("%(policy)s has no published version"),
        gettext_lazy("Incidents of its services page nobody."),
        _POLICY,
    ),
    Code.DEAD_END: _Template(gettext_lazy("The path ends without anybody of its own"), _dead_end_cost, _POLICY),
    Code.UNKNOWN_TARGET: _Template(
        gettext_lazy("It names “%(target)s”, which does not exist"),
        gettext_lazy("Nobody is told in its place, and nobody notices until it matters."),
        _POLICY,
    ),
    Code.EMPTY_LEVEL: _Template(_empty_title, _empty_cost, _POLICY),
    Code.PLACES_ONLY: _Template(
        gettext_lazy("Level %(number)s, %(level)s, tells %(targets)s and no person"),
        gettext_lazy(
            "Nobody is woken, and a place cannot acknowledge: the time runs out unless somebody reads it there."
        ),
        _POLICY,
    ),
    Code.PLACE_CLOSED: _Template(
        gettext_lazy("%(target)s is switched off, and the policy tells it"),
        gettext_lazy("It hears nothing; only the timeline says that it was left out."),
        _POLICY,
    ),
    Code.NEVER_ENTERED: _Template(gettext_lazy("Level %(number)s, %(level)s, is never reached"), _never_cost, _POLICY),
    Code.TIMER_PASSED: _Template(
        gettext_lazy("A time of level %(number)s, %(level)s, is over before the level begins"),
        gettext_lazy(
            "It ends %(seconds)s after the start, yet the level is reached after %(entered)s: its time is counted anew, "
            "and everything after it comes later than it reads."
        ),
        _POLICY,
    ),
    Code.CHANNELS_UNSENT: _Template(
        gettext_lazy("Level %(number)s, %(level)s, tells people by %(channels)s, and nothing sends by that here"),
        gettext_lazy("Everybody on it is told by their own contact methods instead, whichever these are."),
        _POLICY,
    ),
    Code.CHANNELS_LACKED: _Template(
        _lacked_title,
        gettext_lazy("They are told by what they have instead, and that may be nothing that they hear in time."),
        _POLICY,
    ),
    Code.LOOP: _Template(
        gettext_lazy("Level %(number)s, %(level)s, leads in a circle: %(circle)s"),
        gettext_lazy("The engine takes its first step only: whoever is meant further on is never told."),
        _POLICY,
    ),
    Code.UNREACHABLE_PERSON: _Template(_person_title, _person_cost, gettext_lazy("Look at the person")),
    Code.SINGLE_PERSON: _Template(
        gettext_lazy("Level %(number)s, %(level)s, is %(name)s alone"), _single_cost, _POLICY
    ),
    Code.EVERYONE: _Template(
        gettext_lazy("Level %(number)s, %(level)s, pages %(count)s people at once"),
        gettext_lazy("%(count)s people are disturbed, and each may think that another takes it."),
        _POLICY,
    ),
    Code.ACK_TIMER_SHORT: _Template(
        gettext_lazy("Level %(number)s, %(level)s, gives less time to acknowledge than people need"),
        gettext_lazy(
            "It waits %(seconds)s; half of %(incidents)s incidents took more than %(median)s. So the next level is "
            "called for most of them, needed or not."
        ),
        _POLICY,
    ),
    Code.ACK_TIMER_LONG: _Template(
        gettext_lazy("Level %(number)s, %(level)s, waits far longer for an answer than people need"),
        gettext_lazy(
            "Nine of ten of %(incidents)s incidents were acknowledged within %(p90)s. When a page is missed, nobody else "
            "is called for %(seconds)s."
        ),
        _POLICY,
    ),
    Code.RESOLVE_TIMER_SHORT: _Template(
        gettext_lazy("Level %(number)s, %(level)s, gives less time to resolve than people need"),
        gettext_lazy(
            "It gives %(seconds)s; half of %(incidents)s incidents took more than %(median)s. So the next level is "
            "called for most of them, needed or not."
        ),
        _POLICY,
    ),
    Code.RESOLVE_TIMER_LONG: _Template(
        gettext_lazy("Level %(number)s, %(level)s, waits far longer for the end than people need"),
        gettext_lazy(
            "Nine of ten of %(incidents)s incidents were over within %(p90)s. One that is stuck is noticed only after "
            "%(seconds)s."
        ),
        _POLICY,
    ),
    Code.RACI_VACANT: _Template(
        gettext_lazy("Duties of levels %(levels)s are not given to anybody (RACI)"),
        gettext_lazy("Who decides, who is asked and who is told is argued while the incident runs."),
        _POLICY,
    ),
    Code.REPEATS_NOT_CRITICAL: _Template(
        gettext_lazy("Level %(number)s, %(level)s, tells people again where nothing is critical"),
        _repeats_cost,
        _POLICY,
    ),
    Code.CYCLES_NOT_CRITICAL: _Template(
        gettext_lazy("The levels are walked %(cycles)s times where nothing is critical"),
        gettext_lazy("At %(severities)s everybody is disturbed again: a single pass is enough there."),
        _POLICY,
    ),
    Code.REPEATS_CUT: _Template(
        gettext_lazy("Level %(number)s, %(level)s, ends before all its repeats"),
        gettext_lazy("It is to tell people again %(times)s times every %(every)s, and is over before."),
        _POLICY,
    ),
    Code.EMPTY_SCHEDULE: _Template(
        gettext_lazy("%(schedule)s has nobody on call for %(days)s days"),
        gettext_lazy("Every level that counts on it is skipped at once."),
        _SCHEDULE,
    ),
    Code.SCHEDULE_LOOP: _Template(
        gettext_lazy("%(schedule)s follows a schedule that follows it"),
        gettext_lazy("Nobody can say who is on call: every level that counts on it is skipped."),
        _SCHEDULE,
    ),
    Code.GAP: _Template(
        _gap_title,
        gettext_lazy("A page in that time skips the level at once, and goes to whoever comes after."),
        _SCHEDULE,
    ),
    Code.GAP_ACCEPTED: _Template(_gap_title, gettext_lazy("Somebody knows this gap and accepted it."), _SCHEDULE),
    Code.NO_POLICY: _Template(
        gettext_lazy("%(service)s has no escalation policy"),
        gettext_lazy("Its incidents page nobody: they wait until somebody looks at the list."),
        _SERVICE,
    ),
    Code.OWNERLESS: _Template(
        gettext_lazy("%(service)s: nobody is left in %(team)s, which owns it"),
        gettext_lazy("Nobody answers for it, and levels that name its team, lead or manager are skipped."),
        _SERVICE,
    ),
    Code.STALE_OWNERSHIP: _Template(
        _stale_title,
        gettext_lazy("Nobody decides when it is stuck: levels that name its lead or its manager are skipped."),
        _SERVICE,
    ),
    Code.RULE_NAMES_GONE: _Template(
        _gone_title,
        gettext_lazy(
            "That part of it does nothing: the service’s own way is taken, and nobody is paged or told in its place."
        ),
        _RULE,
    ),
    Code.RULE_CONTRADICTS: _Template(
        gettext_lazy("The rule “%(rule)s” can never hold"),
        gettext_lazy("It asks for things that cannot be at once: what it is there for never happens."),
        _RULE,
    ),
    Code.RULE_NEVER_REACHED: _Template(
        gettext_lazy("The rule “%(rule)s” is never looked at"),
        gettext_lazy("“%(before)s” comes first, holds whenever this one would, and stops there."),
        _RULE,
    ),
    Code.RULE_CHANGES_NOTHING: _Template(gettext_lazy("The rule “%(rule)s” changes nothing"), _nothing_cost, _RULE),
    Code.RULE_SILENCES: _Template(
        gettext_lazy("The rule “%(rule)s” pages nobody, for more than one service"), _silences_cost, _RULE
    ),
}

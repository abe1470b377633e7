"""What holds for all levels of a policy, and what its end is, in sentences."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from policies.definition import Final, IfUnreachable, PolicyDef, TargetDef, severity_name
from policies.sentences.levels import TargetNamer, severities_text
from policies.sentences.words import duration_words, joined


def closing_sentences(policy: PolicyDef, name_target: TargetNamer) -> tuple[str, ...]:
    names = joined([name_target(target) for target in policy.catch_all]) or _("the administrators")
    return (
        *(_beginning(severity, level + 1, policy.inform_skipped) for severity, level in policy.starts_at),
        _skipping(policy),
        _walked(policy),
        _("After that the incident is listed as exhausted, and these are told: %(names)s.") % {"names": names},
        *([_final(policy.final, name_target)] if policy.final else []),
        *([_expiring(policy.ack_expires_seconds)] if policy.ack_expires_seconds else []),
        *([_overseen(policy.overseer, name_target)] if policy.overseer else []),
    )


def _expiring(seconds: int) -> str:
    return _(
        "An acknowledgement holds for %(time)s; unless the incident is resolved by then, its level is told again."
    ) % {"time": duration_words(seconds)}


def _overseen(overseer: TargetDef, name_target: TargetNamer) -> str:
    return _("The work on a major incident is overseen by %(name)s.") % {"name": name_target(overseer)}


def _skipping(policy: PolicyDef) -> str:
    if any(level.if_unreachable is IfUnreachable.WAIT for level in policy.levels):
        return _(
            "A level with nobody on call is skipped at once, and so is one with nobody who can be reached unless it "
            "says otherwise; the skip is shown."
        )
    return _("A level with nobody on call, or nobody who can be reached, is skipped at once, and the skip is shown.")


def _beginning(severity: int, number: int, informs: bool) -> str:
    places = {"severity": severity_name(severity), "level": number}
    if number == 1:
        return _("Incidents of %(severity)s begin at level 1.") % places
    if informs:
        return _("Incidents of %(severity)s begin at level %(level)d, at once; the levels below are informed.") % places
    return _("Incidents of %(severity)s begin at level %(level)d, at once.") % places


def _walked(policy: PolicyDef) -> str:
    places = {"count": policy.cycles, "severities": severities_text(policy.cycle_severities)}
    if policy.cycles > 1 and policy.cycle_severities:
        text = ngettext(
            "The levels are gone through %(count)d time for %(severities)s, and once otherwise.",
            "The levels are gone through %(count)d times for %(severities)s, and once otherwise.",
            policy.cycles,
        )
        return text % places
    return (
        ngettext("The levels are gone through once.", "The levels are gone through %(count)d times.", policy.cycles)
        % places
    )


def _final(final: Final, name_target: TargetNamer) -> str:
    text = ngettext(
        "The last word is with %(name)s, who is told then, and told again every %(every)s until somebody answers, "
        "at most %(count)d time.",
        "The last word is with %(name)s, who is told then, and told again every %(every)s until somebody answers, "
        "at most %(count)d times.",
        final.times,
    )
    return text % {
        "name": name_target(final.target),
        "every": duration_words(final.every_seconds),
        "count": final.times,
    }

"""Whom a step of the escalation reaches: one answer for the engine and for whatever foretells what the engine will do."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from oncall.models import Team
from policies.definition import PolicyDef, TargetDef
from policies.escalation import DeclareMajor, EnterLevel, InformLevel, PageCatchAll, PageFinal, RepeatLevel
from policies.targets import NO_SKILLS, Recipient, Resolution, Skills, TargetResolver

Telling = EnterLevel | RepeatLevel | PageCatchAll | PageFinal
"""The actions that page people."""


def reached(
    policy: PolicyDef,
    action: Telling | InformLevel | DeclareMajor,
    *,
    resolver: TargetResolver,
    team: Team,
    skills: Skills = NO_SKILLS,
    straight_to: Sequence[TargetDef] = (),
) -> Resolution:
    """The people of ``action``, and who was passed over. ``team`` owns the service; ``skills`` are what that asks for.

    ``straight_to`` are the specialists and seniors whom a routing rule has paged with the level that opens the walk.
    """
    match action:
        case EnterLevel() | RepeatLevel() | InformLevel():
            # The first level answers for everything; beyond it a service may ask for people who know it (R097).
            wanted = skills if action.level else NO_SKILLS
            level = policy.levels[action.level]
            own = resolver.resolve(level.targets, team=team, skills=wanted)
            if isinstance(action, InformLevel):
                return own
            own = _over(level.channels, own)
            if not straight_to or not action.opens:
                return own
            return _joined(own, resolver.resolve(straight_to, team=team))
        case PageCatchAll():
            # The policy's catch-all or, where it has none or nobody, the administrators: somebody is always told.
            found = resolver.resolve(policy.catch_all, team=team)
            users = [recipient.user for recipient in found.recipients] or resolver.administrators()
            return Resolution(tuple(Recipient(user, {"kind": "catch_all"}) for user in users), places=found.places)
        case DeclareMajor():
            # The first who is there oversees it: one pair of eyes on the whole, and no more.
            return Resolution(resolver.recipients(policy.overseers, team=team)[:1])
        case PageFinal():
            # Nobody where that is vacant, for the catch-all has been told.
            targets = [policy.final.target] if policy.final else []
            last = resolver.recipients(targets, team=team)
            return Resolution(tuple(Recipient(one.user, {"kind": "final"}) for one in last))


def _over(channels: Sequence[str], found: Resolution) -> Resolution:
    """With the channels that the level names for its people (R130). Whom a rule sends for, whoever is only informed, and whoever
    is told at the end, is told by their own."""
    if not channels:
        return found
    return replace(found, recipients=tuple(replace(one, channels=tuple(channels)) for one in found.recipients))


def _joined(level: Resolution, specialists: Resolution) -> Resolution:
    """Each person once: whoever is on the level anyway stays with the reason of the level."""
    people = {one.user.pk: one for one in level.recipients}
    for one in specialists.recipients:
        people.setdefault(one.user.pk, Recipient(one.user, by_rule(one.why)))
    passed = {(one.user.pk, one.reason): one for one in (*level.skipped, *specialists.skipped)}
    return Resolution(
        tuple(people.values()),
        tuple(one for one in passed.values() if one.user.pk not in people),
        level.places,
    )


def by_rule(why: Mapping[str, Any]) -> dict[str, Any]:
    """Why a specialist is paged: a rule says so. What made it this person is kept beside it."""
    return {**why, "kind": "rule", "as": why.get("kind", "")}

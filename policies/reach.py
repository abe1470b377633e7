"""Whom a step of the escalation reaches: one answer for the engine and for whatever foretells what the engine will do."""

from oncall.models import Team
from policies.definition import PolicyDef
from policies.escalation import EnterLevel, InformLevel, PageCatchAll, PageFinal, RepeatLevel
from policies.targets import NO_SKILLS, Recipient, Resolution, Skills, TargetResolver

Telling = EnterLevel | RepeatLevel | PageCatchAll | PageFinal
"""The actions that page people."""


def reached(
    policy: PolicyDef,
    action: Telling | InformLevel,
    *,
    resolver: TargetResolver,
    team: Team,
    skills: Skills = NO_SKILLS,
) -> Resolution:
    """The people of ``action``, and who was passed over. ``team`` owns the service; ``skills`` are what that asks for."""
    match action:
        case EnterLevel() | RepeatLevel() | InformLevel():
            # The first level answers for everything; beyond it a service may ask for people who know it (R097).
            wanted = skills if action.level else NO_SKILLS
            return resolver.resolve(policy.levels[action.level].targets, team=team, skills=wanted)
        case PageCatchAll():
            # The policy's catch-all or, where it has none or nobody, the administrators: somebody is always told.
            found = resolver.recipients(policy.catch_all, team=team)
            users = [recipient.user for recipient in found] or resolver.administrators()
            return Resolution(tuple(Recipient(user, {"kind": "catch_all"}) for user in users))
        case PageFinal():
            # Nobody where that is vacant, for the catch-all has been told.
            targets = [policy.final.target] if policy.final else []
            found = resolver.recipients(targets, team=team)
            return Resolution(tuple(Recipient(one.user, {"kind": "final"}) for one in found))

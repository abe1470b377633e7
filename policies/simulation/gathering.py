"""What a simulation reads: who a step reaches at its instant, and by which channels."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from notifications.channels import channel_kinds
from notifications.models import ContactMethod
from oncall.models import Team
from policies.definition import PolicyDef
from policies.reach import reached
from policies.simulation.walk import MAX_STEPS, Act, Passed, Reach, Reached, Simulation, Told, walk
from policies.targets import NO_SKILLS, Resolution, Skills, TargetResolver


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What if an incident of ``severity`` (1 is worst) began at the instant ``at``?

    ``team`` owns the service and ``skills`` (slugs) are what that asks for beyond the first level. ``unreachable`` are
    people (by number) whom no message reaches, besides those without any contact method.
    """

    at: datetime
    severity: int | None
    team: Team
    skills: Skills = NO_SKILLS
    acts: tuple[Act, ...] = ()
    unreachable: frozenset[int] = frozenset()


def simulate(policy: PolicyDef, question: Question, *, limit: int = MAX_STEPS) -> Simulation:
    """What the engine would do, step by step. Nothing is stored, nobody is told.

    People are looked up as of each step's instant, with the schedules, absences and limits that are known today. Limits
    count the pages that were really sent.
    """
    gathering = _Gathering(policy, question)
    return walk(
        policy,
        at=question.at,
        severity=question.severity,
        reach_at=gathering.reach_at,
        acts=question.acts,
        limit=limit,
    )


class _Gathering:
    def __init__(self, policy: PolicyDef, question: Question) -> None:
        self.policy, self.question = policy, question
        self._channels: dict[int, tuple[str, ...]] = {}

    def reach_at(self, at: datetime, told: Mapping[int, datetime]) -> Reach:
        resolver = TargetResolver(at=at, told=told)

        def reach(action: object) -> Reached:
            found = reached(
                self.policy,
                action,  # type: ignore[arg-type]  # the walk asks for actions that reach people only
                resolver=resolver,
                team=self.question.team,
                skills=self.question.skills,
            )
            return self._reached(found)

        return reach

    def _reached(self, found: Resolution) -> Reached:
        self._read_channels({one.user.pk for one in found.recipients})
        return Reached(
            tuple(Told(one.user.pk, one.user.name, one.why, self._how(one.user.pk)) for one in found.recipients),
            tuple(Passed(one.user.pk, one.user.name, one.reason) for one in found.skipped),
        )

    def _how(self, user_id: int) -> tuple[str, ...]:
        return () if user_id in self.question.unreachable else self._channels[user_id]

    def _read_channels(self, user_ids: Collection[int]) -> None:
        """By which channels each person is tried, in order: those that are enabled and can be sent by."""
        unknown = set(user_ids) - self._channels.keys()
        if not unknown:
            return
        methods = ContactMethod.objects.filter(user__in=unknown, enabled=True, kind__in=channel_kinds())
        self._channels |= dict.fromkeys(unknown, ())
        for user_id, kind in methods.order_by("user_id", "position", "id").values_list("user_id", "kind"):
            if kind not in self._channels[user_id]:
                self._channels[user_id] += (kind,)

"""What filing an incident would do: who is paged at once, and who after that if nobody answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from incidents.models import Service
from incidents.selectors.steps import level_title
from incidents.selectors.who import people_called
from policies.definition import PolicyDef
from policies.escalation import EnterLevel, forecast, start
from policies.services import version_definition

NAMED_LEVELS = 2
"""How many levels are shown with the names of those on call now; for later ones that would be guessing."""


@dataclass(frozen=True, slots=True)
class Step:
    """``title`` is called at ``at`` (None: at once); ``names`` are those on call now, empty for later levels."""

    title: str
    at: datetime | None
    names: Sequence[str]
    because: str


@dataclass(frozen=True, slots=True)
class Preview:
    """The steps for ``service``; none when it has no policy."""

    service: Service
    steps: Sequence[Step]

    @property
    def first_names(self) -> Sequence[str]:
        return self.steps[0].names if self.steps else ()


def preview_of(service: Service, *, at: datetime, severity: int | None = None) -> Preview:
    """What the service's policy would do with an incident of ``severity`` (None: not chosen yet) filed at ``at``.

    The service comes with its team and policy version.
    """
    version = service.policy.current_version if service.policy else None
    if version is None:
        return Preview(service, ())
    policy = version_definition(version)
    calls = _calls(policy, at, severity)
    steps = []
    for place, (level, moment, because) in enumerate(calls):
        targets = policy.catch_all if level is None else policy.levels[level].targets
        people = people_called(targets, team=service.team, at=at) if place < NAMED_LEVELS else []
        steps.append(Step(level_title(policy, level), moment, [one.user.name for one in people], because))
    return Preview(service, steps)


def _calls(policy: PolicyDef, at: datetime, severity: int | None) -> list[tuple[int | None, datetime | None, str]]:
    """(level, when, why) of one walk of the ladder while nobody acts."""
    begun = start(policy, at=at, severity=severity)
    now = [(action.level, None, action.because.value) for action in begun.actions if isinstance(action, EnterLevel)]
    later = [
        (step.level, step.at, step.because.value)
        for step in forecast(policy, begun.state, limit=len(policy.levels) + 1)
        if step.cycle == 0
    ]
    return [*now, *later]

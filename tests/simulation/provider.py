"""The outside world: providers that take, refuse, hang, forget to answer, or are in the middle of a call when the engine dies."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from notifications.channels import OutcomeUnknown, Outgoing, Receipt, Refused, Unavailable

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

ANSWERS = (
    "taken",
    "refused",
    "busy",
    "patience",
    "silence",
    "lost",
    "bug",
    "late_bug",
    "slow",
    "dies_before",
    "dies_after",
)
"""What may happen in a call: ``silence`` is no answer although it was taken, ``lost`` no answer and not taken, ``bug`` an error
nobody foresaw, ``slow`` longer than a lease, ``dies_…`` the engine is killed before or after the hand-over."""


@dataclass(frozen=True, slots=True)
class Got:
    """What a provider took: one message to one address."""

    key: str
    kind: str
    address: str


@dataclass
class Provider:
    """One channel. ``weights`` say how likely each trouble is, for ``afflicted`` addresses where those are named; what is left
    to 1 is taken at once."""

    kind: str
    simulation: "Simulation"
    label: str = "Simulated"
    concurrency: int = 4
    time_limit: float = 60.0
    weights: dict[str, float] = field(default_factory=dict)
    afflicted: frozenset[str] | None = None

    def send(self, outgoing: Outgoing, *, hand_over: Callable[[], None]) -> Receipt:
        chance = self.simulation.chance("provider", self.kind, outgoing.idempotency_key)
        answer = self._answer(chance) if self.afflicted is None or outgoing.address in self.afflicted else "taken"
        self.simulation.count(f"provider {answer}")
        match answer:
            case "refused":
                raise Refused("550 no such person")
            case "busy":
                raise Unavailable("busy")
            case "patience":
                raise Unavailable("busy", retry_after=chance.choice((5.0, 40.0, 600.0)))
            case "bug":
                raise RuntimeError("simulated: a bug before the hand-over")
            case "dies_before":
                self.simulation.faults.die()
            case "slow" if chance.random() < 0.5:
                self.simulation.slow(chance)
        if chance.random() < self.simulation.world.intrusions:
            self.simulation.intrude(chance)
        hand_over()
        if answer == "lost":
            raise OutcomeUnknown("the line was cut")
        if answer == "dies_after" and chance.random() < 0.5:
            self.simulation.faults.die()
        self.simulation.got(Got(outgoing.idempotency_key, self.kind, outgoing.address))
        match answer:
            case "dies_after":
                self.simulation.faults.die()
            case "slow":
                self.simulation.slow(chance)
            case "silence":
                raise OutcomeUnknown("no answer")
            case "late_bug":
                raise RuntimeError("simulated: a bug after the hand-over")
        return Receipt(provider_ref=f"{self.kind}-{outgoing.idempotency_key}")

    def _answer(self, chance: Random) -> str:
        drawn = chance.random()
        for answer in ANSWERS:
            drawn -= self.weights.get(answer, 0.0)
            if drawn < 0 and answer != "taken":
                return answer
        return "taken"

"""From a seed to a story: what happens when, and how unkind the world is. Plain values, so that a story can be shortened."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from random import Random

from tests.simulation.faults import Fault, Where

VERBS: dict[str, int] = {
    "alert": 14,
    "storm": 2,
    "recovery": 8,
    "acknowledged_at_the_source": 2,
    "form": 5,
    "acknowledge": 12,
    "acknowledge_by_link": 6,
    "give_back": 4,
    "resolve": 7,
    "reopen": 5,
    "reassign": 4,
    "snooze": 5,
    "escalate": 6,
    "decline": 6,
    "mitigate": 4,
    "severity": 6,
    "facts": 6,
    "merge": 2,
    "unmerge": 2,
    "split": 1,
    "edit_policy": 4,
    "edit_books": 2,
    "decide": 10,
    "override": 2,
    "absence": 1,
    "contact_method": 3,
    "safety_net": 5,
    "late_wake_up": 3,
    "stale_wake_up": 4,
    "engine_down": 4,
    "clock_step": 8,
}
"""What may happen, and how often beside each other."""

_WHERE: tuple[Where, ...] = ("statement", "statement", "statement", "before_commit", "after_commit", "database_away")


@dataclass(frozen=True, slots=True)
class Happening:
    """``after`` seconds after the one before, ``verb`` happens; ``salt`` decides its details, ``fault`` strikes it."""

    after: float
    verb: str
    salt: int
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class World:
    """How unkind the world of a story is: probabilities for each turn of an engine, and for each call to a provider."""

    kills: float
    intrusions: float
    skew: float
    batch: int
    provider: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Story:
    seed: int
    world: World
    happenings: tuple[Happening, ...]

    def keeping(self, wanted: Collection[int]) -> "Story":
        """The same story with only the happenings of these numbers (from 0), each at the instant it had."""
        kept, pause = [], 0.0
        for number, happening in enumerate(self.happenings):
            pause += happening.after
            if number in wanted:
                kept.append(replace(happening, after=pause))
                pause = 0.0
        return replace(self, happenings=tuple(kept))


def fault_by(chance: Random, probability: float) -> Fault | None:
    """A fault somewhere in a unit of work, more often early than late."""
    if chance.random() >= probability:
        return None
    where = chance.choice(_WHERE)
    commits = where in ("before_commit", "after_commit")
    return Fault(where, 1 + int(chance.expovariate(0.7 if commits else 0.075)))


def story_of(seed: int, *, length: int | None = None) -> Story:
    """The story of ``seed``: always the same."""
    chance = Random(f"story {seed}")
    unkind = chance.choice((0.0, 0.5, 1.0, 1.0, 2.0))
    world = World(
        kills=0.075 * unkind,
        intrusions=0.12 * chance.choice((0.0, 1.0, 2.0)),
        skew=chance.choice((0.0, 0.0, 3.0, 25.0)),
        batch=chance.choice((1, 3, 25, 25)),
        provider=_provider(chance, unkind),
    )
    # Each story is about some things more than others.
    weights = [weight * chance.choice((0.3, 1.0, 1.0, 3.0)) for weight in VERBS.values()]
    verbs = chance.choices(list(VERBS), weights, k=length or chance.randint(15, 45))
    happenings = [Happening(0.0, "alert", chance.getrandbits(32))]
    for verb in verbs:
        fault = fault_by(chance, 0.15 * min(unkind, 1.0))
        happenings.append(Happening(_pause(chance), verb, chance.getrandbits(32), fault))
    return Story(seed, world, tuple(happenings))


def _pause(chance: Random) -> float:
    """Seconds: much happens within minutes, and then nothing for hours or days."""
    drawn = chance.random()
    if drawn < 0.25:
        return round(chance.uniform(0, 5), 3)
    if drawn < 0.65:
        return round(chance.uniform(5, 900))
    if drawn < 0.9:
        return round(chance.uniform(900, 4 * 3600))
    return round(chance.uniform(4 * 3600, 5 * 86400))


def _provider(chance: Random, unkind: float) -> tuple[tuple[str, float], ...]:
    troubles = (
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
    return tuple((trouble, 0.04 * unkind * chance.choice((0.0, 0.5, 1.5))) for trouble in troubles)

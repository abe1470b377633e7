"""What befalls a house, and how it ends. Each strike begins and ends at an alert of the round, so that no time is given."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from notifications.services.deliveries import LEASE
from tests.chaos.house import ENDLESS, House
from tests.peers.ports import until

TINY = 40_000  # bytes: less than any database file of the house holds
HAND_SECONDS = 6.0

End = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Strike:
    """``kind`` befalls ``name`` when alert number ``begins`` is posted, and is over with alert number ``ends``."""

    begins: int
    ends: int
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}".strip()


ON_POSTGRES: dict[str, tuple[str, ...]] = {
    "kill": ("web", "engine", "cluster"),
    "freeze": ("engine", "cluster"),
    "cut": ("connections",),
    "away": ("database",),
    "mail": ("slow", "busy", "closed"),
}
ON_SQLITE: dict[str, tuple[str, ...]] = {
    "kill": ("web", "engine", "cluster"),
    "full": ("disk",),
    "mail": ("slow", "busy", "closed"),
}


def strikes_of_every_kind(house: House, chance: Random, *, alerts: int) -> list[Strike]:
    """Each kind upon each of its victims once, at instants by chance."""
    kinds = ON_POSTGRES if house.on_postgres else ON_SQLITE
    return sorted(
        (_strike(house, chance, kind, name, alerts) for kind, names in kinds.items() for name in names), key=_begin
    )


def strikes_by_chance(house: House, chance: Random, *, alerts: int) -> list[Strike]:
    """Two to eight of any kind, the same one several times perhaps."""
    kinds = ON_POSTGRES if house.on_postgres else ON_SQLITE
    every = [(kind, name) for kind, names in kinds.items() for name in names]
    chosen = chance.choices(every, k=chance.randint(2, 8))
    return sorted((_strike(house, chance, kind, name, alerts) for kind, name in chosen), key=_begin)


def _begin(strike: Strike) -> int:
    return strike.begins


def _strike(house: House, chance: Random, kind: str, name: str, alerts: int) -> Strike:
    victim = chance.choice(house.of(name)) if kind in ("kill", "freeze") else name
    begins = chance.randint(alerts // 10, alerts * 7 // 10)
    return Strike(begins, min(begins + chance.randint(alerts // 10, alerts // 4), alerts - 1), kind, victim)


def strike_begin(strike: Strike, house: House, *, refused: Callable[[], int]) -> End:
    """Let it happen; returns what ends it. ``refused`` counts the alerts that the house did not accept."""
    match strike.kind:
        case "kill":
            house.replace(strike.name)
            return _nothing
        case "cut":
            house.connections_cut()
            return _nothing
        case "away":
            house.database_lets_in(False)
            house.connections_cut()
            return lambda: house.database_lets_in(True)
        case "freeze":
            return _freeze(house, strike.name)
        case "full":
            return _fill(house, refused)
        case _:
            return _mail(house, strike.name)


def _nothing() -> None:
    pass


def _freeze(house: House, name: str) -> End:
    """An engine in the midst of a call, where it makes one soon, and until what it held has been taken from it."""
    if not name.startswith("engine"):
        group = house.freeze(name)
        return lambda: house.thaw(group)
    return _freeze_engine(house, name)


def _freeze_engine(house: House, name: str) -> End:
    holds = "SELECT 1 FROM notifications_delivery WHERE state = 'sending' AND claimed_by LIKE %s"
    worker = f"%:{house.site.processes[name].pid}:%"
    deadline = time.monotonic() + HAND_SECONDS
    while not house.asked(holds, worker) and time.monotonic() < deadline:
        time.sleep(0.01)
    group, frozen = house.freeze(name), time.monotonic()
    leases_over = frozen + LEASE.total_seconds() + 1.0

    def thaw() -> None:
        while time.monotonic() <= leases_over:
            house.look_after()
            time.sleep(0.1)
        house.thaw(group)

    return thaw


def _fill(house: House, refused: Callable[[], int]) -> End:
    before, servers = refused(), _web_servers(house)
    house.disk(most=TINY)

    def noticed() -> bool:
        # A web server that was replaced meanwhile has all the room there is, and refuses nothing.
        house.look_after()
        return refused() > before or _web_servers(house) != servers

    def free() -> None:
        try:
            until(noticed, "an alert to be refused while the disk was full", seconds=60)
        finally:
            house.disk(most=ENDLESS)

    return free


def _web_servers(house: House) -> list[int]:
    return [house.site.processes[name].pid for name in house.of("web")]


def _mail(house: House, mood: str) -> End:
    if mood == "closed":
        house.mail.kill()
        return house.mail.start
    house.mail.mood(mood)
    return lambda: house.mail.mood("")

"""Telling a story: the virtual clock, two engines that die and come back, the safety net of every minute, and all who act."""

import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any

import time_machine
from django.db import OperationalError

from escalation_site.kernel.errors import DomainError
from incidents.engine.glance import glance
from incidents.engine.loop import WHOLE_TURN_SECONDS, Engine
from incidents.engine.outcomes import page_report
from incidents.models import Incident
from incidents.services.lifecycle import incident_resolve
from incidents.services.runs import runs_step
from incidents.tasks import escalation_check, house_check
from notifications.channels import channel_kinds
from notifications.sender import Sender
from notifications.services.neglect import CLOCKS_APART, neglect_look
from notifications.statements import channels_due
from tests.simulation.acts import Acts
from tests.simulation.asking import Broken, instant, rows
from tests.simulation.books import books_renew
from tests.simulation.faults import Fault, Faults, Killed
from tests.simulation.invariants import Invariants
from tests.simulation.organisation import BEGINNING, PLACES, SERVICES, Organisation
from tests.simulation.provider import Got, Provider
from tests.simulation.story import VERBS, Happening, Story, World, fault_by

POLL = timedelta(
    seconds=1
)  # how soon an engine looks again that found nothing to do: leases are looked after each second
PATIENCE = 120  # looks in a row at work that waits and that nobody does
CLOSE_LOOKS = 8  # happenings between two close looks
LONG_AGO = BEGINNING - timedelta(days=400)  # by any clock of any host
LEAPS = (2 * 3600.0, 6 * 3600.0, 30 * 3600.0)  # how far ahead a clock leaps for a while
LONGEST = timedelta(minutes=3)  # more than any message waits where every clock is right
LOOKS_AT_MOST = 3  # at what waits by a clock that was ahead and is not any more
WHOLE_TURNS = 0.1  # of all turns; the others leave out what is not due, as the product's do
CALM = World(kills=0.0, intrusions=0.0, skew=0.0, batch=25, provider=())
INTRUDING = tuple(
    verb
    for verb in VERBS
    if verb not in ("override", "absence", "late_wake_up", "engine_down", "clock_step", "stale_wake_up", "storm")
)
SIMULATED = "simulated"

_WAITING = """
SELECT (SELECT count(*) FROM incidents_inboxsignal WHERE processed_at IS NULL AND set_aside_at IS NULL),
       (SELECT count(*) FROM incidents_pagereport WHERE processed_at IS NULL),
       (SELECT min(next_due_at) FROM incidents_escalationrun WHERE NOT superseded AND set_aside_at IS NULL),
       (SELECT min(due_at) FROM incidents_checkpoint WHERE outcome = ''),
       (SELECT min(next_attempt_at) FROM notifications_delivery WHERE state = 'queued'),
       (SELECT min(lease_until) FROM notifications_delivery WHERE state = 'sending'),
       (SELECT min(report_due_at) FROM notifications_message)
"""


class SteadyPace:
    """Batches of one size: those of the product grow and shrink with real time, which no two runs share."""

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def run(self, job: Callable[[int], int]) -> int:
        return job(self.limit)


class InlineSender(Sender):
    """Sends as the engine's sender does, one call after the other and in this thread."""

    def dispatch(self) -> int:
        self._look_after()
        due = channels_due(channel_kinds(), at=self._clock())
        return sum(self._send_all(kind) for kind in channel_kinds() if kind in due)


@dataclass
class Host:
    """A machine with an engine, whose clock may be wrong; ``kills`` is how likely each turn is struck by a fault, ``back_at``
    when a dead engine is started again, ``right_at`` when a clock that leapt ahead is set back."""

    name: str
    offset: timedelta = timedelta(0)
    kills: float = 0.0
    engine: Engine | None = None
    back_at: datetime | None = None
    right_at: datetime | None = None


class Simulation:
    def __init__(self, story: Story, traveller: "time_machine.Traveller") -> None:
        self.story, self.world = story, story.world
        self.instant = BEGINNING
        self._traveller = traveller
        self.faults = Faults()
        self.invariants = Invariants()
        self.counts: Counter[str] = Counter()
        self.lines: list[str] = []
        self.told = 0
        self._draws: Counter[tuple[str, ...]] = Counter()
        self._depth = 0
        self._looks_in_vain = 0
        self._net_at: datetime | None = None
        self._overlong_from: datetime | None = None
        self._put_off: Counter[tuple[int, str]] = Counter()
        self._looked_at = BEGINNING
        self.providers = {kind: Provider(kind, self) for kind in ("email", "sms", *PLACES.values())}
        self.organisation = Organisation.read()
        self.acts = Acts(self.organisation)
        self.hosts = [Host("one"), Host("two")]
        self.restarts: tuple[float, ...] = (0.3, 2, 30, 700)  # seconds until somebody starts a dead engine again
        self._is_false: object = False

    # --- telling

    def tell(self) -> None:
        """Raises Broken."""
        chance = Random(f"beginning {self.story.seed}")
        for slug in SERVICES:
            self.organisation.policy_renew(slug, chance, at=self.instant)
        if chance.random() < 0.6:
            books_renew(chance, author=self.organisation.people["hugo"], at=self.instant)
        for provider in self.providers.values():
            provider.weights = dict(self.world.provider)
        for host in self.hosts:
            host.offset = timedelta(seconds=chance.uniform(-self.world.skew, self.world.skew))
            host.kills = self.world.kills
            self.start(host)
        for number, happening in enumerate(self.story.happenings, start=1):
            self.advance(self.instant + timedelta(seconds=happening.after))
            self.told = number
            self._happen(happening)
            self.settle()
            if number % CLOSE_LOOKS == 0:
                self.invariants.look_closely(at=self.instant)
        self._come_to_rest()

    def _come_to_rest(self) -> None:
        """The world turns kind; everything under way ends, then every incident is resolved, and nothing may stay silent."""
        self.world = CALM
        for provider in self.providers.values():
            provider.weights = {}
        for host in self.hosts:
            host.offset, host.right_at, host.kills = timedelta(0), None, 0.0
            if host.engine is None:
                self.start(host)
        self.advance(self.instant + timedelta(minutes=30))
        self._net()
        for pk in Incident.objects.open().order_by("pk").values_list("pk", flat=True):
            self.unit("resolve", partial(incident_resolve, incident_id=pk, actor=None, at=self.instant))
        self.advance(self.instant + timedelta(minutes=10))
        self.invariants.look_at_the_end(at=self.instant)

    def _happen(self, happening: Happening) -> None:
        chance = Random(happening.salt)
        match happening.verb:
            case "safety_net":
                self._net(happening.fault)
            case "late_wake_up":
                self.move_to(self.instant + timedelta(seconds=chance.choice((1, 30, 400, 5000))))
            case "stale_wake_up":
                at = self.instant - timedelta(seconds=chance.choice((0, 1, 300)))
                self.unit("stale wake-up", lambda: runs_step(at=at), fault=happening.fault)
            case "engine_down":
                self.down(chance.choice(self.hosts), timedelta(seconds=chance.choice((5, 90, 1500, 20000))))
            case "clock_step":
                self._clock_steps(chance.choice(self.hosts), chance)
            case _:
                self._act(happening.verb, chance, fault=happening.fault)

    def _clock_steps(self, host: Host, chance: Random) -> None:
        """A little for good, or ahead by hours for a while."""
        leaps = chance.random() < 0.6
        host.offset = timedelta(seconds=chance.choice(LEAPS if leaps else (-400.0, -20.0, -1.0, 0.0, 1.0, 20.0)))
        host.right_at = self.instant + timedelta(seconds=chance.choice((20, 60, 600, 7200))) if leaps else None

    def _act(self, verb: str, chance: Random, *, fault: Fault | None = None) -> None:
        act = self.acts.make(verb, chance, self.instant)
        if act is None:
            return
        intrusions = {} if self._depth else self._intrusions(chance)
        died = self.unit(verb, act, fault=fault, intrusions=intrusions) is Killed
        if died and chance.random() < 0.6:
            # Whoever got no answer tries again.
            self.unit(f"{verb} again", act)

    # --- units of work

    def unit(
        self,
        what: str,
        job: Callable[[], object],
        *,
        fault: Fault | None = None,
        intrusions: dict[int, Callable[[], None]] | None = None,
    ) -> object:
        """Do ``job`` as a process of its own would, then look at the rows. Returns Killed where it died, None where it failed."""
        result: object = None
        self._depth += 1
        try:
            with self.faults.unit(fault, intrusions):
                result = job()
        except Killed:
            result = Killed
            self.counts["killed"] += 1
        except DomainError as error:
            self.counts["refused"] += 1
            result = type(error).__name__
        except OperationalError as error:
            if SIMULATED not in str(error):
                raise Broken(0, "".join(traceback.format_exception(error))) from error
            self.counts["database away"] += 1
        finally:
            self._depth -= 1
        self.counts["units"] += 1
        self._note(what, result)
        with self.faults.paused():
            self.invariants.look(at=self.instant)
        return result

    def _note(self, what: str, result: object) -> None:
        said = "died" if result is Killed else str(result) if isinstance(result, int | str) else ""
        self.lines.append(f"{self.instant:%a %d %H:%M:%S.%f} {'  ' * self._depth}{what} {said}".rstrip())

    def _intrusions(self, chance: Random) -> dict[int, Callable[[], None]]:
        """What others do between two transactions of the unit to come."""
        if chance.random() >= self.world.intrusions:
            return {}
        salts = [
            (1 + int(chance.expovariate(0.25)), chance.getrandbits(32)) for _number in range(chance.choice((1, 1, 2)))
        ]
        return {boundary: partial(self.intrude, Random(salt)) for boundary, salt in salts}

    def intrude(self, chance: Random) -> None:
        """Somebody else acts now, whatever is under way."""
        if self._depth > 1:
            return
        self.counts["intrusions"] += 1
        if chance.random() < 0.3:
            self._turn(chance.choice(self.hosts))
        else:
            verb = chance.choice(INTRUDING)
            self._happen(Happening(0.0, verb, chance.getrandbits(32)))

    # --- for providers

    def chance(self, *names: str) -> Random:
        """A source of chance for what these names tell, the same at each telling and whatever else the story holds."""
        key = (self.instant.isoformat(), *names)
        self._draws[key] += 1
        return Random(f"{self.story.seed} {' '.join(key)} {self._draws[key]}")

    def count(self, what: str) -> None:
        self.counts[what] += 1

    def slow(self, chance: Random) -> None:
        """A call that takes its time, longer than a lease perhaps, while others work."""
        self.move_to(self.instant + timedelta(seconds=chance.choice((3, 15, 45, 130))))
        if chance.random() < 0.7:
            self.intrude(chance)

    def got(self, taken: Got) -> None:
        self.counts["messages"] += 1
        with self.faults.paused():
            self.invariants.handed_over(taken)

    # --- engines and the clock

    def move_to(self, moment: datetime) -> None:
        if moment > self.instant:
            self.instant = moment
            self._traveller.move_to(moment)

    def start(self, host: Host) -> None:
        """As after a restart: nothing is remembered but rows."""

        def clock() -> datetime:
            return self.instant + host.offset

        self.counts["starts"] += 1
        worker = f"{host.name}-{self.counts['starts']}"
        engine = Engine(clock=clock, sender=InlineSender(clock=clock, on_settled=page_report, worker=worker))
        engine._paces = {name: SteadyPace(self.world.batch) for name in engine._paces}  # type: ignore[misc]
        host.engine, host.back_at = engine, None

    def down(self, host: Host, span: timedelta) -> None:
        """No engine runs there for ``span``."""
        host.engine, host.back_at = None, self.instant + span

    def _turn(self, host: Host) -> int:
        engine = host.engine
        if engine is None:
            return 0
        chance = self.chance("turn", host.name)
        fault = fault_by(chance, host.kills)
        intrusions = {} if self._depth else self._intrusions(chance)
        overlong = self._overlong_from is not None and self._overlong_from <= self.instant
        whole = chance.random() < WHOLE_TURNS or overlong
        if overlong:
            self._overlong_from = None
        job = partial(self._whole_turn, engine) if whole else engine.turn_as_seen
        done = self.unit(f"engine {host.name}", job, fault=fault, intrusions=intrusions)
        if done is Killed:
            self.down(host, timedelta(seconds=chance.choice(self.restarts)))
        return done if isinstance(done, int) else 0

    def _whole_turn(self, engine: Engine) -> int:
        """As each half minute: every part looks for itself. Where nobody else acts meanwhile, the look must have seen what they find."""
        others, overlong = self.counts["intrusions"], neglect_look(at=engine.clock()).waits
        seen, at, before = glance(), engine.clock(), dict(engine._did)
        done = engine.turn()
        found = {name for name, count in engine._did.items() if count > before[name]}
        expected = {
            "stepped": seen.runs_due(at=at),
            "checkpoints": seen.checkpoint_at is not None,
            "reports": seen.reports,
            "signals": seen.signals,
            # A whole turn alone finds what waits, by this host's clock, longer than anything may.
            "sent": seen.sends(at=at) or bool(found - {"sent"}) or overlong,
        }
        unseen = sorted(name for name in found if not expected[name])
        if unseen and others == self.counts["intrusions"]:
            raise Broken(1, f"the engine does not see at a glance what is to be done: {', '.join(unseen)}")
        return done

    def _net(self, fault: Fault | None = None) -> None:
        """The check of every minute. What it found stalled and left so nobody will ever find."""
        before = set(self.invariants.stalled)
        done = self.unit("safety_net", escalation_check, fault=fault)
        passed_by = before & self.invariants.stalled
        if passed_by and done is not Killed and fault is None and not self._depth:
            raise Broken(1, f"the watchdog passed by INC-{min(passed_by)}, which rings and has no next step")
        if self.invariants.put_off:
            self._house_looks(whole=done is not Killed and fault is None and not self._depth)

    def _house_looks(self, *, whole: bool) -> None:
        """The other task of every minute. What it has seen twice, the safety net brings back at its next look. ``whole`` says whether that
        has just looked to its end."""
        self.unit("house", house_check)
        ahead = any(host.offset > CLOCKS_APART for host in self.hosts)
        if ahead or not whole or self.instant - self._looked_at < timedelta(minutes=1):
            return
        self._looked_at = self.instant
        self._put_off = Counter({one: self._put_off[one] + 1 for one in self.invariants.put_off.items()})
        for (incident, _moved_at), looks in self._put_off.items():
            if looks > LOOKS_AT_MOST:
                raise Broken(1, f"INC-{incident} waits by a clock that was ahead, and nobody brings it back")

    def settle(self) -> None:
        """Let the engines do all that is due at this very instant."""
        for _turn in range(400):
            host = self._who_works()
            if host is None:
                return
            done = self._turn(host)
            self.counts["turns"] += 1
            if done:
                self._looks_in_vain = 0
            elif host.engine is not None:
                self._looks_in_vain += 1
                if self._looks_in_vain > PATIENCE:
                    raise Broken(1, f"work waits and nobody does it: {self._waiting()}")
                return
        raise Broken(0, "the engines find work for ever")

    def _who_works(self) -> Host | None:
        alive = [host for host in self.hosts if host.engine is not None]
        if not alive:
            return None
        first = self._first_due()
        if first is None:
            return None
        ready = [host for host in alive if first <= self.instant + host.offset]
        return self.chance("who").choice(ready) if ready else None

    def _waiting(self) -> tuple[Any, ...]:
        return rows(_WAITING)[0]

    def _first_due(self) -> datetime | None:
        """The earliest instant at which an engine has something to do; the beginning of time for what waits already."""
        signals, reports, run, question, *messages = self._waiting()
        if signals or reports:
            return LONG_AGO
        sends = min((found for found in map(instant, messages) if found is not None), default=None)
        if sends is not None and sends > self.instant + LONGEST:
            # No message waits for so long but by a clock that was ahead: a whole turn, as each half minute, finds it.
            self._overlong_from = self._overlong_from or self.instant + timedelta(seconds=WHOLE_TURN_SECONDS)
            sends = self._overlong_from
        return min((found for found in (sends, instant(run), instant(question)) if found is not None), default=None)

    def advance(self, until: datetime) -> None:
        """Move the clock, stopping at every instant at which somebody has something to do."""
        self.settle()
        while (wake := self._next_wake()) is not None and wake <= until:
            self.move_to(wake)
            for host in self.hosts:
                if host.engine is None and host.back_at is not None and host.back_at <= self.instant:
                    self.start(host)
                if host.right_at is not None and host.right_at <= self.instant:
                    host.offset, host.right_at = timedelta(0), None
            if self._net_at is not None and self._net_at <= self.instant:
                self._net_at = None
                self._net(fault_by(self.chance("net"), self.world.kills / 2))
            self.settle()
        self.move_to(until)
        self.settle()

    def _next_wake(self) -> datetime | None:
        wakes = [host.back_at for host in self.hosts if host.engine is None and host.back_at is not None]
        wakes += [host.right_at for host in self.hosts if host.right_at is not None]
        first = self._first_due()
        alive = [host for host in self.hosts if host.engine is not None]
        if first is not None and alive:
            earliest = first - max(host.offset for host in alive)
            wakes.append(max(earliest, self.instant + POLL))
        watched = bool(self.invariants.stalled or self.invariants.put_off)
        if self._net_at is None and (watched or (first is not None and not alive)):
            due = self.instant if watched or first is None else max(first, self.instant)
            self._net_at = _next_minute(due)
        if self._net_at is not None:
            wakes.append(self._net_at)
        return min(wakes, default=None)


def _next_minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0) + timedelta(minutes=1)

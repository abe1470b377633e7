"""What the requirements promise of escalation, while engines die at every statement and providers misbehave."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import orjson
import pytest

from incidents.intake.door import answer_events
from incidents.models import Incident, Page
from incidents.services.inbox import signals_accept
from incidents.services.lifecycle import incident_acknowledge, incident_open
from incidents.services.runs import runs_step
from oncall.absences import absence_create
from tests.simulation.asking import document, instant, rows
from tests.simulation.faults import Fault, Killed, Where
from tests.simulation.invariants import Invariants
from tests.simulation.organisation import ORPHAN, SERVICES, routing_key
from tests.simulation.simulation import CALM, Simulation
from tests.simulation.store import Store
from tests.simulation.story import Story
from tests.simulation.telling import simulation_made

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.timeout(300)]

LADDER = [(0, 1), (300, 2), (600, 3)]  # seconds after the beginning, level: the policy of the tests' cast
SATURDAY_AFTERNOON = datetime(2026, 10, 24, 12, 0, tzinfo=UTC)  # 14:00 in Rome
SUNDAY_THREE = datetime(
    2026, 10, 25, 1, 0, tzinfo=UTC
)  # 02:00 in Rome, for the second time: at 03:00 the clocks went back
CLOCKS_GO_BACK = datetime(2026, 10, 25, 0, 55, tzinfo=UTC)  # 02:55 in Rome, five minutes before that


@pytest.fixture
def calm(store: Store) -> Iterator[Simulation]:
    """Nothing happens but what the test does; engine one runs, engine two does not."""
    with simulation_made(Story(0, CALM, ()), store) as simulation:
        simulation.restarts = (3.0,)
        simulation.start(simulation.hosts[0])
        yield simulation


def opened(simulation: Simulation, *, service: str = SERVICES[0]) -> int:
    """Sofie files an incident, and the engine does what is due."""
    people, services = simulation.organisation.people, simulation.organisation.services
    simulation.unit(
        "form",
        lambda: incident_open(
            title="Cards are refused",
            summary="",
            severity=3,
            service=services[service],
            reporter=people["sofie"],
            at=simulation.instant,
        ),
    )
    simulation.settle()
    return Incident.objects.latest("pk").pk


def signal(symptom: str) -> tuple[int, bytes]:
    """An alert for the same service, as its door stores it."""
    payload = {"summary": symptom, "source": "simulation", "severity": "warning"}
    body = {
        "routing_key": routing_key(SERVICES[0]),
        "event_action": "trigger",
        "dedup_key": symptom,
        "payload": payload,
    }
    answer = answer_events(orjson.dumps(body))
    assert answer.store is not None
    return answer.store


def later(simulation: Simulation, **span: float) -> None:
    simulation.advance(simulation.instant + timedelta(**span))


def steps(incident: int) -> list[tuple[float, int]]:
    """The levels that were told: seconds after the beginning, and which."""
    found = rows(
        "SELECT e.at, i.started_at, e.data FROM audit_ledgerentry e JOIN incidents_incident i ON i.id = %s "
        "WHERE e.subject = %s AND e.action = 'escalation.enter_level' ORDER BY e.id",
        incident,
        f"incident:{incident}",
    )
    pairs = [(instant(at), instant(start), document(data)["level"]) for at, start, data in found]
    return [((at - start).total_seconds(), level) for at, start, level in pairs if at and start]


def paged(incident: int) -> list[str]:
    return list(Page.objects.filter(incident=incident).order_by("pk").values_list("recipient__username", flat=True))


def every_fault() -> Iterator[tuple[Where, Iterator[Fault]]]:
    wheres: tuple[Where, ...] = ("statement", "before_commit", "after_commit")
    for where in wheres:
        yield where, (Fault(where, number) for number in range(1, 200))


@pytest.mark.requirement("R022")
def test_an_engine_that_dies_at_any_statement_of_a_step_pages_the_backup_once_all_the_same(store: Store) -> None:
    deaths = 0
    for _where, faults in every_fault():
        for fault in faults:
            with simulation_made(Story(0, CALM, ()), store) as simulation:
                host = simulation.hosts[0]
                simulation.start(host)
                incident = opened(simulation)
                simulation.move_to(simulation.instant + timedelta(minutes=5))
                assert host.engine is not None
                died = simulation.unit("engine one", host.engine.turn, fault=fault) is Killed
                simulation.down(host, timedelta(seconds=3))
                later(simulation, minutes=2)

                assert paged(incident) == ["marta", "jonas"], fault
                taken = simulation.invariants.got
                assert len(taken) == len(set(taken)), fault
                told = {action for (action,) in rows("SELECT DISTINCT action FROM audit_ledgerentry")}
                assert {"escalation.end_level", "escalation.enter_level"} <= told
                simulation.invariants.look_at_the_end(at=simulation.instant)
            deaths += died
            if not died:
                break
    assert deaths > 40


@pytest.mark.requirement("R029")
def test_an_acknowledgement_that_dies_at_any_statement_counts_or_does_not_and_nothing_between(store: Store) -> None:
    for _where, faults in every_fault():
        for fault in faults:
            with simulation_made(Story(0, CALM, ()), store) as simulation:
                simulation.start(simulation.hosts[0])
                incident = opened(simulation)
                later(simulation, minutes=4)
                marta = simulation.organisation.people["marta"]
                acknowledge = partial(incident_acknowledge, incident_id=incident, actor=marta, at=simulation.instant)
                died = simulation.unit("acknowledge", acknowledge, fault=fault) is Killed
                later(simulation, minutes=2)

                acknowledged = Incident.objects.get(pk=incident).state == "acknowledged"
                assert paged(incident) == (["marta"] if acknowledged else ["marta", "jonas"]), fault
            if not died:
                assert acknowledged
                break


@pytest.mark.requirement("R029")
def test_what_was_acknowledged_in_time_is_not_escalated_by_late_doubled_or_stale_wake_ups_nor_by_a_wrong_clock(
    calm: Simulation,
) -> None:
    incident = opened(calm)
    later(calm, minutes=4)
    marta = calm.organisation.people["marta"]
    calm.unit("acknowledge", lambda: incident_acknowledge(incident_id=incident, actor=marta, at=calm.instant))
    fast = calm.hosts[1]
    fast.offset = timedelta(seconds=50)
    calm.start(fast)
    for minutes in (0, 1, -3, 1, 700):
        at = calm.instant + timedelta(minutes=minutes)
        calm.unit("wake-up", partial(runs_step, at=at))
        assert fast.engine is not None
        calm.unit("engine two", fast.engine.turn)
    later(calm, hours=12)

    assert paged(incident) == ["marta"]


@pytest.mark.requirement("R003")
def test_two_hundred_incidents_escalate_once_and_on_time_while_one_of_two_engines_dies_again_and_again(
    calm: Simulation,
) -> None:
    calm.hosts[0].kills = 0.3
    calm.start(calm.hosts[1])
    for batch in range(10):
        signals = [signal(f"symptom {batch}-{number}") for number in range(20)]
        calm.unit("alerts", partial(signals_accept, signals=signals, at=calm.instant))
        later(calm, seconds=7)
    incidents = list(Incident.objects.values_list("pk", flat=True))
    assert len(incidents) == 200
    later(calm, minutes=11)

    assert calm.counts["killed"] > 5
    assert {tuple(steps(incident)) for incident in incidents} == {tuple((float(at), level) for at, level in LADDER)}
    assert {tuple(paged(incident)) for incident in incidents} == {("marta", "jonas", "elena")}
    assert len({one.key for one in calm.invariants.got}) == 600
    assert len(set(calm.invariants.got)) == len(calm.invariants.got)
    calm.invariants.look_closely(at=calm.instant)


@pytest.mark.requirement("R019")
@pytest.mark.requirement("R021")
def test_identical_incidents_take_the_same_steps_by_day_by_night_and_in_the_hour_that_comes_twice(
    calm: Simulation,
) -> None:
    calm.hosts[0].kills = 0.2
    calm.start(calm.hosts[1])
    logs = []
    for beginning in (SATURDAY_AFTERNOON, CLOCKS_GO_BACK, SUNDAY_THREE + timedelta(hours=1)):
        calm.advance(beginning)
        incident = opened(calm)
        later(calm, minutes=20)
        logs.append((steps(incident), paged(incident)))

    assert logs == [([(float(at), level) for at, level in LADDER], ["marta", "jonas", "elena", "hugo"])] * 3


@pytest.mark.requirement("R015")
@pytest.mark.requirement("R297")
@pytest.mark.parametrize(
    "trouble", ["refused", "busy", "silence", "lost", "bug", "late_bug", "dies_before", "dies_after"]
)
def test_whatever_happens_at_the_providers_the_next_channel_and_then_the_next_person_is_tried(
    calm: Simulation, trouble: str
) -> None:
    for provider in calm.providers.values():
        provider.weights = {trouble: 1.0}
        provider.afflicted = frozenset({"marta@brightquay.example", "+39-marta"})
    incident = opened(calm)
    later(calm, minutes=4, seconds=50)

    assert paged(incident) == ["marta", "jonas"]  # before the five minutes of the first level are over
    page = Page.objects.get(incident=incident, recipient__username="marta")
    assert page.state == "failed"
    tried = rows("SELECT channel FROM notifications_delivery WHERE message_id = %s ORDER BY position", page.message_id)
    assert sorted(channel for (channel,) in tried) == ["email", "sms"]
    shown = Incident.objects.get(pk=incident).timeline.get(kind="page.failed")
    assert shown.data["name"] == "Marta Ferri"
    assert shown.data["reason"] == page.state_reason
    times = [(one.kind, one.address) for one in calm.invariants.got]
    assert all(times.count(one) == 1 for one in times)


@pytest.mark.requirement("R297")
def test_where_nobody_is_on_call_the_next_level_is_called_at_once(calm: Simulation) -> None:
    marta, at = calm.organisation.people["marta"], calm.instant
    calm.unit("absence", lambda: absence_create(user=marta, start=at, end=at + timedelta(days=1), actor=marta, at=at))
    incident = opened(calm)

    assert steps(incident) == [(0.0, 2)]
    assert paged(incident) == ["jonas"]
    assert Incident.objects.get(pk=incident).timeline.filter(kind="escalation.skip_level").count() == 1


@pytest.mark.requirement("R039")
def test_what_lost_its_next_step_is_found_within_a_minute_and_the_catch_all_is_told_with_every_engine_dead(
    calm: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost, unrouted = opened(calm), opened(calm, service=ORPHAN)

    def stalled(self: Invariants, _runs: object, _at: datetime) -> None:
        """The loss is ours: it is no reason to stop."""
        self.stalled = {pk for (pk,) in rows("SELECT id FROM incidents_incident WHERE exhausted_at IS NULL")}

    monkeypatch.setattr(Invariants, "_next_steps", stalled)
    rows_lost = "UPDATE incidents_escalationrun SET next_due_at = NULL WHERE incident_id = %s RETURNING id"
    assert rows(rows_lost, lost)
    calm.down(calm.hosts[0], timedelta(days=1))
    began = calm.instant
    later(calm, seconds=60)

    for incident in Incident.objects.filter(pk__in=(lost, unrouted)):
        assert incident.exhausted_at is not None
        assert incident.exhausted_at - began <= timedelta(minutes=1)
    told = [one.address for one in calm.invariants.got]
    assert paged(lost) == ["marta", "hugo"]
    assert told.count("hugo@brightquay.example") == 2

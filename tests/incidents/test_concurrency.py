"""Two at once, with real threads on real connections: one wins, the other is told, nobody is paged twice, nothing waits for ever.

A barrier lets the threads begin together; several rounds make the unlikely order likely.
"""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction

from escalation_site.kernel.errors import Conflict
from incidents.changes import lock_one
from incidents.intake.door import key_digest, keys
from incidents.models import EscalationRun, InboxSignal, Incident, Page, PageReport
from incidents.services.inbox import signals_accept
from incidents.services.intake import inbox_process
from incidents.services.lifecycle import incident_acknowledge, incident_open, incident_resolve
from incidents.services.pages import reports_process
from incidents.services.runs import runs_step
from incidents.services.severity import incident_severity
from incidents.services.watch import stalled_rescue
from notifications.channels import channels_replaced
from notifications.testing import FakeChannel
from tests.world.cast import Cast, cast_make
from tests.world.harness import NIGHT

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

PATIENCE = 20.0
LATER = NIGHT + timedelta(minutes=5)


def at_once(*jobs: Callable[[], Any]) -> list[Any]:
    """Run the jobs in threads that begin together; each one's result or the exception it raised, in their order."""
    barrier = threading.Barrier(len(jobs))
    results: list[Any] = [None] * len(jobs)

    def run(index: int, job: Callable[[], Any]) -> None:
        try:
            connection.ensure_connection()
            barrier.wait(PATIENCE)
            results[index] = job()
        except Exception as error:
            results[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair, daemon=True) for pair in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in threads), "somebody waits for ever"
    return results


@pytest.fixture
def cast() -> Iterator[Cast]:
    """The organisation, committed; nothing is sent, since no sender runs."""
    keys.forget()
    with time_machine.travel(NIGHT, tick=False), channels_replaced({"email": FakeChannel()}):
        yield cast_make(at=NIGHT)


def opened(cast: Cast, number: int = 1) -> list[Incident]:
    return [
        incident_open(title=f"Number {n}", summary="", severity=2, service=cast.gateway, reporter=cast.sofie, at=NIGHT)
        for n in range(number)
    ]


def no_double_pages() -> None:
    pages = list(Page.objects.values_list("run", "cycle", "level", "recipient"))
    assert len(pages) == len(set(pages))


@pytest.mark.parametrize("turn", range(3))
def test_when_two_acknowledge_at_once_then_one_has_it_and_the_other_is_told_who(cast: Cast, turn: int) -> None:
    (incident,) = opened(cast)
    people = (cast.marta, cast.jonas)

    results = at_once(
        *(lambda actor=actor: incident_acknowledge(incident_id=incident.pk, actor=actor, at=LATER) for actor in people)
    )

    refused = [result for result in results if isinstance(result, Conflict)]
    assert len(refused) == 1, results
    incident.refresh_from_db()
    assert incident.owner == people[1 - results.index(refused[0])]
    assert incident.owner is not None
    assert incident.owner.name in refused[0].message
    assert incident.timeline.filter(kind="incident.acknowledge").count() == 1


@pytest.mark.parametrize("turn", range(3))
def test_when_a_step_falls_due_as_somebody_acknowledges_then_nobody_is_paged_after_it(cast: Cast, turn: int) -> None:
    incidents = opened(cast, 5)

    results = at_once(
        lambda: runs_step(at=LATER),
        lambda: [incident_acknowledge(incident_id=one.pk, actor=cast.marta, at=LATER) for one in incidents],
    )

    assert not [result for result in results if isinstance(result, Exception)], results
    # What was locked is left for the next turn, which finds it answered.
    assert runs_step(at=LATER) == 0
    for incident in Incident.objects.all():
        assert incident.state == "acknowledged"
        kinds = list(
            incident.timeline.filter(kind__in=["incident.acknowledge", "escalation.enter_level"])
            .order_by("id")
            .values_list("kind", flat=True)
        )
        assert kinds[-1] == "incident.acknowledge"
        assert not incident.pages.filter(state=Page.State.PENDING).exists()
    no_double_pages()


@pytest.mark.parametrize("engines", [2, 4])
def test_when_several_engines_step_at_once_then_each_run_is_stepped_once(cast: Cast, engines: int) -> None:
    incidents = opened(cast, 12)

    results = at_once(*[lambda: runs_step(at=LATER)] * engines)

    assert not [result for result in results if isinstance(result, Exception)], results
    runs_step(at=LATER)  # whatever a lock had hidden from everybody
    assert Page.objects.filter(level=0).count() == len(incidents)
    assert Page.objects.filter(level=1).count() == len(incidents)
    assert not EscalationRun.objects.exclude(level=1).exists()
    assert not EscalationRun.objects.filter(set_aside_at__isnull=False).exists()
    no_double_pages()


@pytest.mark.parametrize("readers", [2, 4])
def test_when_several_engines_read_the_inbox_at_once_then_each_signal_counts_once(cast: Cast, readers: int) -> None:
    key = "0" * 32
    cast.pagerduty.key_digest = key_digest(key)
    bodies = [
        b'{"routing_key":"stored","event_action":"trigger","dedup_key":"k%d",'
        b'"payload":{"summary":"s","source":"h","severity":"critical"}}' % (number % 10)
        for number in range(40)
    ]
    signals_accept(signals=[(cast.pagerduty.pk, body) for body in bodies], at=NIGHT)

    def read_all() -> int:
        return sum(inbox_process(at=NIGHT, limit=7) for _turn in range(8))

    results = at_once(*[read_all] * readers)
    results.append(inbox_process(at=NIGHT))

    assert sum(results) == len(bodies), results
    assert not InboxSignal.objects.filter(processed_at=None).exists()
    assert sorted(Incident.objects.values_list("dedup_key", "alert_count")) == [(f"k{n}", 4) for n in range(10)]
    no_double_pages()


@pytest.mark.parametrize("turn", range(3))
def test_when_one_link_is_used_twice_at_once_then_it_acts_once(cast: Cast, turn: int) -> None:
    opened(cast)
    pages = [Page.objects.select_related("recipient").get() for _tap in range(2)]

    results = at_once(
        *(
            lambda page=page: incident_acknowledge(
                incident_id=page.incident_id, actor=page.recipient, at=LATER, page=page, source="email"
            )
            for page in pages
        )
    )

    assert [getattr(result, "code", "") for result in results if isinstance(result, Conflict)] == ["link_used"], results
    incident = Incident.objects.get()
    assert (incident.state, incident.owner) == ("acknowledged", cast.marta)
    assert incident.timeline.filter(kind="incident.acknowledge").count() == 1


def test_when_reports_are_entered_twice_at_once_then_each_page_ends_once(cast: Cast) -> None:
    opened(cast, 6)
    for page in Page.objects.all():
        PageReport.objects.create(page=page, outcome="failed", reason="unreachable", at=NIGHT)

    results = at_once(*[lambda: reports_process(at=LATER)] * 2)

    assert not [result for result in results if isinstance(result, Exception)], results
    assert not PageReport.objects.filter(processed_at=None).exists()
    assert Page.objects.filter(level=0, state="failed").count() == 6
    assert Page.objects.filter(level=1, state="pending").count() == 6
    no_double_pages()


def test_when_two_watchdogs_find_the_same_stalled_incidents_then_the_catch_all_is_told_once(cast: Cast) -> None:
    opened(cast, 4)
    EscalationRun.objects.update(next_due_at=None)

    results = at_once(*[lambda: stalled_rescue(at=LATER)] * 2)

    assert sorted(results) == [0, 4], results
    assert Page.objects.filter(recipient=cast.hugo).count() == 4
    no_double_pages()


@pytest.mark.parametrize("turn", range(3))
def test_when_a_repeat_is_read_as_a_person_resolves_then_it_is_counted_or_opens_anew_but_is_never_lost(
    cast: Cast, turn: int
) -> None:
    body = (
        b'{"routing_key":"stored","event_action":"trigger","dedup_key":"k",'
        b'"payload":{"summary":"s","source":"h","severity":"critical"}}'
    )
    signals_accept(signals=[(cast.pagerduty.pk, body)], at=NIGHT)
    inbox_process(at=NIGHT)
    first = Incident.objects.get()
    signals_accept(signals=[(cast.pagerduty.pk, body)], at=LATER)

    results = at_once(
        lambda: inbox_process(at=LATER),
        lambda: incident_resolve(incident_id=first.pk, actor=cast.marta, at=LATER),
    )

    assert not [result for result in results if isinstance(result, Exception)], results
    first.refresh_from_db()
    assert first.state == "resolved"
    newer = Incident.objects.exclude(pk=first.pk)
    # Counted while it was open, or news after it was closed: one of the two.
    assert (first.alert_count, newer.count()) in [(2, 0), (1, 1)]
    assert not InboxSignal.objects.filter(set_aside_at__isnull=False).exists()


def test_when_the_inbox_and_the_reports_want_the_same_incidents_in_other_orders_then_neither_is_a_victim(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    def signal(action: str, key: str) -> tuple[int, bytes]:
        return cast.pagerduty.pk, (
            f'{{"routing_key":"stored","event_action":"{action}","dedup_key":"{key}",'
            '"payload":{"summary":"s","source":"h","severity":"critical"}}'
        ).encode()

    signals_accept(signals=[signal("trigger", key) for key in "abcd"], at=NIGHT)
    inbox_process(at=NIGHT)
    for page in Page.objects.all():
        PageReport.objects.create(page=page, outcome="delivered", at=NIGHT)
    # Waves: first the later incidents, then, once they are locked, the earlier ones.
    story = [("trigger", "d"), ("trigger", "c"), ("trigger", "b"), ("resolve", "b"), ("trigger", "a"), ("resolve", "a")]
    signals_accept(signals=[signal(action, key) for action, key in [*story, ("resolve", "d")]], at=LATER)
    victims: list[str] = []
    monkeypatch.setattr("incidents.services.intake.log.exception", lambda event, **_more: victims.append(event))
    monkeypatch.setattr("incidents.services.pages.log.exception", lambda event, **_more: victims.append(event))

    results = at_once(lambda: inbox_process(at=LATER), lambda: reports_process(at=LATER))

    assert not [result for result in results if isinstance(result, Exception)], results
    assert victims == []


def test_when_an_incident_is_held_then_the_engine_steps_the_others_meanwhile(cast: Cast) -> None:
    held, other = opened(cast, 2)
    ready, release = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            lock_one(held.pk)
            ready.set()
            release.wait(PATIENCE)

    def step() -> int:
        ready.wait(PATIENCE)
        try:
            return runs_step(at=LATER)
        finally:
            release.set()

    assert at_once(hold, step) == [None, 1]
    assert set(Page.objects.filter(level=1).values_list("incident", flat=True)) == {other.pk}
    assert runs_step(at=LATER) == 1


@pytest.mark.parametrize("turn", range(3))
def test_when_two_change_the_severity_at_once_then_one_counts_and_the_other_is_told(cast: Cast, turn: int) -> None:
    (incident,) = opened(cast)
    wishes = ((cast.marta, 1), (cast.jonas, 3))

    results = at_once(
        *(
            lambda actor=actor, severity=severity: incident_severity(
                incident_id=incident.pk, severity=severity, actor=actor, at=LATER, reason="So it is", seen=2
            )
            for actor, severity in wishes
        )
    )

    refused = [result for result in results if isinstance(result, Conflict)]
    assert len(refused) == 1, results
    incident.refresh_from_db()
    assert incident.severity in (1, 3)
    assert incident.timeline.filter(kind="incident.severity").count() == 1
    assert EscalationRun.objects.get().priority == incident.severity
    no_double_pages()


@pytest.mark.parametrize("turn", range(3))
def test_when_a_severity_is_raised_while_somebody_answers_then_both_count(cast: Cast, turn: int) -> None:
    (incident,) = opened(cast)

    results = at_once(
        lambda: incident_acknowledge(incident_id=incident.pk, actor=cast.marta, at=LATER),
        lambda: incident_severity(incident_id=incident.pk, severity=1, actor=cast.jonas, at=LATER, seen=2),
    )

    assert not [result for result in results if isinstance(result, Exception)], results
    incident.refresh_from_db()
    assert (incident.severity, incident.owner, incident.state) == (1, cast.marta, "acknowledged")
    no_double_pages()

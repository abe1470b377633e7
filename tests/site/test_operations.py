"""The operations page, its API and its gauges: what administrators see of the house, and taking up what was set aside."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django_q.models import Failure, OrmQ

from audit.models import LedgerEntry
from escalation_site.operations import gauges, selectors
from escalation_site.operations.values import spread
from incidents.models import Alarm, EscalationRun, InboxSignal, Incident, PageReport, ProcessBeat
from incidents.services.lifecycle import incident_open
from notifications.models import Attempt, Delivery
from tests.world.harness import World

PAGE = "/operations/"
API = "/api/v1/operations/"


@pytest.fixture
def hugo(world: World) -> Client:
    client = Client()
    client.force_login(world.cast.hugo)
    return client


def shown(client: Client, **headers: str) -> str:
    answer: Any = client.get(PAGE, headers=headers)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def opened(world: World, title: str = "Card payments failing") -> Incident:
    return incident_open(
        title=title, summary="", severity=1, service=world.cast.gateway, reporter=world.cast.sofie, at=world.now
    )


def paged(world: World) -> Incident:
    incident = opened(world)
    world.advance(minutes=1)
    world.expect_page("marta")
    return incident


def beat(name: str, world: World, *, ago: float = 0, **info: Any) -> ProcessBeat:
    at = world.now - timedelta(seconds=ago)
    return ProcessBeat.objects.create(name=name, host="alpha", pid=len(name), started_at=at, beat_at=at, info=info)


def signal_aside(world: World, error: str = "no JSON") -> InboxSignal:
    return InboxSignal.objects.create(
        integration=world.cast.alertmanager,
        received_at=world.now,
        body=b"{",
        set_aside_at=world.now,
        error=error,
    )


def queue(world: World, code: str) -> Any:
    return next(one for one in selectors.queues(at=world.now) if one.code == code)


# --- what is due, and how late


def test_when_all_is_done_then_every_queue_is_empty_and_the_page_says_so(world: World, hugo: Client) -> None:
    paged(world)
    for name in selectors.PARTS:
        beat(name, world)

    page = shown(hugo)

    assert "Everything works" in page
    assert page.count(" Empty") == 6
    assert "Late" not in page.replace("Lateness", "")


def test_when_nobody_reads_the_inbox_then_the_page_says_how_many_wait_and_since_when(
    world: World, hugo: Client
) -> None:
    world.alert()
    world.jump(seconds=90)

    waiting = queue(world, "signals")
    assert (waiting.depth, waiting.age, waiting.late) == (1, timedelta(seconds=90), True)
    page = shown(hugo)
    assert "Signals to read: the oldest has been due for 1 min 30 s." in page
    assert "</svg> Late</span>" in page
    world.settle()
    world.expect_page("marta")


def test_when_a_step_is_due_for_less_than_a_turn_then_it_is_no_trouble(world: World) -> None:
    paged(world)
    world.jump(minutes=4, seconds=2)

    steps = queue(world, "steps")

    assert (steps.depth, steps.late) == (1, False)
    world.jump(seconds=10)
    assert queue(world, "steps").late


def test_messages_page_outcomes_and_tasks_are_queues_too(world: World) -> None:
    paged(world)
    report = PageReport.objects.get()
    PageReport.objects.create(page=report.page, outcome=report.outcome, at=world.now)
    Delivery.objects.update(state="queued", settled_at=None, next_attempt_at=world.now)
    OrmQ.objects.create(key="watchbell", payload="", lock=world.now)
    OrmQ.objects.create(key="watchbell", payload="", lock=world.now + timedelta(minutes=15))

    depths = {one.code: one.depth for one in selectors.queues(at=world.now)}

    assert depths == {"signals": 0, "steps": 0, "questions": 0, "deliveries": 1, "page_reports": 1, "tasks": 1}


def test_lateness_is_what_passed_between_due_and_done_in_the_last_hour_and_day(world: World, hugo: Client) -> None:
    paged(world)
    for hours, wait in ((0.5, 1), (0.5, 3), (5, 40)):
        done = world.now - timedelta(hours=hours)
        InboxSignal.objects.create(
            integration=world.cast.alertmanager,
            received_at=done - timedelta(seconds=wait),
            processed_at=done,
            body=b"{}",
        )

    read, _stepped, sent, noted = selectors.operations(at=world.now).lateness

    assert (read.hour.count, read.hour.p50, read.hour.p99) == (2, timedelta(seconds=1), timedelta(seconds=3))
    assert (read.day.count, read.day.p99, read.day.late) == (3, timedelta(seconds=40), True)
    assert (sent.hour.count, noted.hour.count) == (1, 1)
    assert "40 s" in shown(hugo)


def test_when_a_message_waits_to_be_tried_again_then_its_first_call_is_not_taken_for_a_late_one(world: World) -> None:
    paged(world)
    Delivery.objects.update(state="queued", settled_at=None, next_attempt_at=world.now + timedelta(minutes=5))

    _read, _stepped, sent, _noted = selectors.operations(at=world.now).lateness

    assert sent.hour.count == 0


def test_how_late_a_step_was_taken_is_in_the_ledger_and_on_the_page(world: World, hugo: Client) -> None:
    paged(world)
    first = LedgerEntry.objects.get(action="escalation.enter_level")
    assert "late_seconds" not in (first.data or {})  # by the incident's opening, not by the clock
    world.jump(minutes=4, seconds=7)
    world.settle()
    world.expect_page("jonas")

    entries = LedgerEntry.objects.filter(action__in=selectors.STEPS, data__has_key="late_seconds")

    assert {(entry.data or {})["late_seconds"] for entry in entries} == {7.0}
    assert "escalation.enter_level" in {entry.action for entry in entries}
    stepped = selectors.operations(at=world.now).lateness[1]
    assert (stepped.code, stepped.hour.count, stepped.hour.p99) == ("steps", 1, timedelta(seconds=7))
    assert "Escalation step due until done" in shown(hugo)
    assert "7.00 s" in shown(hugo)


def test_when_there_is_more_than_is_looked_at_then_the_page_says_so(
    world: World, hugo: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "There was more than is looked at" not in shown(hugo)
    paged(world)
    monkeypatch.setattr(selectors, "NEWEST", 1)

    assert "There was more than is looked at" in shown(hugo)


@pytest.mark.parametrize(
    ("count", "p50", "p99"), [(1, 1, 1), (2, 1, 2), (100, 50, 99), (101, 51, 100), (1000, 500, 990)]
)
def test_a_percentile_is_the_shortest_wait_within_which_that_share_was_done(count: int, p50: int, p99: int) -> None:
    found = spread([timedelta(seconds=number) for number in range(count, 0, -1)])

    assert (found.p50, found.p99) == (timedelta(seconds=p50), timedelta(seconds=p99))


# --- channels, processes


def test_attempts_are_shown_by_channel_and_outcome(world: World, hugo: Client) -> None:
    paged(world)
    Attempt.objects.update(outcome="refused")
    Delivery.objects.update(state="failed", reason="refused")

    (channel,) = selectors.operations(at=world.now).channels

    assert (channel.channel, dict(channel.outcomes), channel.failed) == ("email", {"refused": 1}, 1)
    assert channel.attempts == 1
    assert '<th scope="col" class="r">Refused</th>' in shown(hugo)


def test_when_an_attempt_is_older_than_a_day_then_it_is_not_counted(world: World) -> None:
    paged(world)
    Attempt.objects.update(started_at=world.now - timedelta(hours=25))

    assert selectors.operations(at=world.now).channels == []


def test_when_a_process_is_silent_or_missing_or_its_clock_is_off_then_the_page_says_so_in_words(
    world: World, hugo: Client
) -> None:
    beat("engine", world, ago=300, clock_skew_seconds=-3.5)

    page = shown(hugo)

    assert "Something needs you" in page
    assert "engine on alpha shows no sign of life." in page
    assert "No cluster has shown a sign of life in the last day." in page
    assert "Silent," in page
    assert "The clock of alpha is -3.5 s off the database’s." in page
    assert "</svg> -3.5 s off</span>" in page


def test_when_a_killed_process_runs_again_on_its_host_then_the_old_one_is_no_trouble(
    world: World, hugo: Client
) -> None:
    beat("engine", world, ago=300)
    elsewhere = beat("web", world, ago=300)
    elsewhere.host, elsewhere.pid = "beta", 99
    elsewhere.save()
    ProcessBeat.objects.create(
        name="engine", host="alpha", pid=4711, started_at=world.now - timedelta(seconds=290), beat_at=world.now
    )
    beat("web", world, clock_skew_seconds=2.75)
    beat("cluster", world, ago=90)

    parts = [(one.beat.name, one.beat.host, one.silent, one.skewed) for one in selectors.operations(at=world.now).parts]

    assert parts == [
        ("cluster", "alpha", False, False),
        ("engine", "alpha", False, False),
        ("web", "alpha", False, True),
        ("web", "beta", True, False),
    ]
    assert "web on beta shows no sign of life." in shown(hugo)
    assert "engine on alpha" not in shown(hugo)


def test_when_clocks_agree_then_the_difference_is_shown_without_alarm(world: World, hugo: Client) -> None:
    beat("engine", world, clock_skew_seconds=0.012)
    beat("cluster", world)

    page = shown(hugo)

    assert "0.012 s" in page
    assert "not told" in page
    assert "Everything works" in page


def test_open_alarms_and_failed_tasks_are_told(world: World, hugo: Client) -> None:
    Alarm.objects.create(code="runs_late", data={"seconds": 240}, opened_at=world.now)
    Failure.objects.create(
        id="a", name="a", func="a.b", started=world.now, stopped=world.now, success=False, attempt_count=5
    )

    page = shown(hugo)

    assert "An escalation step is 240 s late." in page
    assert "1 task of the cluster failed in the last 24 hours." in page


# --- set aside, and taken up again


def test_when_a_signal_is_set_aside_then_it_can_be_read_again_with_one_press(world: World, hugo: Client) -> None:
    signal = signal_aside(world, error="JSONDecodeError: line 1")
    other = signal_aside(world)
    assert "JSONDecodeError: line 1" in shown(hugo)

    answer = hugo.post(f"{PAGE}signals/retry/", {"signal": signal.pk}, follow=True)

    assert "1 signal will be read again." in answer.content.decode()
    signal.refresh_from_db()
    other.refresh_from_db()
    assert signal.set_aside_at is None
    assert other.set_aside_at is not None
    assert LedgerEntry.objects.get(action="signal.retry").actor_id == str(world.cast.hugo.pk)


def test_when_many_signals_are_set_aside_then_all_can_be_read_again_at_once(world: World, hugo: Client) -> None:
    for _number in range(selectors.SHOWN + 3):
        signal_aside(world)
    assert "Read all 23 signals again" in shown(hugo)

    answer = hugo.post(f"{PAGE}signals/retry/", follow=True)

    assert "23 signals will be read again." in answer.content.decode()
    assert not InboxSignal.objects.filter(set_aside_at__isnull=False).exists()


@pytest.mark.parametrize("value", ["999999", "nonsense", "9" * 40])
def test_when_the_signal_is_set_aside_no_more_then_the_page_says_so(world: World, hugo: Client, value: str) -> None:
    signal_aside(world)

    answer = hugo.post(f"{PAGE}signals/retry/", {"signal": value}, follow=True)

    assert "No signal is set aside any more." in answer.content.decode()
    assert InboxSignal.objects.filter(set_aside_at__isnull=False).count() == 1


def test_when_an_escalation_is_set_aside_then_it_can_be_taken_up_again(world: World, hugo: Client) -> None:
    incident = paged(world)
    run = EscalationRun.objects.get()
    EscalationRun.objects.update(set_aside_at=world.now, error="ValueError: boom")
    page = shown(hugo)
    assert "ValueError: boom" in page
    assert f"Take up the escalation of {incident.reference} again" in page

    answer = hugo.post(f"{PAGE}runs/{run.pk}/retry/", follow=True)

    assert "The escalation goes on." in answer.content.decode()
    run.refresh_from_db()
    assert run.set_aside_at is None
    again: Any = hugo.post(f"{PAGE}runs/{run.pk}/retry/", follow=True)
    assert "It is not set aside." in again.content.decode()


# --- who may, how it refreshes, what it costs


@pytest.mark.parametrize("username", ["sofie", "marta", "elena", "amara"])
def test_only_administrators_may_look_and_take_up_again(world: World, username: str) -> None:
    signal = signal_aside(world)
    client = Client()
    client.force_login(world.cast.people[username])

    assert client.get(PAGE).status_code == 403
    assert client.get(API).status_code == 403
    assert client.post(f"{PAGE}signals/retry/").status_code == 403
    assert client.post(f"{PAGE}runs/1/retry/").status_code == 403
    signal.refresh_from_db()
    assert signal.set_aside_at is not None


def test_a_stranger_is_sent_to_sign_in(world: World, client: Client) -> None:
    assert client.get(PAGE)["Location"].startswith("/accounts/login/")
    assert client.get(API).status_code == 401


@pytest.mark.parametrize("path", [f"{PAGE}signals/retry/", f"{PAGE}runs/1/retry/"])
def test_nothing_is_taken_up_by_looking(hugo: Client, path: str) -> None:
    assert hugo.get(path).status_code == 405


def test_the_page_draws_its_figures_again_every_ten_seconds_unless_held_still(hugo: Client) -> None:
    page = shown(hugo)
    assert 'hx-trigger="every 10s"' in page
    assert "Hold still" in page

    still = hugo.get(f"{PAGE}?still").content.decode()
    assert "hx-trigger" not in still
    assert "Refresh by itself" in still


def test_what_htmx_asks_for_is_the_figures_without_the_frame(hugo: Client) -> None:
    figures = shown(hugo, hx_request="true", hx_target="operations")

    assert figures.startswith('<div class="ops" id="operations"')
    assert "<html" not in figures


def test_the_page_takes_the_same_number_of_queries_however_much_there_is(world: World, hugo: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            shown(hugo)
        return len(found)

    signal_aside(world)
    before = queries()
    paged(world)
    for number in range(5):
        signal_aside(world)
        beat("engine" + "x" * number, world)
    opened(world, "Refunds stuck")
    EscalationRun.objects.update(set_aside_at=world.now, error="ValueError: boom")
    OrmQ.objects.create(key="watchbell", payload="", lock=world.now)

    assert queries() == before
    assert before <= 26
    InboxSignal.objects.all().delete()
    EscalationRun.objects.update(set_aside_at=None)
    world.settle()
    world.expect_page("marta")


def test_the_figures_take_seventeen_queries(world: World, hugo: Client) -> None:
    paged(world)

    with CaptureQueriesContext(connection) as found:
        selectors.operations(at=world.now)

    assert len(found) == 17


# --- machines


def test_the_api_says_the_same_to_programs(world: World, hugo: Client) -> None:
    paged(world)
    world.alert()
    world.jump(seconds=90)
    beat("engine", world, clock_skew_seconds=0.5)
    signal_aside(world)

    found = hugo.get(API).json()

    assert found["well"] is False
    (signals,) = (one for one in found["queues"] if one["code"] == "signals")
    assert (signals["depth"], signals["age"], signals["late"]) == (1, 90.0, True)
    assert found["lateness"][2]["hour"]["count"] == 1
    assert found["channels"][0]["outcomes"] == {"sent": 1}
    assert (found["parts"][0]["name"], found["parts"][0]["clock_skew_seconds"]) == ("engine", 0.5)
    assert found["missing"] == ["cluster"]
    assert (found["signals_aside"], found["runs_aside"]) == (1, 0)
    InboxSignal.objects.all().delete()


def test_prometheus_reads_the_depth_and_age_of_each_queue(world: World, client: Client) -> None:
    world.alert()
    world.jump(seconds=30)

    lines = client.get("/metrics").content.decode().splitlines()

    assert 'watchbell_queue_depth{queue="signals"} 1.0' in lines
    assert 'watchbell_queue_oldest_due_seconds{queue="signals"} 30.0' in lines
    assert 'watchbell_queue_depth{queue="tasks"} 0.0' in lines
    world.settle()
    world.expect_page("marta")


@pytest.mark.django_db
def test_when_the_database_is_away_then_prometheus_still_gets_what_the_process_counts(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(**_options: Any) -> Any:
        raise OperationalError("connection refused")

    monkeypatch.setattr(gauges, "queues", away)

    answer = client.get("/metrics")

    assert answer.status_code == 200
    assert "watchbell_queue_depth{" not in answer.content.decode()

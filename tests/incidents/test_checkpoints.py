"""A person is asked first: what waits for their word, what a word does, and what happens without one."""

from datetime import timedelta
from typing import Any

import pytest
import structlog
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import LedgerEntry
from escalation_site.kernel.errors import Conflict, DomainError, NotAllowed
from incidents.models import Checkpoint, EscalationRun, Incident
from incidents.services.checkpoints import RESOLVE, SEVERITY, CheckpointOrder, start_data
from incidents.services.deciding import checkpoint_decide, checkpoints_expire
from incidents.services.lifecycle import (
    incident_acknowledge,
    incident_escalate,
    incident_reopen,
    incident_resolve,
    incident_snooze,
    incident_unacknowledge,
)
from incidents.services.severity import incident_severity
from incidents.services.watch import stalled, stalled_rescue
from notifications.channels import Refused
from notifications.models import ContactMethod
from policies.services import policy_publish
from tests.incidents.asking import asked, filed, lines, waiting
from tests.world.cast import levels
from tests.world.harness import World

Outcome = Checkpoint.Outcome


def decide(
    world: World, checkpoint: Checkpoint, verdict: str = "confirm", *, by: str = "elena", **more: Any
) -> Checkpoint:
    return checkpoint_decide(
        checkpoint_id=checkpoint.pk, verdict=verdict, actor=world.cast.people[by], at=world.now, **more
    )


# --- asking


@pytest.mark.requirement("R331")
def test_an_ambiguous_incident_asks_a_person_and_names_the_limit_and_what_follows_without_one(world: World) -> None:
    incident = filed(world)
    asked(world, incident, world.cast.elena)

    world.settle()

    message = world.expect_notice("elena")
    assert message.urgency == "high"
    assert message.body.startswith("Should people be paged for it?")
    assert "The criteria give no severity." in message.body
    assert "Decide by Sun 22 Nov, 03:19 CET." in message.body
    assert "If nobody decides: The first level is paged." in message.body
    assert message.body.endswith(f"/incidents/{incident.pk}/checkpoints/{Checkpoint.objects.get().pk}/")


@pytest.mark.requirement("R331")
def test_when_nobody_decides_in_time_then_the_incident_escalates_by_itself(world: World) -> None:
    checkpoint = waiting(world)

    world.advance(minutes=9, seconds=59)
    world.expect_silence()
    world.advance(seconds=1)

    world.expect_page("marta", level=1)
    checkpoint.refresh_from_db()
    assert (checkpoint.outcome, checkpoint.decided_by) == (Outcome.TIMED_OUT, None)
    assert checkpoint.decided_at == checkpoint.due_at
    assert lines(checkpoint.incident)[-3:] == ["checkpoint.time_out", "escalation.enter_level", "page.delivered"]
    assert LedgerEntry.objects.filter(action="checkpoint.time_out", actor_label="engine").count() == 1


def test_when_it_is_to_be_left_and_nobody_decides_then_nobody_is_paged_and_that_is_no_fault(world: World) -> None:
    checkpoint = waiting(world, fallback="leave")

    world.advance(minutes=11)

    world.expect_silence()
    assert not EscalationRun.objects.exists()
    assert not stalled(at=world.now).exists()
    checkpoint.refresh_from_db()
    assert checkpoint.outcome == Outcome.TIMED_OUT


def test_what_escalates_because_nobody_decided_gets_the_severity_said_for_that(world: World) -> None:
    version = world.cast.policy.current_version
    assert version is not None
    checkpoint = waiting(world, data=start_data(version, severity=2))

    world.advance(minutes=10)

    world.expect_page("marta", level=1)
    assert Incident.objects.get().severity == 2
    assert EscalationRun.objects.get().priority == 2
    assert "incident.severity" in lines(checkpoint.incident)


def test_asking_twice_finds_the_question_asked(world: World) -> None:
    first = waiting(world)

    again = asked(world, first.incident, world.cast.elena, world.cast.jonas)
    world.settle()

    assert again == first
    world.expect_silence()


def test_who_is_asked_twice_over_gets_one_message_and_whoever_has_left_none(world: World) -> None:
    world.cast.jonas.is_active = False
    world.cast.jonas.save()

    checkpoint = asked(world, filed(world), world.cast.elena, world.cast.jonas, world.cast.elena)
    world.settle()

    world.expect_notice("elena")
    assert [ask.user for ask in checkpoint.asks.all()] == [world.cast.elena]


@pytest.mark.parametrize("unreachable", [True, False], ids=["no contact method", "nobody to ask"])
def test_where_nobody_can_be_asked_the_fallback_happens_at_once_and_says_so(world: World, unreachable: bool) -> None:
    ContactMethod.objects.filter(user=world.cast.elena).delete()
    incident = filed(world)

    checkpoint = asked(world, incident, *([world.cast.elena] if unreachable else []))
    world.settle()

    world.expect_page("marta", level=1)
    assert checkpoint.outcome == Outcome.TIMED_OUT
    assert "checkpoint.unheard" in lines(incident)
    assert ("checkpoint.open" in lines(incident)) is unreachable


def test_when_every_message_fails_later_then_nobody_is_waited_for(world: World) -> None:
    incident = filed(world)
    world.email.script("elena@brightquay.example", Refused("no such mailbox"))
    asked(world, incident, world.cast.elena)

    world.settle()

    world.expect_page("marta", level=1)
    assert "checkpoint.unheard" in lines(incident)


def test_where_nobody_could_be_asked_and_nobody_is_paged_the_watchdog_alarms(world: World) -> None:
    incident = filed(world)
    asked(world, incident, fallback="leave")
    world.settle()

    assert list(stalled(at=world.now)) == [incident]

    stalled_rescue(at=world.now)
    world.settle()
    assert "no escalation has begun" in world.expect_notice("hugo").body


def test_an_incident_that_waits_for_a_word_is_not_stalled(world: World) -> None:
    waiting(world)

    assert not stalled(at=world.now).exists()


@pytest.mark.parametrize("action", [RESOLVE, SEVERITY])
def test_nothing_but_the_start_of_an_escalation_goes_on_without_a_person(world: World, action: str) -> None:
    with pytest.raises(ValueError, match="without a person"):
        CheckpointOrder(incident=filed(world), action=action, asked=(), within_seconds=60, fallback="proceed")


# --- deciding


@pytest.mark.requirement("R331")
def test_when_a_person_confirms_then_people_are_paged_with_the_severity_the_person_chose(world: World) -> None:
    checkpoint = waiting(world)

    decide(world, checkpoint, severity=1, note="Two shops say so.")
    world.settle()

    world.expect_page("marta", level=1)
    incident = Incident.objects.get()
    assert (incident.severity, incident.state) == (1, "triggered")
    checkpoint.refresh_from_db()
    assert (checkpoint.outcome, checkpoint.decided_by, checkpoint.note) == (
        Outcome.CONFIRMED,
        world.cast.elena,
        "Two shops say so.",
    )
    line = incident.timeline.get(kind="checkpoint.confirm")
    assert (line.actor, line.text) == (world.cast.elena, "Two shops say so.")
    entry = LedgerEntry.objects.get(action="checkpoint.confirm")
    assert (entry.actor_label, entry.after) == ("Elena Conti", {"outcome": "confirmed"})


@pytest.mark.requirement("R331")
def test_when_a_person_declines_then_nobody_is_paged(world: World) -> None:
    checkpoint = waiting(world)

    decide(world, checkpoint, "decline", note="A test of the shop.")
    world.advance(hours=1)

    world.expect_silence()
    assert not EscalationRun.objects.exists()
    assert not stalled(at=world.now).exists()
    assert lines(checkpoint.incident)[-1] == "checkpoint.decline"


def test_of_two_who_decide_the_second_is_told_who_was_first(world: World) -> None:
    checkpoint = waiting(world)
    decide(world, checkpoint, "decline")

    with pytest.raises(Conflict, match="Elena Conti has decided it already"):
        decide(world, checkpoint, by="jonas")
    assert not EscalationRun.objects.exists()


def test_a_word_that_comes_after_the_time_is_refused(world: World) -> None:
    checkpoint = waiting(world)
    world.advance(minutes=10)
    world.expect_page("marta", level=1)

    with pytest.raises(Conflict, match="The time for it is over"):
        decide(world, checkpoint, "decline")


def test_whoever_was_asked_may_decide_and_so_may_the_team_and_administrators(world: World) -> None:
    for who in ("sofie", "marta", "hugo"):
        checkpoint = asked(world, filed(world), world.cast.sofie)
        world.settle()
        world.expect_notice("sofie")
        assert decide(world, checkpoint, "decline", by=who).decided_by == world.cast.people[who]


@pytest.mark.parametrize("who", ["tomas", "amara", "sofie"])
def test_people_who_were_not_asked_and_do_not_answer_for_it_may_not_decide(world: World, who: str) -> None:
    checkpoint = waiting(world)

    with pytest.raises(NotAllowed):
        decide(world, checkpoint, by=who)
    checkpoint.refresh_from_db()
    assert checkpoint.outcome == Outcome.OPEN


@pytest.mark.parametrize(("field", "wrong"), [("verdict", {"verdict": "perhaps"}), ("severity", {"severity": 9})])
def test_an_answer_that_is_none_is_refused_at_its_field(world: World, field: str, wrong: dict[str, Any]) -> None:
    checkpoint = waiting(world)

    with pytest.raises(DomainError) as refused:
        decide(world, checkpoint, **wrong)
    assert refused.value.field == field


def test_when_it_is_decided_then_messages_on_their_way_to_others_are_called_off(world: World) -> None:
    checkpoint = asked(world, filed(world), world.cast.elena, world.cast.jonas)

    decide(world, checkpoint, "decline")
    world.settle()

    world.expect_silence()
    assert {ask.message.state for ask in checkpoint.asks.all() if ask.message} == {"cancelled"}


# --- people who act meanwhile


def test_when_somebody_takes_it_while_it_waits_then_nobody_is_paged_and_its_resolution_clock_runs(world: World) -> None:
    definition = levels(resolve=("30m", None, None))
    policy_publish(policy=world.cast.policy, definition=definition, author=world.cast.elena, at=world.now)
    world.cast.policy.refresh_from_db()
    checkpoint = waiting(world)

    incident_acknowledge(incident_id=checkpoint.incident_id, actor=world.cast.marta, at=world.now)
    world.advance(minutes=29)

    world.expect_silence()
    checkpoint.refresh_from_db()
    assert checkpoint.outcome == Outcome.WITHDRAWN
    assert EscalationRun.objects.get().phase == "acknowledged"
    world.advance(minutes=1)
    world.expect_page("jonas", level=2)


def test_when_it_is_given_back_then_the_first_level_rings(world: World) -> None:
    checkpoint = waiting(world)
    incident_acknowledge(incident_id=checkpoint.incident_id, actor=world.cast.jonas, at=world.now)

    incident_unacknowledge(incident_id=checkpoint.incident_id, actor=world.cast.jonas, at=world.now)
    world.settle()

    world.expect_page("marta", level=1)


def test_when_it_is_snoozed_while_it_waits_then_it_rings_when_the_snooze_ends(world: World) -> None:
    checkpoint = waiting(world)
    until = world.now + timedelta(hours=1)

    incident_snooze(incident_id=checkpoint.incident_id, until=until, actor=world.cast.elena, at=world.now)
    world.advance(minutes=59)
    world.expect_silence()
    world.advance(minutes=1)

    world.expect_page("marta", level=1)


def test_when_it_is_resolved_then_the_question_is_withdrawn_and_a_reopening_pages(world: World) -> None:
    checkpoint = waiting(world)

    incident_resolve(incident_id=checkpoint.incident_id, actor=world.cast.elena, at=world.now)
    world.advance(minutes=20)

    world.expect_notice("sofie")  # who filed it
    world.expect_silence()
    checkpoint.refresh_from_db()
    assert checkpoint.outcome == Outcome.WITHDRAWN
    incident_reopen(incident_id=checkpoint.incident_id, actor=world.cast.elena, reason="Again", at=world.now)
    world.settle()
    world.expect_page("marta", level=1)


@pytest.mark.parametrize("declined", [True, False], ids=["after a decline", "while it waits"])
def test_when_somebody_escalates_by_hand_then_people_are_paged(world: World, declined: bool) -> None:
    checkpoint = waiting(world)
    if declined:
        decide(world, checkpoint, "decline")

    incident_escalate(incident_id=checkpoint.incident_id, actor=world.cast.marta, reason="It grows", at=world.now)
    world.settle()

    world.expect_page("marta", level=1)
    checkpoint.refresh_from_db()
    assert checkpoint.outcome == (Outcome.DECLINED if declined else Outcome.WITHDRAWN)


# --- the engine


def test_time_that_ran_out_while_no_engine_ran_is_caught_up_once(world: World) -> None:
    waiting(world)
    world.jump(hours=2)

    assert [checkpoints_expire(at=world.now) for _turn in range(3)] == [1, 0, 0]
    world.settle()

    world.expect_page("marta", level=1)


def test_a_question_whose_end_fails_is_set_aside_and_keeps_nobody_else_waiting(world: World) -> None:
    broken = waiting(world)
    Checkpoint.objects.filter(pk=broken.pk).update(data={"version": 0})
    waiting(world)

    with structlog.testing.capture_logs() as logs:
        world.advance(minutes=10)

    world.expect_page("marta", level=1)
    assert "engine.checkpoint_set_aside" in [entry["event"] for entry in logs]
    broken.refresh_from_db()
    assert broken.outcome == Outcome.TIMED_OUT
    assert "KeyError" in broken.note
    assert list(stalled(at=world.now)) == [broken.incident]


def test_many_questions_end_in_as_many_statements_as_two(world: World) -> None:
    def statements(number: int) -> int:
        for _one in range(number):
            asked(world, filed(world), world.cast.elena)
        world.jump(minutes=10)
        with CaptureQueriesContext(connection) as queries:
            assert checkpoints_expire(at=world.now) == number
        return len(queries)

    assert statements(20) == statements(2)


def test_when_it_gets_worse_after_somebody_said_page_nobody_then_its_escalation_begins_after_all(world: World) -> None:
    checkpoint = waiting(world)
    decide(world, checkpoint, "decline")

    incident_severity(
        incident_id=checkpoint.incident_id, severity=1, actor=world.cast.marta, at=world.now, reason="All shops now"
    )
    world.settle()

    world.expect_page("marta", level=1)

"""Defects planted into the product, to see that the simulation finds them: for each invariant at least one."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from django.db import connection, transaction

from incidents import changes
from incidents.engine.glance import Look
from incidents.models import EscalationRun
from incidents.services import escalator, pages, stored_runs, watch
from notifications import sender, statements
from notifications.decisions import Result
from notifications.services import deliveries, messages, settling
from policies import services as policy_services
from policies.escalation import Acknowledged, Event
from tests.simulation import organisation, simulation

Plant = Callable[[pytest.MonkeyPatch], None]


def steps_are_lost(patch: pytest.MonkeyPatch) -> None:
    """The second level of a run is stored without its next instant."""
    store = stored_runs.run_store

    def forgetful(run: EscalationRun, state: Any) -> None:
        store(run, state)
        if run.level == 1:
            run.next_due_at = None

    patch.setattr(escalator, "run_store", forgetful)


def the_watchdog_sleeps(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(watch, "_rescue", lambda ids, *, at: len(ids))


def the_look_overlooks_outcomes(patch: pytest.MonkeyPatch) -> None:
    """What the engine sees at a glance leaves out the outcomes of pages: a whole turn alone enters them."""
    look = Look.__call__
    patch.setattr(Look, "__call__", lambda self: replace(look(self), reports=False))


def nobody_brings_back_what_a_clock_put_off(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("incidents.tasks.runs_bring_back", lambda *, at: 0)


def pages_are_not_called_off(patch: pytest.MonkeyPatch) -> None:
    """An acknowledgement leaves what is queued in the queue."""
    patch.setattr(escalator, "_cancellations", lambda todo: {})


def an_answer_stops_nothing(patch: pytest.MonkeyPatch) -> None:
    tell = escalator.Escalator.event

    def deaf(self: Any, run: EscalationRun, event: Event) -> bool:
        return not isinstance(event, Acknowledged) and tell(self, run, event)

    patch.setattr(escalator.Escalator, "event", deaf)


def the_hand_over_does_not_look(patch: pytest.MonkeyPatch) -> None:
    """What was called off while a provider was being called is sent all the same."""
    unconditional = statements.HAND_OVER.replace(" AND state = 'pending' AND cancel_reason = ''", "")
    assert unconditional != statements.HAND_OVER
    patch.setattr(deliveries, "HAND_OVER", unconditional)


def what_a_dead_engine_had_is_sent_again(patch: pytest.MonkeyPatch) -> None:
    """Its lease ran out after the hand-over: nobody knows, and it is sent again by the same method."""

    def interrupted(delivery: Any) -> settling.AttemptEnd:
        return settling.AttemptEnd(result=Result.INTERRUPTED, expired_lease=delivery.lease_until)

    patch.setattr(settling, "_end_of_lease", interrupted)
    patch.setattr(settling, "FINISH_INTERRUPTED", statements.FINISH_ATTEMPT)


def a_page_is_given_up_untried(patch: pytest.MonkeyPatch) -> None:
    """Every other person counts as unreachable without anybody having tried."""
    methods, make = messages._usable_methods, messages._message

    def every_other(user_ids: Collection[int]) -> Any:
        return {pk: method for pk, method in methods(user_ids).items() if pk % 2}

    def hopeless(value: Any, *, reachable: bool, at: Any) -> Any:
        message = make(value, reachable=reachable, at=at)
        message.state_reason = "" if reachable else "unreachable"
        return message

    patch.setattr(messages, "_usable_methods", every_other)
    patch.setattr(messages, "_message", hopeless)


def nobody_is_called(patch: pytest.MonkeyPatch) -> None:
    """What was never given to a provider counts as delivered."""

    patch.setattr(sender, "delivery_call", lambda delivery, *, clock: settling.AttemptEnd(result=Result.SENT))


def reports_are_lost(patch: pytest.MonkeyPatch) -> None:
    """The sender tells nobody how a page's message ended."""
    patch.setattr(simulation, "page_report", lambda message, outcome, at: None)


def an_empty_level_is_waited_for(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(escalator.Escalator, "_skip", lambda *_arguments: None)
    patch.setattr(pages, "_skip_dead_level", lambda run, escalator, at: None)


def a_skip_is_not_shown(patch: pytest.MonkeyPatch) -> None:
    write = changes.Changes.timeline

    def silent(self: Any, incident: Any, kind: str, **more: Any) -> None:
        if kind != "escalation.skip_level":
            write(self, incident, kind, **more)

    patch.setattr(changes.Changes, "timeline", silent)


def an_acknowledgement_has_no_entry(patch: pytest.MonkeyPatch) -> None:
    write = changes.Changes.ledger

    def silent(self: Any, incident: Any, action: str, **more: Any) -> None:
        if action != "incident.acknowledge":
            write(self, incident, action, **more)

    patch.setattr(changes.Changes, "ledger", silent)


def the_change_commits_before_its_entry(patch: pytest.MonkeyPatch) -> None:
    """Seen only when somebody dies between the two."""
    write = changes.Changes._write_incidents

    def early(self: Any) -> None:
        write(self)
        connection.connection.commit()

    patch.setattr(changes.Changes, "_write_incidents", early)


def an_edit_moves_live_runs(patch: pytest.MonkeyPatch) -> None:
    publish = policy_services.policy_publish

    def moving(**arguments: Any) -> Any:
        version = publish(**arguments)
        EscalationRun.objects.filter(policy_version__policy=version.policy).update(policy_version=version)
        return version

    patch.setattr(organisation, "policy_publish", moving)


def somebody_rewrites_the_ledger(patch: pytest.MonkeyPatch) -> None:
    """With the triggers out of the way, the watchdog forgets who acted first."""
    rescue = watch.stalled_rescue

    def rewriting(*, at: Any, limit: int = 200) -> int:
        off = "DROP TRIGGER IF EXISTS wb_append_only_audit_ledgerentry_update"
        if connection.vendor == "postgresql":
            off = "SET LOCAL session_replication_role = replica"
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(off)
            cursor.execute(
                "UPDATE audit_ledgerentry SET actor_label = 'nobody' WHERE id = (SELECT min(id) FROM audit_ledgerentry)"
            )
        return rescue(at=at, limit=limit)

    patch.setattr("incidents.tasks.stalled_rescue", rewriting)


@dataclass(frozen=True)
class Defect:
    """``invariant`` is the one that must be reported, or one of ``also`` where its first consequence depends on the story;
    ``found_by`` a seed whose story finds it soon."""

    plant: Plant
    invariant: int
    found_by: int
    also: tuple[int, ...] = ()


DEFECTS: Mapping[str, Defect] = {
    plant.__name__: Defect(plant, invariant, seed, tuple(also))
    for plant, invariant, seed, *also in (
        (steps_are_lost, 1, 3),
        (the_watchdog_sleeps, 1, 6),
        (the_look_overlooks_outcomes, 1, 8),
        (nobody_brings_back_what_a_clock_put_off, 1, 10),
        (pages_are_not_called_off, 2, 8),
        (an_answer_stops_nothing, 2, 8, 1),
        (the_hand_over_does_not_look, 2, 8),
        (what_a_dead_engine_had_is_sent_again, 3, 3),
        (a_page_is_given_up_untried, 3, 8),
        (nobody_is_called, 4, 21),
        (reports_are_lost, 4, 21),
        (an_empty_level_is_waited_for, 5, 2),
        (a_skip_is_not_shown, 5, 4),
        (an_acknowledgement_has_no_entry, 6, 8),
        (the_change_commits_before_its_entry, 6, 3, 1),
        (an_edit_moves_live_runs, 7, 5),
        (somebody_rewrites_the_ledger, 8, 1),
    )
}

"""DESIGN.md §5, invariants 1 to 6, held by the rows after every step of any story: alerts, recoveries, people, time, failures.

Hypothesis tells stories: random signals, actions by random people, providers that refuse, engines that were down. After each step
the engine settles and the rows are asked.
"""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from audit.models import LedgerEntry
from escalation_site.kernel.errors import DomainError
from incidents.intake.door import keys
from incidents.models import EscalationRun, Incident, Page, PageReport, TimelineEvent
from incidents.services.handing import incident_reassign
from incidents.services.lifecycle import (
    incident_acknowledge,
    incident_escalate,
    incident_mitigate,
    incident_reopen,
    incident_resolve,
    incident_snooze,
    incident_unacknowledge,
)
from incidents.services.pages import page_decline
from incidents.timeline_words import WORDINGS
from notifications.channels import Refused, Unavailable, channels_replaced
from notifications.models import ContactMethod
from notifications.testing import FakeChannel
from policies.services import policy_publish
from reports.ledger_words import ACTIONS
from tests.world.cast import Timings, levels
from tests.world.harness import NIGHT, World

KEYS = ("disk-full", "queue-long", "card-refused")
PEOPLE = ("marta", "jonas", "elena", "hugo")
# After these nobody is paged (invariant 2) …
ANSWERS = {"incident.acknowledge", "incident.snooze"}
# … until one of these: a person's doing, the end of a snooze, or the resolution clock.
RESTARTS = {"incident.unacknowledge", "incident.reopen", "incident.escalate", "incident.snooze_end"}
CLOCKS = {("escalation.end_level", "resolve_timeout")}
POLICIES: tuple[tuple[Timings, Timings], ...] = (
    (("5m", "5m", "5m"), (None, None, None)),
    (("5m", "5m", "5m"), ("60m", "30m", None)),
    (("1m", None, "2m"), (None, "20m", None)),
)

Finer = dict[str, Any]
# What each level and what the policy says besides: told again, a last word.
FINER: tuple[tuple[Finer, Finer], ...] = (
    ({}, {}),
    (
        {"repeat": {"every": "40s", "times": 1}},
        {"final": {"target": {"kind": "user", "ref": "hugo"}, "every": "7m", "times": 1}},
    ),
)


class Stories(RuleBasedStateMachine):
    """One organisation, three things that can break, four people who can act."""

    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        keys.forget()
        self.email = FakeChannel()
        self.travel = time_machine.travel(NIGHT, tick=False)
        self.channels = channels_replaced({"email": self.email})
        traveller = self.travel.start()
        self.channels.__enter__()
        self.world = World(traveller, self.email)

    def teardown(self) -> None:
        self.channels.__exit__(None, None, None)
        self.travel.stop()
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)

    @initialize(policy=st.sampled_from(POLICIES), cycles=st.integers(1, 2), finer=st.sampled_from(FINER))
    def policy_is(self, policy: tuple[Timings, Timings], cycles: int, finer: tuple[Finer, Finer]) -> None:
        ack, resolve = policy
        definition = levels(ack=ack, resolve=resolve)
        of_levels, of_policy = finer
        definition["levels"] = [level | of_levels for level in definition["levels"]]
        definition |= of_policy | {"cycles": cycles}
        policy_publish(
            policy=self.world.cast.policy, definition=definition, author=self.world.cast.elena, at=self.world.now
        )

    # --- what can happen

    @rule(key=st.sampled_from(KEYS), action=st.sampled_from(["trigger", "trigger", "resolve", "acknowledge"]))
    def signal(self, key: str, action: str) -> None:
        assert self.world.event(action, key).status_code == 202
        self.world.settle()

    @rule(actions=st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(["trigger", "resolve"])), max_size=6))
    def signals_in_one_batch(self, actions: list[tuple[str, str]]) -> None:
        for key, action in actions:
            self.world.event(action, key)
        self.world.settle()

    @rule(minutes=st.sampled_from([1, 4, 5, 17, 61]))
    def time_passes(self, minutes: int) -> None:
        self.world.advance(minutes=minutes)

    @rule(minutes=st.sampled_from([3, 45, 600]))
    def the_engine_was_down(self, minutes: int) -> None:
        self.world.jump(minutes=minutes)
        self.world.engine = self.world.engine_start()
        self.world.settle()

    def act(self, which: int, verb: Any, **arguments: Any) -> None:
        """Somebody acts on one of the incidents; a refusal is part of the story."""
        incidents = list(Incident.objects.order_by("-pk")[:3])
        incident = incidents[which % len(incidents)]
        try:
            with transaction.atomic():
                verb(incident_id=incident.pk, at=self.world.now, **arguments)
        except DomainError:
            pass
        self.world.settle()

    def some(self) -> bool:
        return Incident.objects.exists()

    @precondition(some)
    @rule(which=st.integers(0, 2), who=st.sampled_from(PEOPLE))
    def acknowledge(self, which: int, who: str) -> None:
        self.act(which, incident_acknowledge, actor=self.world.cast.people[who])

    @precondition(some)
    @rule(which=st.integers(0, 2), who=st.sampled_from(PEOPLE))
    def give_back(self, which: int, who: str) -> None:
        self.act(which, incident_unacknowledge, actor=self.world.cast.people[who])

    @precondition(some)
    @rule(which=st.integers(0, 2), who=st.sampled_from(PEOPLE))
    def escalate(self, which: int, who: str) -> None:
        self.act(which, incident_escalate, actor=self.world.cast.people[who], reason="It grows")

    @precondition(some)
    @rule(which=st.integers(0, 2), minutes=st.sampled_from([1, 30, 300]))
    def snooze(self, which: int, minutes: int) -> None:
        until = self.world.now + timedelta(minutes=minutes)
        self.act(which, incident_snooze, actor=self.world.cast.marta, until=until)

    @precondition(some)
    @rule(which=st.integers(0, 2), who=st.sampled_from(PEOPLE))
    def resolve(self, which: int, who: str) -> None:
        self.act(which, incident_resolve, actor=self.world.cast.people[who])

    @precondition(some)
    @rule(which=st.integers(0, 2))
    def reopen(self, which: int) -> None:
        self.act(which, incident_reopen, actor=self.world.cast.jonas, reason="It is back")

    @precondition(some)
    @rule(which=st.integers(0, 2))
    def mitigate(self, which: int) -> None:
        self.act(which, incident_mitigate, actor=self.world.cast.marta)

    @precondition(some)
    @rule(which=st.integers(0, 2), who=st.sampled_from(PEOPLE))
    def reassign(self, which: int, who: str) -> None:
        self.act(which, incident_reassign, actor=self.world.cast.elena, owner=self.world.cast.people[who])

    @precondition(lambda self: Page.objects.exists())
    @rule(which=st.integers(0, 5))
    def decline(self, which: int) -> None:
        page = Page.objects.order_by("-pk")[which % Page.objects.count()]
        try:
            with transaction.atomic():
                page_decline(page=page, at=self.world.now)
        except DomainError:
            pass
        self.world.settle()

    @rule(who=st.sampled_from(PEOPLE), error=st.sampled_from([Refused("550 no such person"), Unavailable("busy")]))
    def the_provider_fails(self, who: str, error: Exception) -> None:
        self.email.script(f"{who}@brightquay.example", error)

    @rule(who=st.sampled_from(PEOPLE))
    def somebody_switches_their_address_off_or_on(self, who: str) -> None:
        method = ContactMethod.objects.get(user=self.world.cast.people[who])
        method.enabled = not method.enabled
        method.save()

    # --- what must hold

    @invariant()
    def what_rings_has_a_next_step_or_is_visibly_exhausted(self) -> None:
        for incident in Incident.objects.filter(state="triggered"):
            run = EscalationRun.objects.get(incident=incident, superseded=False)
            assert run.set_aside_at is None, run.error
            assert run.next_due_at is not None or incident.exhausted_at is not None, f"{incident} has no next step"
            assert run.next_due_at is None or run.next_due_at > self.world.now

    @invariant()
    def nobody_is_paged_about_what_is_quiet_until_a_rule_restarts_it(self) -> None:
        quiet: dict[str, bool] = {}
        for entry in LedgerEntry.objects.exclude(subject="").order_by("pk"):
            state = (entry.after or {}).get("state") if entry.object_type == "incident" else None
            if entry.action in ANSWERS or state in ("acknowledged", "resolved"):
                quiet[entry.subject] = True
            elif entry.action in RESTARTS or (entry.action, (entry.data or {}).get("because")) in CLOCKS:
                quiet[entry.subject] = False
            elif entry.action == "page.create":
                assert not quiet.get(entry.subject), f"{entry.object_label} was paged about {entry.subject}"

    @invariant()
    def nobody_is_paged_twice_for_one_level_of_one_cycle(self) -> None:
        pages = list(Page.objects.values_list("run", "cycle", "level", "repeat", "recipient"))
        assert len(pages) == len(set(pages))
        sent = [message.idempotency_key for message in self.email.got]
        assert len(sent) == len(set(sent))

    @invariant()
    def every_page_ends_or_waits_for_its_next_attempt(self) -> None:
        assert not PageReport.objects.filter(processed_at=None).exists()
        for page in Page.objects.select_related("message"):
            assert page.message is not None
            assert page.state == page.message.state, f"{page} is {page.state}, its message {page.message.state}"
            if page.state == Page.State.PENDING:
                assert page.message.deliveries.filter(state="queued", next_attempt_at__gt=self.world.now).exists()
            else:
                assert page.settled_at is not None
                assert page.state_reason or page.state == Page.State.DELIVERED

    @invariant()
    def a_level_that_reached_nobody_was_left_at_once(self) -> None:
        for run in EscalationRun.objects.filter(phase="paging", superseded=False):
            own = run.pages.filter(level=run.level, cycle=run.cycle)
            states = list(own.values_list("state", "declined_at"))
            assert any(state != "failed" and not declined for state, declined in states), f"{run} waits for nobody"
        skips = TimelineEvent.objects.filter(kind="escalation.skip_level").count()
        assert skips == LedgerEntry.objects.filter(action="escalation.skip_level").count()

    @invariant()
    def the_ledger_tells_each_incident_s_state(self) -> None:
        entries = LedgerEntry.objects.filter(object_type="incident").order_by("pk")
        told: dict[str, str] = {}
        for subject, after in entries.values_list("subject", "after"):
            told.setdefault(subject, "triggered")
            told[subject] = (after or {}).get("state", told[subject])
        assert told == {incident.subject: incident.state for incident in Incident.objects.all()}

    @invariant()
    def everything_that_was_written_has_words(self) -> None:
        assert set(TimelineEvent.objects.values_list("kind", flat=True)) <= WORDINGS.keys()
        assert set(LedgerEntry.objects.values_list("action", flat=True)) <= ACTIONS.keys()

    @invariant()
    def the_history_tells_each_incident_as_it_is(self) -> None:
        for incident in Incident.objects.all():
            last = Incident.history.filter(id=incident.pk).latest("history_id")
            for name in ("state", "owner_id", "snoozed_until", "exhausted_at", "resolved_at", "stage_id"):
                assert getattr(last, name) == getattr(incident, name), name

    @invariant()
    def the_ledger_tells_how_each_page_ended(self) -> None:
        created = LedgerEntry.objects.filter(action="page.create").values_list("object_id", flat=True)
        assert sorted(created) == sorted(str(page.pk) for page in Page.objects.all())
        settled = {
            entry.object_id: (entry.after or {}).get("state")
            for entry in LedgerEntry.objects.filter(action="page.settle")
        }
        for page in Page.objects.exclude(state=Page.State.PENDING).exclude(state_reason="no_contact_method"):
            assert settled.get(str(page.pk)) == page.state


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_whatever_happens_the_rows_keep_what_the_design_promises(db: None) -> None:
    assert connection.in_atomic_block
    run_state_machine_as_test(
        Stories,
        settings=settings(
            max_examples=15,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

"""The engine, the simulator and the page say the same, on generated cases: from the routing rules to the last page.

A rule gives each case a beginning, part of the time and specialists, the SLA targets an end, the house a business
calendar; the engine's side is filed through the ordinary door.

SIMULATION_CASES=1000 runs the long profile.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.template.loader import render_to_string
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from escalation_site.kernel.errors import Conflict
from incidents.engine.glance import glance
from incidents.models import EscalationRun, Incident, Page
from incidents.services import lifecycle
from incidents.services.runs import runs_step
from notifications.channels import channel_register
from notifications.models import ContactMethod, Destination
from notifications.services.messages import methods_left
from notifications.testing import FakeChannel
from oncall.models import Override, Skill, User
from policies.books import CHANNELS, ROUTING, SLA, book_publish, book_value
from policies.conditions import facts_of
from policies.definition import Hours, PolicyDef, TargetDef, TargetKind, policy_dump
from policies.models import EscalationPolicy, PolicyVersion
from policies.routing import RoutingDef
from policies.simulation import Act, Deed, Simulation, Step, StepKind, served, simulate_route
from policies.simulation.page import Shown
from policies.simulation.walk import PAGING
from policies.simulation.words import end_text, steps_text
from tests.incidents.test_run_starts import office
from tests.policies.strategies import durations, policies
from tests.world.harness import World

CASES = int(os.environ.get("SIMULATION_CASES", "40"))
LIMIT = 14
STEP_BOUND = 60
REFS = {
    TargetKind.SCHEDULE: ["payments"],
    TargetKind.USER: ["marta", "jonas", "elena", "nils", "tomas", "nobody-like-this"],
    TargetKind.POLICY: ["other"],
    TargetKind.CHAT_CHANNEL: ["ops", "no-such-channel"],
    TargetKind.WEBHOOK: ["off"],
}
TEAMS: list[str | None] = ["payments", "platform"]
INSTANTS = [
    datetime(2026, 11, 22, 2, 9, tzinfo=UTC),
    datetime(2027, 3, 28, 0, 57, tzinfo=UTC),  # the clocks of Rome go forward three minutes later
    datetime(2026, 12, 25, 23, 30, tzinfo=UTC),
]
Paged = tuple[datetime, int, int, int, str, tuple[str, ...], bool]
"""When, level, round, repeat, who, over which channels in order (none: they cannot be reached), whether these are their own for want
of those that the level names."""
WAKE: dict[str, Any] = {
    "key": "wake",
    "name": "Wake people",
    "when": {"fact": "severity", "operator": "is", "value": "SEV-1"},
    "use": ["sms"],
}

acts = st.lists(
    st.builds(
        Act,
        st.sampled_from([Deed.ACKNOWLEDGE, Deed.ACKNOWLEDGE, *Deed]),
        st.integers(0, 4),
        st.sampled_from([0, 60, 300, 420, 3600]).map(lambda seconds: timedelta(seconds=seconds)),
        st.booleans(),
    ),
    max_size=3,
)


def known(policy: PolicyDef) -> PolicyDef:
    """The generated policy with the names of this organisation in place of made-up ones."""

    def one(target: TargetDef) -> TargetDef:
        if target.ref is None:
            return target
        names = REFS.get(target.kind, TEAMS)
        return replace(target, ref=names[len(str(target.ref)) % len(names)])

    def all_of(targets: tuple[TargetDef, ...]) -> tuple[TargetDef, ...]:
        return tuple(dict.fromkeys(one(target) for target in targets))

    levels = tuple(replace(level, targets=all_of(level.targets), raci=None) for level in policy.levels)
    final = replace(policy.final, target=one(policy.final.target)) if policy.final else None
    return replace(policy, levels=levels, catch_all=all_of(policy.catch_all), final=final)


@dataclass(frozen=True, slots=True)
class Given:
    """What the books of the house say of a case; None and empty say nothing."""

    start_level: int | None
    timers_percent: int | None
    straight_to: tuple[str, ...]
    sla: int | None
    sla_hours: Hours
    suppress: int | None

    def publish(self) -> RoutingDef:
        targets = [{"name": "All", "resolve": self.sla, "hours": self.sla_hours.value}] if self.sla else []
        book_publish(shape=SLA, definition={"targets": targets}, author=None, at=INSTANTS[0])
        effect = {
            "start_level": self.start_level,
            "timers_percent": self.timers_percent,
            "straight_to": [] if self.suppress else [{"kind": "user", "ref": name} for name in self.straight_to],
            "suppress": self.suppress,
        }
        said = {name: value for name, value in effect.items() if value}
        version = book_publish(shape=ROUTING, definition={"rules": [], "otherwise": said}, author=None, at=INSTANTS[0])
        return book_value(ROUTING, version)


givens = st.builds(
    Given,
    st.none() | st.integers(1, 4),
    st.none() | st.integers(1, 100),
    st.lists(st.sampled_from(["tomas", "marta", "nils", "hugo"]), max_size=2, unique=True).map(tuple),
    st.none() | durations(60),
    st.sampled_from(Hours),
    st.sampled_from([None, None, None, 60, 420]),
)


def crowd(world: World) -> list[User]:
    """Nobody can reach Nils; Tomás stands in for Jonas for an hour; the gateway asks for a skill only Elena and Marta have. Marta and
    Elena have telephones, Tomás a chat, and at SEV-1 a text message comes first."""
    cast = world.cast
    cast.nils.contact_methods.all().delete()
    channel_register("sms", FakeChannel())
    for user, kind in ((cast.marta, "sms"), (cast.elena, "sms"), (cast.elena, "chat"), (cast.tomas, "chat")):
        address = f"{kind}:{user.username}"
        ContactMethod.objects.create(user=user, kind=kind, address=address, position=len(kind))
    book_publish(shape=CHANNELS, definition={"rules": [WAKE]}, author=None, at=INSTANTS[0])
    Override.objects.create(
        schedule=cast.schedule,
        role="secondary",
        user=cast.tomas,
        start=INSTANTS[0],
        end=INSTANTS[0] + timedelta(hours=1),
        created_by=cast.elena,
        created_at=INSTANTS[0],
    )
    skill = Skill.objects.create(name="Ledgers", slug="ledgers")
    cast.elena.skills.add(skill)
    cast.marta.skills.add(skill)
    cast.gateway.required_skills.add(skill)
    office()
    channel_register("chat", FakeChannel())
    channel_register("webhook", FakeChannel())
    Destination.objects.create(name="Operations", slug="ops", kind="chat", address_sealed="sealed")
    Destination.objects.create(
        name="Switched off", slug="off", kind="webhook", address_sealed="sealed", secret_sealed="sealed", enabled=False
    )
    other = EscalationPolicy.objects.create(name="Other", slug="other")
    definition = {"levels": [{"name": "A", "targets": [{"kind": "user", "ref": "tomas"}], "ack_timeout": "5m"}]}
    publish(other, definition)
    return [cast.marta, cast.jonas, cast.elena, cast.nils, cast.tomas]


def publish(policy: EscalationPolicy, definition: object) -> None:
    number = policy.versions.count() + 1
    policy.current_version = PolicyVersion.objects.create(
        policy=policy, number=number, definition=definition, created_at=INSTANTS[0]
    )
    policy.save()


def engine_walks(
    world: World, severity: int, at: datetime, acts: list[Act], until: datetime
) -> tuple[list[Paged], set[tuple[datetime, str]]]:
    """What the engine's own services do until ``until``: pages, and other lines of the timeline. What people do at one
    instant they do in the order of ``acts``."""
    world.cast.gateway.refresh_from_db()
    incident = lifecycle.incident_open(
        title="Case", summary="", severity=severity, service=world.cast.gateway, reporter=None, at=at
    )
    agenda = [(at + act.after, number, act) for number, act in enumerate(acts) if act.from_start]
    waiting = [(number, act) for number, act in enumerate(acts) if not act.from_start]
    over = False
    for _turn in range(10 * STEP_BOUND):
        for number, act in list(waiting):
            page = Page.objects.filter(incident=incident, recipient=act.who).exclude(state="failed").first()
            if page is not None:
                waiting.remove((number, act))
                agenda.append((page.created_at + act.after, number, act))
        agenda.sort(key=lambda item: item[:2])
        due = glance().run_at
        planned = agenda[0][0] if agenda else None
        coming = min((one for one in (due, planned) if one is not None), default=None)
        if over or coming is None or coming > until:
            break
        if due == coming:
            assert runs_step(at=due) == 1
            continue
        over = engine_acts(incident, agenda.pop(0)[2], coming)
    else:
        raise AssertionError("the engine finds work for ever")
    assert EscalationRun.objects.get(incident=incident).error == ""
    lines = incident.timeline.filter(
        kind__in=[
            "escalation.skip_level",
            "escalation.exhaust",
            "escalation.inform_level",
            "incident.major_level",
            "escalation.post",
        ]
    )
    pages = Page.objects.filter(incident=incident).select_related("recipient", "message").order_by("id")
    return [paged(page) for page in pages if page.created_at <= until], {
        (line.at, line.kind) for line in lines if line.at <= until
    }


def paged(page: Page) -> Paged:
    """With the methods that its message goes by, one after the other; the first of them is queued."""
    message = page.message
    assert message is not None
    own = list(ContactMethod.objects.filter(user=page.recipient).order_by("position", "id"))
    how = tuple(dict.fromkeys(method.kind for method in methods_left(own, message.context)))
    queued = message.deliveries.order_by("position").values_list("channel", flat=True).first()
    assert queued == (how[0] if how else None)
    lacks = bool(page.why.get("level", {}).get("lacks"))
    return (page.created_at, page.level, page.cycle, page.repeat, page.recipient.username, how, lacks)


def engine_acts(incident: Incident, act: Act, at: datetime) -> bool:
    """Whether the incident is over then. What the services refuse does not happen."""
    actor = User.objects.get(pk=act.who)
    verbs = {
        Deed.ACKNOWLEDGE: lifecycle.incident_acknowledge,
        Deed.MITIGATE: lifecycle.incident_mitigate,
        Deed.RESOLVE: lifecycle.incident_resolve,
    }
    try:
        if act.deed is Deed.ESCALATE:
            lifecycle.incident_escalate(incident_id=incident.pk, actor=actor, reason="case", at=at)
        else:
            verbs[act.deed](incident_id=incident.pk, actor=actor, at=at)
    except Conflict:
        return False
    return act.deed is Deed.RESOLVE


def simulated(found: Simulation, levels: int, usernames: dict[int, str]) -> list[Paged]:
    places = {StepKind.CATCH_ALL: levels, StepKind.FINAL: levels + 1}
    return [
        (
            step.at,
            places.get(step.kind, step.level or 0),
            step.cycle,
            step.repeat,
            usernames[one.user_id],
            one.how,
            bool(one.why.get("level", {}).get("lacks")),
        )
        for step in found.steps
        if step.kind in PAGING
        for one in step.people
    ]


LINES = {
    StepKind.SKIP: "escalation.skip_level",
    StepKind.EXHAUST: "escalation.exhaust",
    StepKind.INFORM: "escalation.inform_level",
    StepKind.MAJOR: "incident.major_level",
}


def shows(found: Simulation, names: dict[int, str]) -> None:
    """The page says when and whom, for each step in order."""
    shown = Shown("Version 1", found, steps_text(found, names), end_text(found))
    html = render_to_string("policies/partials/_simulated.html", {"shown": shown, "at": found.started_at})
    parts = re.split(r'<li class="is-', html)[1:]
    assert len(parts) == len(found.steps)
    for part, step in zip(parts, found.steps, strict=True):
        said(part, step)


def said(part: str, step: Step) -> None:
    stamp = re.search(r'datetime="([^"]+)"', part)
    assert stamp is not None
    assert datetime.fromisoformat(stamp[1]) == step.at
    for name in [*(one.name for one in step.people), *(one.name for one in step.places)]:
        assert name in part


@pytest.mark.requirement("R013")
@pytest.mark.requirement("R040")
@pytest.mark.slow
@pytest.mark.timeout(120 + 3 * CASES)
def test_the_engine_the_simulator_and_the_page_agree_on_generated_cases(world: World) -> None:
    people = crowd(world)
    usernames = {user.pk: user.username for user in User.objects.all()}
    names = {user.pk: user.name for user in User.objects.all()}
    policy = world.cast.policy
    seen: list[int] = []
    straight: list[bool] = []
    lacking: list[bool] = []

    @settings(
        max_examples=CASES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(policies(), st.integers(1, 5), st.sampled_from(INSTANTS), acts, givens)
    def agree(drawn: PolicyDef, severity: int, at: datetime, numbered: list[Act], house: Given) -> None:
        definition = known(drawn)
        own = [replace(act, who=people[act.who].pk) for act in numbered]
        with transaction.atomic():
            publish(policy, policy_dump(definition))
            rules, service = house.publish(), served("payments-gateway")
            assert service is not None
            facts = facts_of({"severity": severity}, at=at, zone="Europe/Rome", calendars={})
            found = simulate_route(rules, facts, service=service, at=at, acts=own, limit=LIMIT).simulation
            assert found is not None
            until = found.steps[-1].at - timedelta(microseconds=1) if found.cut else at + timedelta(days=400)
            pages, lines = engine_walks(world, severity, at, own, until)
            expected = [one for one in simulated(found, len(definition.levels), usernames) if one[0] <= until]
            assert pages == expected, (definition, own, house)
            assert lines == {
                (step.at, LINES[step.kind]) for step in found.steps if step.kind in LINES and step.at <= until
            } | {
                (step.at, "escalation.post")
                for step in found.steps
                if step.at <= until and any(not place.reason for place in step.places)
            }
            shows(found, names)
            seen.append(len(pages))
            lacking.append(any(one[-1] for one in pages))
            straight.append(any(one.why.get("kind") == "rule" for step in found.steps for one in step.people))
            transaction.set_rollback(True)

    agree()
    assert len(seen) >= CASES * 9 // 10
    assert sum(seen) > CASES
    assert any(straight), "no case paged a specialist: the rules were not asked"
    assert any(lacking), "no case named channels that somebody lacks"

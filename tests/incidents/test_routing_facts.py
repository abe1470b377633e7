"""More becomes known of an incident: the rules are asked again, and what gets worse happens at once."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import LedgerEntry
from escalation_site.kernel.errors import Conflict, DomainError, NotAllowed
from incidents.changes import Changes
from incidents.models import EscalationRun, Incident, Page, RoutingDecision
from incidents.services.facts import incident_facts, repeats_follow
from incidents.services.lifecycle import incident_acknowledge, incident_resolve, incident_snooze
from incidents.services.severity import incident_severity
from incidents.views.verbs import offer_for
from policies.services import policy_publish
from tests.incidents.routing_rules import ALWAYS, ELENA, NILS, TOMAS, filed, is_, lines, publish, rule
from tests.world.cast import levels
from tests.world.harness import World


def learn(world: World, incident: Incident, *, reason: str = "", **values: object) -> Incident:
    """Marta says what is known now, and the engine does what follows."""
    changed = incident_facts(
        incident_id=incident.pk, values=values, actor=world.cast.marta, at=world.now, reason=reason
    )
    world.settle()
    return changed


def paged(incident: Incident) -> list[str]:
    return list(Page.objects.filter(incident=incident).order_by("pk").values_list("recipient__username", flat=True))


@pytest.mark.requirement("R056")
@pytest.mark.requirement("R053")
def test_when_the_impact_grows_then_the_severity_follows_and_the_path_that_starts_higher_starts_at_once(
    world: World,
) -> None:
    definition = {**levels(), "starts_at": {"SEV-1": 3}}
    policy_publish(policy=world.cast.policy, definition=definition, author=world.cast.elena, at=world.now)
    publish(world, rule("outage", {"fact": "outage"}, "A service is down.", severity_at_least="SEV-1"))
    incident = filed(world)
    world.expect_page("marta", level=1)

    learn(world, incident, outage=True, impact=1, reason="All shops report it")

    world.expect_page("elena", level=3)
    assert {name for name, _subject in world.notices()} == {"jonas"}
    incident.refresh_from_db()
    assert (incident.severity, incident.impact, incident.facts["outage"]) == (1, 1, True)
    entry = LedgerEntry.objects.get(action="incident.facts")
    assert entry.after is not None
    assert entry.after["impact"] == 1
    assert entry.data == {"reason": "All shops report it"}
    line = incident.timeline.get(kind="incident.facts")
    assert (line.text, line.data["facts"]) == ("All shops report it", ["outage", "impact"])


@pytest.mark.requirement("R056")
def test_when_a_rule_names_a_specialist_then_that_one_is_paged_once_at_the_level_in_force(world: World) -> None:
    publish(world, rule("dba", {"fact": "data_corruption"}, straight_to=[TOMAS]))
    incident = filed(world)
    world.expect_page("marta", level=1)
    world.advance(minutes=5)
    world.expect_page("jonas", level=2)

    learn(world, incident, data_corruption=True)
    page = world.page_of(world.expect_page("tomas", level=2))
    assert page.why["kind"] == "rule"

    learn(world, incident, vip=True)
    world.expect_silence()
    assert paged(incident) == ["marta", "jonas", "tomas"]
    assert lines(incident, "routing.send_for") == [{"people": ["Tomás Oliveira"]}]


@pytest.mark.requirement("R056")
def test_when_somebody_has_it_then_specialists_are_called_in_all_the_same_but_not_into_a_snooze(world: World) -> None:
    publish(
        world,
        rule("dba", {"fact": "data_corruption"}, straight_to=[TOMAS]),
        rule("security", {"fact": "security"}, straight_to=[NILS]),
    )
    incident = filed(world)
    world.expect_page("marta", level=1)
    incident_acknowledge(incident_id=incident.pk, actor=world.cast.marta, at=world.now)

    learn(world, incident, data_corruption=True)
    world.expect_page("tomas", level=1)

    until = world.now + timedelta(hours=1)
    incident_snooze(incident_id=incident.pk, until=until, actor=world.cast.marta, at=world.now)
    learn(world, incident, security=True, data_corruption=None)
    world.expect_silence()
    assert len(EscalationRun.objects.get().straight_to) == 2
    incident_acknowledge(incident_id=incident.pk, actor=world.cast.marta, at=world.now)


def test_when_the_change_itself_pages_a_specialist_then_a_rule_does_not_page_them_again(world: World) -> None:
    definition = {**levels(), "starts_at": {"SEV-1": 3}}
    policy_publish(policy=world.cast.policy, definition=definition, author=world.cast.elena, at=world.now)
    publish(world, rule("worst", is_("severity", 1), straight_to=[ELENA]))
    incident = filed(world)
    world.expect_page("marta", level=1)

    incident_severity(incident_id=incident.pk, severity=1, actor=world.cast.marta, at=world.now)
    world.settle()

    world.expect_page("elena", level=3)
    assert {name for name, _subject in world.notices()} == {"jonas"}
    assert paged(incident) == ["marta", "elena"]


def test_when_a_person_changes_the_severity_then_those_whom_rules_tell_of_it_are_told_once(world: World) -> None:
    publish(world, rule("bad", {"fact": "severity", "operator": "at_least", "value": 2}, tell=[NILS], protected=True))
    incident = filed(world)
    world.expect_page("marta", level=1)

    for severity in (2, 1):
        incident_severity(incident_id=incident.pk, severity=severity, actor=world.cast.marta, at=world.now)
        world.settle()

    world.expect_notice("nils")
    world.expect_silence()
    incident.refresh_from_db()
    assert (incident.severity, incident.protected) == (1, True)


def test_when_a_person_makes_it_milder_than_a_rule_would_then_the_person_s_word_holds(world: World) -> None:
    publish(world, rule("vip", {"fact": "vip"}, severity_at_least="SEV-2"))
    incident = filed(world, facts={"vip": True})
    world.expect_page("marta", level=1)

    incident_severity(incident_id=incident.pk, severity=4, actor=world.cast.marta, at=world.now)

    learn(world, incident, customer="acme")
    incident.refresh_from_db()
    assert incident.severity == 4

    publish(world, rule("outage", {"fact": "outage"}, severity_at_least="SEV-1"))
    learn(world, incident, outage=True)
    incident.refresh_from_db()
    assert incident.severity == 1


def test_the_team_stays_and_the_decision_says_what_would_be_decided_now(world: World) -> None:
    publish(world, rule("vip", {"fact": "vip"}, team="platform", timers_percent=50))
    incident = filed(world)
    world.expect_page("marta", level=1)

    learn(world, incident, vip=True)

    world.expect_silence()
    incident.refresh_from_db()
    assert incident.team == world.cast.payments
    assert EscalationRun.objects.get().policy_version.policy == world.cast.policy
    first, second = RoutingDecision.objects.order_by("pk")
    assert (first.cause, first.decision["team"]) == ("opened", None)
    assert (second.cause, second.decision["team"]) == ("facts", "platform")


def test_marks_are_added_and_never_taken_away_by_a_rule(world: World) -> None:
    publish(world, rule("regulated", {"fact": "security"}, guarded=True, protected=True, major=True, problem=True))
    incident = filed(world)
    world.expect_page("marta", level=1)

    learn(world, incident, security=True)
    assert {name for name, _subject in world.notices()} == {"elena"}
    learn(world, incident, security=False)
    learn(world, incident, security=True)

    incident.refresh_from_db()
    assert (incident.guarded, incident.protected, incident.major_at is not None) == (True, True, True)
    for kind in ("routing.guarded", "routing.protected", "problem.propose", "incident.major_rule"):
        assert incident.timeline.filter(kind=kind).count() == 1
    world.expect_silence()


@pytest.mark.requirement("R082")
def test_when_nobody_was_paged_and_it_gets_worse_then_its_escalation_begins_after_all(world: World) -> None:
    publish(
        world,
        rule("outage", {"fact": "outage"}, escalate=True, straight_to=[TOMAS], start_level=2),
        rule("lab", ALWAYS, escalate=False),
    )
    incident = filed(world)
    world.expect_silence()
    learn(world, incident, vip=True)
    world.expect_silence()

    learn(world, incident, outage=True)

    world.expect_page("jonas", level=2)
    world.expect_page("tomas", level=2)
    assert {name for name, _subject in world.notices()} == {"marta"}
    assert lines(incident, "routing.page_after_all") == [{}]


def test_when_a_person_makes_it_worse_that_nobody_was_paged_for_then_its_escalation_begins(world: World) -> None:
    publish(world, rule("mild", {"fact": "severity", "operator": "at_most", "value": 3}, escalate=False))
    incident = filed(world)
    world.expect_silence()

    incident_severity(incident_id=incident.pk, severity=1, actor=world.cast.marta, at=world.now)
    world.settle()

    world.expect_page("marta", level=1)


def test_what_is_known_already_changes_nothing(world: World) -> None:
    publish(world, rule("vip", {"fact": "vip"}, protected=True))
    incident = filed(world, facts={"vip": True}, impact=2)
    world.expect_page("marta", level=1)

    learn(world, incident, vip=True, impact=2, urgency=None)

    assert RoutingDecision.objects.count() == 1
    assert not LedgerEntry.objects.filter(action="incident.facts").exists()


def test_a_fact_can_be_taken_back(world: World) -> None:
    incident = filed(world, facts={"vip": True, "customer": "acme"}, impact=2)
    world.expect_page("marta", level=1)

    learn(world, incident, vip=None, impact=None)

    incident.refresh_from_db()
    assert (incident.impact, "vip" in incident.facts, incident.facts["customer"]) == (None, False, "acme")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("nonsense", 1),
        ("service", "other"),
        ("severity", 1),
        ("weekday", "mon"),
        ("similar_incidents", [1]),
        ("labels.cpu", "9"),
        ("impact", 6),
        ("affected_customers", "many"),
        ("customer", "x" * 3_000),
    ],
)
def test_what_is_no_fact_or_no_value_of_it_is_refused_by_its_name(world: World, name: str, value: object) -> None:
    incident = filed(world)
    world.expect_page("marta", level=1)

    with pytest.raises(DomainError) as caught:
        incident_facts(incident_id=incident.pk, values={name: value}, actor=world.cast.marta, at=world.now)

    assert caught.value.field == name
    assert not LedgerEntry.objects.filter(action="incident.facts").exists()


def test_only_responders_say_what_is_known_and_not_after_it_is_over(world: World) -> None:
    incident = filed(world)
    world.expect_page("marta", level=1)

    for username in ("sofie", "amara"):
        with pytest.raises(NotAllowed):
            incident_facts(
                incident_id=incident.pk, values={"vip": True}, actor=world.cast.people[username], at=world.now
            )
    incident_resolve(incident_id=incident.pk, actor=world.cast.marta, at=world.now)
    with pytest.raises(Conflict):
        learn(world, incident, vip=True)


# --- Alerts that come again


@pytest.mark.requirement("R074")
def test_when_an_alert_comes_again_and_again_then_a_rule_that_counts_it_sends_for_a_specialist_once(
    world: World,
) -> None:
    counted = {"fact": "refires", "operator": "ge", "value": 2, "within": "1h"}
    publish(world, rule("flapping", counted, "It comes again and again.", straight_to=[TOMAS], severity_at_least=1))

    for number in range(5):
        world.event("trigger", "flapping", severity="warning")
        world.settle()
        if number == 0:
            world.expect_page("marta", level=1)
        elif number == 2:
            world.expect_page("tomas", level=1)
        world.expect_silence()
        world.jump(seconds=30)

    incident = world.incident
    assert incident.severity == 1
    assert incident.timeline.get(kind="incident.severity").text == "It comes again and again."
    assert [row.cause for row in RoutingDecision.objects.order_by("pk")] == ["opened", "facts"]


def test_when_no_rule_counts_repeats_then_an_alert_that_comes_again_costs_one_small_query_more(world: World) -> None:
    publish(world, rule("vip", {"fact": "vip"}, protected=True))
    world.event("trigger", "again")
    world.settle()
    world.expect_page("marta", level=1)
    incidents = list(Incident.objects.all())

    with CaptureQueriesContext(connection) as caught:
        repeats_follow(incidents, changes=Changes(at=world.now))

    assert len(caught) == 1


# --- Who may silence what is protected


@pytest.mark.requirement("R290")
@pytest.mark.requirement("R291")
def test_when_it_is_protected_then_only_the_owners_of_its_service_may_silence_it(world: World) -> None:
    publish(world, rule("regulated", ALWAYS, protected=True, team="platform"))
    incident = filed(world)
    world.expect_page("marta", level=1)
    until = world.now + timedelta(hours=1)

    with pytest.raises(NotAllowed) as caught:
        incident_snooze(incident_id=incident.pk, until=until, actor=world.cast.tomas, at=world.now)
    assert "protected" in str(caught.value.message)
    assert "snooze" not in [verb.key for verb in offer_for(world.cast.tomas, incident).more]
    assert "snooze" in [verb.key for verb in offer_for(world.cast.marta, incident).more]
    incident.refresh_from_db()
    assert incident.snoozed_until is None

    incident_snooze(incident_id=incident.pk, until=until, actor=world.cast.marta, at=world.now)
    incident_snooze(incident_id=incident.pk, until=until, actor=world.cast.hugo, at=world.now)
    assert Incident.objects.get().snoozed_until == until
    incident_acknowledge(incident_id=incident.pk, actor=world.cast.marta, at=world.now)

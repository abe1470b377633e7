"""The linter: what is allowed in a policy and will still let somebody down. Pure: values in, findings out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from policies.definition import PolicyDef, TargetDef, policy_parse
from policies.lint import (
    Code,
    Context,
    Finding,
    Measured,
    OwnedService,
    Person,
    Reach,
    UsedSchedule,
    Weight,
    lint_definition,
    lint_house,
    merged,
    words_of,
)

MARTA, JONAS, ELENA, TOMAS = 1, 2, 3, 4
PEOPLE = {
    pk: Person(pk, name)
    for pk, name in ((MARTA, "Marta Ferri"), (JONAS, "Jonas de Wit"), (ELENA, "Elena Conti"), (TOMAS, "Tomás Oliveira"))
}
RACI = {
    "responsible": [{"kind": "team", "ref": "payments"}],
    "accountable": {"kind": "manager"},
    "consulted": [{"kind": "team", "ref": "platform"}],
    "informed": [{"kind": "user", "ref": "sofie"}],
}


def level(name: str, *refs: str, **more: Any) -> dict[str, Any]:
    targets = [{"kind": "schedule", "ref": ref} for ref in refs]
    return {"name": name, "targets": targets, "ack_timeout": {"after": "5m"}, "raci": RACI, **more}


def policy(*levels: dict[str, Any], **more: Any) -> PolicyDef:
    ends = {"catch_all": [{"kind": "schedule", "ref": "night desk"}]}
    return policy_parse({"levels": list(levels), **ends, **more})


SOUND = policy(level("On call", "payments"), level("Senior", "seniors"), level("Night desk", "night desk"))
REACHES = {
    "payments": Reach((MARTA, JONAS), 1),
    "seniors": Reach((JONAS, ELENA), 1),
    "night desk": Reach((ELENA, TOMAS), 1),
    "marta": Reach((MARTA,), 1),
    "empty": Reach(),
    "crowd": Reach(tuple(PEOPLE), 12),
}


def context(definition: PolicyDef, **more: Any) -> Context:
    values: dict[str, Any] = {
        "about": "policy:7",
        "slug": "critical",
        "policy": "Critical payments",
        "reach": {(target, ""): REACHES[str(target.ref)] for target in definition.all_targets if target.ref in REACHES},
        "people": PEOPLE,
    }
    return Context(**{**values, **more})


def found(definition: PolicyDef, **more: Any) -> list[Finding]:
    return lint_definition(definition, context(definition, **more))


def codes(findings: list[Finding]) -> list[Code]:
    return [finding.code for finding in findings]


def one(findings: list[Finding], code: Code) -> Finding:
    (finding,) = [finding for finding in findings if finding.code is code]
    return finding


def said(finding: Finding) -> str:
    words = words_of(finding.code, finding.data)
    return f"{words.title}. {words.cost}"


def test_when_everything_is_in_order_then_nothing_is_found() -> None:
    assert found(SOUND) == []


@pytest.mark.requirement("R186")
def test_when_nobody_is_named_for_the_end_then_the_cost_is_told_in_minutes() -> None:
    dead = policy(level("On call", "payments"), level("Senior", "seniors"), level("More", "night desk"), catch_all=[])
    finding = one(found(dead), Code.DEAD_END)
    assert finding.weight is Weight.STALLS
    assert "After 15 minutes nobody is left: only the one administrator is told, once." in said(finding)
    alone = one(found(dead, administrators=0), Code.DEAD_END)
    assert "After 15 minutes nobody is left: the incident stays open" in said(alone)


def test_when_a_final_decision_maker_is_told_then_the_end_is_not_dead() -> None:
    final = {"target": {"kind": "schedule", "ref": "seniors"}, "every": "15m"}
    assert found(policy(level("On call", "payments"), catch_all=[], final=final)) == []


def test_when_a_level_leads_to_nobody_then_it_is_named_with_its_schedule() -> None:
    definition = policy(level("On call", "empty"), level("Senior", "seniors"))
    names = dict.fromkeys(definition.all_targets, "Payments")
    finding = one(found(definition, names=names), Code.EMPTY_LEVEL)
    assert finding.place == "levels.0"
    assert finding.data["targets"] == ["Payments"]
    assert "Level 1, On call, reaches nobody. The level is skipped at once" in said(finding)


def test_when_a_level_is_empty_for_one_of_two_teams_then_that_team_is_named() -> None:
    lead = TargetDef(policy(level("x", "payments")).levels[0].targets[0].kind, "payments")
    definition = policy(level("On call", "payments"))
    reach = {(target, team): Reach((MARTA, JONAS), 1) for target in definition.all_targets for team in ("Web", "Data")}
    reach[lead, "Data"] = Reach()
    finding = one(found(definition, reach=reach, teams=("Web", "Data")), Code.EMPTY_LEVEL)
    assert "reaches nobody for Data" in said(finding)


def test_when_a_target_does_not_exist_then_its_name_is_shown_as_written() -> None:
    finding = one(found(policy(level("On call", "payments", "paymets"))), Code.UNKNOWN_TARGET)
    assert (finding.place, finding.data["target"]) == ("levels.0.targets.1", "paymets")


def test_when_whoever_oversees_major_incidents_does_not_exist_then_that_is_found_too() -> None:
    overseen = policy(level("On call", "payments"), overseer={"kind": "schedule", "ref": "nobody"})
    finding = one(found(overseen), Code.UNKNOWN_TARGET)
    assert (finding.place, finding.data["target"]) == ("overseer", "nobody")


def test_when_one_person_is_a_whole_level_then_it_tells_how_long_nobody_else_is_called() -> None:
    findings = found(policy(level("On call", "marta"), level("Senior", "seniors")))
    assert "If Marta Ferri does not hear it, nobody else is called for 5 minutes." in said(
        one(findings, Code.SINGLE_PERSON)
    )
    last = one(found(policy(level("On call", "payments"), level("Senior", "marta"))), Code.SINGLE_PERSON)
    assert "there is nobody after: it is the last level" in said(last)


@pytest.mark.parametrize("change", [{"active": False}, {"reachable": False}])
def test_when_somebody_cannot_be_told_then_they_are_found_once_for_all_levels(change: dict[str, Any]) -> None:
    people = {**PEOPLE, JONAS: replace(PEOPLE[JONAS], **change)}
    findings = found(policy(level("On call", "payments"), level("Senior", "seniors")), people=people)
    finding = one(merged(findings), Code.UNREACHABLE_PERSON)
    assert (finding.about, finding.data["policies"]) == ("user:2", ["Critical payments"])
    assert "Jonas de Wit" in said(finding)
    # What is left of the levels is one person each.
    assert codes(findings).count(Code.SINGLE_PERSON) == 2


def test_when_a_level_pages_everyone_then_their_number_is_told() -> None:
    crowd = {pk: Person(pk, f"Person {pk}") for pk in range(1, 13)}
    definition = policy(level("Everybody", "payments"))
    reach = {(target, ""): Reach(tuple(crowd), 12) for target in definition.all_targets}
    finding = one(found(definition, reach=reach, people=crowd), Code.EVERYONE)
    assert "12 people are disturbed" in said(finding)
    in_turn = {key: replace(value, at_once=1) for key, value in reach.items()}
    assert Code.EVERYONE not in codes(found(definition, reach=in_turn, people=crowd))


def test_when_every_severity_begins_higher_then_the_levels_below_are_never_reached() -> None:
    starts = {f"SEV-{number}": 2 for number in range(1, 6)}
    definition = policy(level("On call", "payments"), level("Senior", "seniors"), starts_at=starts)
    finding = one(found(definition), Code.NEVER_ENTERED)
    assert (finding.place, finding.data["level"]) == ("levels.0", "On call")


def test_when_a_time_from_the_start_is_over_before_its_level_then_it_is_found() -> None:
    late = level("Senior", "seniors", ack_timeout={"after": "3m", "measured_from": "start"})
    finding = one(found(policy(level("On call", "payments"), late)), Code.TIMER_PASSED)
    assert "It ends 3 minutes after the start, yet the level is reached after 5 minutes" in said(finding)


def test_when_policies_hand_over_to_each_other_then_the_circle_is_shown() -> None:
    hand_over = level("Elsewhere", "payments")
    hand_over["targets"].append({"kind": "policy", "ref": "platform"})
    definition = policy(hand_over, level("Senior", "seniors"))
    finding = one(found(definition, first_levels={"platform": ("critical",)}), Code.LOOP)
    assert "critical → platform → critical" in said(finding)
    assert Code.LOOP not in codes(found(definition, first_levels={"platform": ("network",), "network": ()}))


@pytest.mark.requirement("R187")
def test_when_timers_are_far_from_what_people_need_then_both_are_told_but_not_from_few_incidents() -> None:
    slow = Measured(median=600, p90=1_800, number=20)
    short = one(found(SOUND, acknowledge=slow), Code.ACK_TIMER_SHORT)
    assert "It waits 5 minutes; half of 20 incidents took more than 10 minutes." in said(short)
    assert found(SOUND, acknowledge=replace(slow, number=19)) == []
    patient = policy(level("On call", "payments", ack_timeout={"after": "1h"}, resolve_timeout={"after": "8h"}))
    findings = found(patient, acknowledge=Measured(60, 180, 40), resolve=Measured(median=50_000, p90=60_000, number=40))
    assert "When a page is missed, nobody else is called for 1 hour." in said(one(findings, Code.ACK_TIMER_LONG))
    assert Code.RESOLVE_TIMER_SHORT in codes(findings)
    assert found(SOUND, acknowledge=Measured(120, 240, 40)) == []


def test_when_duties_are_vacant_then_all_cells_are_one_finding() -> None:
    bare = level("On call", "payments")
    del bare["raci"]
    half = level("Senior", "seniors", raci={**RACI, "informed": []})
    finding = one(found(policy(bare, half)), Code.RACI_VACANT)
    assert finding.data["cells"] == [[1, ""], [2, "informed"]]
    assert "Duties of levels 1 and 2" in said(finding)
    assert finding.weight is Weight.NOTE


@pytest.mark.requirement("R336")
def test_when_people_are_told_again_where_nothing_is_critical_then_it_is_found() -> None:
    repeat = {"every": "1m", "times": 3, "severities": ["SEV-1", "SEV-4"]}
    finding = one(found(policy(level("On call", "payments", repeat=repeat))), Code.REPEATS_NOT_CRITICAL)
    assert "At SEV-4 people are told again every 1 minute, 3 times: they learn not to listen." in said(finding)
    critical = {**repeat, "severities": ["SEV-1", "SEV-2"]}
    assert found(policy(level("On call", "payments", repeat=critical))) == []
    again = one(found(policy(level("On call", "payments"), cycles=2)), Code.CYCLES_NOT_CRITICAL)
    assert "SEV-3, SEV-4 and SEV-5" in said(again)


@pytest.mark.requirement("R186")
def test_when_services_have_no_policy_or_nobody_answers_for_them_then_each_is_found() -> None:
    services = [
        OwnedService(1, "Gateway", "Payments", "Critical payments", members=4, answers=1),
        OwnedService(2, "Ledger", "Payments", "", members=4, answers=1),
        OwnedService(3, "Fax", "Archive", "Critical payments", members=0, answers=0),
        OwnedService(4, "Maps", "Places", "Critical payments", members=2, answers=0, gone=("Nils Aaker",)),
    ]
    findings = lint_house(services, [])
    assert {(finding.code, finding.about) for finding in findings} == {
        (Code.NO_POLICY, "service:2"),
        (Code.OWNERLESS, "service:3"),
        (Code.STALE_OWNERSHIP, "service:4"),
    }
    assert "Nils Aaker" in said(one(findings, Code.STALE_OWNERSHIP))


def test_when_schedules_in_use_are_empty_or_have_gaps_then_accepted_ones_are_only_named() -> None:
    used = ("Critical payments",)
    gap = ("primary", 7_200, "2026-12-24T18:00:00+00:00", 1)
    findings = lint_house(
        [],
        [
            UsedSchedule(1, "Payments", used, 30, people=2, gaps=(gap,)),
            UsedSchedule(2, "Platform", used, 30, people=2, accepted=(gap,)),
            UsedSchedule(3, "Archive", used, 30),
            UsedSchedule(4, "Mirror", used, 30, circle=True),
        ],
    )
    assert [(finding.code, finding.about) for finding in findings] == [
        (Code.EMPTY_SCHEDULE, "schedule:3"),
        (Code.GAP, "schedule:1"),
        (Code.SCHEDULE_LOOP, "schedule:4"),
        (Code.GAP_ACCEPTED, "schedule:2"),
    ]
    assert "Nobody is on call as primary on Payments for 2 hours within 30 days" in said(one(findings, Code.GAP))
    assert "accepted" in said(one(findings, Code.GAP_ACCEPTED))


def test_every_finding_has_words_and_an_unknown_one_is_shown_as_it_is() -> None:
    from policies.lint.words import _WORDS

    assert set(_WORDS) == set(Code)
    assert words_of("of_a_later_release", {}).title == "of_a_later_release"

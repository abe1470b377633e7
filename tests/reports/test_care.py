"""Looking after policies: what the linter finds in a real house, and reviews from opening to closing."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.models import LedgerEntry
from escalation_site.kernel.errors import Conflict, DomainError, NotAllowed
from incidents.models import Service
from incidents.services.lifecycle import incident_acknowledge, incident_mitigate, incident_open, incident_resolve
from notifications.models import ContactMethod
from oncall.models import GapAcceptance, Membership, Schedule, Team
from oncall.services import schedule_publish
from policies.care import draft_findings
from policies.definition import policy_parse
from policies.lint import Code, Finding
from policies.models import EscalationPolicy, PolicyFinding, PolicyReview
from policies.services import policy_publish
from reports.care.findings import findings_check
from reports.care.gathering import everything_found
from reports.care.reviews import QUARTER, TIME_TO_REVIEW, review_close, review_open, reviews_check
from reports.tasks import care_check
from tests.world.cast import levels
from tests.world.harness import World

FINDINGS = "/policies/findings/"
REVIEWS = "/policies/reviews/"
DAY = timedelta(days=1)


def at_browser(world: World, username: str) -> Client:
    client = Client()
    client.force_login(world.cast.people[username])
    return client


def shown(response: Any) -> str:
    return str(response.content.decode())


def found(world: World, code: Code) -> list[Finding]:
    return [finding for finding in everything_found(at=world.now) if finding.code is code]


def open_codes() -> set[str]:
    return set(PolicyFinding.objects.filter(gone_at=None).values_list("code", flat=True))


def answered(world: World, *, minutes: float, severity: int = 2) -> Any:
    """An incident that Marta acknowledges after so many minutes and resolves an hour later; no engine runs meanwhile."""
    incident = incident_open(
        title="Card payments failing",
        summary="",
        severity=severity,
        service=world.cast.gateway,
        reporter=world.cast.sofie,
        at=world.now,
    )
    done = world.now + timedelta(minutes=minutes)
    incident_acknowledge(incident_id=incident.pk, actor=world.cast.marta, at=done)
    incident_resolve(incident_id=incident.pk, actor=world.cast.marta, at=done + timedelta(hours=1))
    return incident


def nights_only(world: World) -> dict[str, Any]:
    """Marta from 18:00 to 08:00 in Rome: nobody by day."""
    return {
        "time_zone": "Europe/Rome",
        "layers": [
            {
                "name": "Nights",
                "role": "primary",
                "start": "2025-01-06T09:00",
                "rotation": "weekly",
                "participants": [world.cast.marta.pk],
                "restrictions": [{"start": "18:00", "end": "08:00"}],
            }
        ],
    }


def publish(world: World, definition: dict[str, Any], **more: Any) -> None:
    schedule_publish(
        schedule=world.cast.schedule,
        definition=definition,
        author=world.cast.hugo,
        at=world.now,
        accept_gaps=True,
        **more,
    )


# --- the linter in a real house


@pytest.mark.requirement("R186")
def test_when_the_cast_is_looked_at_then_each_weak_place_is_found_once(world: World) -> None:
    codes = [finding.code for finding in everything_found(at=world.now)]
    assert codes.count(Code.SINGLE_PERSON) == 3
    assert codes.count(Code.DEAD_END) == 1
    assert codes.count(Code.RACI_VACANT) == 1
    assert not {Code.GAP, Code.EMPTY_LEVEL, Code.UNREACHABLE_PERSON, Code.NO_POLICY, Code.OWNERLESS} & set(codes)


@pytest.mark.requirement("R186")
def test_when_a_service_loses_its_policy_and_its_people_then_it_is_found(world: World) -> None:
    Service.objects.create(name="Fax", slug="fax", team=world.cast.platform)
    (finding,) = found(world, Code.NO_POLICY)
    assert finding.data["service"] == "Fax"
    for name in ("tomas", "nils"):
        user = world.cast.people[name]
        user.is_active = False
        user.save()
    (ownerless,) = found(world, Code.OWNERLESS)
    assert ownerless.data["team"] == "Platform"


def test_when_somebody_has_no_contact_method_then_they_and_their_levels_are_found(world: World) -> None:
    ContactMethod.objects.filter(user=world.cast.marta).update(enabled=False)
    (finding,) = found(world, Code.UNREACHABLE_PERSON)
    assert (finding.about, finding.data["name"]) == (f"user:{world.cast.marta.pk}", "Marta Ferri")
    assert [one.data["number"] for one in found(world, Code.EMPTY_LEVEL)] == [1]


def test_when_a_schedule_has_gaps_then_they_are_found_until_somebody_accepts_them(world: World) -> None:
    publish(world, nights_only(world))
    GapAcceptance.objects.all().delete()
    (gap,) = found(world, Code.GAP)
    assert (gap.about, gap.place) == (f"schedule:{world.cast.schedule.pk}", "primary")
    assert gap.data["count"] >= 29
    assert gap.data["policies"] == ["Critical payments"]
    GapAcceptance.objects.create(
        schedule=world.cast.schedule,
        role="primary",
        start=world.now,
        end=world.now + 40 * DAY,
        accepted_by=world.cast.elena,
        accepted_at=world.now,
    )
    assert found(world, Code.GAP) == []
    (accepted,) = found(world, Code.GAP_ACCEPTED)
    assert accepted.data["count"] == gap.data["count"]


def test_when_a_schedule_says_nothing_then_it_is_empty_only_where_a_path_uses_it(world: World) -> None:
    empty = Schedule.objects.create(name="Archive", slug="archive", team=world.cast.platform)
    assert found(world, Code.EMPTY_SCHEDULE) == []
    definition = levels()
    definition["levels"][0]["targets"].append({"kind": "schedule", "ref": "archive"})
    policy_publish(policy=world.cast.policy, definition=definition, author=None, at=world.now)
    assert [one.about for one in found(world, Code.EMPTY_SCHEDULE)] == [f"schedule:{empty.pk}"]


@pytest.mark.requirement("R187")
def test_when_twenty_incidents_took_longer_than_the_timer_then_it_is_found(world: World) -> None:
    for _number in range(19):
        answered(world, minutes=12)
    assert found(world, Code.ACK_TIMER_SHORT) == []
    answered(world, minutes=12)
    (finding,) = found(world, Code.ACK_TIMER_SHORT)
    assert (finding.data["seconds"], finding.data["median"], finding.data["incidents"]) == (300, 720, 20)


def test_while_editing_a_draft_is_looked_at_with_the_people_of_its_services(world: World) -> None:
    draft = levels()
    draft["levels"][2]["targets"] = [{"kind": "policy", "ref": "critical-payments"}]
    findings = draft_findings(policy=world.cast.policy, definition=policy_parse(draft), at=world.now)
    assert [one.place for one in findings if one.code is Code.LOOP] == []
    draft["levels"][0]["targets"] = [{"kind": "policy", "ref": "critical-payments"}, {"kind": "team", "ref": "nobody"}]
    findings = draft_findings(policy=world.cast.policy, definition=policy_parse(draft), at=world.now)
    assert {one.place for one in findings if one.code is Code.LOOP} == {"levels.0.targets.0", "levels.2.targets.0"}
    assert [one.place for one in findings if one.code is Code.UNKNOWN_TARGET] == ["levels.0.targets.1"]
    unsaved = EscalationPolicy(name="New", slug="new", team=world.cast.payments)
    codes = {one.code for one in draft_findings(policy=unsaved, definition=policy_parse(levels()), at=world.now)}
    assert Code.SINGLE_PERSON in codes
    assert Code.EMPTY_LEVEL not in codes


# --- the findings as rows


def test_when_the_task_runs_twice_then_a_finding_is_one_row_and_mended_it_is_gone(world: World) -> None:
    service = Service.objects.create(name="Fax", slug="fax", team=world.cast.platform)
    findings_check(at=world.now)
    before = PolicyFinding.objects.count()
    world.jump(hours=1)
    findings_check(at=world.now)
    assert PolicyFinding.objects.count() == before
    row = PolicyFinding.objects.get(code="no_policy")
    assert row.last_seen_at - row.first_seen_at == timedelta(hours=1)
    service.policy = world.cast.policy
    service.save()
    findings_check(at=world.now)
    row.refresh_from_db()
    assert row.gone_at == world.now
    assert "no_policy" not in open_codes()


def test_the_page_says_what_each_finding_costs_and_leads_to_where_it_is_mended(world: World) -> None:
    ContactMethod.objects.filter(user=world.cast.nils).delete()
    publish(world, nights_only(world))
    GapAcceptance.objects.all().delete()
    findings_check(at=world.now)
    elena = at_browser(world, "elena")
    page = shown(elena.get(FINDINGS))
    assert "Somebody would wait in vain" in page
    assert "After 15 minutes nobody is left" in page
    assert "/oncall/payments/?from=" in page
    assert "Look again" in page
    assert "Look again" not in shown(at_browser(world, "marta").get(FINDINGS))
    assert at_browser(world, "sofie").get(FINDINGS).status_code == 403
    EscalationPolicy.objects.create(name="Other", slug="other")
    other = shown(elena.get(FINDINGS, {"policy": "other"}))
    assert "Nothing found" in other


@pytest.mark.requirement("R186")
def test_a_path_that_ends_in_an_empty_schedule_and_a_service_without_owners_stand_there_with_where_to_mend_them(
    world: World,
) -> None:
    Schedule.objects.create(name="Archive", slug="archive", team=world.cast.platform)
    definition = levels()
    definition["levels"][2]["targets"] = [{"kind": "schedule", "ref": "archive"}]
    policy_publish(policy=world.cast.policy, definition=definition, author=None, at=world.now)
    empty = Team.objects.create(name="Empty", slug="empty", time_zone="UTC")
    fax = Service.objects.create(name="Fax", slug="fax", team=empty, policy=world.cast.policy)

    findings_check(at=world.now)

    page = shown(at_browser(world, "hugo").get(FINDINGS))
    rows = dict(PolicyFinding.objects.filter(gone_at=None).values_list("code", "about"))
    assert rows["ownerless"] == f"service:{fax.pk}"
    for code, where in (("empty_schedule", "/oncall/archive/"), ("ownerless", f"/incidents/service/{fax.pk}/change/")):
        assert code in rows
        assert where in page


def test_when_findings_grow_then_the_queries_of_the_page_do_not(world: World) -> None:
    elena = at_browser(world, "elena")
    counts = []
    for number in (1, 8):
        for one in range(number):
            Service.objects.create(name=f"Fax {number}-{one}", slug=f"fax-{number}-{one}", team=world.cast.platform)
        findings_check(at=world.now)
        elena.get(FINDINGS)  # The process keeps who is on call.
        with CaptureQueriesContext(connection) as queries:
            assert elena.get(FINDINGS).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 16


def test_when_a_manager_asks_to_look_again_then_the_rows_are_new_and_others_are_refused(world: World) -> None:
    assert at_browser(world, "marta").post(FINDINGS + "look/").status_code == 403
    assert at_browser(world, "elena").get(FINDINGS + "look/").status_code == 405
    assert at_browser(world, "elena").post(FINDINGS + "look/").status_code == 302
    assert "dead_end" in open_codes()


# --- reviews


def one_review() -> PolicyReview:
    return PolicyReview.objects.get()


@pytest.mark.requirement("R184", "R338")
def test_when_a_quarter_is_nearly_over_then_a_review_opens_with_time_to_end_within_it(world: World) -> None:
    reviews_check(at=world.now)
    assert not PolicyReview.objects.exists()
    world.jump_to(world.now + QUARTER - TIME_TO_REVIEW)
    care_check()
    care_check()
    review = one_review()
    assert (review.cause, review.opened_at, review.due_at) == ("quarter", world.now, world.now + TIME_TO_REVIEW)
    world.settle()
    assert world.notices() == [("elena", "Please review the escalation policy Critical payments")]
    closed(world, review)
    world.jump_to(world.now + QUARTER - TIME_TO_REVIEW - DAY)
    assert reviews_check(at=world.now)["quarterly"] == 0
    world.jump(days=1)
    assert reviews_check(at=world.now)["quarterly"] == 1


def closed(world: World, review: PolicyReview) -> PolicyReview:
    return review_close(
        review_id=review.pk, outcome="kept", note="All levels answered.", actor=world.cast.elena, at=world.now
    )


@pytest.mark.requirement("R338")
def test_when_a_major_incident_is_resolved_then_one_review_opens_for_it_and_never_again(world: World) -> None:
    answered(world, minutes=3)
    incident = answered(world, minutes=3, severity=1)
    world.jump(hours=2)
    reviews_check(at=world.now)
    reviews_check(at=world.now)
    review = one_review()
    assert (review.cause, review.subject) == ("major_incident", f"incident:{incident.pk}")
    assert review.evidence["incidents"] == 2
    assert review.evidence["severities"] == {"1": 1, "2": 1}
    assert review.evidence["acknowledge"] == {"median": 180.0, "p90": 180.0, "number": 2}
    closed(world, review)
    assert reviews_check(at=world.now)["major"] == 0
    assert f"INC-{incident.pk}" in shown(at_browser(world, "elena").get(f"{REVIEWS}{review.pk}/"))


def test_the_evidence_tells_by_level_who_was_called_answered_and_skipped(world: World) -> None:
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    world.advance(minutes=5)
    world.expect_page("jonas", level=2)
    world.jump(minutes=2)
    incident_acknowledge(incident_id=world.incident.pk, actor=world.cast.jonas, at=world.now)
    review = review_open(
        policy=world.cast.policy, cause=PolicyReview.Cause.BY_HAND, actor=world.cast.elena, at=world.now + DAY
    )
    first, second, third = review.evidence["levels"]
    assert (first["called"], first["acknowledge"]["number"]) == (1, 0)
    assert (second["called"], second["acknowledge"]["median"]) == (1, 420.0)
    assert (third["called"], third["skipped"]) == (0, 0)
    assert review.evidence["version"]["author"] == "Elena Conti"
    page = shown(at_browser(world, "amara").get(f"{REVIEWS}{review.pk}/"))
    assert "2. Backup and senior" in page
    assert "7 min" in page


@pytest.mark.requirement("R338")
def test_the_evidence_tells_how_drills_went_and_who_came_to_the_teams_and_left_them(world: World) -> None:
    world.jump(minutes=1)
    asked: dict[str, Any] = {
        "policy": world.cast.policy,
        "cause": PolicyReview.Cause.BY_HAND,
        "actor": world.cast.elena,
    }
    closed(world, review_open(**asked, at=world.now))  # Whoever was there by then is no news.
    for number, answered_after in enumerate((2, 4, None)):
        drill = incident_open(
            title=f"Drill {number}",
            summary="",
            severity=1,
            service=world.cast.gateway,
            reporter=None,
            at=world.now,
            is_test=True,
        )
        if answered_after:
            done = world.now + timedelta(minutes=answered_after)
            incident_acknowledge(incident_id=drill.pk, actor=world.cast.marta, at=done)
    world.jump(hours=1)
    Membership.objects.create(team=world.cast.payments, user=world.cast.nils)
    Membership.objects.get(team=world.cast.payments, user=world.cast.jonas).delete()
    Membership.objects.create(team=world.cast.platform, user=world.cast.marta)  # No team of this policy.

    review = review_open(**asked, at=world.now + DAY)

    assert review.evidence["incidents"] == 0
    assert review.evidence["drills"] == {"incidents": 3, "answered": 2, "median": 120.0, "exhausted": 0}
    team = review.evidence["team"]
    assert [(one["person"], one["team"], one["change"]) for one in team["newest"]] == [
        ("Jonas de Wit", "Payments", "left"),
        ("Nils Aaker", "Payments", "joined"),
    ]
    assert team["number"] == 2
    page = shown(at_browser(world, "elena").get(f"{REVIEWS}{review.pk}/"))
    assert "answered: 2" in page
    assert "Jonas de Wit left Payments" in page
    assert "Nils Aaker joined Payments" in page


def test_when_a_review_was_opened_before_drills_were_counted_then_its_page_still_opens(world: World) -> None:
    review = review_open(
        policy=world.cast.policy, cause=PolicyReview.Cause.BY_HAND, actor=world.cast.elena, at=world.now
    )
    del review.evidence["drills"], review.evidence["team"]
    review.save()

    page = at_browser(world, "elena").get(f"{REVIEWS}{review.pk}/")

    assert page.status_code == 200
    assert "Changes in the teams" not in shown(page)


@pytest.mark.requirement("R096")
def test_what_the_first_level_answers_triages_and_mitigates_counts_for_the_first_level(world: World) -> None:
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    world.advance(minutes=1)
    incident_acknowledge(incident_id=world.incident.pk, actor=world.cast.marta, at=world.now)
    assert world.incident.stage.key == "triage"
    world.jump(minutes=4)
    incident_mitigate(incident_id=world.incident.pk, actor=world.cast.marta, at=world.now)
    review = review_open(
        policy=world.cast.policy, cause=PolicyReview.Cause.BY_HAND, actor=world.cast.elena, at=world.now + DAY
    )

    first, second, _third = review.evidence["levels"]

    assert (first["acknowledge"]["number"], first["acknowledge"]["median"]) == (1, 60.0)
    assert (first["mitigate"]["number"], first["mitigate"]["median"]) == (1, 300.0)
    assert (second["acknowledge"]["number"], second["mitigate"]["number"]) == (0, 0)


@pytest.mark.requirement("R184")
def test_when_nobody_reviews_in_time_then_the_managers_are_told_once_and_it_shows(world: World) -> None:
    review = review_open(
        policy=world.cast.policy, cause=PolicyReview.Cause.BY_HAND, actor=world.cast.elena, at=world.now
    )
    world.jump_to(world.now + TIME_TO_REVIEW)
    assert reviews_check(at=world.now)["overdue"] == 0
    world.jump(minutes=1)
    assert reviews_check(at=world.now)["overdue"] == 1
    assert reviews_check(at=world.now)["overdue"] == 0
    world.settle()
    assert world.notices() == [("elena", "The review of Critical payments is overdue")]
    page = shown(at_browser(world, "elena").get(REVIEWS))
    assert "Overdue, was due" in page
    assert ledger(review) == ["policy_review.open", "policy_review.overdue"]


def ledger(review: PolicyReview) -> list[str]:
    rows = LedgerEntry.objects.filter(object_type="policy_review", object_id=str(review.pk))
    return list(rows.order_by("id").values_list("action", flat=True))


def test_when_a_review_is_closed_then_it_needs_an_outcome_and_a_reason(world: World) -> None:
    elena = at_browser(world, "elena")
    answer = elena.post(REVIEWS, {"policy": world.cast.policy.pk})
    review = one_review()
    assert answer.headers["Location"] == f"{REVIEWS}{review.pk}/"
    again = elena.post(REVIEWS, {"policy": world.cast.policy.pk})
    assert again.status_code == 422
    assert "A review of this policy is open already." in shown(again)
    page = f"{REVIEWS}{review.pk}/"
    empty = elena.post(page, {"outcome": "changed", "note": "  "})
    assert empty.status_code == 422
    assert 'aria-invalid="true"' in shown(empty)
    assert elena.post(page, {"outcome": "changed", "note": "Level 2 is two people now."}).status_code == 302
    review.refresh_from_db()
    assert (review.outcome, review.closed_by, review.closed_at) == ("changed", world.cast.elena, world.now)
    assert ledger(review) == ["policy_review.open", "policy_review.close"]
    assert "Level 2 is two people now." in shown(elena.get(page))


@pytest.mark.parametrize(
    ("outcome", "note", "field"), [("", "Fine.", "outcome"), ("kept", " ", "note"), ("burned", "Why not.", "outcome")]
)
def test_when_the_service_is_given_half_an_answer_then_it_names_the_field(
    world: World, outcome: str, note: str, field: str
) -> None:
    review = review_open(policy=world.cast.policy, cause=PolicyReview.Cause.BY_HAND, at=world.now)
    with pytest.raises(DomainError) as refused:
        review_close(review_id=review.pk, outcome=outcome, note=note, actor=world.cast.elena, at=world.now)
    assert refused.value.field == field


def test_when_somebody_who_does_not_manage_tries_then_nothing_opens_or_closes(world: World) -> None:
    review = review_open(policy=world.cast.policy, cause=PolicyReview.Cause.BY_HAND, at=world.now)
    for username in ("marta", "amara"):
        browser = at_browser(world, username)
        assert browser.get(REVIEWS).status_code == 200
        assert browser.post(REVIEWS, {"policy": world.cast.policy.pk}).status_code == 403
        assert browser.post(f"{REVIEWS}{review.pk}/", {"outcome": "kept", "note": "x"}).status_code == 403
        with pytest.raises(NotAllowed):
            closed_by(world, review, username)
    assert at_browser(world, "sofie").get(REVIEWS).status_code == 403
    closed(world, review)
    with pytest.raises(Conflict):
        closed(world, review)


def closed_by(world: World, review: PolicyReview, username: str) -> None:
    review_close(review_id=review.pk, outcome="kept", note="x", actor=world.cast.people[username], at=world.now)


def test_when_reviews_grow_then_the_queries_of_the_list_do_not(world: World) -> None:
    elena = at_browser(world, "elena")
    counts = []
    for number in range(1, 9):
        review = review_open(policy=world.cast.policy, cause=PolicyReview.Cause.BY_HAND, at=instant(world, number))
        closed(world, review)
        if number in (1, 8):
            elena.get(REVIEWS)  # The process keeps who is on call.
            with CaptureQueriesContext(connection) as queries:
                assert elena.get(REVIEWS).status_code == 200
            counts.append(len(queries))
    assert counts[0] == counts[1] <= 16


def instant(world: World, number: int) -> datetime:
    return world.now + timedelta(minutes=number)


def test_a_finding_leads_to_the_editor_only_where_the_reader_may_write_the_policy(world: World) -> None:
    findings_check(at=world.now)
    edit = reverse("policies:policy_edit", args=("critical-payments",))
    assert edit in shown(at_browser(world, "elena").get(FINDINGS))
    assert edit not in shown(at_browser(world, "marta").get(FINDINGS))
    world.cast.policy.team = world.cast.platform
    world.cast.policy.save()
    page = shown(at_browser(world, "elena").get(FINDINGS))
    assert edit not in page
    assert reverse("policies:policy", args=("critical-payments",)) in page

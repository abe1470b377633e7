"""Judging an incident by the criteria: on filing by form, in triage, and what follows for whoever is called."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from audit.models import LedgerEntry
from escalation_site.kernel.errors import Conflict, NotAllowed
from incidents.models import Checkpoint, EscalationRun, Incident
from incidents.services.assess import incident_assess
from incidents.services.facts import incident_facts
from incidents.services.lifecycle import incident_resolve
from incidents.services.severity import incident_severity
from policies.books import CRITERIA, ROUTING, Reading, book_publish, book_read
from policies.criteria import READY, CriteriaDef
from tests.incidents.views.cast import HTMX
from tests.incidents.views.conftest import browser_of as browser_of
from tests.incidents.views.conftest import file_incident as file_incident
from tests.incidents.views.conftest import night as night
from tests.world.harness import World

Browser = Callable[[str], Client]
File = Callable[..., Incident]
NEW = "/incidents/new/"
PREVIEW = "/incidents/new/preview/"
FILLED = {"title": "Cards fail", "summary": "All of them", "service": "payments-gateway"}
READING: Reading[CriteriaDef] = Reading(0, None, READY)
YES_NO = (
    "outage",
    "payment-failure",
    "authentication-failure",
    "data-corruption",
    "security",
    "vip",
    "stuck",
    "growing",
)


def text_of(response: Any) -> str:
    return str(response.content.decode())


def answered(**answers: str) -> dict[str, str]:
    return {f"answer-{key.replace('_', '-')}": value for key, value in answers.items()}


def assess(night: World, incident: Incident, username: str = "marta", **values: Any) -> Incident:
    given: dict[str, Any] = {"reading": READING, "actor": night.cast.people[username], "at": night.now, **values}
    return incident_assess(incident_id=incident.pk, **given)


def kinds_of(incident: Incident) -> list[str]:
    return list(incident.timeline.order_by("id").values_list("kind", flat=True))


# --- filing


@pytest.mark.requirement("R080")
def test_when_the_questions_are_answered_then_the_incident_has_the_proposed_severity_and_its_answers(
    night: World, browser_of: Browser
) -> None:
    sent = FILLED | answered(outage="yes", stuck="yes", affected_customers="40", security="unknown")
    assert browser_of("sofie").post(NEW, sent).status_code == 303
    incident = night.incident
    assert (incident.severity, incident.impact, incident.urgency) == (1, 3, 2)
    assert incident.facts["outage"] is True
    assert incident.facts["custom.no_workaround"] is True
    record = incident.facts["criteria"]
    assert (record["version"], record["proposed"], record["chosen"]) == (0, 1, None)
    assert record["answers"] == {"outage": True, "security": None, "affected-customers": 40, "stuck": True}
    night.settle()
    night.expect_page("marta", level=1)


SAMPLES: list[tuple[dict[str, str], int]] = [
    (answered(outage="yes", affected_customers="1500"), 1),
    (answered(outage="yes", stuck="yes"), 1),
    (answered(payment_failure="yes", stuck="yes"), 1),
    (answered(data_corruption="yes", growing="yes"), 1),
    (answered(authentication_failure="yes"), 2),
    (answered(security="yes", growing="no"), 2),
    (answered(impact_class="customer outage"), 2),
    (answered(impact_class="partner API") | {"rest": "on"}, 3),
    (answered(affected_customers="3") | {"rest": "on"}, 4),
    ({"rest": "on"}, 5),
]


@pytest.mark.requirement("R081")
def test_when_two_people_answer_the_same_ten_samples_then_the_severities_are_identical(
    night: World, browser_of: Browser
) -> None:
    novice, veteran = browser_of("sofie"), browser_of("tomas")
    for sample, _severity in SAMPLES:
        for person in (novice, veteran):
            assert person.post(NEW, FILLED | sample).status_code == 303
    filed = Incident.objects.order_by("pk")
    by_novice = [one.severity for one in filed if one.reporter == night.cast.sofie]
    by_veteran = [one.severity for one in filed if one.reporter == night.cast.tomas]
    assert by_novice == by_veteran == [severity for _answers, severity in SAMPLES]


@pytest.mark.requirement("R082")
def test_when_no_criterion_is_met_then_no_escalation_starts_and_the_reason_is_shown(
    night: World, browser_of: Browser
) -> None:
    sofie = browser_of("sofie")
    preview = text_of(sofie.get(PREVIEW, {"service": "payments-gateway", "rest": "on"}, headers=HTMX))
    assert "It meets no criterion for an escalation." in preview
    sofie.post(NEW, FILLED | {"rest": "on"})
    night.settle()
    incident = night.incident
    assert not EscalationRun.objects.filter(incident=incident).exists()
    assert "It meets no criterion for an escalation." in text_of(browser_of("marta").get(incident.get_absolute_url()))
    night.expect_silence()


@pytest.mark.requirement("R331")
def test_when_the_answers_leave_it_open_then_whoever_is_on_call_is_asked_with_a_limit_and_a_fallback(
    night: World, browser_of: Browser
) -> None:
    assert browser_of("sofie").post(NEW, FILLED | answered(outage="unknown", vip="no")).status_code == 303
    night.settle()
    incident = night.incident
    checkpoint = Checkpoint.objects.get(incident=incident)
    assert (checkpoint.action, checkpoint.fallback) == ("escalation.start", "proceed")
    assert (checkpoint.due_at - checkpoint.created_at).total_seconds() == 600
    assert [ask.user for ask in checkpoint.asks.all()] == [night.cast.marta]
    assert checkpoint.reason.startswith("It is open as long as these are not answered: Is a service down?")
    night.expect_notice("marta")
    night.expect_silence()
    assert not EscalationRun.objects.filter(incident=incident).exists()
    night.advance(minutes=11)
    incident.refresh_from_db()
    assert incident.severity == READY.unclear.severity
    night.expect_page("marta", level=1)


def test_when_somebody_chooses_a_severity_then_nobody_is_asked_although_it_is_open(
    night: World, browser_of: Browser
) -> None:
    browser_of("sofie").post(NEW, FILLED | answered(outage="unknown") | {"severity": "3"})
    night.settle()
    assert night.incident.severity == 3
    assert not Checkpoint.objects.exists()
    night.expect_page("marta", level=1)


def test_when_a_rule_says_that_people_are_paged_then_it_goes_before_the_criteria(
    night: World, browser_of: Browser
) -> None:
    rule = {"key": "all", "name": "All", "when": {"all": []}, "then": {"escalate": True}}
    book_publish(shape=ROUTING, definition={"rules": [rule]}, author=night.cast.elena, at=night.now)
    sofie = browser_of("sofie")
    preview = text_of(sofie.get(PREVIEW, {"service": "payments-gateway", "rest": "on"}, headers=HTMX))
    assert "Nobody is paged; choose a severity" not in preview
    assert "Pages Marta Ferri on Payments" in preview
    sofie.post(NEW, FILLED | {"rest": "on"})
    night.settle()
    night.expect_page("marta", level=1)


def test_when_a_milder_severity_is_chosen_than_proposed_then_it_needs_a_reason(
    night: World, browser_of: Browser
) -> None:
    sofie = browser_of("sofie")
    sent = FILLED | answered(outage="yes") | {"severity": "4"}
    refused = sofie.post(NEW, sent)
    assert refused.status_code == 422
    assert list(refused.context["form"].errors) == ["why"]
    assert 'name="why"' in text_of(refused)
    assert sofie.post(NEW, sent | {"why": "Only the test page is down."}).status_code == 303
    record = night.incident.facts["criteria"]
    assert (record["proposed"], record["chosen"], record["why"]) == (2, 4, "Only the test page is down.")
    assert night.incident.severity == 4


def test_when_a_worse_severity_is_chosen_then_nothing_holds_it_up(night: World, browser_of: Browser) -> None:
    assert browser_of("sofie").post(NEW, FILLED | answered(outage="yes") | {"severity": "1"}).status_code == 303
    assert night.incident.severity == 1


def test_when_nothing_is_answered_and_nothing_chosen_then_the_form_says_what_to_do(browser_of: Browser) -> None:
    response = browser_of("sofie").post(NEW, FILLED)
    assert response.status_code == 422
    assert list(response.context["form"].errors) == ["severity"]
    assert "Choose a severity, or answer the questions." in text_of(response)


@pytest.mark.parametrize("wrong", [answered(outage="perhaps"), answered(affected_customers="many")])
def test_when_an_answer_makes_no_sense_then_its_question_says_so(browser_of: Browser, wrong: dict[str, str]) -> None:
    response = browser_of("sofie").post(NEW, FILLED | wrong)
    assert response.status_code == 422
    assert list(response.context["form"].errors) == list(wrong)


def test_when_the_button_without_scripts_is_pressed_then_the_proposal_shows_and_nothing_is_filed(
    browser_of: Browser,
) -> None:
    sent = {"service": "payments-gateway", "do": "propose", **answered(payment_failure="yes")}
    response = browser_of("sofie").post(NEW, sent)
    page = text_of(response)
    assert response.status_code == 200
    assert "SEV-2 is proposed. Payments fail." in page
    assert "It could be worse, depending on:" in page
    assert "required" not in page.split("sev-cards")[1].split("</div>")[0]
    assert not Incident.objects.exists()


def test_when_an_answer_changes_then_the_proposal_comes_beside_the_preview(browser_of: Browser) -> None:
    given = {"service": "payments-gateway", **answered(outage="yes", stuck="yes", vip="yes")}
    page = text_of(browser_of("sofie").get(PREVIEW, given, headers=HTMX))
    assert 'id="proposal"' in page
    assert 'hx-swap-oob="true"' in page
    assert "SEV-1 is proposed. A critical service is down, and there is no way around." in page
    assert "VIP customer" in page


def test_when_the_criteria_are_the_houses_own_then_the_form_asks_its_questions(
    night: World, browser_of: Browser
) -> None:
    document = {
        "questions": [{"key": "dark", "fact": "custom.dark", "text": "Is the shop dark?"}],
        "severity": [{"severity": "SEV-2", "when": {"fact": "custom.dark"}, "reason": "The shop is dark."}],
    }
    book_publish(shape=CRITERIA, definition=document, author=night.cast.elena, at=night.now)
    sofie = browser_of("sofie")
    assert "Is the shop dark?" in text_of(sofie.get(NEW))
    sofie.post(NEW, FILLED | answered(dark="yes"))
    assert (night.incident.severity, night.incident.facts["criteria"]["version"]) == (2, 1)


def test_when_the_house_asks_only_for_its_rules_then_a_severity_has_to_be_chosen(
    night: World, browser_of: Browser
) -> None:
    document = {"questions": [{"key": "dark", "fact": "custom.dark", "text": "Is the shop dark?"}]}
    book_publish(shape=CRITERIA, definition=document, author=night.cast.elena, at=night.now)
    sofie = browser_of("sofie")
    refused = sofie.post(NEW, FILLED | answered(dark="no"))
    assert list(refused.context["form"].errors) == ["severity"]
    assert sofie.post(NEW, FILLED | answered(dark="no") | {"severity": "3"}).status_code == 303
    assert night.incident.facts["custom.dark"] is False
    assert assess(night, night.incident, reading=book_read(CRITERIA), answers={"dark": True}).severity == 3
    assert assess(night, night.incident, reading=book_read(CRITERIA), answers={"dark": True}, chosen=2).severity == 2


# --- triage


@pytest.mark.requirement("R080")
def test_when_an_incident_is_triaged_then_its_severity_follows_from_the_answers(
    night: World, file_incident: File
) -> None:
    incident = file_incident(severity=3)
    found = assess(night, incident, answers={"outage": True, "stuck": True}, seen=3)
    assert (found.severity, found.urgency, found.facts["outage"]) == (1, 2, True)
    kinds = kinds_of(incident)
    assert kinds.index("incident.assess") < kinds.index("incident.severity") < kinds.index("incident.facts")
    entry = LedgerEntry.objects.get(action="incident.assess")
    assert (entry.data or {})["answers"] == {"outage": True, "stuck": True}
    assert incident.timeline.get(kind="incident.severity").text == (
        "A critical service is down, and there is no way around."
    )


def test_when_the_answers_leave_it_open_then_the_severity_stays_and_the_answers_are_kept(
    night: World, file_incident: File
) -> None:
    incident = file_incident(severity=3)
    found = assess(night, incident, answers={"outage": None})
    assert found.severity == 3
    assert found.facts["criteria"]["answers"] == {"outage": None}
    assert "incident.assess_open" in kinds_of(incident)


@pytest.mark.requirement("R331")
@pytest.mark.parametrize(
    ("values", "outcome", "severity"),
    [
        ({"answers": {"outage": True}}, "confirmed", 2),
        ({"answers": {"outage": None}, "chosen": 1}, "confirmed", 1),
        ({"answers": {}, "chosen": 3}, "confirmed", 3),
        ({"answers": {}, "rest_no": True}, "declined", 5),
        ({"answers": {"outage": None}}, "", 2),
    ],
)
def test_when_an_escalation_waits_for_somebody_to_judge_it_then_assessing_it_is_the_word(
    night: World, browser_of: Browser, values: dict[str, Any], outcome: str, severity: int
) -> None:
    browser_of("sofie").post(NEW, FILLED | answered(outage="unknown"))
    night.settle()
    night.expect_notice("marta")
    incident = assess(night, night.incident, **values)
    night.settle()
    assert (Checkpoint.objects.get().outcome, incident.severity) == (outcome, severity)
    assert EscalationRun.objects.filter(incident=incident).exists() is (outcome == "confirmed")
    if outcome == "confirmed":
        night.expect_page("marta", level=1)
    night.expect_silence()


def test_when_an_answer_is_taken_back_then_the_fact_is_not_known_any_more(night: World, file_incident: File) -> None:
    incident = file_incident(severity=2)
    assess(night, incident, answers={"outage": True, "vip": True})
    found = assess(night, incident, answers={"outage": True, "vip": None})
    assert "vip" not in found.facts
    assert found.facts["outage"] is True


@pytest.mark.parametrize("username", ["sofie", "amara"])
def test_when_somebody_may_not_respond_then_they_assess_nothing(
    night: World, file_incident: File, browser_of: Browser, username: str
) -> None:
    incident = file_incident()
    with pytest.raises(NotAllowed):
        assess(night, incident, username, answers={"outage": True})
    client = browser_of(username)
    assert client.get(f"/incidents/{incident.pk}/assess/").status_code == 403
    assert client.post(f"/incidents/{incident.pk}/assess/", answered(outage="yes")).status_code == 403


def test_when_somebody_changed_the_severity_meanwhile_then_nothing_of_it_is_kept(
    night: World, file_incident: File
) -> None:
    incident = file_incident(severity=3)
    incident_severity(incident_id=incident.pk, severity=1, actor=night.cast.jonas, at=night.now)
    with pytest.raises(Conflict, match="Somebody made it SEV-1 meanwhile"):
        assess(night, incident, answers={"outage": True}, seen=3)
    incident.refresh_from_db()
    assert (incident.severity, incident.facts) == (1, {})
    assert "incident.assess" not in kinds_of(incident)


def test_when_it_is_resolved_then_it_is_not_assessed(night: World, file_incident: File) -> None:
    incident = file_incident()
    incident_resolve(incident_id=incident.pk, actor=night.cast.marta, at=night.now)
    with pytest.raises(Conflict, match="resolved"):
        assess(night, incident, answers={"outage": True})


def test_when_the_page_is_opened_then_what_is_known_answers_its_questions_already(
    night: World, file_incident: File, browser_of: Browser
) -> None:
    incident = file_incident(severity=3)
    incident_facts(incident_id=incident.pk, values={"outage": True}, actor=None, at=night.now)
    page = text_of(browser_of("marta").get(f"/incidents/{incident.pk}/assess/"))
    assert '<input type="radio" name="answer-outage" value="yes" checked>' in page
    assert "SEV-2 is proposed. A service is down." in page
    assert "It is SEV-3 now; choose no other, and it gets worse." in page


def test_when_the_alert_says_so_then_its_labels_answer_the_questions(night: World, browser_of: Browser) -> None:
    night.alert(payment_failure="true", vip="yes")
    night.settle()
    page = text_of(browser_of("marta").get(f"/incidents/{night.incident.pk}/assess/"))
    assert '<input type="radio" name="answer-payment-failure" value="yes" checked>' in page
    assert '<input type="radio" name="answer-vip" value="yes" checked>' in page


def test_when_the_form_is_applied_then_the_incident_shows_the_new_severity(
    night: World, file_incident: File, browser_of: Browser
) -> None:
    incident = file_incident(severity=3)
    marta = browser_of("marta")
    address = f"/incidents/{incident.pk}/assess/"
    shown = text_of(marta.post(address, answered(outage="yes") | {"do": "propose", "seen": "3"}, headers=HTMX))
    assert "SEV-2 is proposed" in shown
    assert "<html" not in shown
    incident.refresh_from_db()
    assert incident.severity == 3
    response = marta.post(address, answered(outage="yes") | {"do": "apply", "seen": "3"})
    assert (response.status_code, response.headers["Location"]) == (303, incident.get_absolute_url())
    incident.refresh_from_db()
    assert incident.severity == 2
    page = text_of(marta.get(incident.get_absolute_url()))
    assert "assessed it" in page
    assert "SEV-2</b> follows from the answers" in page


def test_when_a_milder_severity_is_chosen_in_triage_then_the_page_asks_why(
    night: World, file_incident: File, browser_of: Browser
) -> None:
    incident = file_incident(severity=2)
    sent = answered(outage="yes") | {"severity": "4", "seen": "2"}
    response = browser_of("marta").post(f"/incidents/{incident.pk}/assess/", sent)
    assert response.status_code == 422
    assert list(response.context["form"].errors) == ["why"]


def test_when_the_page_is_drawn_then_the_queries_stay_few(
    file_incident: File, browser_of: Browser, django_assert_max_num_queries: Any
) -> None:
    incident = file_incident()
    marta = browser_of("marta")
    with django_assert_max_num_queries(12):
        marta.get(f"/incidents/{incident.pk}/assess/")

"""Whoever waits for the end of an incident: what they see, hear, and may still say. And complaints, which are kept and answered."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client

from audit.models import LedgerEntry
from incidents.models import Complaint, Incident, Survey
from incidents.services.attachments import attachment_add
from incidents.services.lifecycle import incident_comment, incident_resolve
from tests.incidents.views.cast import HTMX
from tests.world.harness import World

Browser = Callable[[str], Client]
File = Callable[..., Incident]


def text_of(response: Any) -> str:
    return str(response.content.decode())


@pytest.mark.requirement("R306")
def test_when_an_incident_changes_then_its_requester_sees_it_live_and_without_internal_notes(
    night: World, browser_of: Browser, file_incident: File, django_assert_max_num_queries: Any
) -> None:
    incident = file_incident()
    night.expect_page("marta")
    by: dict[str, Any] = {"incident_id": incident.pk, "at": night.now}
    browser_of("elena").post(f"/incidents/{incident.pk}/follow/")
    incident_comment(text="The bank blames us, keep it quiet.", actor=night.cast.marta, **by)
    incident_comment(text="We are on it, next word at four.", actor=night.cast.marta, public=True, **by)
    upload = ContentFile(b"secret", name="bank-contract.txt")
    attachment_add(upload=upload, actor=night.cast.marta, **by)
    night.settle()
    assert [who for who, _subject in night.notices()] == ["elena", "sofie"]
    pages = [
        ("sofie", f"/incidents/{incident.pk}/"),
        ("sofie", f"/incidents/{incident.pk}/request/"),
        ("sofie", f"/incidents/{incident.pk}/request/live/"),
        ("marta", f"/incidents/{incident.pk}/request/"),
        ("marta", f"/incidents/{incident.pk}/request/live/"),
    ]
    for username, address in pages:
        page = text_of(browser_of(username).get(address))
        assert "next word at four" in page, address
        assert "keep it quiet" not in page, address
        assert "bank-contract" not in page, address
    page = text_of(browser_of("sofie").get(f"/incidents/{incident.pk}/request/"))
    assert f'data-live="incident:{incident.pk}"' in page
    incident_resolve(resolution="Changed the certificate.", actor=night.cast.marta, **by)
    night.settle()
    assert [who for who, _subject in night.notices()] == ["elena", "sofie"]
    said = next(
        message
        for message in night.email.got
        if message.address.startswith("sofie") and "figure from 0" in message.body
    )
    assert "Changed the certificate." in said.body
    assert "Marta Ferri resolved it" in text_of(browser_of("sofie").get(f"/incidents/{incident.pk}/request/live/"))
    sofie = browser_of("sofie")
    sofie.get("/incidents/requests/")
    with django_assert_max_num_queries(15):
        listed = text_of(sofie.get("/incidents/requests/"))
    assert "How did it go?" in listed
    with django_assert_max_num_queries(15):
        sofie.get(f"/incidents/{incident.pk}/request/panel/", headers=HTMX)
    # Nobody who may not see it sees anything of it.
    Incident.objects.filter(pk=incident.pk).update(restricted=True)
    for address in ("request/", "request/live/", "request/panel/", "files/", "beside/", "complaints/"):
        assert browser_of("nils").get(f"/incidents/{incident.pk}/{address}").status_code == 404
    assert browser_of("nils").post(f"/incidents/{incident.pk}/follow/").status_code == 404


def test_when_it_is_resolved_then_its_requester_says_how_it_went_and_may_open_it_again_for_two_weeks(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    incident = file_incident()
    night.expect_page("marta")
    sofie, rate = browser_of("sofie"), f"/incidents/{incident.pk}/request/rate/"
    assert sofie.post(rate, {"score": "4"}).status_code == 409
    incident_resolve(incident_id=incident.pk, actor=night.cast.marta, at=night.now)
    night.settle()
    night.expect_notice("sofie")
    assert "How did it go?" in text_of(sofie.get(f"/incidents/{incident.pk}/request/panel/", headers=HTMX))
    assert sofie.post(rate, {"score": "6"}).status_code == 422
    assert sofie.post(rate, {"score": "0", "text": "Nobody called"}).status_code == 303
    assert sofie.post(rate, {"score": "4"}, headers=HTMX).status_code == 200
    assert [(one.score, one.user) for one in Survey.objects.all()] == [(4, night.cast.sofie)]
    actions = list(LedgerEntry.objects.filter(object_type="survey").order_by("id").values_list("action", flat=True))
    assert actions == ["survey.create", "survey.change"]
    assert browser_of("elena").post(rate, {"score": "1"}).status_code == 403
    assert "4 of 5" in text_of(browser_of("marta").get(f"/incidents/{incident.pk}/beside/"))
    # By the API too.
    answer = sofie.post(f"/api/v1/incidents/{incident.pk}/survey/", {"score": 5}, content_type="application/json")
    assert (answer.status_code, answer.json()["score"]) == (200, 5)
    # It is not over.
    back = f"/incidents/{incident.pk}/request/reopen/"
    assert sofie.post(back, {"reason": ""}).status_code == 422
    night.jump(days=15)
    assert browser_of("sofie").post(back, {"reason": "It fails again"}).status_code == 403
    night.jump(days=-2)
    assert browser_of("sofie").post(back, {"reason": "It fails again"}).status_code == 303
    incident.refresh_from_db()
    assert incident.state == "triggered"
    night.settle()
    night.expect_page("marta")


@pytest.mark.requirement("R303")
def test_when_a_customer_complains_then_it_is_kept_with_the_incident_and_its_answer_is_followed_up(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    incident = file_incident()
    night.expect_page("marta")
    sofie, elena = browser_of("sofie"), browser_of("elena")
    new, due = f"/incidents/{incident.pk}/complaints/new/", night.now + timedelta(days=1)
    sent = {"text": "Nine days!", "complainant": "Ea-nāṣir’s customer", "received_at": "2026-11-21T09:00"}
    assert sofie.post(new, sent | {"text": ""}).status_code == 422
    assert sofie.post(new, sent | {"received_at": "2027-01-01T09:00"}).status_code == 422
    given = {"due_at": due.strftime("%Y-%m-%dT%H:%M"), "owner": night.cast.elena.pk}
    assert sofie.post(new, sent | given).status_code == 303
    complaint = Complaint.objects.get()
    assert (complaint.incident, complaint.owner, complaint.created_by) == (incident, night.cast.elena, night.cast.sofie)
    night.settle()
    night.expect_notice("elena")
    assert incident.timeline.get(kind="complaint.log").text == "Nine days!"
    address = f"/incidents/complaints/{complaint.pk}/"
    assert "Nine days!" in text_of(elena.get(f"/incidents/{incident.pk}/beside/"))
    # Time passes; it is overdue wherever it shows.
    night.jump(days=3)
    elena = browser_of("elena")
    for page in (address, "/incidents/complaints/", f"/incidents/{incident.pk}/complaints/"):
        assert "Overdue" in text_of(elena.get(page))
    assert elena.get("/api/v1/complaints/").json()["results"][0]["overdue"] is True
    # Only whoever answers for it may answer, once, in words.
    assert browser_of("amara").post(f"{address}answer/", {"answer": "Sorry"}).status_code == 403
    assert elena.post(f"{address}answer/", {"answer": " "}).status_code == 422
    assert elena.post(f"{address}answer/", {"answer": "We paid him back."}).status_code == 303
    assert elena.post(f"{address}answer/", {"answer": "Again"}).status_code == 409
    complaint.refresh_from_db()
    assert (complaint.answer, complaint.answered_by) == ("We paid him back.", night.cast.elena)
    assert LedgerEntry.objects.get(action="complaint.answer").data == {"late": True}
    assert "Overdue" not in text_of(elena.get("/incidents/complaints/"))
    Incident.objects.filter(pk=incident.pk).update(restricted=True)
    assert browser_of("nils").get(address).status_code == 404
    night._expected = len(night.email.got)

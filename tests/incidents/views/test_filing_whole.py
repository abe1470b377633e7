"""Filing in five groups: what stops people, what becomes of every answer, and that nothing that was typed is lost."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from audit.models import LedgerEntry
from incidents.models import Category, Customer, CustomField, FilingDraft, Incident
from incidents.services.lifecycle import incident_open
from policies.books import SLA, book_publish
from tests.incidents.views.cast import HTMX
from tests.world.harness import World

Browser = Callable[[str], Client]
NEW = "/incidents/new/"
FILLED = {"title": "Cards fail", "summary": "All of them", "service": "payments-gateway", "severity": "1"}
SHOT = b"\x89PNG\r\n\x1a\n" + b"\x00" * 64


def text_of(response: Any) -> str:
    return str(response.content.decode())


@pytest.fixture(autouse=True)
def files_of_this_test(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def house(night: World) -> World:
    """A house with types, a customer with a contract, and two questions of its own, one of them for breaches only."""
    security = Category.objects.create(name="Security", slug="security")
    breach = Category.objects.create(name="Data breach", slug="breach", parent=security)
    Category.objects.create(name="Fax", slug="fax", active=False)
    Customer.objects.create(name="Northwind Shops", slug="northwind", tier=2, contract="Silver", vip=True)
    CustomField.objects.create(key="loss", label="Loss an hour", kind="number", group="business")
    told = CustomField.objects.create(key="told", label="Was the regulator told?", kind="flag", required=True)
    told.categories.add(breach)
    return night


@pytest.mark.requirement("R121", "R122", "R123", "R117")
def test_when_the_form_opens_then_it_has_its_five_groups_and_stops_only_where_it_must(
    house: World, browser_of: Browser
) -> None:
    sofie = browser_of("sofie")
    page = text_of(sofie.get(NEW))
    groups = ("Identification", "Classification", "Source", "Evidence", "Business context")
    places = [page.index(f"<legend>{group}") for group in groups]
    assert places == sorted(places)
    assert "Security / Data breach" in page
    assert "Fax" not in page
    whole = FILLED | {"category": "security"}
    for missing in ("title", "summary", "severity", "category", "service"):
        response = sofie.post(NEW, whole | {missing: ""})
        assert (response.status_code, list(response.context["form"].errors)) == (422, [missing])
        assert response.context["form"]["title"].value() == ("" if missing == "title" else "Cards fail")
    # How it was noticed is one of a fixed list.
    response = sofie.post(NEW, whole | {"detection": "a dream"})
    assert list(response.context["form"].errors) == ["detection"]
    # A type brings its questions: in the page while it is filled, and required when it is sent.
    assert text_of(sofie.get("/incidents/new/questions/", {"category": "security", "asked": "loss"})) == ""
    asked = text_of(sofie.get("/incidents/new/questions/", {"category": "breach", "asked": "loss"}, headers=HTMX))
    assert "Was the regulator told?" in asked
    response = sofie.post(NEW, whole | {"category": "breach"})
    assert list(response.context["form"].errors) == ["custom_told"]
    assert not Incident.objects.exists()


@pytest.mark.requirement("R116", "R125", "R126", "R127")
def test_when_every_answer_is_given_then_each_is_a_typed_value_of_the_incident(
    house: World, browser_of: Browser, files_of_this_test: Path
) -> None:
    targets = [{"name": "Gold", "tier": [1], "resolve": "1h"}, {"name": "The rest", "resolve": "40h"}]
    book_publish(shape=SLA, definition={"targets": targets}, author=house.cast.elena, at=house.now)
    house.cast.gateway.tier = 3
    house.cast.gateway.save()
    sofie = browser_of("sofie")
    found = text_of(sofie.get("/incidents/new/customers/", {"customer": "north"}))
    assert "Northwind Shops" in found
    assert "SLA tier <b>2</b>" in text_of(sofie.get("/incidents/new/customers/", {"customer": "northwind shops"}))
    sent = FILLED | {
        "category": "breach", "custom_loss": "1250.5", "custom_told": "no", "customer": "Northwind Shops",
        "customer_tier": "1", "detection": "customer", "environment": "staging", "evidence": "HTTP 503",
        "customer_impact": "No labels",
    }  # fmt: skip
    refused = sofie.post(NEW, {**sent, "files": SimpleUploadedFile("a.png", SHOT)})
    assert list(refused.context["form"].errors) == ["tier_reason"]
    assert "a.png" in text_of(refused), "a file is not lost to a fault elsewhere"
    assert list(sofie.post(NEW, sent | {"customer": "Nobody"}).context["form"].errors) == ["customer"]
    assert sofie.post(NEW, sent | {"tier_reason": "Promised by phone"}).status_code == 303
    incident = house.incident
    api = sofie.get(f"/api/v1/incidents/{incident.pk}/").json()
    typed = {"loss": 1250.5, "told": False}
    assert (api["category"], api["customer"], api["custom"]) == ("breach", "northwind", typed)
    assert (api["detection"], api["environment"], api["source"]) == ("customer", "staging", "person")
    assert api["reporter"]["username"] == "sofie"
    assert "1250" not in api["summary"]
    # The contract's tier was overridden, with a reason that everybody reads, and decides by when it is to be had.
    assert incident.facts["customer_tier"] == 1
    assert incident.sla_due_at == house.now + timedelta(hours=1)
    line = incident.timeline.get(kind="incident.tier")
    assert (line.text, line.data["before"], line.data["after"]) == ("Promised by phone", 2, 1)
    assert LedgerEntry.objects.get(action="incident.tier").after == {"tier": 1}
    # The evidence is the incident's, and the requester's.
    shot = incident.attachments.get()
    assert (shot.name, shot.public, shot.draft_id) == ("a.png", True, None)
    assert incident.timeline.get(kind="incident.comment").text == "HTTP 503"
    assert not FilingDraft.objects.exists()
    house.settle()
    house.expect_page("marta")


@pytest.mark.requirement("R124", "R116")
def test_when_an_incident_comes_by_another_door_then_its_source_and_who_said_so_are_known(
    house: World, browser_of: Browser
) -> None:
    house.alert()
    house.settle()
    house.expect_page("marta")
    browser_of("sofie").post(NEW, FILLED | {"category": "security"})
    asked = {"title": "Slow", "service": "payments-gateway", "severity": 5, "customer": "northwind"}
    answer = browser_of("jonas").post("/api/v1/incidents/", asked, content_type="application/json")
    assert answer.status_code == 201
    house.settle()
    house.expect_page("marta")
    came = {
        one.source: (one.integration.slug if one.integration else None, one.reporter and one.reporter.username)
        for one in Incident.objects.select_related("integration", "reporter")
    }
    assert came["monitoring"] == (house.cast.alertmanager.slug, None)
    assert (came["person"], came["api"]) == ((None, "sofie"), (None, "jonas"))
    api = Incident.objects.get(source="api")
    assert api.customer is not None
    assert api.customer.slug == "northwind"
    house.settle()
    house._expected = len(house.email.got)


@pytest.mark.requirement("R258")
def test_when_an_alert_comes_then_paging_waits_for_no_form(house: World) -> None:
    # The form would ask for a type and for the house's own required questions; nobody has answered them.
    CustomField.objects.create(key="who", label="Who is hit?", required=True)
    house.alert()
    house.settle()
    house.expect_page("marta", level=1)
    assert house.incident.category is None
    assert not FilingDraft.objects.exists()


def test_when_the_session_or_the_network_drops_then_what_was_typed_is_offered_again(
    house: World, browser_of: Browser, files_of_this_test: Path
) -> None:
    sofie = browser_of("sofie")
    kept = sofie.post(
        "/incidents/new/draft/", FILLED | {"title": "Half a", "asked": "loss", "csrfmiddlewaretoken": "x"}
    )
    assert "Draft kept" in text_of(kept)
    taken = sofie.post("/incidents/new/files/", {"files": SimpleUploadedFile("till.png", SHOT)}, headers=HTMX)
    assert "till.png" in text_of(taken)
    refused = sofie.post(
        "/incidents/new/files/", {"files": SimpleUploadedFile("x.exe", b"MZ\x90\x00\x00")}, headers=HTMX
    )
    assert (refused.status_code, "of no kind" in text_of(refused)) == (422, True)
    again = browser_of("sofie")
    assert "You had begun <b>“Half a”</b>" in text_of(again.get(NEW))
    form = again.get(f"{NEW}?draft=take")
    assert (form.context["form"]["title"].value(), "till.png" in text_of(form)) == ("Half a", True)
    draft = FilingDraft.objects.get()
    assert set(draft.values) == {"title", "summary", "service", "severity"}
    # It is nobody else's, and neither is its file.
    file = draft.attachments.get()
    assert browser_of("hugo").get(f"/incidents/attachments/{file.pk}/").status_code == 404
    assert "Half a" not in text_of(browser_of("marta").get(NEW))
    # Who types anew without taking it up files none of its files.
    again.post(NEW, FILLED | {"category": "security", "fresh": "on"})
    assert not FilingDraft.objects.exists()
    assert not house.incident.attachments.exists()
    again.post("/incidents/new/draft/", {"title": "Other"})
    assert again.post("/incidents/new/draft/discard/").status_code == 303
    assert not FilingDraft.objects.exists()
    for address in ("draft/", "draft/discard/", "files/"):
        assert browser_of("amara").post(f"{NEW}{address}").status_code == 403
    house.settle()
    house.expect_page("marta")


def test_when_it_is_known_already_then_following_it_takes_one_press(house: World, browser_of: Browser) -> None:
    given: dict[str, Any] = {"summary": "", "severity": 3, "reporter": None, "at": house.now}
    known = incident_open(title="Parcel labels do not print", service=house.cast.gateway, **given)
    sofie = browser_of("sofie")
    assert "follow it" in text_of(sofie.get("/incidents/new/similar/", {"title": "Labels of parcels do not print"}))
    answer = sofie.post(f"/incidents/{known.pk}/follow/")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/incidents/{known.pk}/request/")
    assert known.followers.get().user == house.cast.sofie
    assert known.title in text_of(sofie.get("/incidents/requests/"))
    assert LedgerEntry.objects.filter(action="incident.follow").count() == 1
    house.settle()
    house.expect_page("marta")

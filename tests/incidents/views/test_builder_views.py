"""The form builder, the categories, the workflow and the review as their readers meet them; the API beside them."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from incidents.models import Category, Customer, CustomField, Incident, Review, Stage, Transition
from incidents.selectors.builder import category_counts
from incidents.services.lifecycle import incident_open, incident_resolve
from incidents.services.workflow import workflow_now
from oncall.tokens import token_create
from policies.books import ROUTING, book_publish
from tests.world.harness import World

Browser = Callable[[str], Client]
MOST_QUERIES = 15


def filed(night: World, **values: Any) -> Incident:
    given: dict[str, Any] = {"title": "Cards fail", "summary": "", "severity": 3, "reporter": night.cast.sofie}
    return incident_open(**{**given, "service": night.cast.gateway, "at": night.now, **values})


def few_queries(client: Client, path: str) -> str:
    client.get(path)
    with CaptureQueriesContext(connection) as queries:
        response = client.get(path)
    assert response.status_code == 200
    assert len(queries) <= MOST_QUERIES, [query["sql"][:120] for query in queries]
    return str(response.content.decode())


@pytest.mark.requirement("R120", "R128")
def test_when_an_administrator_adds_a_field_then_rules_offer_it_and_the_form_asks_it(
    night: World, browser_of: Browser
) -> None:
    hugo, elena = browser_of("hugo"), browser_of("elena")
    condition = {"shown_if-join": "all", "do": "keep"}
    sent = {"label": "Loss per hour", "kind": "number", "group": "business", "label_it": "Perdita oraria", **condition}

    answered = hugo.post("/incidents/form/fields/new/", sent)

    assert (answered.status_code, answered["Location"]) == (303, "/incidents/form/")
    field = CustomField.objects.get()
    assert (field.key, field.labels, field.position) == ("loss_per_hour", {"it": "Perdita oraria"}, 1)
    assert 'value="custom.loss_per_hour"' in elena.get("/policies/tools/conditions/").content.decode()
    rule = {
        "key": "dear", "name": "Dear ones", "then": {"severity": "SEV-1"},
        "when": {"fact": "custom.loss_per_hour", "operator": "ge", "value": 1000},
    }  # fmt: skip
    book_publish(shape=ROUTING, definition={"rules": [rule]}, author=night.cast.elena, at=night.now)
    page = few_queries(hugo, "/incidents/form/")
    assert "needed by a rule" in page
    assert "Dear ones" in page

    wrong = hugo.post("/incidents/form/fields/new/", {**sent, "kind": "choice", "label": "Region"})
    assert wrong.status_code == 422
    assert "something to choose from" in wrong.content.decode()
    again = hugo.post("/incidents/form/fields/new/", sent)
    assert again.status_code == 422
    redrawn = hugo.post("/incidents/form/fields/new/", {**sent, "do": "shown_if-add-check"})
    assert (redrawn.status_code, CustomField.objects.count()) == (200, 1)
    shown = hugo.get("/incidents/form/fields/loss_per_hour/").content.decode()
    assert "Perdita oraria" in shown
    hugo.post("/incidents/form/fields/loss_per_hour/retire/", {"do": "retire"})
    assert not CustomField.objects.get().active
    assert "is asked no more" in few_queries(hugo, "/incidents/form/")
    assert elena.get("/incidents/form/").status_code == 403
    assert elena.post("/incidents/form/fields/new/", sent).status_code == 403


def test_when_answers_are_tried_then_the_preview_asks_what_follows(night: World, browser_of: Browser) -> None:
    security = Category.objects.create(name="Security", slug="security")
    records = CustomField.objects.create(key="records", label="Records", kind="number", group="business")
    records.categories.add(security)
    CustomField.objects.create(
        key="told", label="Told", kind="flag", group="business",
        shown_if={"fact": "custom.records", "operator": "gt", "value": 0},
    )  # fmt: skip
    hugo = browser_of("hugo")

    def names(query: str) -> list[bool]:
        page = hugo.get(f"/incidents/form/preview/?{query}").content.decode()
        return [f'name="custom_{key}"' in page for key in ("records", "told")]

    assert names("") == [False, False]
    assert names("category=security") == [True, False]
    assert names("category=security&custom_records=5") == [True, True]
    assert names("category=security&custom_records=nonsense") == [True, False]
    hugo.post("/incidents/form/fields/told/move/", {"do": "up"})
    order = CustomField.objects.order_by("position").values_list("key", flat=True)
    assert list(order) == ["told", "records"]


@pytest.mark.requirement("R111")
def test_when_incidents_are_grouped_by_category_then_the_counts_add_up(night: World, browser_of: Browser) -> None:
    security = Category.objects.create(name="Security", slug="security")
    breach = Category.objects.create(name="Breach", slug="breach", parent=security)
    cards = Category.objects.create(name="Cards", slug="cards", active=False)
    for category in (security, breach, breach, cards, None):
        filed(night, category=category)
    other = type(night.cast.gateway).objects.create(name="Vault", slug="vault", team=night.cast.platform)
    filed(night, service=other, category=breach, restricted=True, reporter=night.cast.nils)

    branches, nowhere = category_counts(Incident.objects.visible_to(night.cast.marta))

    assert [(one.category.slug, one.depth, one.own, one.total) for one in branches] == [
        ("cards", 0, 1, 1), ("security", 0, 1, 3), ("breach", 1, 2, 2),
    ]  # fmt: skip
    assert nowhere + sum(one.own for one in branches) == Incident.objects.visible_to(night.cast.marta).count() == 5
    assert sum(one.total for one in branches if one.depth == 0) + nowhere == 5
    page = few_queries(browser_of("marta"), "/incidents/categories/?show=all")
    assert "retired" in page
    assert "/edit/" not in page

    hugo = browser_of("hugo")
    made = hugo.post("/incidents/categories/new/", {"name": "Data breach", "parent": "security", "active": "on"})
    assert made.status_code == 303
    assert Category.objects.get(slug="data-breach").parent == security
    circle = hugo.post("/incidents/categories/security/edit/", {"name": "Security", "parent": "breach", "active": "on"})
    assert circle.status_code == 422
    assert "part of itself" in circle.content.decode()


def test_when_a_field_is_for_some_categories_only_then_they_are_offered_as_their_tree(
    night: World, browser_of: Browser
) -> None:
    security = Category.objects.create(name="Security", slug="security", position=2)
    Category.objects.create(name="Breach", slug="breach", parent=security)
    Category.objects.create(name="Access", slug="access", position=1)

    page = browser_of("hugo").get("/incidents/form/fields/new/").content.decode()

    offered = re.findall(r'name="categories"[^>]*>\s*([^<]+?)\s*<', page)
    assert offered == ["Access", "Security", "Security / Breach"]


@pytest.mark.requirement("R129")
def test_when_an_administrator_ticks_ways_then_they_hold_and_two_editors_notice_each_other(
    night: World, browser_of: Browser
) -> None:
    hugo = browser_of("hugo")
    page = few_queries(hugo, "/incidents/workflow/")
    assert 'name="way-new-triage"' in page
    assert "way-new-resolved" not in page
    seen = json.dumps(workflow_now().document())
    sent = {"seen": seen, "way-new-investigating": "on", "guard-closed-review": "2", "guard-closed-owner": "5"}

    assert hugo.post("/incidents/workflow/", sent).status_code == 303

    assert [str(way) for way in Transition.objects.all()] == ["New → Investigating"]
    assert workflow_now().document()["guards"] == [
        {"stage": "closed", "kind": "owner", "severity": 5},
        {"stage": "closed", "kind": "review", "severity": 2},
    ]
    stale = hugo.post("/incidents/workflow/", {"seen": seen})
    assert stale.status_code == 409
    assert Transition.objects.exists()
    hugo.post("/incidents/workflow/stages/", {"name": "Waiting for a vendor"})
    hugo.post("/incidents/workflow/stages/waiting-for-a-vendor/", {"do": "up"})
    hugo.post("/incidents/workflow/stages/triage/", {"do": "name", "name": "Sorting"})
    hugo.post("/incidents/workflow/stages/new/", {"do": "remove"})
    stages = list(Stage.objects.values_list("key", flat=True))
    assert stages == ["new", "triage", "investigating", "waiting-for-a-vendor", "mitigating", "resolved", "closed"]
    assert Stage.objects.get(key="triage").name == "Sorting"
    assert browser_of("elena").get("/incidents/workflow/").status_code == 403


@pytest.mark.requirement("R112")
def test_when_a_review_is_written_then_it_is_published_exported_and_lets_the_incident_close(
    night: World, browser_of: Browser
) -> None:
    incident = filed(night, severity=1)
    marta, amara = browser_of("marta"), browser_of("amara")
    incident_resolve(incident_id=incident.pk, actor=night.cast.marta, at=night.now, resolution="A full disk")
    address = f"/incidents/{incident.pk}/review/"
    assert "A full disk" in few_queries(marta, address)
    assert "the review is published" in marta.get(f"/incidents/{incident.pk}/close/").content.decode()
    refused = marta.post(f"/incidents/{incident.pk}/close/")
    assert refused.status_code == 422

    texts = {"root_cause": "A **full** disk", "mitigation": "Logs", "follow_up": "Alert", "lessons": "", "seen": ""}
    incomplete = marta.post(address, {**texts, "mitigation": "", "do": "publish"})
    assert incomplete.status_code == 422
    assert marta.post(address, {**texts, "do": "save"}).status_code == 303
    stale = marta.post(address, {**texts, "follow_up": "Mine", "do": "publish"})
    assert stale.status_code == 409
    again = stale.context["form"]["seen"].value()
    assert "Mine" in stale.content.decode()
    assert marta.post(address, {**texts, "follow_up": "Mine", "seen": again, "do": "publish"}).status_code == 303
    review = Review.objects.get()
    assert (review.follow_up, review.published_at) == ("Mine", night.now)
    assert "<strong>full</strong>" in few_queries(amara, address)
    assert amara.post(address, texts).status_code == 403
    document = amara.get(f"{address}export/markdown/")
    assert document["Content-Disposition"] == f'attachment; filename="{incident.reference}-review.md"'
    assert "## Root cause" in document.content.decode()
    assert amara.get(f"{address}export/json/").json()["status"] == "published"
    assert amara.get(f"{address}export/exe/").status_code == 404
    assert browser_of("sofie").get(address).status_code == 403
    assert marta.post(f"/incidents/{incident.pk}/close/").status_code == 303
    incident.refresh_from_db()
    assert incident.stage.key == "closed"


def test_a_restricted_review_is_not_there_for_those_who_may_not_see_it(night: World, browser_of: Browser) -> None:
    other = type(night.cast.gateway).objects.create(name="Vault", slug="vault", team=night.cast.platform)
    secret = filed(night, service=other, restricted=True, reporter=night.cast.nils)

    for path in ("review/", "review/export/markdown/"):
        assert browser_of("marta").get(f"/incidents/{secret.pk}/{path}").status_code == 404


@pytest.mark.requirement("R127", "R128")
def test_what_was_answered_comes_back_by_the_api_in_its_own_type(night: World, browser_of: Browser) -> None:
    def caller(username: str) -> Client:
        person = night.cast.people[username]
        _token, plain = token_create(owner=person, name=username, actor=person, at=night.now)
        return Client(headers={"authorization": f"Bearer {plain}"})

    hugo, marta = caller("hugo"), caller("marta")
    body: dict[str, Any] = {"content_type": "application/json"}
    assert marta.post("/api/v1/categories/", {"slug": "x", "name": "X"}, **body).status_code == 403
    assert hugo.post("/api/v1/categories/", {"slug": "cards", "name": "Cards"}, **body).status_code == 201
    chip = {"slug": "chip", "name": "Chip", "parent": "cards"}
    assert hugo.post("/api/v1/categories/", chip, **body).json()["parent"] == "cards"
    assert hugo.post("/api/v1/categories/", chip, **body).status_code == 400
    assert hugo.post("/api/v1/customers/", {"slug": "acme", "name": "Acme", "tier": 1}, **body).status_code == 201
    for key, kind in (("loss", "number"), ("till", "flag")):
        made = hugo.post("/api/v1/custom-fields/", {"key": key, "label": key, "kind": kind}, **body)
        assert made.status_code == 201, made.content
    given = {"title": "Cards fail", "service": "payments-gateway", "category": "chip", "customer": "acme"}

    answer = marta.post("/api/v1/incidents/", {**given, "custom": {"loss": "12.5", "till": "yes"}}, **body)

    assert answer.status_code == 201, answer.content
    stored = marta.get(f"/api/v1/incidents/{answer.json()['id']}/").json()
    assert (stored["category"], stored["customer"], stored["custom"]) == ("chip", "acme", {"loss": 12.5, "till": True})
    refused = marta.post("/api/v1/incidents/", {**given, "custom": {"loss": "much"}}, **body)
    assert refused.json()["error"]["field"] == "custom_loss"
    changed = marta.post(
        f"/api/v1/incidents/{stored['id']}/classify/", {"category": "cards", "customer": None, "custom": {"till": None}},
        **body,
    )  # fmt: skip
    assert (changed.json()["category"], changed.json()["customer"], changed.json()["custom"]) == (
        "cards", None, {"loss": 12.5},
    )  # fmt: skip
    assert Customer.objects.get().tier == 1
    assert marta.get("/api/v1/categories/counts/").json()["categories"][0] == {"slug": "cards", "own": 1, "total": 1}
    moved = marta.post(f"/api/v1/incidents/{stored['id']}/stage/", {"stage": "mitigating"}, **body)
    assert (moved.status_code, moved.json()["error"]["field"]) == (400, "stage")
    assert marta.post(f"/api/v1/incidents/{stored['id']}/close/", {}, **body).status_code == 409
    workflow = marta.get("/api/v1/stages/workflow/").json()
    assert hugo.put("/api/v1/stages/workflow/", {**workflow, "ways": []}, **body).json()["ways"] == []
    review = marta.put(f"/api/v1/incidents/{stored['id']}/review/", {"root_cause": "Rain"}, **body).json()
    assert (review["root_cause"], review["status"]) == ("Rain", "draft")


@pytest.mark.requirement("R128")
def test_a_field_made_today_filters_the_list_and_the_reports_and_has_a_column(
    night: World, browser_of: Browser
) -> None:
    CustomField.objects.create(key="till", label="At the till", kind="flag")
    filed(night, title="Till fails", facts={"custom": {"till": True}})
    filed(night, title="Shop fails", facts={"custom": {"till": False}})
    elena = browser_of("elena")

    for page in ("/incidents/", "/reports/incidents/"):
        shown = elena.get(f"{page}?custom_till=yes").content.decode()
        assert ("Till fails" in shown, "Shop fails" in shown) == (True, False), page
    response: Any = elena.post("/reports/exports/take/?of=report", {"format": "csv"})
    rows = b"".join(response.streaming_content).decode().splitlines()
    assert rows[0].endswith(",custom.till")
    assert sorted(row.rsplit(",", 1)[1] for row in rows[1:]) == ["no", "yes"]

"""What is kept, taken out and done to many: saved views, exports, bulk actions, and incidents that hang together."""

import csv
import json
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.test import Client
from django.utils.translation import gettext, override

from audit.models import LedgerEntry
from incidents.models import Incident, SavedView
from incidents.services.lifecycle import incident_comment, incident_resolve
from incidents.services.merging import incident_merge
from oncall.models import User
from tests.incidents.views.cast import HTMX
from tests.world.harness import World

Browser = Callable[[str], Client]
File = Callable[..., Incident]
LIST = "/incidents/"


def titles(response: Any) -> list[str]:
    return [row.incident.title for group in response.context["groups"] for row in group.rows]


def names(client: Client) -> list[str]:
    return [one.view.name for one in client.get(LIST).context["views"]]


@pytest.mark.requirement("R215")
def test_when_a_view_is_saved_then_it_persists_and_is_shared_with_those_it_is_meant_for(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    file_incident("Bad")
    file_incident("Mild", severity=4)
    marta, jonas, nils = browser_of("marta"), browser_of("jonas"), browser_of("nils")
    form = marta.get("/incidents/views/new/", {"place": "list", "query": "severity=4&page=3&view=9"})
    assert "severity=4</span>" in form.content.decode()
    given = {"name": "Mild ones", "place": "list", "query": "severity=4&page=3", "shared": "nobody", "team": ""}
    saved = marta.post("/incidents/views/new/", given)
    view = SavedView.objects.get()
    assert (saved.status_code, saved["Location"]) == (303, f"{LIST}?severity=4&view={view.pk}")
    page = marta.get(saved["Location"])
    assert titles(page) == ["Mild"]
    assert [(one.view.name, one.current) for one in page.context["views"]] == [("Mild ones", True)]
    again = marta.post("/incidents/views/new/", given)
    assert (again.status_code, SavedView.objects.count()) == (422, 1)
    assert "You have a view of that name already." in again.content.decode()

    edit = f"/incidents/views/{view.pk}/"
    assert (names(jonas), nils.get(edit).status_code) == ([], 404)
    marta.post(edit, {**given, "shared": "team", "team": "payments"})
    assert (names(jonas), names(nils)) == (["Mild ones"], [])
    assert jonas.post(edit, {**given, "name": "Mine"}).status_code == 403
    assert marta.post(edit, {**given, "shared": "team", "team": "platform"}).status_code == 422
    assert browser_of("sofie").post("/incidents/views/new/", {**given, "shared": "everybody"}).status_code == 403
    marta.post(edit, {**given, "shared": "everybody"})
    assert names(nils) == ["Mild ones"]

    # A copy is the reader's own, and may be what the plain list opens with.
    nils.post(f"{edit}copy/")
    copy = SavedView.objects.get(owner=night.cast.nils)
    nils.post(f"/incidents/views/{copy.pk}/default/")
    assert titles(nils.get(LIST, follow=True)) == ["Mild"]
    assert "Mild ones" in nils.get("/incidents/views/").content.decode()
    assert nils.post(f"{edit}delete/").status_code == 403
    marta.post(f"{edit}delete/")
    assert list(SavedView.objects.all()) == [copy]
    said = list(LedgerEntry.objects.filter(object_type="saved_view").order_by("pk").values_list("action", flat=True))
    assert said == [
        "saved_view.create", "saved_view.change", "saved_view.change", "saved_view.create", "saved_view.open", "saved_view.delete"
    ]  # fmt: skip
    assert marta.get(f"{edit}delete/").status_code == 405


def test_when_views_are_kept_over_the_api_then_the_same_rules_hold(night: World, browser_of: Browser) -> None:
    api, marta, nils = "/api/v1/saved-views/", browser_of("marta"), browser_of("nils")
    made = marta.post(api, {"name": "Mine", "query": "whose=mine", "shared": "nobody"}, content_type="application/json")
    assert (made.status_code, made.json()["url"]) == (201, f"{LIST}?whose=mine&view={made.json()['id']}")
    own = f"{api}{made.json()['id']}/"
    assert nils.get(own).status_code == 404
    shared = marta.patch(own, {"shared": "everybody"}, content_type="application/json")
    assert (shared.status_code, shared.json()["query"]) == (200, "whose=mine")
    assert [one["name"] for one in nils.get(api).json()["results"]] == ["Mine"]
    assert nils.delete(own).status_code == 403
    assert nils.post(f"{own}copy/").status_code == 201
    assert marta.delete(own).status_code == 204


def test_when_a_list_is_exported_then_its_rows_come_out_harmless_and_it_is_on_record(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    file_incident("=cmd|' /C calc'!A0", severity=4)
    file_incident("Other", severity=2)
    file_incident("Secret", severity=4, restricted=True)
    address = "/incidents/export/{}/?severity=4&sort=oldest"

    def rows(client: Client, kind: str) -> Any:
        answer: Any = client.post(address.format(kind))
        text = b"".join(answer.streaming_content).decode()
        assert "attachment" in answer["Content-Disposition"]
        return json.loads(text) if kind == "json" else list(csv.DictReader(StringIO(text)))

    assert [row["title"] for row in rows(browser_of("nils"), "csv")] == ["'=cmd|' /C calc'!A0"]
    found = rows(browser_of("marta"), "json")
    assert [row["title"] for row in found] == ["=cmd|' /C calc'!A0", "Secret"]
    assert (found[0]["severity"], found[0]["team"], found[1]["restricted"]) == ("SEV4", "payments", True)
    entry = LedgerEntry.objects.filter(action="incident.export").latest("pk")
    assert (entry.data or {})["filters"] == {"severity": ["4"], "sort": ["oldest"]}
    assert ((entry.data or {})["count"], (entry.data or {})["format"], entry.actor_label) == (2, "json", "Marta Ferri")
    assert browser_of("marta").get(address.format("csv")).status_code == 405
    assert browser_of("marta").post(address.format("exe")).status_code == 404


def test_when_several_are_assigned_or_merged_then_one_message_says_what_became_of_each(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    cast = night.cast
    oldest, second, done = (file_incident(name) for name in ("Oldest", "Second", "Done"))
    incident_resolve(incident_id=done.pk, actor=cast.marta, at=night.now)
    marta, chosen = browser_of("marta"), [oldest.pk, second.pk, done.pk]
    assert 'value="marta"' in marta.get("/incidents/bulk/people/").content.decode()
    marta.post("/incidents/bulk/", {"verb": "assign", "incident": chosen, "owner": "jonas"})
    page = marta.get(LIST).content.decode()
    assert "Jonas de Wit has 2:" in page
    assert f"{done.reference}: It is resolved already." in page
    marta.post("/incidents/bulk/", {"verb": "merge", "incident": [second.pk, oldest.pk]})
    second.refresh_from_db()
    assert (second.merged_into, second.state) == (oldest, "resolved")
    marta.post("/incidents/bulk/", {"verb": "merge", "incident": [done.pk], "into": second.reference})
    assert f"is merged into {oldest.reference} already." in marta.get(LIST).content.decode()
    marta.post("/incidents/bulk/", {"verb": "assign", "incident": [oldest.pk], "owner": "nobody-such"})
    assert "Choose who gets it." in marta.get(LIST).content.decode()


def test_when_incidents_hang_together_then_each_page_shows_the_others_its_reader_may_see(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    cast = night.cast
    kept, noise = file_incident("Kept"), file_incident("Noise", reporter=cast.jonas)
    secret = file_incident("Secret", restricted=True)
    incident_comment(incident_id=noise.pk, text="The wire is down.", actor=cast.marta, at=night.now)
    marta, nils, sofie = browser_of("marta"), browser_of("nils"), browser_of("sofie")
    form = marta.get(f"{LIST}{kept.pk}/link/", headers=HTMX).content.decode()
    assert "has to do with" in form
    answer = marta.post(f"{LIST}{kept.pk}/link/", {"kind": "caused_by", "other": secret.reference})
    assert answer.status_code == 303
    assert marta.post(f"{LIST}{kept.pk}/link/", {"kind": "blocks", "other": "nonsense"}).status_code == 422
    assert nils.post(f"{LIST}{kept.pk}/link/", {"kind": "blocks", "other": str(secret.pk)}).status_code == 422
    assert marta.post(f"{LIST}{noise.pk}/merge/", {"other": kept.reference, "reason": "Same."}).status_code == 303

    links = f"{LIST}{kept.pk}/links/"
    page = marta.get(links).content.decode()
    assert "is caused by" in page
    assert "Secret" in page
    assert "The wire is down." in page
    assert "Secret" not in nils.get(links).content.decode()
    assert "The wire is down." not in sofie.get(links).content.decode()
    assert "Split it again" in marta.get(f"{LIST}{noise.pk}/").content.decode()
    api = marta.get(f"/api/v1/incidents/{kept.pk}/links/").json()
    assert [one["title"] for one in api["merged"]] == ["Noise"]
    remove = f"{links}{kept.links_out.get().pk}/remove/"
    assert nils.post(remove).status_code == 422
    assert marta.post(remove, headers=HTMX).status_code == 200
    assert not kept.links_out.exists()

    assert marta.post(f"{LIST}{noise.pk}/unmerge/", {"reason": ""}).status_code == 303
    split = {
        "title": "A part",
        "severity": 3,
        "comments": [noise.timeline.get(kind="incident.comment").pk],
        "keep": True,
    }
    new = marta.post(f"/api/v1/incidents/{noise.pk}/split/", split, content_type="application/json")
    assert (new.status_code, new.json()["state"], new.json()["severity"]) == (201, "acknowledged", 3)
    merged = marta.post(
        f"/api/v1/incidents/{new.json()['id']}/merge/", {"other": kept.pk}, content_type="application/json"
    )
    assert (merged.status_code, merged.json()["state"]) == (200, "resolved")


def test_when_a_merged_incident_s_alerts_are_exported_then_its_place_is_named(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    kept, noise = file_incident("Kept"), file_incident("Noise")
    incident_merge(incident_id=noise.pk, other_id=kept.pk, actor=night.cast.marta, at=night.now)
    answer: Any = browser_of("marta").post("/incidents/export/json/?tab=resolved&merged=yes")
    assert json.loads(b"".join(answer.streaming_content))[0]["merged_into"] == kept.reference


def test_when_the_reader_has_another_language_then_a_name_that_is_taken_is_still_told_at_the_name(
    night: World, browser_of: Browser
) -> None:
    User.objects.filter(username="marta").update(language="it")
    given = {"name": "Mild ones", "place": "list", "query": "severity=4", "shared": "nobody", "team": ""}
    with override("en"):  # What her requests set does not outlast the test.
        marta = browser_of("marta")
        marta.post("/incidents/views/new/", given)
        again = marta.post("/incidents/views/new/", given)
    with override("it"):
        told = gettext("You have a view of that name already.")
    assert (again.status_code, again.context["form"].errors["name"]) == (422, [told])

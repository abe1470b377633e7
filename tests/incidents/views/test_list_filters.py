"""The list by fields of the house's own, by what nobody has said, and as a file with every answer."""

import csv
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from incidents.custom_filters import UNKNOWN
from incidents.filters import IncidentFilter
from incidents.models import Category, Customer, CustomField, Incident, OpeningView, SavedView
from oncall.models import User
from tests.world.harness import World

LIST = "/incidents/"
STANDARD = (
    "severity", "priority", "impact", "urgency", "state", "stage", "team", "service", "tier", "category", "customer", "owner",
    "reporter", "environment", "source", "detection", "integration",
)  # fmt: skip
Browser = Callable[[str], Client]


def titles(client: Client, query: str) -> set[str]:
    groups = client.get(f"{LIST}?{query}").context["groups"]
    return {row.incident.title for group in groups for row in group.rows}


@pytest.fixture
def three(night: World, file_incident: Any) -> None:
    """One that says everything, one that says nothing beyond what it must, one from a monitor."""
    kinds = {
        "rack": ("choice", ["r1", "r2"]), "tags": ("choices", ["caffè", "say \"hi\"", "till"]), "loss": ("number", []),
        "seen": ("date", []), "cell": ("flag", []), "note": ("text", []),
    }  # fmt: skip
    for key, (kind, options) in kinds.items():
        CustomField.objects.create(key=key, label=key.title(), kind=kind, options=options)
    answers = {
        "rack": "r2", "tags": ["caffè", "say \"hi\""], "loss": 12.5, "seen": "2026-11-20", "cell": True, "note": "Blue light",
    }  # fmt: skip
    given: dict[str, Any] = {
        "category": Category.objects.create(name="Cards", slug="cards"),
        "environment": "production",
    }
    given |= {"customer": Customer.objects.create(name="Acme", slug="acme"), "impact": 2, "urgency": 3}
    file_incident("All", facts={"custom": answers}, **given)
    file_incident("None", severity=4, reporter=None)
    night.alert("DiskFull")
    night.settle()


@pytest.mark.requirement("R110")
def test_when_the_register_is_filtered_by_any_field_then_every_incident_answers_with_a_value_or_unknown(
    browser_of: Browser, three: None
) -> None:
    marta = browser_of("marta")
    for name in STANDARD:
        asked: Any = IncidentFilter({}, queryset=Incident.objects.all(), every=True).form.fields[name]
        values = [str(value) for value, _label in getattr(asked, "choices", ()) if str(value)]
        if name == "environment":
            values = ["production", UNKNOWN]
        found = [titles(marta, f"{name}={value}") for value in values]
        assert set().union(*found) == {"All", "None", "DiskFull is bad"}, name
        assert sum(map(len, found)) == 3, name


def test_when_fields_of_the_house_are_filtered_then_each_kind_is_asked_in_its_own_way(
    browser_of: Browser, three: None
) -> None:
    marta = browser_of("marta")
    all_three, others = {"All", "None", "DiskFull is bad"}, {"None", "DiskFull is bad"}
    expected = {
        "custom_rack=r2": {"All"}, "custom_rack=r1": set(), "custom_rack=unknown": others, "custom_rack=r2&custom_rack=unknown": all_three,
        "custom_tags=caff%C3%A8": {"All"}, "custom_tags=till": set(), "custom_tags=say+%22hi%22&custom_tags=till": {"All"},
        "custom_tags=unknown": others,
        "custom_loss=12.5": {"All"}, "custom_loss.from=12": {"All"}, "custom_loss.from=13": set(), "custom_loss.until=12.5": {"All"},
        "custom_loss.known=no": others, "custom_loss=much": all_three,
        "custom_seen=2026-11-20": {"All"}, "custom_seen.from=2026-11-20&custom_seen.until=2026-11-21": {"All"},
        "custom_seen.from=2026-11-21": set(), "custom_seen.known=yes": {"All"},
        "custom_cell=yes": {"All"}, "custom_cell=no": set(), "custom_cell=unknown": others,
        "custom_note=blue": {"All"}, "custom_note.known=no": others,
    }  # fmt: skip
    for query, wanted in expected.items():
        assert titles(marta, query) == wanted, query
    chips = [chip["value"] for chip in marta.get(f"{LIST}?custom_rack=unknown&customer=unknown").context["chips"]]
    assert chips == ["Unknown", "Unknown"]
    form = marta.get(f"{LIST}filters/", headers={"HX-Request": "true"}).content.decode()
    assert all(f'name="custom_{name}"' in form for name in ("tags", "loss.from", "seen.until", "note.known"))


def test_when_a_list_is_exported_then_each_answer_has_its_column(browser_of: Browser, three: None) -> None:
    marta = browser_of("marta")

    def taken(kind: str) -> str:
        answer: Any = marta.post(f"{LIST}export/{kind}/?custom_rack=r2")
        return b"".join(answer.streaming_content).decode("utf-8-sig")

    row = next(csv.DictReader(taken("csv").splitlines()))
    assert (row["title"], row["custom_loss"], row["custom_tags"], row["custom_cell"]) == (
        "All", "12.5", 'caffè, say "hi"', "yes",
    )  # fmt: skip
    told = json.loads(taken("json"))[0]
    assert (told["custom_loss"], told["custom_cell"], told["custom_seen"]) == (12.5, True, "2026-11-20")


@pytest.mark.requirement("R215")
def test_what_the_list_begins_with_is_a_persons_own_choice_before_their_teams(
    night: World, browser_of: Browser, three: None
) -> None:
    cast = night.cast
    shared = SavedView.objects.create(
        owner=cast.elena, name="Ours", place="list", query="team=payments", shared="team", team=cast.payments, created_at=night.now
    )  # fmt: skip
    own = SavedView.objects.create(
        owner=cast.marta, name="Mine", place="list", query="whose=mine", created_at=night.now
    )
    marta, elena, nils = browser_of("marta"), browser_of("elena"), browser_of("nils")

    assert marta.post(f"{LIST}views/{shared.pk}/team/").status_code == 403
    assert elena.post(f"{LIST}views/{shared.pk}/team/").status_code == 303

    assert marta.get(LIST).headers["Location"] == f"{LIST}?team=payments&view={shared.pk}"
    assert nils.get(LIST).status_code == 200
    marta.post(f"{LIST}views/{own.pk}/default/")
    # Of the person, in whatever browser.
    assert browser_of("marta").get(LIST).headers["Location"].endswith(f"view={own.pk}")
    assert elena.get(LIST).headers["Location"].endswith(f"view={shared.pk}")
    # Nobody is sent to what they do not see any more.
    elena.post(
        f"{LIST}views/{shared.pk}/", {"name": "Ours", "shared": "nobody", "query": "team=payments", "place": "list"}
    )
    assert not OpeningView.objects.filter(team=cast.payments).exists()
    marta.post(f"{LIST}views/{own.pk}/default/")
    assert marta.get(LIST).status_code == 200


@pytest.mark.requirement("R198")
def test_how_much_somebody_carries_is_theirs_and_their_managers_to_say(
    night: World, browser_of: Browser, three: None
) -> None:
    cast = night.cast
    address = f"{LIST}workload/{cast.jonas.pk}/"
    Incident.objects.update(owner=cast.jonas)
    assert browser_of("nils").get(address).status_code == 403
    assert browser_of("marta").post(address, {"incidents": "2"}).status_code == 403
    elena = browser_of("elena")
    assert elena.post(address, {"incidents": "0"}).status_code == 422
    assert elena.post(address, {"incidents": "2"}).status_code == 303

    rows = {row["load"].user.username: row for row in elena.get(f"{LIST}workload/").context["rows"]}

    assert rows["jonas"]["warnings"] == ["3 open incidents; the limit is 2."]
    assert (rows["jonas"]["led"], rows["nils"]["led"]) == (True, False)
    assert browser_of("jonas").post(address, {"incidents": ""}).status_code == 303
    assert User.objects.get(pk=cast.jonas.pk).capacity_incidents is None

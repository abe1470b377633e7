"""Whatever filters narrow it by, the list holds and counts what the rows say, however many there are."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from incidents.models import Category, Customer, Incident, Stage
from incidents.selectors import listing
from incidents.services.lifecycle import incident_acknowledge, incident_resolve
from incidents.views import listing as page
from tests.world.harness import World

Browser = Callable[[str], Client]
File = Callable[..., Incident]
LIST = "/incidents/"
# Each with what it says of a row.
FILTERS: dict[str, Callable[[Incident], bool]] = {
    "customer=harbour": lambda one: one.customer is not None,
    "category=cable": lambda one: one.category is not None,
    "stage=closed": lambda one: one.stage.key == "closed",
    "environment=STAGING": lambda one: one.environment == "staging",
    "severity=1&customer=harbour": lambda one: one.severity == 1 and one.customer is not None,
    "team=payments": lambda one: one.team.slug == "payments",
    "customer=nobody-known": lambda _one: True,
    "whose=mine": lambda one: one.owner is not None and one.owner.username == "marta",
    "customer=harbour&whose=team": lambda one: one.customer is not None and one.team.slug == "payments",
    "owner=unknown": lambda one: one.owner is None,
}


@pytest.fixture
def house(night: World, file_incident: File) -> list[Incident]:
    """Incidents of two teams, open and over, some merged, some restricted, of several kinds each."""
    cast = night.cast
    harbour = Customer.objects.create(name="Harbour", slug="harbour")
    cable = Category.objects.create(name="Cable", slug="cable")
    closed = Stage.objects.get(key="closed")
    for number in range(24):
        one = file_incident(f"Incident {number}", severity=1 + number % 3)
        values: dict[str, Any] = {
            "team": cast.platform if number % 4 == 1 else cast.payments,
            "restricted": number % 4 == 3,
            "customer": harbour if number % 3 else None,
            "category": cable if number % 5 == 0 else None,
            "environment": "staging" if number % 2 else "",
            "started_at": night.now - timedelta(minutes=number),
        }
        if number % 6 == 2:
            incident_acknowledge(incident_id=one.pk, actor=cast.marta, at=night.now)
        if number % 2:
            incident_resolve(incident_id=one.pk, actor=cast.marta, at=night.now)
            values |= {"stage": closed, "resolved_at": night.now - timedelta(minutes=number % 7)}
        Incident.objects.filter(pk=one.pk).update(**values)
    first = Incident.objects.order_by("pk")[0]
    Incident.objects.filter(title__in=("Incident 22", "Incident 23")).update(merged_into=first)
    return list(Incident.objects.select_related("stage", "team", "owner", "customer", "category"))


def seen_by(username: str, one: Incident) -> bool:
    """What is restricted is of the payments team: Nils is of another, Amara reads everything."""
    return username != "nils" or not one.restricted


@pytest.mark.requirement("R194", "R264")
@pytest.mark.parametrize("most", [2, 10_000])
@pytest.mark.parametrize("username", ["marta", "nils", "amara"])
def test_whatever_narrows_the_list_then_it_holds_and_counts_what_the_rows_say(
    house: list[Incident], browser_of: Browser, monkeypatch: pytest.MonkeyPatch, username: str, most: int
) -> None:
    monkeypatch.setattr(listing, "COUNTED", most)
    monkeypatch.setattr(page, "COUNTED", most)
    browser = browser_of(username)
    for query, so in FILTERS.items():
        if "whose" in query and username != "marta":
            continue
        rows = [one for one in house if one.merged_into_id is None and seen_by(username, one) and so(one)]
        for tab in ("open", "triggered", "acknowledged", "resolved"):
            expected = [one for one in rows if tab == one.state or (tab == "open" and one.is_open)]
            for sort in ("oldest", ""):
                shown = browser.get(f"{LIST}?{query}&tab={tab}&sort={sort}")
                held = [row.incident.pk for group in shown.context["groups"] for row in group.rows]
                (count,) = (one["count"] for one in shown.context["tabs"] if one["current"])
                assert len(held) == min(len(expected), most), (query, tab, sort)
                assert set(held) <= {one.pk for one in expected}
                # What is open is counted state by state, each no further than that.
                states = [one.state for one in expected]
                assert count == sum(min(states.count(state), most + 1) for state in set(states)), (query, tab)
                if tab == "resolved":
                    assert held == [one.pk for one in _in_order(expected, sort)][: len(held)], (query, sort)
            if query != "whose=mine":
                _quick(shown, house, username, query, tab)


def _in_order(found: list[Incident], sort: str) -> list[Incident]:
    if sort == "oldest":
        return sorted(found, key=lambda one: (one.started_at, -one.pk))
    return sorted(found, key=lambda one: (one.resolved_at or one.started_at, one.pk), reverse=True)


def _quick(shown: Any, house: list[Incident], username: str, query: str, tab: str) -> None:
    """What the quick filters would show says nothing of the one that is chosen."""
    rest = "&".join(part for part in query.split("&") if not part.startswith("whose"))
    so = FILTERS.get(rest, FILTERS["customer=nobody-known"])
    own = [
        one
        for one in house
        if one.merged_into_id is None
        and seen_by(username, one)
        and so(one)
        and (tab == one.state or (tab == "open" and one.is_open))
    ]
    counts = {one["label"]: one["count"] for one in shown.context["whose"] if one.get("shown")}
    mine = [one for one in own if one.owner is not None and one.owner.username == username]
    assert counts["Mine"] == len(mine), (query, tab)

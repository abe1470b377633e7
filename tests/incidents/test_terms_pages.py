"""Priority and SLA on the incident's page, in the list and over the API."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from incidents.models import Incident
from incidents.services.lifecycle import incident_acknowledge, incident_open, incident_resolve
from policies.books import SLA, book_publish
from tests.world.harness import World

TARGETS = {"targets": [{"name": "Outages", "severity": "SEV-1", "acknowledge": "5m", "resolve": "4h"}]}


@pytest.fixture
def marta(world: World, client: Client) -> Client:
    client.force_login(world.cast.marta)
    return client


def filed(world: World, severity: int = 1, title: str = "Cards fail", **more: Any) -> Incident:
    incident = incident_open(
        title=title,
        summary="",
        severity=severity,
        service=world.cast.gateway,
        reporter=world.cast.sofie,
        at=world.now,
        **more,
    )
    world.settle()
    world.expect_page("marta", level=1)
    return incident


def promised(world: World, **more: Any) -> Incident:
    book_publish(shape=SLA, definition=TARGETS, author=world.cast.elena, at=world.now)
    return filed(world, **more)


def shown(response: Any) -> str:
    """What the page says, without its marks."""
    text = re.sub(r"<(script|style|svg).*?</\1>", " ", str(response.content.decode()), flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", text))


# --- the page


def test_when_an_sla_runs_then_the_page_says_by_when_to_answer_and_to_resolve(world: World, marta: Client) -> None:
    incident = promised(world)

    page = shown(marta.get(incident.get_absolute_url()))

    assert "Priority P1" in page
    assert re.search(r"Answer by SLA .*5:00", page)
    assert re.search(r"Resolve by SLA .*4 h 00", page)
    assert "counted around the clock" in page


def test_when_somebody_answered_then_only_the_end_of_the_sla_is_left(world: World, marta: Client) -> None:
    incident = promised(world)
    incident_acknowledge(incident_id=incident.pk, actor=world.cast.marta, at=world.now)

    page = shown(marta.get(incident.get_absolute_url()))

    assert "Answer by SLA" not in page
    assert "Resolve by SLA" in page


@pytest.mark.parametrize(
    ("resolved_after", "words"),
    [(None, "over by"), (timedelta(hours=5), "missed by 1 h"), (timedelta(hours=3), "kept")],
)
def test_when_an_sla_has_ended_then_the_page_says_in_words_whether_it_was_kept(
    world: World, marta: Client, resolved_after: timedelta | None, words: str
) -> None:
    incident = promised(world)
    incident_acknowledge(incident_id=incident.pk, actor=world.cast.marta, at=world.now)
    if resolved_after is not None:
        incident_resolve(incident_id=incident.pk, actor=world.cast.marta, at=world.now + resolved_after)
    world.jump(hours=6)

    assert words in shown(marta.get(incident.get_absolute_url()))


def test_when_nothing_was_promised_then_the_page_speaks_of_no_sla(world: World, marta: Client) -> None:
    page = shown(marta.get(filed(world).get_absolute_url()))

    assert "Priority P1" in page
    assert "SLA" not in page


# Impact classes are words of the house; what matters here is that impact and urgency decide the priority.
@pytest.mark.parametrize(
    ("impact_class", "impact", "urgency", "priority"),
    [
        pytest.param("customer outage", 1, 1, "P1", marks=pytest.mark.requirement("R088")),
        pytest.param("internal degradation", 3, 3, "P3", marks=pytest.mark.requirement("R089")),
        pytest.param("partner API", 2, 2, "P2", marks=pytest.mark.requirement("R090")),
    ],
)
def test_when_an_impact_is_chosen_then_the_priority_follows_and_both_are_shown_by_name(
    world: World, marta: Client, impact_class: str, impact: int, urgency: int, priority: str
) -> None:
    incident = filed(world, severity=4, impact=impact, urgency=urgency, facts={"impact_class": impact_class})

    page = shown(marta.get(incident.get_absolute_url()))

    assert f"Priority {priority}" in page
    assert re.search(rf"Impact {impact}: \w+.* Urgency {urgency}: \w+", page)


# --- the list


@pytest.mark.requirement("R305")
def test_when_the_list_is_narrowed_to_the_urgent_then_low_ones_stay_out_of_sight(world: World, marta: Client) -> None:
    filed(world, severity=2, title="Cards fail")
    filed(world, severity=5, title="A typo")

    everything = shown(marta.get("/incidents/"))
    urgent = shown(marta.get("/incidents/?priority=1&priority=2"))

    assert "Priority P2" in everything
    assert "A typo" in everything
    assert "Cards fail" in urgent
    assert "A typo" not in urgent


def test_when_the_quick_filter_is_pressed_then_the_address_says_so_and_pressing_again_takes_it_off(
    world: World, marta: Client
) -> None:
    off, on = (str(marta.get(path).content.decode()) for path in ("/incidents/", "/incidents/?priority=1&priority=2"))

    assert '<a class="chip" href="?priority=1&amp;priority=2">P1 – P2</a>' in off
    assert '<a class="chip" href="?" aria-current="true">P1 – P2</a>' in on


def test_when_the_list_is_put_in_order_of_priority_then_impact_counts_before_severity(
    world: World, marta: Client
) -> None:
    filed(world, severity=2, title="Second")
    filed(world, severity=4, title="First", impact=1, urgency=1)

    page = shown(marta.get("/incidents/?sort=priority"))

    assert page.index("First") < page.index("Second")


# --- the API


def test_when_an_incident_is_read_over_the_api_then_priority_and_sla_are_in_it(world: World, marta: Client) -> None:
    incident = promised(world)

    answer = marta.get(f"/api/v1/incidents/{incident.pk}/").json()

    assert answer["priority"] == 1
    assert datetime.fromisoformat(answer["sla_due_at"]) == world.now + timedelta(hours=4)

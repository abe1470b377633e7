"""A partner's interface fails: the incident proposes whom to call outside, by name, telephone and address (R090)."""

import re

import pytest
from django.test import Client

from incidents.models import Incident, Vendor
from tests.incidents.routing_rules import filed
from tests.world.harness import World

PROPOSED = "A partner’s interface fails: tell the partner."


def of_impact(world: World, impact: str) -> Incident:
    incident = filed(world, facts={"impact_class": impact})
    world.expect_page("marta")
    return incident


def work_shown(client: Client, path: str) -> str:
    return re.sub(r"\s+", " ", client.get(path, HTTP_HX_REQUEST="true").content.decode())


@pytest.fixture
def marta(world: World, client: Client) -> Client:
    client.force_login(world.cast.marta)
    return client


def cardlink(world: World) -> Vendor:
    made = Vendor.objects.create(name="Cardlink", slug="cardlink", email="help@cardlink.example", phone="+39 02 1234")
    made.services.add(world.cast.gateway)
    return made


@pytest.mark.requirement("R090")
@pytest.mark.parametrize("said", ["partner API", "Partner api"])
def test_when_a_partners_interface_fails_then_the_partner_of_the_service_is_proposed(
    world: World, marta: Client, said: str
) -> None:
    cardlink(world)
    incident = of_impact(world, said)

    for path in (f"{incident.get_absolute_url()}response/", f"{incident.get_absolute_url()}response/?full=1"):
        page = work_shown(marta, path)
        assert PROPOSED in page
        assert "Cardlink" in page
        assert 'href="tel:+39021234"' in page
        assert "help@cardlink.example" in page


@pytest.mark.requirement("R090")
def test_when_nobody_outside_is_known_for_the_service_then_that_is_said(world: World, marta: Client) -> None:
    incident = of_impact(world, "partner API")

    page = work_shown(marta, f"{incident.get_absolute_url()}response/")

    assert PROPOSED in page
    assert "Nobody outside is entered for Payments gateway" in page


def test_when_another_impact_is_chosen_then_no_partner_is_proposed(world: World, marta: Client) -> None:
    cardlink(world)
    incident = of_impact(world, "customer outage")

    page = work_shown(marta, f"{incident.get_absolute_url()}response/")

    assert PROPOSED not in page
    assert "Cardlink" in page

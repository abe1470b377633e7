"""Two people who change the same incident at once lose nothing: what one of them did not see, they are told."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from escalation_site.kernel.errors import Conflict
from incidents.models import Category, Customer, CustomField
from incidents.services.describing import incident_bridge
from incidents.services.handing import incident_reassign
from incidents.services.stages import incident_stage
from incidents.services.teams import incident_team
from incidents.services.working import stage
from oncall.models import Team
from tests.incidents.views.cast import HTMX
from tests.world.harness import World


@pytest.mark.requirement("R306")
def test_when_two_say_what_kind_it_is_then_each_keeps_what_only_they_changed_and_learns_of_the_rest(
    night: World, browser_of: Callable[[str], Client], file_incident: Any
) -> None:
    incident = file_incident()
    night.expect_page("marta")
    Category.objects.create(name="Cards", slug="cards")
    Category.objects.create(name="Tills", slug="tills")
    Customer.objects.create(name="Acme", slug="acme")
    CustomField.objects.create(key="category", label="Of what", kind="text")
    address = f"/incidents/{incident.pk}/classify/"
    marta, jonas = browser_of("marta"), browser_of("jonas")
    drawn = json.dumps(marta.get(address).context["form"].initial["seen"])
    nothing = {"category": "", "customer": "", "custom_category": "", "seen": drawn}
    assert marta.post(address, {**nothing, "category": "cards", "custom_category": "Cards"}).status_code == 303

    # Jonas has the form of before, and changes the customer alone.
    assert jonas.post(address, {**nothing, "customer": "Acme"}).status_code == 303

    incident.refresh_from_db()
    assert (incident.category.slug, incident.customer.slug) == ("cards", "acme")
    assert incident.facts["custom"] == {"category": "Cards"}
    # Now what Marta changed too: he is told, and what he typed stays; sent again it is his word against hers.
    refused = jonas.post(address, {**nothing, "category": "tills", "custom_category": "Tills"})
    page = refused.content.decode()
    assert (refused.status_code, page.count("Somebody changed this meanwhile to: Cards.")) == (422, 2)
    seen = refused.context["form"].data["seen"]
    sent = {"category": "tills", "customer": "Acme", "custom_category": "Tills", "seen": seen}
    assert jonas.post(address, sent).status_code == 303
    incident.refresh_from_db()
    assert (incident.category.slug, incident.facts["custom"]) == ("tills", {"category": "Tills"})


def test_when_two_hand_it_on_at_once_then_the_second_learns_of_the_first(
    night: World, browser_of: Callable[[str], Client], file_incident: Any
) -> None:
    incident = file_incident()
    night.expect_page("marta")
    cast, address = night.cast, f"/incidents/{incident.pk}/reassign/"
    marta, elena = browser_of("marta"), browser_of("elena")
    assert 'name="seen" value="0"' in marta.get(address).content.decode()
    assert marta.post(address, {"owner": cast.jonas.pk, "seen": "0"}).status_code == 303

    refused = elena.post(address, {"owner": cast.marta.pk, "seen": "0"})

    assert refused.status_code == 422
    assert "Jonas de Wit has it by now." in refused.content.decode()
    assert elena.post(address, {"owner": cast.marta.pk, "seen": str(cast.jonas.pk)}).status_code == 303
    incident.refresh_from_db()
    assert incident.owner == cast.marta


def test_when_two_give_it_to_a_team_at_once_then_the_second_learns_of_the_first_and_keeps_the_reason(
    night: World, browser_of: Callable[[str], Client], file_incident: Any
) -> None:
    incident = file_incident()
    night.expect_page("marta")
    Team.objects.create(name="Network", slug="network")
    address = f"/incidents/{incident.pk}/team/"
    marta, jonas = browser_of("marta"), browser_of("jonas")
    assert 'name="seen" value="payments"' in marta.get(address).content.decode()
    sent = {"team": "platform", "reason": "Their cluster.", "seen": "payments"}
    assert marta.post(address, sent).status_code == 303

    refused = jonas.post(address, {"team": "network", "reason": "It is the switch.", "seen": "payments"})

    page = refused.content.decode()
    assert refused.status_code == 422
    assert "Platform has it by now. Send it again to hand it on." in page
    assert "It is the switch." in page
    incident.refresh_from_db()
    assert incident.team == night.cast.platform
    # What the form carries now says that he knows: his word against hers.
    seen = refused.context["form"].data["seen"]
    assert jonas.post(address, {"team": "network", "reason": "It is the switch.", "seen": seen}).status_code == 303
    incident.refresh_from_db()
    assert incident.team.slug == "network"


def test_when_two_move_its_stage_at_once_then_the_second_learns_of_the_first(
    night: World, browser_of: Callable[[str], Client], file_incident: Any
) -> None:
    incident = file_incident()
    night.expect_page("marta")
    address = f"/incidents/{incident.pk}/stage/"
    marta, jonas = browser_of("marta"), browser_of("jonas")
    assert 'name="seen" value="new"' in marta.get(address).content.decode()
    assert marta.post(address, {"stage": "investigating", "seen": "new"}).status_code == 303

    # The stage he chose cannot be reached from where it is now: he is told what happened, and not that he chose wrongly.
    refused = jonas.post(address, {"stage": "triage", "seen": "new"})
    same = jonas.post(address, {"stage": "investigating", "seen": "new"})

    moved = "Somebody moved it to “Investigating” meanwhile. Look again and choose."
    for answer in (refused, same):
        assert (answer.status_code, answer.context["form"].errors["stage"]) == (422, [moved])
    incident.refresh_from_db()
    assert incident.stage.key == "investigating"
    seen = refused.context["form"].data["seen"]
    assert jonas.post(address, {"stage": "mitigating", "seen": seen}).status_code == 303


def test_when_two_set_the_bridge_at_once_then_the_second_learns_of_the_first_and_keeps_what_they_typed(
    night: World, browser_of: Callable[[str], Client], file_incident: Any
) -> None:
    incident = file_incident()
    night.expect_page("marta")
    address = f"/incidents/{incident.pk}/bridge/"
    marta, jonas = browser_of("marta"), browser_of("jonas")
    assert marta.post(address, {"url": "https://meet.example/marta", "seen": ""}).status_code == 303

    refused = jonas.post(address, {"url": "https://meet.example/jonas", "seen": ""})

    page = refused.content.decode()
    assert refused.status_code == 422
    assert "Somebody changed this meanwhile to: https://meet.example/marta." in page
    assert 'value="https://meet.example/jonas"' in page
    incident.refresh_from_db()
    assert incident.bridge_url == "https://meet.example/marta"
    seen = refused.context["form"].data["seen"]
    assert jonas.post(address, {"url": "https://meet.example/jonas", "seen": seen}).status_code == 303
    incident.refresh_from_db()
    assert incident.bridge_url == "https://meet.example/jonas"


def test_when_a_card_is_dragged_from_where_it_is_no_more_then_it_stays_and_the_board_says_why(
    night: World, browser_of: Callable[[str], Client], file_incident: Any
) -> None:
    incident = file_incident()
    night.expect_page("marta")
    cast, place = night.cast, f"/incidents/{incident.pk}/move"
    incident_stage(incident_id=incident.pk, stage=stage("investigating"), actor=cast.marta, at=night.now)
    incident_reassign(incident_id=incident.pk, owner=cast.marta, actor=cast.marta, at=night.now)
    jonas = browser_of("jonas")

    stages = jonas.post(f"{place}/stage/", {"stage": "triage", "seen": "new", "dropped": "yes"}, headers=HTMX)
    people = jonas.post(f"{place}/person/", {"owner": cast.jonas.pk, "seen": "0", "dropped": "yes"}, headers=HTMX)

    assert (stages.status_code, people.status_code) == (422, 422)
    assert "Somebody moved it to “Investigating” meanwhile." in stages.content.decode()
    assert f"{cast.marta.name} has it by now." in people.content.decode()
    incident.refresh_from_db()
    assert (incident.stage.key, incident.owner) == ("investigating", cast.marta)
    # The form that a drop on a team opens knows from where the card was taken.
    assert 'name="seen" value="platform"' in jonas.get(f"{place}/team/?to=network&seen=platform").content.decode()


def test_when_it_changed_between_the_form_and_the_lock_then_the_service_refuses(
    night: World, file_incident: Any
) -> None:
    incident = file_incident()
    night.expect_page("marta")
    cast = night.cast
    said: dict[str, Any] = {"incident_id": incident.pk, "actor": cast.jonas, "at": night.now}
    with pytest.raises(Conflict, match="moved it to “New” meanwhile"):
        incident_stage(**said, stage=stage("mitigating"), seen="triage")
    with pytest.raises(Conflict, match="Payments has it by now"):
        incident_team(**said, team=cast.platform, reason="Theirs.", seen="network")
    with pytest.raises(Conflict, match="meanwhile to: nothing"):
        incident_bridge(**said, url="https://meet.example/new", seen="https://meet.example/old")
    incident.refresh_from_db()
    assert (incident.stage.key, incident.team, incident.bridge_url) == ("new", cast.payments, "")

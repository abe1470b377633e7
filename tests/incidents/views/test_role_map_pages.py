"""The role map as a page beside the policy: who may write it, what it says, and two who write it at once."""

from collections.abc import Callable

import pytest
from django.test import Client

from audit.models import LedgerEntry
from incidents.models import RoleDuty
from tests.world.harness import World

Browser = Callable[[str], Client]
ADDRESS = "/incidents/role-map/critical-payments/"


def duties(world: World) -> dict[str, str]:
    rows = RoleDuty.objects.filter(policy=world.cast.policy).select_related("role", "user", "schedule")
    return {row.role.key: f"{row.user or row.schedule} {row.schedule_role}".strip() for row in rows}


@pytest.mark.requirement("R103")
@pytest.mark.requirement("R106")
def test_when_a_manager_writes_the_map_of_a_policy_then_it_says_who_takes_which_role(
    night: World, browser_of: Browser
) -> None:
    cast, elena, marta = night.cast, browser_of("elena"), browser_of("marta")
    assert ADDRESS in elena.get("/policies/critical-payments/").content.decode()
    form = elena.get(ADDRESS).context["form"]
    seen = form.initial["seen"]
    chosen = {"role_commander": f"user:{cast.elena.pk}", "role_mitigation": f"schedule:{cast.schedule.pk}:primary"}

    assert elena.post(ADDRESS, {**chosen, "seen": seen}).status_code == 303

    assert duties(night) == {"commander": str(cast.elena), "mitigation": "Payments primary"}
    read = marta.get(ADDRESS).content.decode()
    assert ("Elena Conti" in read, "Whoever is on call in Payments, " in read) == (True, True)
    assert marta.post(ADDRESS, chosen).status_code == 403
    assert browser_of("sofie").get(ADDRESS).status_code == 403
    # Of the form that was drawn before, nothing is written over what somebody else chose meanwhile.
    late = elena.post(ADDRESS, {"role_scribe": f"user:{cast.jonas.pk}", "seen": seen})
    assert (late.status_code, "Somebody changed the map meanwhile" in late.content.decode()) == (409, True)
    assert set(duties(night)) == {"commander", "mitigation"}
    again = {"role_scribe": f"user:{cast.jonas.pk}", "seen": late.context["form"].data["seen"]}
    assert elena.post(ADDRESS, again).status_code == 303
    assert duties(night) == {"scribe": str(cast.jonas)}
    assert LedgerEntry.objects.filter(action="role_duty.delete").count() == 2
    # The house's own is the administrators'.
    assert elena.get("/incidents/role-map/").context["may_edit"] is False
    assert browser_of("hugo").get("/incidents/role-map/").context["may_edit"] is True

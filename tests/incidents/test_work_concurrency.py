"""Two at once on the work of an incident: no circle closes, a role has one holder, a vendor is mailed once."""

from types import SimpleNamespace
from typing import Any

import pytest

from escalation_site.kernel.errors import Conflict, DomainError
from incidents.models import ResponseRole, RoleHolder, TaskWait, Vendor
from incidents.services.roles import role_take
from incidents.services.task_waits import task_wait_add
from incidents.services.tasks import task_create
from incidents.services.vendor_mail import case_send
from incidents.services.vendors import vendor_call
from notifications.channels import channels_replaced
from notifications.testing import FakeChannel
from tests.incidents.asking import filed
from tests.incidents.test_concurrency import at_once, cast
from tests.world.cast import Cast
from tests.world.harness import NIGHT

__all__ = ["cast"]

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


def test_of_two_at_once_one_closes_no_circle_one_has_the_role_and_one_sends_the_mail(cast: Cast) -> None:
    world: Any = SimpleNamespace(cast=cast, now=NIGHT)
    incident = filed(world)
    asked: dict[str, Any] = {"incident_id": incident.pk, "at": NIGHT}
    first, second = (task_create(**asked, title=title, actor=cast.marta) for title in ("A", "B"))

    results = at_once(
        lambda: task_wait_add(task_id=first.pk, waits_on=second.pk, actor=cast.marta, at=NIGHT),
        lambda: task_wait_add(task_id=second.pk, waits_on=first.pk, actor=cast.jonas, at=NIGHT),
    )
    assert len([one for one in results if isinstance(one, DomainError)]) == 1
    assert TaskWait.objects.count() == 1

    role = ResponseRole.objects.get_or_create(key="commander", defaults={"name": "Commander"})[0]
    results = at_once(
        lambda: role_take(**asked, role=role, actor=cast.marta), lambda: role_take(**asked, role=role, actor=cast.jonas)
    )
    assert len([one for one in results if isinstance(one, Conflict)]) == 1
    assert RoleHolder.objects.filter(incident=incident, until=None).count() == 1

    vendor = Vendor.objects.create(name="Cardlink", slug="cardlink", email="noc@cardlink.example")
    case = vendor_call(**asked, vendor=vendor, reason="Down", actor=cast.marta)
    post = FakeChannel()
    with channels_replaced({"email": post}):
        at_once(*(lambda: case_send(case_id=case.pk, at=NIGHT) for _process in range(3)))
    assert [mail.address for mail in post.got] == ["noc@cardlink.example"]

"""The catalogue for people: what there is, whose it is, what is open on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Count, Min, Q
from django.db.models.functions import Coalesce

from incidents.models import Incident, Integration, Service
from incidents.selectors.around import open_on
from incidents.selectors.listing import Row, rows_of
from incidents.selectors.who import team_on_call
from oncall.models import Schedule, User


@dataclass(frozen=True, slots=True)
class Door:
    """An integration with the address a monitor is to be given; the key in it is stored as a digest and shows its end only."""

    integration: Integration
    address: str
    note: str


@dataclass(frozen=True, slots=True)
class ServicePage:
    """A service with its doors, what is open on it, and who is on call in its team."""

    service: Service
    doors: Sequence[Door]
    rows: Sequence[Row]
    on_call: Sequence[tuple[Schedule, list[User]]]


_OPEN = (Incident.State.TRIGGERED, Incident.State.ACKNOWLEDGED)


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """A service, how many incidents are open on it, and the worst severity among them (None when all is well)."""

    service: Service
    open_count: int
    worst: int | None


def services_listed(user: Any, *, text: str = "", team: str = "") -> list[ServiceRow]:
    """Services by name with what is open on them as far as ``user`` may see it: two queries."""
    found = Service.objects.select_related("team", "policy").order_by("name")
    if text:
        found = found.filter(Q(name__icontains=text) | Q(description__icontains=text))
    if team:
        found = found.filter(team__slug=team)
    # What is open by its own index, and sorted for counting: SQLite would go through a million by service instead.
    visible = Incident.objects.visible_to(user).unresolved().filter(state__in=_OPEN).order_by()
    of = visible.annotate(of=Coalesce("service_id", 0)).values_list("of")
    counted = of.annotate(n=Count("pk"), worst=Min("severity"))
    by_service = {service: (count, worst) for service, count, worst in counted}
    return [ServiceRow(service, *by_service.get(service.pk, (0, None))) for service in found]


def service_page(service: Service, *, user: User, at: datetime) -> ServicePage:
    """Everything about ``service`` for ``user`` at ``at``: eight queries."""
    doors = [door_of(integration) for integration in Integration.objects.filter(service=service)]
    return ServicePage(
        service, doors, rows_of(open_on(service, user=user, limit=20), at=at), team_on_call(service.team, at=at)
    )


def door_of(integration: Integration) -> Door:
    """Where signals of this integration are sent to."""
    base = settings.PUBLIC_URL.rstrip("/")
    key = f"…{integration.key_hint}"
    if integration.kind == Integration.Kind.PAGERDUTY:
        return Door(integration, f"{base}/v2/enqueue", key)
    return Door(integration, f"{base}/integrations/{integration.kind}/{key}/", "")

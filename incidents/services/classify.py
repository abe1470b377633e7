"""What kind of incident it is and whom it hits, said or corrected while it is under way."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from escalation_site.kernel.errors import Conflict
from incidents.models import Category, Customer, Incident
from incidents.permissions import require_responder
from incidents.services.facts import incident_facts, rules_follow
from incidents.services.severity import terms_follow
from incidents.services.working import working
from oncall.models import User


def incident_classify(
    *,
    incident_id: int,
    category: Category | None,
    customer: Customer | None,
    actor: User,
    at: datetime,
    custom: Mapping[str, Any] | None = None,
    source: str = "web",
) -> Incident:
    """Give it this category, this customer and these answers (by key; None is "not known any more"; others stay).

    The routing rules are asked again, as for every fact: what gets worse applies at once. What is the same already does nothing.
    Raises DomainError naming the field at fault, NotAllowed for people who may not respond, Conflict when it is resolved.
    """
    with working(incident_id, actor=actor, at=at, source=source) as work:
        incident = work.incident
        require_responder(actor, incident)
        if not incident.is_open:
            raise Conflict(_("It is resolved already."))
        wanted = {"category": category, "customer": customer}
        changed: dict[str, Any] = {
            name: row for name, row in wanted.items() if getattr(incident, f"{name}_id") != (row and row.pk)
        }
        if changed:
            work.changes.set(incident, "incident.classify", **changed)
            work.changes.timeline(
                incident,
                "incident.classify",
                source=source,
                category=category.name if category else "",
                customer=customer.name if customer else "",
            )
            terms_follow(work)
            rules_follow(work)
    if custom:
        return incident_facts(incident_id=incident_id, values={"custom": custom}, actor=actor, at=at, source=source)
    return incident

"""Filing an incident by hand: the incident, what was said with it, and its evidence, all of it or nothing."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from escalation_site.kernel.errors import DomainError
from incidents.models import Customer, Incident
from incidents.services.drafts import draft_filed
from incidents.services.lifecycle import incident_open
from incidents.services.saying import Saying, said_enter
from incidents.services.working import Work, working
from oncall.models import User

MAX_WHY = 500


@transaction.atomic
def incident_file(
    *,
    reporter: User,
    at: datetime,
    evidence: str = "",
    tier: int | None = None,
    tier_reason: str = "",
    facts: Mapping[str, Any] | None = None,
    customer: Customer | None = None,
    source: str = "web",
    **opened: Any,
) -> Incident:
    """`incident_open`, with what a form asks beside: ``evidence`` is the first thing said on it, ``tier`` the SLA tier where it is
    another than that of the customer's contract, and the files of the reporter's draft are its own.

    The reporter needs no right to read it: a restricted one of another team is filed all the same. Raises DomainError naming the field
    at fault.
    """
    contract = customer.tier if customer else None
    given = tier if tier is not None and tier != contract else None
    if given is not None and not tier_reason.strip():
        raise DomainError(_("Say why it is another SLA tier."), field="tier_reason")
    known = {**(facts or {}), **({"customer_tier": given} if given is not None else {})}
    incident = incident_open(reporter=reporter, at=at, facts=known, customer=customer, source=source, **opened)
    if given is not None or evidence.strip():
        with working(incident.pk, actor=reporter, at=at, source=source) as work:
            if given is not None:
                _tier_enter(work, given, contract, tier_reason.strip()[:MAX_WHY])
            if evidence.strip():
                said_enter(
                    work.incident, Saying("incident.comment", evidence.strip(), public=True), changes=work.changes
                )
    draft_filed(incident=incident, user=reporter, at=at, source=source)
    return incident


def _tier_enter(work: Work, given: int, contract: int | None, reason: str) -> None:
    before = None if contract is None else {"tier": contract}
    work.changes.ledger(work.incident, "incident.tier", before=before, after={"tier": given}, data={"reason": reason})
    if contract is None:
        work.changes.timeline(work.incident, "incident.tier_said", text=reason, after=given)
    else:
        work.changes.timeline(work.incident, "incident.tier", text=reason, before=contract, after=given)

"""Vendors (R101): called for an incident, told by e-mail, their clock watched; and what is known of them.

A call is a row. Its mail goes out after the commit, claimed before it is handed over, so that it is sent at most once; one that could
not be sent is tried again for half an hour, and then a person is told to call by hand.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from audit.rows import row_set
from escalation_site.kernel.errors import Conflict, DomainError
from incidents.changes import actor_of
from incidents.models import ResponseRole, RoleHolder, Service, Vendor, VendorCase
from incidents.permissions import require_responder
from incidents.roles import VENDOR_LEAD
from incidents.services.documents import links_set
from incidents.services.notices import people_tell
from incidents.services.working import Work, working
from oncall.models import User

WAITING, SENDING, SENT, FAILED, UNKNOWN, BY_HAND = "waiting", "sending", "sent", "failed", "unknown", "by hand"
"""How a vendor was told (``VendorCase.told_state``)."""


@transaction.atomic
def vendor_set(
    *,
    vendor: Vendor,
    values: Mapping[str, Any],
    actor: User | None,
    at: datetime,
    services: Iterable[Service] | None = None,
) -> Vendor:
    """Give ``vendor``, new or stored, these values and services (None: as they are). Raises ValidationError for what the model refuses."""
    row_set(vendor, values, noun="vendor", at=at, actor=actor_of(actor), user=actor)
    links_set(vendor, vendor.services, services, "vendor.services", actor=actor_of(actor), at=at)
    return vendor


def vendor_call(
    *, incident_id: int, vendor: Vendor, reason: str, actor: User, at: datetime, source: str = "web"
) -> VendorCase:
    """Call ``vendor`` for the incident: its clock runs from now, and it is told by e-mail, or by hand where it has no address.

    Raises DomainError without a reason, Conflict where it is called already and has not closed, NotAllowed for people who may not respond.
    """
    if not reason.strip():
        raise DomainError(_("Say what is needed: the vendor reads it."), field="reason")
    with working(incident_id, actor=actor, at=at, source=source) as work:
        require_responder(actor, work.incident)
        if not vendor.active:
            raise DomainError(_("This vendor is not called any more."))
        if VendorCase.objects.filter(incident=work.incident, vendor=vendor, closed_at=None).exists():
            raise Conflict(_("%(vendor)s has been called already.") % {"vendor": vendor.name})
        case = VendorCase(
            incident=work.incident,
            vendor=vendor,
            reason=reason.strip(),
            opened_by=actor,
            opened_at=at,
            due_at=at + timedelta(minutes=vendor.response_minutes),
            told_state=WAITING if vendor.email else BY_HAND,
        )
        case_write(work, case, "vendor_case.open")
        work.changes.timeline(
            work.incident,
            "vendor.call",
            text=case.reason,
            name=vendor.name,
            until=case.due_at.isoformat(),
            source=source,
        )
        case_people_tell(
            work,
            case,
            key=f"vendor-open:{case.pk}",
            urgent=False,
            says=lambda: [
                _("%(name)s called %(vendor)s for %(reference)s.")
                % {"name": actor.name, "vendor": vendor.name, "reference": work.incident.reference},
                case.reason,
            ],
        )
    return case


def vendor_answered(*, case_id: int, actor: User, at: datetime, reference: str = "", source: str = "web") -> VendorCase:
    """The vendor answered: its clock stops. ``reference`` is its own number. Answered twice: the number may be added, the instant stays.

    Raises Conflict when the case is closed, NotAllowed for people who may not respond.
    """
    with working(_incident_of(case_id), actor=actor, at=at, source=source) as work:
        case = _locked(work, case_id, actor)
        if case.closed_at is not None:
            raise Conflict(_("It is closed."))
        first = case.answered_at is None
        values = {"answered_at": case.answered_at or at, "reference": reference.strip()[:80] or case.reference}
        case_write(work, case, "vendor_case.answer", **values)
        if first:
            work.changes.timeline(work.incident, "vendor.answer", name=case.vendor.name, source=source)
    return case


def vendor_closed(*, case_id: int, actor: User, at: datetime, source: str = "web") -> VendorCase:
    """Nothing more is wanted of the vendor. Pressing twice does nothing."""
    with working(_incident_of(case_id), actor=actor, at=at, source=source) as work:
        case = _locked(work, case_id, actor)
        if case.closed_at is None:
            case_write(work, case, "vendor_case.close", closed_at=at)
            work.changes.timeline(work.incident, "vendor.close", name=case.vendor.name, source=source)
    return case


def _incident_of(case_id: int) -> int:
    found = VendorCase.objects.filter(pk=case_id).values_list("incident", flat=True).first()
    if found is None:
        raise DomainError(_("There is no such case."))
    return found


def _locked(work: Work, case_id: int, actor: User) -> VendorCase:
    require_responder(actor, work.incident)
    return VendorCase.objects.select_related("vendor").get(pk=case_id, incident=work.incident)


def case_write(work: Work, case: VendorCase, action: str, **values: Any) -> None:
    """Store the case with these values, its history and the ledger's entry."""
    before, after = {}, {}
    for name, value in values.items():
        old = getattr(case, name)
        setattr(case, name, value)
        if old != value:
            before[name], after[name] = _plain(old), _plain(value)
    if values and not after:
        return
    if not values:
        after = {"vendor": case.vendor.name, "due_at": _plain(case.due_at), "told_state": case.told_state}
    saved: Any = case
    saved._history_date, saved._history_user = work.changes.at, work.changes.user
    case.save()
    work.changes.ledger(
        work.incident,
        action,
        object_type="vendor_case",
        object_id=str(case.pk),
        object_label=f"{work.incident.reference} {case.vendor.name}",
        before=before or None,
        after=after,
    )


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def case_people_tell(work: Work, case: VendorCase, *, key: str, urgent: bool, says: Any) -> None:
    """Tell the vendor lead, or the incident's owner where nobody holds that role, or whoever called where nobody owns it."""
    lead = ResponseRole.objects.filter(key=VENDOR_LEAD)
    held = RoleHolder.objects.filter(incident=work.incident, role__in=lead, until=None).select_related("user").first()
    person = held.user if held else work.incident.owner or case.opened_by
    if person is not None:
        people_tell(
            incident=work.incident,
            users=[person],
            key=key,
            says=says,
            changes=work.changes,
            urgency="high" if urgent else "low",
            place=reverse("incidents:work", args=(work.incident.pk,)),
        )

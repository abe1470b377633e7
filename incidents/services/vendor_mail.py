"""What goes to vendors by itself: the mail of a call, and the word to a person when a vendor does not answer in time.

The cluster looks each minute. A mail is claimed in its row before it is handed over: two who look at once
send it once, and one who dies meanwhile leaves "unknown", which is told to a person and never sent again (docs/decisions/0004).
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.utils.translation import gettext as _

from incidents.models import TimelineEvent, Vendor, VendorCase
from incidents.services.vendors import (
    FAILED,
    SENDING,
    SENT,
    UNKNOWN,
    WAITING,
    case_people_tell,
    case_write,
)
from incidents.services.working import working
from notifications.channels import ChannelError, OutcomeUnknown, Outgoing, Refused, channel_for

log = structlog.get_logger(__name__)
TRIED_FOR = timedelta(minutes=30)
"""How long a mail that cannot be sent is tried again."""
HANGS = timedelta(minutes=5)
"""A mail that has been on its way for longer was left by a process that died."""
HAND = 50


def vendors_check(*, at: datetime) -> int:
    """Send what waits, end what hangs, and say which vendors are late; returns how many cases were touched."""
    waiting = VendorCase.objects.filter(told_state=WAITING, closed_at=None).values_list("pk", flat=True)
    done = sum(case_send(case_id=pk, at=at) for pk in list(waiting.order_by("pk")[:HAND]))
    return done + _hanging(at) + _overdue(at)


def case_send(*, case_id: int, at: datetime) -> bool:
    """Send the mail of one call; returns whether this process did. What fails for now waits for the next look."""
    case = _claim(case_id, at)
    if case is None:
        return False
    try:
        channel_for("email").send(_mail(case, at), hand_over=lambda: None)
    except OutcomeUnknown as error:
        _settle(case, UNKNOWN, error.detail, at)
    except Refused as error:
        _settle(case, FAILED, error.detail, at)
    except (ChannelError, KeyError) as error:
        log.warning("mail.vendor_failed", case=case.pk, reason=str(error))
        _settle(case, WAITING if at - case.opened_at < TRIED_FOR else FAILED, str(error), at)
    else:
        _settle(case, SENT, "", at)
    return True


def _claim(case_id: int, at: datetime) -> VendorCase | None:
    incident_id = VendorCase.objects.filter(pk=case_id).values_list("incident", flat=True).first()
    if incident_id is None:
        return None
    with working(incident_id, actor=None, at=at, source="cluster") as work:
        case = VendorCase.objects.select_related("vendor", "opened_by").get(pk=case_id)
        case.incident = work.incident
        if case.told_state != WAITING or case.closed_at is not None:
            return None
        case_write(work, case, "vendor_case.send", told_state=SENDING)
    return case


def _settle(case: VendorCase, state: str, reason: str, at: datetime) -> None:
    """Enter how the mail ended. Where nobody can be sure that the vendor has it, a person is told to call."""
    with working(case.incident_id, actor=None, at=at, source="cluster") as work:
        fresh = VendorCase.objects.select_related("vendor", "opened_by").get(pk=case.pk)
        if fresh.told_state != SENDING:
            return
        case_write(work, fresh, "vendor_case.settle", told_state=state)
        places: dict[str, Any] = {"name": fresh.vendor.name, "reason": reason}
        if state == SENT:
            work.changes.timeline(work.incident, "vendor.tell", **places)
        elif state != WAITING:
            work.changes.timeline(work.incident, "vendor.untold", **places)
            case_people_tell(work, fresh, key=f"vendor-untold:{fresh.pk}", urgent=True, says=_untold_words(fresh))


def _untold_words(case: VendorCase) -> Callable[[], list[str]]:
    return lambda: [
        _("It is not certain that %(vendor)s got the mail. Call them: %(phone)s")
        % {"vendor": case.vendor.name, "phone": case.vendor.phone or case.vendor.portal_url or "–"}
    ]


def _hanging(at: datetime) -> int:
    found = VendorCase.objects.filter(told_state=SENDING, closed_at=None).select_related("vendor")
    hanging = [case for case in found[:HAND] if _claimed_at(case) < at - HANGS]
    for case in hanging:
        _settle(case, UNKNOWN, "", at)
    return len(hanging)


def _claimed_at(case: VendorCase) -> datetime:
    history: Any = case.history
    found: datetime = history.order_by("-history_id").values_list("history_date", flat=True).first() or case.opened_at
    return found


def _overdue(at: datetime) -> int:
    """Say once of each vendor that has not answered in time: on the incident, and to its vendor lead or owner."""
    late = VendorCase.objects.filter(answered_at=None, closed_at=None, due_at__lte=at)
    cases = list(late.exclude(incident__state="resolved").select_related("vendor", "opened_by").order_by("pk"))
    said = _said_overdue(cases)
    fresh = [case for case in cases if case.pk not in said][:HAND]
    for case in fresh:
        with working(case.incident_id, actor=None, at=at, source="cluster") as work:
            if case.pk in _said_overdue([case]):
                continue
            case.incident = work.incident
            work.changes.timeline(work.incident, "vendor.overdue", name=case.vendor.name, case=case.pk)
            work.changes.ledger(
                work.incident,
                "vendor_case.overdue",
                object_type="vendor_case",
                object_id=str(case.pk),
                object_label=f"{work.incident.reference} {case.vendor.name}",
            )
            case_people_tell(work, case, key=f"vendor-overdue:{case.pk}", urgent=True, says=_overdue_words(case))
    return len(fresh)


def _said_overdue(cases: list[VendorCase]) -> set[int]:
    """Of which of these the timeline says already that they are late."""
    if not cases:
        return set()
    lines = TimelineEvent.objects.filter(incident__in={case.incident_id for case in cases}, kind="vendor.overdue")
    return {int(data["case"]) for data in lines.values_list("data", flat=True)}


def _overdue_words(case: VendorCase) -> Callable[[], list[str]]:
    return lambda: [
        _("%(vendor)s was called for %(reference)s and has not answered in time.")
        % {"vendor": case.vendor.name, "reference": case.incident.reference},
        _("Call them: %(phone)s") % {"phone": case.vendor.phone or case.vendor.portal_url or "–"},
    ]


def _mail(case: VendorCase, at: datetime) -> Outgoing:
    """The mail in English, as vendors elsewhere read it: who we are, what is wrong, what was promised. Nothing restricted is told."""
    vendor, incident = case.vendor, case.incident
    title = incident.reference if incident.restricted else f"{incident.reference} {incident.title}"
    lines = [
        *(["This is an exercise.", ""] if incident.is_test else []),
        f"{settings.ORGANISATION_NAME} asks for your help with {title}.",
        "",
        case.reason,
        "",
        f"Our number: {incident.reference}",
        *_contract(vendor),
        f"Please answer by {case.due_at:%Y-%m-%d %H:%M} UTC.",
    ]
    if case.opened_by is not None:
        lines += ["", f"Contact: {case.opened_by.name} {case.opened_by.email}".rstrip()]
    return Outgoing(
        address=vendor.email,
        subject=f"{'TEST ' if incident.is_test else ''}[{incident.reference}] {settings.ORGANISATION_NAME} needs {vendor.name}",
        body="\n".join(lines),
        body_html="",
        link="",
        kind="vendor",
        urgency="high",
        idempotency_key=f"vendor:{case.pk}",
        created_at=at,
        context={"subject": incident.subject},
    )


def _contract(vendor: Vendor) -> list[str]:
    words = (("Contract", vendor.contract), ("Support level", vendor.support_level))
    return [f"{name}: {value}" for name, value in words if value]

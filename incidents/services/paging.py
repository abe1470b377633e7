"""Pages: made in sets, cancelled in sets, settled by what the sender reports."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from escalation_site.kernel.composed import Composed
from escalation_site.kernel.rows import rows_insert, rows_update
from incidents.changes import Changes
from incidents.links import nonce_make, page_url
from incidents.models import EscalationRun, Incident, Page
from incidents.routing.ways import ways_of
from incidents.wording import page_body, page_subject
from notifications.models import Message
from notifications.selectors import kinds_of
from notifications.services import messages_cancel, messages_create
from notifications.values import MessageValue
from oncall.paging import Skipped
from policies.severity import Urgency, urgency_of
from policies.targets import Place, Recipient
from policies.ways import level_record


@dataclass(frozen=True, slots=True)
class PageOrder:
    """Page these people for one level of one run, and tell these places. ``levels`` is how many levels the policy has, ``name``
    this one's."""

    run: EscalationRun
    cycle: int
    level: int
    levels: int
    name: str
    recipients: tuple[Recipient, ...]
    skipped: tuple[Skipped, ...] = ()
    repeat: int = 0
    places: tuple[Place, ...] = ()


def pages_create(orders: Sequence[PageOrder], *, changes: Changes) -> list[list[Page]]:
    """Make the pages and queue their messages: three statements for hundreds of pages. Returns the pages of each order.

    A person without any contact method gets a page that has failed with that reason: it shows, and the caller looks at the states.
    """
    orders = _by_level(_by_criteria(orders, changes))
    nonces = [[nonce_make() for _recipient in order.recipients] for order in orders]
    values = [
        _message_value(order, recipient, nonce, changes)
        for order, own in zip(orders, nonces, strict=True)
        for recipient, nonce in zip(order.recipients, own, strict=True)
    ]
    messages = iter(messages_create(values, at=changes.at))
    made: list[list[Page]] = []
    for order, own in zip(orders, nonces, strict=True):
        made.append(
            [
                _page(order, recipient, nonce, next(messages), changes)
                for recipient, nonce in zip(order.recipients, own, strict=True)
            ]
        )
    rows_insert([page for pages in made for page in pages])
    for order, pages in zip(orders, made, strict=True):
        _record(order, pages, changes)
    return made


def _by_criteria(orders: Sequence[PageOrder], changes: Changes) -> list[PageOrder]:
    """The orders with what the channel criteria say of their incidents beside the reason of each recipient."""
    paging = [order.run.incident for order in orders if order.recipients]
    ways = ways_of(paging, at=changes.at) if paging else {}
    if not ways:
        return list(orders)
    return [
        replace(
            order,
            recipients=tuple(
                replace(one, why={**one.why, "channels": ways[order.run.incident_id].record()})
                for one in order.recipients
            ),
        )
        if order.run.incident_id in ways
        else order
        for order in orders
    ]


def _by_level(orders: Sequence[PageOrder]) -> list[PageOrder]:
    """The orders with the channels that levels name beside the reason of each of their people, and who has none of them."""
    people = {one.user.pk for order in orders for one in order.recipients if one.channels}
    kinds = kinds_of(people)
    return [
        replace(order, recipients=tuple(_with_channels(one, kinds) for one in order.recipients)) if people else order
        for order in orders
    ]


def _with_channels(one: Recipient, kinds: Mapping[int, Collection[str]]) -> Recipient:
    if not one.channels:
        return one
    return replace(one, why={**one.why, "level": level_record(one.channels, kinds[one.user.pk], _chosen(one))})


def _chosen(one: Recipient) -> tuple[str, ...]:
    """The kinds that a channel criterion names, none where none holds."""
    return tuple(one.why.get("channels", {}).get("use", ()))


def _message_value(order: PageOrder, recipient: Recipient, nonce: str, changes: Changes) -> MessageValue:
    incident, user = order.run.incident, recipient.user
    link = page_url(nonce)
    return MessageValue(
        recipient_id=user.pk,
        subject=page_subject(incident, user),
        body=page_body(
            incident,
            recipient=user,
            level=order.level + 1,
            levels=order.levels,
            why=recipient.why,
            link=link,
            at=changes.at,
        ),
        link=link,
        idempotency_key=_key(order, user.pk),
        urgency="high" if urgency_of(incident.severity) is Urgency.HIGH else "low",
        priority=incident.severity * 10,
        context={"subject": incident.subject},
        channels=_chosen(recipient) or recipient.channels,
        channels_then=recipient.channels if _chosen(recipient) else (),
        turn=order.cycle + order.repeat,
    )


def _key(order: PageOrder, user_id: int) -> str:
    """Names the message for ever. A first telling is named as it was before levels could repeat."""
    key = f"page:{order.run.pk}:{order.cycle}:{order.level}:{user_id}"
    return f"{key}:{order.repeat}" if order.repeat else key


def _page(order: PageOrder, recipient: Recipient, nonce: str, message: Message, changes: Changes) -> Page:
    failed = message.state == Message.State.FAILED
    return Page(
        run=order.run,
        incident=order.run.incident,
        cycle=order.cycle,
        level=order.level,
        repeat=order.repeat,
        recipient=recipient.user,
        why=recipient.why,
        message=message,
        state=Page.State.FAILED if failed else Page.State.PENDING,
        state_reason=message.state_reason if failed else "",
        settled_at=changes.at if failed else None,
        created_at=changes.at,
        link_nonce=nonce,
    )


def _record(order: PageOrder, pages: Sequence[Page], changes: Changes) -> None:
    incident = order.run.incident
    for one in order.skipped:
        passed: dict[str, Any] = {"name": one.user.name, "skip": one.reason, "level": order.level + 1}
        changes.timeline(incident, "escalation.skip_person", **passed)
        changes.ledger(
            incident,
            "escalation.skip_person",
            object_type="run",
            object_id=str(order.run.pk),
            data={**passed, "cycle": order.cycle + 1},
        )
    lacking = [page for page in pages if page.why.get("level", {}).get("lacks")]
    if lacking and not order.repeat:
        changes.timeline(
            incident,
            "escalation.own_channels",
            people=[page.recipient.name for page in lacking],
            channels=lacking[0].why["level"]["use"],
            level=order.level + 1,
        )
    for page in pages:
        changes.ledger(
            incident,
            "page.create",
            object_type="page",
            object_id=str(page.pk),
            object_label=page.recipient.name,
            after={
                "recipient": page.recipient.name,
                "level": order.level + 1,
                "cycle": order.cycle + 1,
                "state": page.state,
            },
            data={"why": page.why, "recipient": page.recipient_id, "message": page.message_id},
            # Somebody asked for this very page; any other follows from the policy.
            actor=changes.actor if page.why.get("kind") == "asked" else None,
        )


_pending = Composed(
    lambda incidents: (
        Page.objects.filter(incident__in=incidents, state=Page.State.PENDING, message__isnull=False)
        .order_by("id")
        .select_related("recipient")
    )
)
_declined = Composed(
    lambda runs: Page.objects.filter(run__in=runs, declined_at__isnull=False).values_list(
        "run", "cycle", "level", "recipient"
    )
)


def pages_cancel(
    incidents: Sequence[Incident], *, reason: str, changes: Changes, recipients: Collection[int] | None = None
) -> None:
    """Stop what is still on its way for these incidents, to ``recipients`` only where they are given.

    A message under way is left to end and its report settles the page.
    """
    if not incidents:
        return
    by_id = {incident.pk: incident for incident in incidents}
    pending = _pending(incidents=list(by_id))
    if recipients is not None:
        pending = [page for page in pending if page.recipient_id in recipients]
    if not pending:
        return
    outcome = messages_cancel(
        message_ids=[page.message_id for page in pending if page.message_id],
        reason=reason,
        at=changes.at,
        actor=changes.actor,
    )
    stopped_ids = {message.pk for message in outcome.cancelled}
    stopped = [page for page in pending if page.message_id in stopped_ids]
    Page.objects.filter(pk__in=[page.pk for page in stopped]).update(
        state=Page.State.CANCELLED, state_reason=reason[:200], settled_at=changes.at
    )
    for page in stopped:
        incident = by_id[page.incident_id]
        _settled(page, incident, Page.State.CANCELLED, reason, changes)


def _settled(page: Page, incident: Incident, state: str, reason: str, changes: Changes) -> None:
    changes.ledger(
        incident,
        "page.settle",
        object_type="page",
        object_id=str(page.pk),
        object_label=page.recipient.name,
        before={"state": page.state},
        after={"state": state, "reason": reason},
    )
    page.state, page.state_reason = state, reason
    changes.timeline(incident, f"page.{state}", name=page.recipient.name, reason=reason, level=page.level + 1)


def pages_settle(reports: Sequence[tuple[Page, str, str]], *, changes: Changes) -> list[Page]:
    """Enter how pages ended, each (page, state, reason); a page that has ended already stays as it is. Returns those that changed."""
    changed = [(page, state, reason) for page, state, reason in reports if page.state == Page.State.PENDING]
    for page, state, reason in changed:
        _settled(page, page.incident, state, reason, changes)
        page.settled_at = changes.at
    if changed:
        pages = [page for page, _state, _reason in changed]
        rows_update(pages, ["state", "state_reason", "settled_at"])
    return [page for page, _state, _reason in changed]


def declined_by(runs: Sequence[EscalationRun]) -> dict[tuple[int, int, int], set[int]]:
    """Who said "can't take it", by (run, cycle, level): one query, none for no runs."""
    found: dict[tuple[int, int, int], set[int]] = {}
    for run_id, cycle, level, recipient_id in _declined(runs=[run.pk for run in runs]):
        found.setdefault((run_id, cycle, level), set()).add(recipient_id)
    return found

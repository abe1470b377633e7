"""Handing over: accepting the brief, saying whether it was enough, notes and watch items for whoever comes next."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from audit.services import EntryValue, entry_append
from escalation_site.kernel.errors import Conflict, DomainError, NotAllowed
from oncall import ports
from oncall.models import Handoff, HandoffNote, Schedule, User
from oncall.permissions import in_team, is_responder
from oncall.services import actor_of
from oncall.telling import distinct, duty_words, note_to

LONGEST_NOTE = 2000
LONGEST_REMARK = 500
RECENT = timedelta(days=60)
"""For so long somebody who was on call for another team's schedule may still write notes on it."""


def may_accept(user: User, handoff: Handoff) -> bool:
    """Whoever came on call, and nobody for them."""
    return is_responder(user) and user.pk == handoff.incoming_id


def may_see_rating(user: User, handoff: Handoff) -> bool:
    """The two it is about, managers, auditors and administrators."""
    return user.is_active and (
        user.may_manage or user.is_auditor or user.pk in (handoff.incoming_id, handoff.outgoing_id)
    )


def may_note(user: User, schedule: Schedule, *, at: datetime) -> bool:
    """Responders of the schedule's team, whoever manages, and whoever was on call for it in the last 60 days."""
    if not is_responder(user):
        return False
    if user.may_manage or in_team(user, schedule):
        return True
    theirs = Handoff.objects.filter(Q(incoming=user) | Q(outgoing=user), schedule=schedule, at__gt=at - RECENT)
    return theirs.exists()


def handoffs_visible_to(user: User) -> QuerySet[Handoff]:
    """All of them for managers, auditors and administrators; for others those they had a part in."""
    found = Handoff.objects.select_related("schedule", "incoming", "outgoing")
    if user.may_manage or user.is_auditor:
        return found
    return found.filter(Q(incoming=user) | Q(outgoing=user))


def handoff_accepted(schedule_ids: Collection[int], *, since: datetime, at: datetime) -> set[tuple[int, str, int]]:
    """(schedule id, role, user id) of the handoffs from ``since`` on that had been accepted by ``at``: one query."""
    rows = Handoff.objects.filter(schedule__in=schedule_ids, at__gte=since, at__lte=at, accepted_at__lte=at)
    return set(rows.order_by().values_list("schedule_id", "role", "incoming_id"))


@transaction.atomic
def handoff_accept(*, handoff: Handoff, actor: User, at: datetime, brief: dict[str, Any]) -> Handoff:
    """Confirm that ``actor`` has read the brief, which is kept as it was. Twice does nothing.

    Raises NotAllowed for anybody but the one who came on call, Conflict once the shift is over.
    """
    handoff = _locked(handoff)
    if not may_accept(actor, handoff):
        raise NotAllowed(_("Only whoever has come on call accepts the handoff."))
    if handoff.accepted_at is not None:
        return handoff
    if is_over(handoff, at=at):
        raise Conflict(_("This shift is over."))
    handoff.accepted_at, handoff.brief, handoff.remind_at = at, brief, None
    handoff.save(update_fields=["accepted_at", "brief", "remind_at"])
    entry_append(_entry(handoff, "handoff.accept", actor=actor, at=at, after={"accepted_at": at.isoformat()}))
    return handoff


@transaction.atomic
def handoff_rate(*, handoff: Handoff, actor: User, complete: bool, remark: str, at: datetime) -> Handoff:
    """Say whether the brief was enough, and what was missing; may be said again. The outgoing person hears what was missing.

    Raises NotAllowed for anybody but the one who came on call, Conflict before the handoff is accepted, DomainError
    (``remark``) where something was missing and nobody says what.
    """
    handoff = _locked(handoff)
    remark = remark.strip()
    if not may_accept(actor, handoff):
        raise NotAllowed(_("Only whoever has come on call says whether the brief was complete."))
    if handoff.accepted_at is None:
        raise Conflict(_("Accept the handoff first."))
    if not complete and not remark:
        raise DomainError(_("Say what was missing, so that it is there next time."), field="remark")
    if len(remark) > LONGEST_REMARK:
        raise DomainError(_("At most %(most)d characters.") % {"most": LONGEST_REMARK}, field="remark")
    before = {"complete": handoff.complete, "remark": handoff.remark}
    after = {"complete": complete, "remark": remark}
    if before == after:
        return handoff
    handoff.complete, handoff.remark = complete, remark
    handoff.save(update_fields=["complete", "remark"])
    entry_append(_entry(handoff, "handoff.rate", actor=actor, at=at, before=before, after=after))
    if not complete and handoff.outgoing is not None:
        ports.tell([_missing_note(handoff, handoff.outgoing, at=at)], at=at)
    return handoff


def _missing_note(handoff: Handoff, outgoing: User, *, at: datetime) -> ports.Note:
    def words() -> tuple[str, str]:
        places = {
            "name": handoff.incoming.name,
            "duty": duty_words(handoff.schedule, handoff.role),
            "remark": handoff.remark,
        }
        return (
            _("Something was missing in your handoff: %(duty)s") % places,
            _("%(name)s took over %(duty)s from you and says what was missing:\n\n%(remark)s") % places,
        )

    return note_to(
        outgoing,
        words,
        key=f"handoff:{handoff.pk}:rated:{at.isoformat()}",
        link=handoff_url(handoff),
        subject_ref=f"schedule:{handoff.schedule_id}",
    )


@transaction.atomic
def handoff_note_create(*, schedule: Schedule, author: User, text: str, watch: bool, at: datetime) -> HandoffNote:
    """Leave a note for whoever is on call next; with ``watch`` it stays in every brief until it is ticked off.

    Those who are on call by the last handoff hear of it. Raises NotAllowed, and DomainError (``text``) for a note that is
    empty or too long.
    """
    text = text.strip()
    if not may_note(author, schedule, at=at):
        raise NotAllowed(_("Only responders of the schedule’s team write notes for it."))
    if not text:
        raise DomainError(_("Write what the next person should know."), field="text")
    if len(text) > LONGEST_NOTE:
        raise DomainError(_("At most %(most)d characters.") % {"most": LONGEST_NOTE}, field="text")
    note = HandoffNote.objects.create(schedule=schedule, author=author, text=text, watch=watch, created_at=at)
    entry_append(_note_entry(note, "handoff_note.create", actor=author, at=at, after={"text": text, "watch": watch}))
    holders = [one for one in current_handoffs(schedule, at=at) if one.incoming_id != author.pk]
    people = distinct(one.incoming for one in holders)
    ports.tell([_note_note(note, person, link=handoff_url(holders[0])) for person in people], at=at)
    return note


def handoffs_waiting(user: User, *, at: datetime) -> list[Handoff]:
    """What ``user`` has not accepted though the shift has begun and is not over, the latest first: one query."""
    rows = Handoff.objects.filter(Q(until=None) | Q(until__gt=at), incoming=user, accepted_at=None, at__gt=at - RECENT)
    return list(rows.select_related("schedule", "outgoing"))


def current_handoffs(schedule: Schedule, *, at: datetime) -> list[Handoff]:
    """The last handoff of each role whose spell is not over: who came on call, and when. One query."""
    found: dict[str, list[Handoff]] = {}
    rows = Handoff.objects.filter(schedule=schedule, at__lte=at, at__gt=at - RECENT)
    for row in rows.select_related("schedule", "incoming", "outgoing").order_by("-at", "id"):
        own = found.setdefault(row.role, [])
        # Several may have come at once; the one before them is over.
        if not own or own[0].at == row.at:
            own.append(row)
    return [row for own in found.values() for row in own if row.until is None or row.until > at]


def _note_note(note: HandoffNote, person: User, *, link: str) -> ports.Note:
    def words() -> tuple[str, str]:
        places = {"name": note.author.name, "schedule": note.schedule.name, "text": note.text}
        return (
            _("A note for you on %(schedule)s") % places,
            _("%(name)s has left a note on %(schedule)s:\n\n%(text)s") % places,
        )

    return note_to(person, words, key=f"handoff-note:{note.pk}", link=link, subject_ref=f"schedule:{note.schedule_id}")


@transaction.atomic
def handoff_note_done(*, note: HandoffNote, actor: User, at: datetime) -> HandoffNote:
    """Tick a watch item off; it leaves the briefs to come. Twice does nothing. Raises NotAllowed."""
    note = HandoffNote.objects.select_for_update(of=("self",)).select_related("schedule", "author").get(pk=note.pk)
    if not may_note(actor, note.schedule, at=at):
        raise NotAllowed(_("Only responders of the schedule’s team tick its notes off."))
    if note.done_at is not None:
        return note
    note.done_at, note.done_by = at, actor
    note.save(update_fields=["done_at", "done_by"])
    entry_append(_note_entry(note, "handoff_note.done", actor=actor, at=at, after={"done_at": at.isoformat()}))
    return note


def is_over(handoff: Handoff, *, at: datetime) -> bool:
    return handoff.until is not None and handoff.until <= at


def watch_items(schedule: Schedule) -> list[HandoffNote]:
    """What is still to be watched, the oldest first: one query."""
    return list(HandoffNote.objects.filter(schedule=schedule, watch=True, done_at=None).select_related("author"))


def handoff_url(handoff: Handoff) -> str:
    return reverse("incidents:handoff", args=(handoff.pk,))


def _locked(handoff: Handoff) -> Handoff:
    rows = Handoff.objects.select_for_update(of=("self",)).select_related("schedule", "incoming", "outgoing")
    return rows.get(pk=handoff.pk)


def _entry(
    handoff: Handoff,
    action: str,
    *,
    actor: User,
    at: datetime,
    after: dict[str, Any],
    before: dict[str, Any] | None = None,
) -> EntryValue:
    return EntryValue(
        at=at,
        action=action,
        object_type="handoff",
        object_id=str(handoff.pk),
        object_label=str(handoff),
        subject=f"schedule:{handoff.schedule_id}",
        actor=actor_of(actor),
        before=before,
        after=after,
    )


def _note_entry(note: HandoffNote, action: str, *, actor: User, at: datetime, after: dict[str, Any]) -> EntryValue:
    return EntryValue(
        at=at,
        action=action,
        object_type="handoff_note",
        object_id=str(note.pk),
        object_label=str(note),
        subject=f"schedule:{note.schedule_id}",
        actor=actor_of(actor),
        after=after,
    )

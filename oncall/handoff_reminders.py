"""Reminding whoever has come on call and has not accepted the handoff."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from escalation_site.ui import moments
from oncall import ports
from oncall.handoffs import handoff_url
from oncall.models import Handoff, User
from oncall.permissions import deciders
from oncall.selectors import schedules_load
from oncall.telling import duty_words, note_to

FIRST_REMINDER = timedelta(minutes=15)
NEXT_REMINDER = timedelta(hours=1)
REMINDERS = 4


@transaction.atomic
def handoffs_remind(*, at: datetime, limit: int = 200) -> int:
    """Remind whoever has not accepted: after 15 minutes, then every hour, four times; with the last the managers hear of it.

    Nobody is reminded once their shift is over or somebody else has the role; in a pause of the schedule the reminder
    waits. Returns how many were reminded.
    """
    due = list(
        Handoff.objects.filter(remind_at__lte=at, accepted_at=None)
        .select_for_update(of=("self",))
        .select_related("schedule__team", "incoming", "outgoing")
        .order_by("remind_at", "pk")[:limit]
    )
    schedules = {handoff.schedule_id: handoff.schedule for handoff in due}
    loaded = schedules_load(list(schedules.values()), since=at) if due else {}
    notes: list[ports.Note] = []
    for handoff in due:
        holders = {one.user_id for one in loaded[handoff.schedule_id].on_call_at(at) if one.role == handoff.role}
        reminded = handoff.incoming_id in holders
        reminders = handoff.reminders + reminded
        over = handoff.until is not None and handoff.until <= at
        done = over or reminders >= REMINDERS or (bool(holders) and not reminded)
        if reminded and not over:
            notes += _reminder_notes(handoff, reminders, at=at)
        # No row of history for a reminder: the message itself is the record.
        Handoff.objects.filter(pk=handoff.pk).update(
            reminders=reminders, remind_at=None if done else at + NEXT_REMINDER
        )
    ports.tell(notes, at=at)
    return len(notes)


def _reminder_notes(handoff: Handoff, number: int, *, at: datetime) -> list[ports.Note]:
    notes = [_reminder(handoff, number, at=at)]
    if number >= REMINDERS:
        teams = [handoff.schedule.team] if handoff.schedule.team else []
        notes += [_managers_note(handoff, manager, at=at) for manager in deciders(handoff.incoming, teams)]
    return notes


def _reminder(handoff: Handoff, number: int, *, at: datetime) -> ports.Note:
    def words() -> tuple[str, str]:
        places = {
            "duty": duty_words(handoff.schedule, handoff.role),
            "since": moments.written(handoff.at, "short", at=at),
        }
        return (
            _("Not accepted yet: your handoff of %(duty)s") % places,
            _(
                "You have been on call for %(duty)s since %(since)s and have not accepted the handoff.\n\n"
                "Read what is open and accept it with one tap:"
            )
            % places,
        )

    return note_to(
        handoff.incoming,
        words,
        key=f"handoff:{handoff.pk}:reminder:{number}",
        link=handoff_url(handoff),
        subject_ref=f"schedule:{handoff.schedule_id}",
    )


def _managers_note(handoff: Handoff, manager: User, *, at: datetime) -> ports.Note:
    def words() -> tuple[str, str]:
        places = {
            "duty": duty_words(handoff.schedule, handoff.role),
            "name": handoff.incoming.name,
            "since": moments.written(handoff.at, "short", at=at),
            "number": REMINDERS,
        }
        return (
            _("Handoff not accepted: %(duty)s") % places,
            _(
                "%(name)s has been on call for %(duty)s since %(since)s and has not accepted the handoff "
                "after %(number)d reminders."
            )
            % places,
        )

    return note_to(
        manager,
        words,
        key=f"handoff:{handoff.pk}:unaccepted",
        link=handoff_url(handoff),
        subject_ref=f"schedule:{handoff.schedule_id}",
    )

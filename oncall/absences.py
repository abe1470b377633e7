"""Absences: planned, approved where the team says so, ended. What has begun is ended now and never rewritten."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from audit.services import EntryValue, entry_append
from escalation_site.kernel.errors import Conflict, DomainError, NotAllowed
from oncall import permissions, ports, rota
from oncall.loading import people_of
from oncall.models import Absence, CalendarSource, Schedule, ScheduleVersion, User
from oncall.notices import shifts_watched
from oncall.previews import Change, changes
from oncall.selectors import definition_spec, schedules_load
from oncall.services import actor_of
from oncall.telling import note_to, span_words
from oncall.wording import role_words

LONGEST = timedelta(days=400)
FARTHEST = timedelta(days=800)
FOR_GOOD = datetime(2999, 1, 1, tzinfo=UTC)
"""The end of an absence that has none: the last year the rota knows."""

STANDING = (Absence.State.PENDING, Absence.State.APPROVED)


@transaction.atomic
def absence_create(
    *,
    user: User,
    start: datetime,
    end: datetime,
    actor: User | None,
    at: datetime,
    reason: str = "",
    kind: str = Absence.Kind.AWAY,
    source: CalendarSource | None = None,
    source_uid: str = "",
) -> Absence:
    """Let ``user`` be away from ``start`` (now, where that is over) to ``end``; it waits where a team wants a manager's word.

    A manager who enters it has said that word. Raises DomainError naming the field at fault, NotAllowed where ``actor``
    may not plan for ``user``, Conflict where the same is planned already.
    """
    if actor is not None and not permissions.may_plan_absence(actor, user):
        raise NotAllowed(_("Only a manager plans somebody else’s absence."), field="user")
    start = max(start, at)
    _require_window(start, end, at=at)
    if source is None and user.absences.filter(state__in=STANDING, kind=kind, start__lte=start, end__gte=end).exists():
        raise Conflict(_("That time is planned already."), field="start")
    teams = permissions.approving_teams(user, of="absences")
    granted = not teams or (actor is not None and actor.may_manage)
    with _watching(user, actor=actor, at=at):
        absence = Absence.objects.create(
            user=user,
            kind=kind,
            start=start,
            end=end,
            reason=reason,
            state=Absence.State.APPROVED if granted else Absence.State.PENDING,
            source=source,
            source_uid=source_uid,
            created_by=actor,
            created_at=at,
            decided_by=actor if granted and teams else None,
            decided_at=at if granted and teams else None,
        )
    entry_append(_entry(absence, "absence.create", actor=actor, at=at))
    if not granted:
        _tell_deciders(absence, permissions.deciders(user, teams), at=at)
    elif actor is not None and actor.pk != user.pk:
        _tell_person(absence, "entered", actor=actor, at=at)
    return absence


def _watching(user: User, *, actor: User | None, at: datetime) -> AbstractContextManager[None]:
    """Whoever gains or loses shifts by what happens inside is told; ``user`` hears of the absence itself."""
    return shifts_watched(schedules_of([user]), actor=actor, at=at, told=[user.pk])


def _require_window(start: datetime, end: datetime, *, at: datetime) -> None:
    if end <= at:
        raise DomainError(_("That is over; the past is not rewritten."), field="end")
    if end <= start:
        raise DomainError(_("The end must come after the start."), field="end")
    if end - start > LONGEST:
        raise DomainError(_("At most 400 days at once."), field="end")
    if start - at > FARTHEST:
        raise DomainError(_("That is too far ahead."), field="start")


@transaction.atomic
def absence_approve(*, absence: Absence, actor: User, at: datetime) -> Absence:
    """Let a waiting absence count: from now on, where its start has passed meanwhile. Raises NotAllowed, Conflict."""
    waiting = _waiting(absence, actor)
    if waiting.end <= at:
        raise Conflict(_("It is over already."))
    waiting.start = max(waiting.start, at)
    return _decide(waiting, Absence.State.APPROVED, "absence.approve", actor=actor, at=at)


@transaction.atomic
def absence_decline(*, absence: Absence, actor: User, at: datetime) -> Absence:
    """Refuse a waiting absence; the person is told. Raises NotAllowed, Conflict."""
    return _decide(_waiting(absence, actor), Absence.State.DECLINED, "absence.decline", actor=actor, at=at)


def _waiting(absence: Absence, actor: User) -> Absence:
    if not permissions.may_decide_absence(actor, absence):
        raise NotAllowed(_("A manager decides this, and not for themselves."))
    found = Absence.objects.select_for_update(of=("self",)).select_related("user").get(pk=absence.pk)
    if found.state != Absence.State.PENDING:
        raise Conflict(_("Somebody has decided it already."))
    return found


def _decide(absence: Absence, state: str, action: str, *, actor: User, at: datetime) -> Absence:
    absence.state, absence.decided_by, absence.decided_at = state, actor, at
    with _watching(absence.user, actor=actor, at=at):
        absence.save(update_fields=["state", "decided_by", "decided_at", "start"])
    entry_append(_entry(absence, action, actor=actor, at=at))
    _tell_person(absence, state, actor=actor, at=at)
    return absence


@transaction.atomic
def absence_cancel(*, absence: Absence, actor: User | None, at: datetime) -> Absence:
    """Take an absence back: from now on where it runs, altogether where it has not begun or never counted.

    Raises NotAllowed, and Conflict where it is over or taken back already.
    """
    if actor is not None and not permissions.may_cancel_absence(actor, absence):
        raise NotAllowed(_("It is not yours to take back."))
    found = Absence.objects.select_for_update(of=("self",)).select_related("user").get(pk=absence.pk)
    if found.state not in STANDING:
        raise Conflict(_("It does not stand any more."))
    if found.end <= at:
        raise Conflict(_("It is over; the past is not rewritten."))
    _take_back(found, actor=actor, at=at)
    if actor is not None and actor.pk != found.user_id:
        _tell_person(found, "cancelled", actor=actor, at=at)
    return found


@transaction.atomic
def holiday_keep(*, absence: Absence, actor: User, at: datetime) -> Absence:
    """A public holiday on which somebody meant to work is one again. Raises NotAllowed, and Conflict once it has begun."""
    if not permissions.may_cancel_absence(actor, absence):
        raise NotAllowed(_("It is not yours to change."))
    found = Absence.objects.select_for_update(of=("self",)).select_related("user").get(pk=absence.pk)
    if (found.kind, found.state) != (Absence.Kind.HOLIDAY, Absence.State.CANCELLED) or found.start <= at:
        raise Conflict(_("Only a coming holiday can be taken again."))
    found.state = Absence.State.APPROVED
    with _watching(found.user, actor=actor, at=at):
        found.save(update_fields=["state"])
    entry_append(_entry(found, "absence.create", actor=actor, at=at))
    return found


def person_left(*, user: User, actor: User | None, at: datetime) -> Absence:
    """``user`` is away for good, in the caller's transaction: nobody whose account is switched off is on call."""
    absence = Absence.objects.create(
        user=user, kind=Absence.Kind.LEFT, start=at, end=FOR_GOOD, created_by=actor, created_at=at
    )
    entry_append(_entry(absence, "absence.create", actor=actor, at=at))
    return absence


def person_returned(*, user: User, actor: User | None, at: datetime) -> None:
    """End what ``person_left`` began, in the caller's transaction."""
    for absence in user.absences.filter(kind=Absence.Kind.LEFT, state=Absence.State.APPROVED, end__gt=at):
        _take_back(absence, actor=actor, at=at)


def _take_back(absence: Absence, *, actor: User | None, at: datetime) -> None:
    """End it now where it has been counting, else as if it had never been planned."""
    if absence.state == Absence.State.APPROVED and absence.start < at:
        absence.end = at
    else:
        absence.state = Absence.State.CANCELLED
    with _watching(absence.user, actor=actor, at=at):
        absence.save(update_fields=["state", "end"])
    entry_append(_entry(absence, "absence.cancel", actor=actor, at=at))


# --- what an absence would change


def absence_changes(*, user: User, start: datetime, end: datetime, at: datetime) -> list[Change]:
    """Where ``user`` would be replaced, or leave a gap, on every schedule: a constant number of queries.

    Holidays and plans that stand already count as before.
    """
    start = max(start, at)
    if start >= end:
        return []
    away = rota.Absence(user_id=user.pk, start=start, end=end)
    return [
        change
        for loaded in schedules_load(schedules_of([user]), since=start).values()
        for change in changes(loaded, loaded.with_absences(away), since=start, until=end)
    ]


@dataclass(frozen=True, slots=True)
class Kept:
    """Time on call by an override that an absence would not take away."""

    schedule: Schedule
    role: str
    start: datetime
    end: datetime

    @property
    def role_name(self) -> str:
        return role_words(self.role)


def duties_kept(*, user: User, start: datetime, end: datetime, at: datetime) -> list[Kept]:
    """Where ``user`` would be on call though away, since an override is somebody's explicit word: a constant number of queries."""
    start = max(start, at)
    own = user.overrides.filter(cancelled_at=None, start__lt=end, end__gt=start).values("schedule")
    schedules = list(Schedule.objects.select_related("team").filter(pk__in=own).order_by("name"))
    if start >= end or not schedules:
        return []
    away = rota.Absence(user_id=user.pk, start=start, end=end)
    return [
        Kept(loaded.schedule, shift.role, shift.start, shift.end)
        for loaded in schedules_load(schedules, since=start).values()
        for shift in loaded.with_absences(away).shifts(since=start, until=end)
        if shift.user_id == user.pk and shift.override_id is not None
    ]


def schedules_of(people: Sequence[User]) -> list[Schedule]:
    """The schedules some version of which names one of ``people``, or that take them from a team or another schedule.

    Two queries. Rather one too many than one forgotten: what merely might name them counts.
    """
    wanted = {user.pk for user in people}
    found = {
        pk
        for pk, definition in ScheduleVersion.objects.values_list("schedule_id", "definition")
        if _may_name(definition_spec(definition), wanted)
    }
    return list(Schedule.objects.select_related("team").filter(pk__in=found).order_by("name"))


def _may_name(spec: rota.ScheduleSpec, wanted: set[int]) -> bool:
    return spec.kind is not rota.ScheduleKind.LAYERS or not wanted.isdisjoint(people_of(spec))


# --- words


def _tell_person(absence: Absence, what: str, *, actor: User, at: datetime) -> None:
    def words() -> tuple[str, str]:
        span = {"span": span_words(absence.start, absence.end, at=at), "name": actor.name}
        match what:
            case Absence.State.APPROVED:
                return (
                    _("Your absence is approved"),
                    _("%(name)s has approved your absence: %(span)s.") % span,
                )
            case Absence.State.DECLINED:
                return (
                    _("Your absence is declined"),
                    _("%(name)s has declined your absence: %(span)s. Your shifts stay yours.") % span,
                )
            case "entered":
                return (
                    _("You are marked as away"),
                    _("%(name)s has entered an absence for you: %(span)s.") % span,
                )
            case _:
                return (
                    _("Your absence has ended"),
                    _("%(name)s has taken back your absence: %(span)s.") % span,
                )

    ports.tell(
        [
            note_to(
                absence.user,
                words,
                key=f"absence:{absence.pk}:{what}:{at.isoformat()}",
                subject_ref=f"user:{absence.user_id}",
            )
        ],
        at=at,
    )


def _tell_deciders(absence: Absence, managers: Sequence[User], *, at: datetime) -> None:
    def words() -> tuple[str, str]:
        span = {"span": span_words(absence.start, absence.end, at=at), "name": absence.user.name}
        return (
            _("An absence waits for your word: %(name)s") % span,
            _("%(name)s plans to be away: %(span)s. It counts once a manager approves it.") % span,
        )

    ports.tell(
        [
            note_to(
                manager,
                words,
                key=f"absence:{absence.pk}:asked",
                link=reverse("oncall:absences"),
                subject_ref=f"user:{absence.user_id}",
            )
            for manager in managers
        ],
        at=at,
    )


def _entry(absence: Absence, action: str, *, actor: User | None, at: datetime) -> EntryValue:
    # Without the reason: it may be about somebody's health, and the ledger cannot forget.
    return EntryValue(
        at=at,
        action=action,
        object_type="absence",
        object_id=str(absence.pk),
        object_label=absence.user.name,
        subject=f"user:{absence.user_id}",
        actor=actor_of(actor),
        after={
            "user": absence.user.name,
            "kind": absence.kind,
            "state": absence.state,
            "start": absence.start.isoformat(),
            "end": absence.end.isoformat(),
        },
    )

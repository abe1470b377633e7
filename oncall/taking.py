"""Taking on-call now and giving it back: it moves at once, and both are told."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from escalation_site.kernel.errors import NotAllowed
from oncall import permissions, ports, rota
from oncall.models import Override, Schedule, User
from oncall.notices import shifts_watched, told_already
from oncall.selectors import Loaded, schedules_load
from oncall.services import gaps_accept, override_cancel, override_create
from oncall.telling import Words, duty_words, note_to, span_words


@transaction.atomic
def duty_take(
    *, schedule: Schedule, user: User, end: datetime, at: datetime, role: str = "", reason: str = ""
) -> Override:
    """Put ``user`` on call from now until ``end`` in place of whoever holds ``role`` (the first one, where none is named).

    Raises NotAllowed, and DomainError as ``override_create`` does.
    """
    if not permissions.may_plan_override(user, schedule, kind=Override.Kind.COVER, user=user):
        raise NotAllowed(_("Only people of the team take over its schedule."))
    loaded = schedules_load([schedule], since=at)[schedule.pk]
    role = role or first_role(loaded, at)
    outgoing = _holders(loaded, role, at, but=user)
    with shifts_watched([schedule], actor=user, at=at, told=[one.pk for one in outgoing]):
        override = override_create(
            schedule=schedule, user=user, start=at, end=end, role=role, reason=reason, actor=user, at=at
        )
    ports.tell(
        [
            _note(override, user, lambda: _you_have_it(override, outgoing, at=at), "taken"),
            *(_note(override, one, lambda: _taken_from_you(override, at=at), "taken") for one in outgoing),
        ],
        at=at,
    )
    return override


@transaction.atomic
def override_end(*, override: Override, actor: User, at: datetime) -> Override:
    """End an override. Where it runs, on-call moves at once: who held it and who gets it are told.

    Raises NotAllowed, and DomainError where it is over already.
    """
    if not permissions.may_end_override(actor, override):
        raise NotAllowed(_("It is not yours to end."))
    schedule, runs = override.schedule, override.start <= at < override.end
    before = _all_holders(schedules_load([schedule], since=at)[schedule.pk], at) if runs else set()
    incoming: list[User] = []
    with shifts_watched([schedule], actor=actor, at=at, told=[override.user_id] if runs else ()):
        ended = override_cancel(override=override, actor=actor, at=at)
        if runs:
            after = _all_holders(schedules_load([schedule], since=at)[schedule.pk], at)
            incoming = list(User.objects.filter(pk__in=after - before - {override.user_id}, is_active=True))
            told_already([user.pk for user in incoming])
    if runs:
        ports.tell(
            [
                _note(ended, override.user, lambda: _given_back(ended, incoming, actor=actor, at=at), "ended"),
                *(_note(ended, one, lambda: _yours_again(ended, at=at), "ended") for one in incoming),
            ],
            at=at,
        )
    return ended


@transaction.atomic
def override_plan(
    *,
    schedule: Schedule,
    planner: User,
    kind: str,
    user: User,
    start: datetime,
    end: datetime,
    at: datetime,
    replaces: User | None = None,
    role: str = "",
    reason: str = "",
    accepted: Sequence[rota.Gap] = (),
) -> Override:
    """Plan any override for any window that is not over; whoever gains or loses shifts by it is told.

    ``accepted`` are the gaps it opens and ``planner`` knows of: kept with their name. Raises NotAllowed, DomainError.
    """
    if not permissions.may_plan_override(planner, schedule, kind=kind, user=user, replaces=replaces):
        raise NotAllowed(_("You may plan for yourself and hand over your own shifts; for others a manager does."))
    with shifts_watched([schedule], actor=planner, at=at):
        override = override_create(
            schedule=schedule,
            user=user,
            kind=kind,
            replaces=replaces,
            role=role,
            start=start,
            end=end,
            reason=reason,
            actor=planner,
            at=at,
        )
    gaps_accept(schedule=schedule, gaps=accepted, actor=planner, at=at, reason=reason)
    return override


def roles_of(loaded: Loaded, at: datetime) -> tuple[str, ...]:
    """The roles a schedule has at an instant, the first one first; none where nothing is planned."""
    spec = loaded.spec_at(at)
    return spec.roles if spec else ()


def first_role(loaded: Loaded, at: datetime) -> str:
    return next(iter(roles_of(loaded, at)), "")


def _holders(loaded: Loaded, role: str, at: datetime, *, but: User) -> list[User]:
    ids = {shift.user_id for shift in loaded.on_call_at(at) if shift.role == role} - {but.pk}
    return list(User.objects.filter(pk__in=ids, is_active=True).order_by("pk"))


def _all_holders(loaded: Loaded, at: datetime) -> set[int]:
    return {shift.user_id for shift in loaded.on_call_at(at)}


# --- words


def _note(override: Override, user: User, words: Words, what: str) -> ports.Note:
    return note_to(user, words, key=f"override:{override.pk}:{what}", subject_ref=f"schedule:{override.schedule_id}")


def _facts(override: Override, *, at: datetime) -> dict[str, str]:
    return {
        "name": override.user.name,
        "duty": duty_words(override.schedule, override.role),
        "span": span_words(override.start, override.end, at=at),
        "reason": override.reason,
    }


def _you_have_it(override: Override, outgoing: Iterable[User], *, at: datetime) -> tuple[str, str]:
    words = {**_facts(override, at=at), "others": ", ".join(one.name for one in outgoing)}
    lines = [_("You have taken on-call: %(duty)s, %(span)s.") % words]
    if words["others"]:
        lines.append(_("In place of %(others)s, who has been told.") % words)
    return _("You are on call: %(duty)s") % words, "\n".join(lines)


def _taken_from_you(override: Override, *, at: datetime) -> tuple[str, str]:
    words = _facts(override, at=at)
    lines = [_("%(name)s has taken on-call from you: %(duty)s, %(span)s.") % words]
    if words["reason"]:
        lines.append(_("Reason: %(reason)s") % words)
    return _("%(name)s has taken on-call from you") % words, "\n".join(lines)


def _given_back(override: Override, incoming: Iterable[User], *, actor: User, at: datetime) -> tuple[str, str]:
    words = {**_facts(override, at=at), "others": ", ".join(one.name for one in incoming)}
    own = actor.pk == override.user_id
    subject = _("You have given on-call back: %(duty)s") if own else _("Your override has ended: %(duty)s")
    text = (
        _("Your override has ended: %(duty)s. On call now: %(others)s.")
        if words["others"]
        else _("Your override has ended: %(duty)s. The rotation decides again.")
    )
    return subject % words, text % words


def _yours_again(override: Override, *, at: datetime) -> tuple[str, str]:
    words = _facts(override, at=at)
    return (
        _("You are on call again: %(duty)s") % words,
        _("The override of %(name)s has ended; by the rotation you are on call: %(duty)s.") % words,
    )

"""Who may do what with overrides, absences and swaps: one answer for pages, links and the API. Denied unless allowed."""

from django.db.models import Q, QuerySet

from oncall.models import Absence, Override, Schedule, Swap, SwapAsk, Team, User


def is_responder(user: User) -> bool:
    """Somebody who can be put on call at all."""
    return user.is_active and user.may_respond


def may_plan_override(
    planner: User, schedule: Schedule, *, kind: str, user: User, replaces: User | None = None
) -> bool:
    """Planning for oneself, or handing over one's own shift; whoever manages, anything.

    Nobody else puts a colleague on call in place of a third one, or takes them off.
    """
    if not is_responder(planner) or not is_responder(user):
        return False
    if planner.may_manage:
        return True
    if not in_team(planner, schedule):
        return False
    return planner.pk == user.pk or (
        kind == Override.Kind.REPLACE and replaces is not None and planner.pk == replaces.pk
    )


def may_end_override(user: User, override: Override) -> bool:
    """One's own override, or one that one made; managers any."""
    return is_responder(user) and (user.may_manage or user.pk in (override.user_id, override.created_by_id))


def in_team(user: User, schedule: Schedule) -> bool:
    """A schedule of no team is everybody's."""
    return schedule.team_id is None or user.memberships.filter(team=schedule.team_id).exists()


def may_see_absence(reader: User, absence: Absence) -> bool:
    """One's own, and for managers everybody's: the reason of an absence is nobody else's business."""
    return reader.is_active and (reader.pk == absence.user_id or reader.may_manage)


def may_plan_absence(planner: User, person: User) -> bool:
    """For oneself; managers for everybody who can be on call."""
    return is_responder(planner) and person.is_active and (planner.pk == person.pk or planner.may_manage)


def may_cancel_absence(user: User, absence: Absence) -> bool:
    """One's own plans and holidays; managers anybody's. What stands for an account switched off ends with that."""
    return may_see_absence(user, absence) and is_responder(user) and absence.kind != Absence.Kind.LEFT


def may_decide_absence(user: User, absence: Absence) -> bool:
    """Managers, for others than themselves."""
    return is_responder(user) and user.may_manage and user.pk != absence.user_id


def may_ask_swap(user: User, schedule: Schedule) -> bool:
    """Whoever can be on call; that the shift is theirs is for the service to find out."""
    return is_responder(user)


def may_see_swap(user: User, swap: Swap) -> bool:
    """Whoever asked or was asked, and managers. The asks are best fetched along."""
    return user.is_active and (
        user.may_manage or user.pk == swap.requester_id or any(ask.user_id == user.pk for ask in swap.asks.all())
    )


def may_answer_swap(user: User, ask: SwapAsk) -> bool:
    return is_responder(user) and user.pk == ask.user_id


def may_cancel_swap(user: User, swap: Swap) -> bool:
    """Whoever asked, and managers."""
    return is_responder(user) and (user.pk == swap.requester_id or user.may_manage)


def may_decide_swap(user: User, swap: Swap) -> bool:
    """Managers who are no part of it."""
    return is_responder(user) and user.may_manage and user.pk not in (swap.requester_id, swap.accepted_by_id)


def responders() -> QuerySet[User]:
    """Everybody who can be put on call, by name."""
    roles = (User.Role.RESPONDER, User.Role.MANAGER, User.Role.ADMINISTRATOR)
    return User.objects.filter(is_active=True, role__in=roles).order_by("first_name", "last_name", "username")


def colleagues(schedule: Schedule) -> QuerySet[User]:
    """Who may be asked to serve a schedule: the responders of its team; everybody where it has none."""
    found = responders()
    return found if schedule.team_id is None else found.filter(memberships__team=schedule.team_id).distinct()


def deciders(person: User, teams: list[Team]) -> list[User]:
    """The managers who are told that something waits for them: those in ``teams``, else the person's own, else all."""
    managing = User.objects.filter(is_active=True).exclude(pk=person.pk)
    managers = managing.filter(role=User.Role.MANAGER)
    found = list(managers.filter(memberships__team__in=teams).distinct()) if teams else []
    if not found and person.manager_id:
        found = list(managing.filter(pk=person.manager_id, role__in=(User.Role.MANAGER, User.Role.ADMINISTRATOR)))
    return found or list(managers) or list(managing.filter(role=User.Role.ADMINISTRATOR))


def approving_teams(person: User, *, of: str) -> list[Team]:
    """The person's teams that want a manager's word; ``of`` is "absences" or "swaps"."""
    return list(Team.objects.filter(Q(**{f"approves_{of}": True}), memberships__user=person))

"""Telling managers that somebody was passed over because they have borne enough (R295)."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import structlog
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from escalation_site.kernel.failures import is_passing
from incidents.duty import tell
from incidents.services.paging import PageOrder
from incidents.timeline_words import skip_words
from oncall.models import Membership, User
from oncall.paging import LIMIT_REASONS, Skipped
from oncall.ports import Note
from oncall.telling import note_to

log = structlog.get_logger(__name__)


def capacity_tell(orders: Sequence[PageOrder], *, at: datetime) -> None:
    """Tell the managers of whoever a limit spared: once for each shift and limit, however many pages follow.

    No query where nobody was spared; three otherwise.
    """
    spared = {(one.user.pk, one.reason): one for one in _spared(orders)}
    if not spared:
        return
    try:
        with transaction.atomic():
            managers = _managers_of([one.user for one in spared.values()])
            tell([_note(manager, one) for one in spared.values() for manager in managers.get(one.user.pk, ())], at)
    except Exception as error:
        if is_passing(error):
            raise
        # Somebody is being paged in this very transaction: that never waits for a courtesy.
        log.exception("capacity.tell_failed")


def _spared(orders: Iterable[PageOrder]) -> Iterator[Skipped]:
    """Whoever held a shift and was spared; those who would only have stepped in are none of the managers' worries."""
    return (one for order in orders for one in order.skipped if one.reason in LIMIT_REASONS and one.since is not None)


def _managers_of(users: Sequence[User]) -> dict[int, list[User]]:
    """Each person's own manager or, where none is set, the managers in their teams."""
    found: dict[int, list[User]] = {}
    own = User.objects.filter(is_active=True).in_bulk([user.manager_id for user in users if user.manager_id])
    for user in users:
        if user.manager_id in own:
            found[user.pk] = [own[user.manager_id]]
    left = [user.pk for user in users if user.pk not in found]
    teams = Membership.objects.filter(user__in=left).values_list("user_id", "team_id")
    of_team: dict[int, list[int]] = {}
    for user_id, team_id in teams:
        of_team.setdefault(team_id, []).append(user_id)
    managing = Membership.objects.filter(team__in=of_team, user__role=User.Role.MANAGER, user__is_active=True)
    for membership in managing.select_related("user").order_by("pk"):
        for user_id in of_team[membership.team_id]:
            several = found.setdefault(user_id, [])
            if membership.user not in several and membership.user_id != user_id:
                several.append(membership.user)
    return found


def _note(manager: User, one: Skipped) -> Note:
    def words() -> tuple[str, str]:
        subject = _("%(name)s has reached a limit on call") % {"name": one.user.name}
        body = _("%(name)s was passed over for a page: %(why)s. The next person in turn was paged.") % {
            "name": one.user.name,
            "why": skip_words(one.reason),
        }
        return subject, body

    shift = one.since.isoformat() if one.since else ""
    return note_to(
        manager,
        words,
        key=f"capacity:{one.user.pk}:{one.reason}:{shift}",
        link=reverse("oncall:overview"),
        subject_ref=f"user:{one.user.pk}",
    )

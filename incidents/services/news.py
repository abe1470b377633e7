"""News gathered into one summary, for followers who do not want a notice for every small change (R337)."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from escalation_site.kernel.failures import is_passing
from escalation_site.kernel.rows import rows_update
from incidents.changes import Changes
from incidents.models import Follower, TimelineEvent
from incidents.selectors.news import news_of, news_words
from incidents.services.notices import may_see, people_tell

log = structlog.get_logger(__name__)

GATHER = timedelta(minutes=10)
"""So long is gathered, from the first line that a follower was not told of."""
SETTLE = timedelta(seconds=5)
"""A line has the instant at which its change began, and is seen when that has committed: what is younger waits for the next time."""
AT_ONCE = 100


def news_gather(*, at: datetime) -> int:
    """One notice for each follower who gathers and whose first untold line is old enough; how many it were.

    One query where nothing is due. Twice at the same time does no harm: rows are locked, and the notice's key holds up to when its
    follower had been told.
    """
    told, last = 0, 0
    while due := list(_due(at).filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:AT_ONCE]):
        told += _tell(due, at=at)
        last = due[-1]
        if len(due) < AT_ONCE:
            break
    return told


def _due(at: datetime) -> QuerySet[Follower]:
    lines = TimelineEvent.objects.filter(
        incident=OuterRef("incident"), at__gt=OuterRef("told_at"), at__lte=at - GATHER
    ).exclude(actor=OuterRef("user"))
    return Follower.objects.filter(Exists(lines), gathered=True)


def _tell(pks: Sequence[int], *, at: datetime) -> int:
    with transaction.atomic():
        found = _due(at).filter(pk__in=pks).select_related("user", "incident").order_by("pk")
        followers = list(found.select_for_update(of=("self",), skip_locked=True))
        told = [_tell_alone(follower, at=at) for follower in followers]
        rows_update(
            [follower for follower, done in zip(followers, told, strict=True) if done is not None], ("told_at",)
        )
    return sum(filter(None, told))


def _tell_alone(follower: Follower, *, at: datetime) -> int | None:
    """One whose news cannot be told holds up nobody else's; None for them, and the next minute tries again."""
    try:
        with transaction.atomic():
            return _tell_one(follower, at=at)
    except Exception as error:
        if is_passing(error):
            raise
        log.exception("news.failed", follower=follower.pk)
        return None


def _tell_one(follower: Follower, *, at: datetime) -> int:
    """Tell one, and say in ``told_at`` up to when: whoever may no longer see it hears nothing, also not later."""
    user, incident, since, until = follower.user, follower.incident, follower.told_at, at - SETTLE
    follower.told_at = until
    if since is None or not may_see(user, incident):
        return 0
    news = news_of(incident, reader=user, since=since, until=until)
    if not news.events or news.events[0].at > at - GATHER:
        # What was old enough is nothing that they may read; the rest has not been gathered for long enough.
        follower.told_at = at - GATHER
        return 0
    made = people_tell(
        incident=incident,
        users=[user],
        key=f"news:{follower.pk}:{since.isoformat()}",
        says=lambda: news_words(news, reader=user, at=at),
        changes=Changes(at=at, source="engine"),
    )
    return len(made)

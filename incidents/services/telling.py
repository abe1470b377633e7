"""What those hear who wait for the end of an incident without working on it: whoever filed it, and its followers.

They are told when it is resolved and when a comment comes that is for them too; who gathers news hears of comments from ``news``. A
notice each, never a page, and never of what they may not see.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import structlog
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from escalation_site.kernel.failures import is_passing
from incidents.changes import Changes
from incidents.models import Follower, Incident
from incidents.selectors.news import news_of, news_words
from incidents.services.notices import people_tell
from oncall.models import User

log = structlog.get_logger(__name__)

MAX_QUOTE = 500
"""Letters of a comment or a resolution that a notice quotes."""


@dataclass(frozen=True, slots=True)
class _Concerned:
    """``follower`` is their row where they gather news."""

    user: User
    follower: Follower | None = None


def resolutions_tell(incidents: Sequence[Incident], *, changes: Changes) -> None:
    """These were resolved: whoever filed them and their followers hear of it, and the requester is asked how it went.

    Two queries at most where nobody is to be told. The caller writes ``changes``.
    """
    if not incidents:
        return
    people = _concerned(incidents)
    gathering = []
    untold: set[int] = set()
    for incident in incidents:
        for one in people.get(incident.pk, ()):
            people_tell(
                incident=incident,
                users=[one.user],
                key=f"resolved:{incident.pk}:{changes.at.isoformat()}",
                says=_resolved_says(
                    incident,
                    asks=one.user.pk == incident.reporter_id,
                    besides=partial(_gathered, incident, one, at=changes.at, untold=untold),
                ),
                changes=changes,
                place=_page(incident),
            )
            if one.follower and one.user != changes.user and one.follower.pk not in untold:
                gathering.append(one.follower.pk)
    if gathering:
        Follower.objects.filter(pk__in=gathering).update(told_at=changes.at)


def _resolved_says(
    incident: Incident, *, asks: bool, besides: Callable[[], list[str]] = list
) -> Callable[[], list[str]]:
    def says() -> list[str]:
        said = [_("It is resolved."), incident.resolution[:MAX_QUOTE]]
        asked = _("How did it go? Say so on its page, with a figure from 0 to 5.") if asks else ""
        return [line for line in (*said, asked, *besides()) if line]

    return says


def _gathered(incident: Incident, one: _Concerned, *, at: datetime, untold: set[int]) -> list[str]:
    """What was being gathered for them: it comes with the news of the end, not after it.

    No resolution fails for want of these words: where they cannot be found, the follower is added to ``untold``, hears of the end without
    them, and the check of the next minute tries again.
    """
    if one.follower is None or one.follower.told_at is None:
        return []
    try:
        with transaction.atomic():
            news = news_of(incident, reader=one.user, since=one.follower.told_at, until=at)
            return news_words(news, reader=one.user, at=at)
    except Exception as error:
        if is_passing(error):
            raise  # The database itself is in trouble, and the resolution with it.
        log.exception("news.failed", follower=one.follower.pk)
        untold.add(one.follower.pk)
        return []


def comment_tell(*, incident: Incident, text: str, changes: Changes, told: Sequence[User] = ()) -> None:
    """Somebody wrote what the requester may read: whoever filed it and its followers hear of it, but those that were ``told`` already
    and those for whom it is gathered.

    The caller writes ``changes``.
    """
    author = changes.user.name if changes.user else _("Watchbell")
    quote = text.strip()[:MAX_QUOTE]
    people_tell(
        incident=incident,
        users=[
            one.user
            for one in _concerned([incident]).get(incident.pk, ())
            if one.follower is None and one.user not in told
        ],
        key=f"comment:{incident.pk}:{changes.at.isoformat()}",
        says=lambda: [_("%(name)s wrote:") % {"name": author}, quote],
        changes=changes,
        place=_page(incident),
    )


def _page(incident: Incident) -> str:
    return reverse("incidents:request", args=(incident.pk,))


def _concerned(incidents: Sequence[Incident]) -> dict[int, list[_Concerned]]:
    """Requesters and followers of each, each person once: a query for the followers, one for the requesters."""
    found: dict[int, dict[int, _Concerned]] = {}
    filed = {incident.reporter_id for incident in incidents if incident.reporter_id}
    requesters = User.objects.in_bulk(filed) if filed else {}
    for incident in incidents:
        if incident.reporter_id in requesters:
            requester = requesters[incident.reporter_id]
            found.setdefault(incident.pk, {})[requester.pk] = _Concerned(requester)
    for follower in Follower.objects.filter(incident__in=incidents).select_related("user"):
        people = found.setdefault(follower.incident_id, {})
        people[follower.user_id] = _Concerned(follower.user, follower if follower.gathered else None)
    return {pk: list(people.values()) for pk, people in found.items()}

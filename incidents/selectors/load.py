"""Who carries how much at this moment (R198): open incidents, tasks, pages; and whom one more would take over a limit."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from django.db.models import Count, Exists, OuterRef, Prefetch, Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from incidents.models import Page, Task
from incidents.querysets import IncidentQuerySet
from oncall.models import Absence, Membership, Schedule, Team, User
from oncall.permissions import responders
from oncall.standing import Mark, standing_at

OPEN_AT_ONCE = 5
"""How many open incidents one person carries where their account says nothing else; whoever owns more is over the limit."""
DAY = timedelta(days=1)
WEEK = timedelta(days=7)
URGENT = 2
"""Severities up to this one are counted apart: two of them weigh more than five small ones."""


def carries(user: User) -> int:
    """How many open incidents ``user`` carries at once."""
    return OPEN_AT_ONCE if user.capacity_incidents is None else user.capacity_incidents


@dataclass(frozen=True, slots=True)
class Load:
    """What one person carries. ``tasks`` are open ones, ``due`` those of them to be done within a day or late, ``pages`` those of the
    last 24 hours. ``duties`` are the schedules they hold now; ``away_until`` is None for who is here."""

    user: User
    incidents: int = 0
    urgent: int = 0
    tasks: int = 0
    due: int = 0
    pages: int = 0
    pages_week: int = 0
    duties: Sequence[Schedule] = ()
    away_until: datetime | None = None
    teams: Sequence[Team] = ()

    @property
    def limit(self) -> int:
        """How many open incidents they carry."""
        return carries(self.user)

    @property
    def over_incidents(self) -> bool:
        return self.incidents > self.limit

    @property
    def over_pages(self) -> bool:
        limit = self.user.capacity_pages
        return limit is not None and self.pages > limit

    @property
    def is_over(self) -> bool:
        return self.over_incidents or self.over_pages

    @property
    def is_full(self) -> bool:
        """Whether one more would be too many."""
        limit = self.user.capacity_pages
        return self.incidents >= self.limit or (limit is not None and self.pages >= limit)

    @property
    def weight(self) -> tuple[int, int, int]:
        """For putting people in the order of what they carry."""
        return (self.incidents, self.tasks, self.pages)


@dataclass(frozen=True, slots=True)
class TeamLoad:
    """What a team has open, and what of it nobody has taken; ``limit`` is what its people carry together."""

    team: Team
    open: int
    nobody: int
    limit: int
    people: int
    over: int

    @property
    def is_over(self) -> bool:
        return self.open > self.limit


def loads_of(people: Iterable[User], *, visible: IncidentQuerySet, at: datetime) -> dict[int, Load]:
    """What each of ``people`` carries of what is in ``visible``, by their id: four queries. Nothing here says who is on call."""
    wanted = {user.pk: user for user in people}
    open_now = _incidents_open(visible, wanted)
    tasks, pages, away = _tasks(visible, wanted, at), _pages(visible, wanted, at), _away(wanted, at)
    return {
        pk: Load(user, *open_now.get(pk, (0, 0)), *tasks.get(pk, (0, 0)), *pages.get(pk, (0, 0)), (), away.get(pk))
        for pk, user in wanted.items()
    }


def _incidents_open(visible: IncidentQuerySet, people: Mapping[int, User]) -> dict[int, tuple[int, int]]:
    # By no column of an index, and of everybody: SQLite would follow the owners' index through all that they ever had.
    found = visible.unresolved().order_by().annotate(who=Coalesce("owner", 0)).values_list("who")
    rows = found.annotate(number=Count("pk"), urgent=Count("pk", filter=Q(severity__lte=URGENT)))
    return {pk: (number, urgent) for pk, number, urgent in rows if pk in people}


def _tasks(visible: IncidentQuerySet, people: Mapping[int, User], at: datetime) -> dict[int, tuple[int, int]]:
    # What is left to do on a merged incident is left to do on the one that took it in.
    # One value and not two joined by "or", for which PostgreSQL went through everything that is open for each task.
    remains = Coalesce(OuterRef("incident__merged_into"), OuterRef("incident"))
    seen = Exists(visible.unresolved().filter(pk=remains))
    found = Task.objects.filter(seen, assignee__in=people, ended_at=None).order_by()
    rows = found.values_list("assignee").annotate(number=Count("pk"), soon=Count("pk", filter=Q(due_at__lt=at + DAY)))
    return {pk: (number, soon) for pk, number, soon in rows if pk is not None}


def _pages(visible: IncidentQuerySet, people: Mapping[int, User], at: datetime) -> dict[int, tuple[int, int]]:
    found = Page.objects.filter(
        Exists(visible.filter(pk=OuterRef("incident"))),
        recipient__in=people,
        created_at__gte=at - WEEK,
        created_at__lte=at,
        incident__is_test=False,
    )
    rows = (
        found.order_by()
        .values_list("recipient")
        .annotate(day=Count("pk", filter=Q(created_at__gt=at - DAY)), week=Count("pk"))
    )
    return {pk: (day, week) for pk, day, week in rows}


def _away(people: Mapping[int, User], at: datetime) -> dict[int, datetime]:
    found = Absence.objects.filter(user__in=people, state=Absence.State.APPROVED, start__lte=at, end__gt=at)
    return dict(found.order_by("end").values_list("user", "end"))


def everybody(*, visible: IncidentQuerySet, at: datetime, mark: Mark, team: Team | None = None) -> list[Load]:
    """Everybody who responds (of ``team``), over a limit first, then by what they carry: six queries. ``mark`` is that of the schedules,
    which are read where they have changed."""
    people = responders().prefetch_related(Prefetch("memberships", Membership.objects.select_related("team")))
    found = list(people.filter(memberships__team=team) if team else people)
    loads = loads_of(found, visible=visible, at=at)
    duties = defaultdict[int, list[Schedule]](list)
    for one in standing_at(at, mark=mark):
        if one.schedule not in duties[one.user_id]:
            duties[one.user_id].append(one.schedule)
    made = [
        replace(load, duties=duties.get(pk, ()), teams=[one.team for one in load.user.memberships.all()])
        for pk, load in loads.items()
    ]
    return sorted(made, key=lambda load: (not load.is_over, *(-part for part in load.weight), load.user.name))


def team_loads(loads: Sequence[Load], *, visible: IncidentQuerySet) -> list[TeamLoad]:
    """The teams of these people, and what they have open: one query."""
    members = defaultdict[int, list[Load]](list)
    teams: dict[int, Team] = {}
    for load in loads:
        for team in load.teams:
            members[team.pk].append(load)
            teams[team.pk] = team
    rows = visible.unresolved().filter(team__in=teams).order_by().values_list("team")
    counted = {
        pk: (number, nobody)
        for pk, number, nobody in rows.annotate(number=Count("pk"), nobody=Count("pk", filter=Q(owner=None)))
    }
    made = [
        TeamLoad(
            teams[pk],
            *counted.get(pk, (0, 0)),
            limit=sum(load.limit for load in own if load.away_until is None),
            people=len(own),
            over=sum(load.is_over for load in own),
        )
        for pk, own in members.items()
    ]
    return sorted(made, key=lambda one: (-one.open, one.team.name))


def over_words(load: Load) -> list[str]:
    """Which limits are passed, each as a sentence; none where none is."""
    found = []
    if load.over_incidents:
        found.append(
            _("%(number)d open incidents; the limit is %(limit)d.") % {"number": load.incidents, "limit": load.limit}
        )
    if load.over_pages:
        words = _("%(number)d pages in 24 hours; the limit is %(limit)d.")
        found.append(words % {"number": load.pages, "limit": load.user.capacity_pages})
    return found


def load_words(load: Load) -> str:
    """In a choice of people: "3 open", "6 open, over the limit", "away"."""
    if load.away_until is not None:
        return _("away")
    words = ngettext("%(number)d open", "%(number)d open", load.incidents) % {"number": load.incidents}
    if load.is_over:
        return _("%(load)s, over the limit") % {"load": words}
    return _("%(load)s, at the limit") % {"load": words} if load.is_full else words


@dataclass(frozen=True, slots=True)
class Warned:
    """Why somebody should not get one more, and who carries least instead."""

    load: Load
    because: Sequence[str]
    instead: Sequence[Load] = field(default_factory=tuple)


def warned(load: Load, others: Iterable[Load]) -> Warned | None:
    """The warning before one more incident goes to a person; None where nothing speaks against it."""
    because = []
    if load.away_until is not None:
        because.append(_("%(name)s is away.") % {"name": load.user.name})
    if load.incidents >= load.limit:
        because.append(
            _("%(name)s has %(number)d open incidents; the limit is %(limit)d.")
            % {"name": load.user.name, "number": load.incidents, "limit": load.limit}
        )
    limit = load.user.capacity_pages
    if limit is not None and load.pages >= limit:
        words = _("%(name)s was paged %(number)d times in 24 hours; the limit is %(limit)d.")
        because.append(words % {"name": load.user.name, "number": load.pages, "limit": limit})
    if not because:
        return None
    free = [one for one in others if one.user.pk != load.user.pk and not one.is_full and one.away_until is None]
    # Of those who carry as little, the first given: the incident's own team.
    return Warned(load, because, sorted(free, key=lambda one: one.incidents)[:3])

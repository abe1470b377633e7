"""Policies as pages show them: in sentences, with the people who would be told now, and what uses them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from notifications.models import Destination
from oncall.models import Schedule, Team, User
from policies.definition import PLACE_KINDS, MeasuredFrom, Pick, PolicyDef, Role, TargetDef, TargetKind
from policies.escalation import EnterLevel, forecast, start
from policies.models import EscalationPolicy, PolicyVersion
from policies.reasons import untold_words
from policies.sentences import LevelText, PolicyText, duration_words, joined, policy_text
from policies.services import version_definition
from policies.targets import TargetResolver

_ANY_INSTANT = datetime(2000, 1, 1, tzinfo=UTC)


class TargetNames:
    """Names of the targets of some policies, looked up together: a query for each kind that is mentioned."""

    def __init__(self, policies: Iterable[PolicyDef]) -> None:
        self._read([target for policy in policies for target in policy.all_targets])

    @classmethod
    def of(cls, targets: Iterable[TargetDef]) -> "TargetNames":
        names = cls(())
        names._read(list(targets))
        return names

    def _read(self, targets: list[TargetDef]) -> None:
        self._schedules = _named(Schedule.objects.all(), "slug", _refs(targets, TargetKind.SCHEDULE))
        self._users = _named(User.objects.all(), "username", _refs(targets, TargetKind.USER))
        kinds = (TargetKind.TEAM, TargetKind.TEAM_LEAD, TargetKind.MANAGER, TargetKind.FUNCTIONAL_TEAM)
        self._teams = _named(Team.objects.all(), "slug", _refs(targets, *kinds))
        self._policies = _named(EscalationPolicy.objects.all(), "slug", _refs(targets, TargetKind.POLICY))
        self._places = _named(Destination.objects.all(), "slug", _refs(targets, *PLACE_KINDS))

    def __call__(self, target: TargetDef) -> str:
        """As it reads after "tell". A reference to nothing (any more) is shown as it is written."""
        if target.pick is Pick.ROUND_ROBIN:
            return _("one person in turn out of %(names)s") % {"names": self(replace(target, pick=Pick.ALL))}
        match target.kind:
            case TargetKind.SCHEDULE:
                name = self._schedules.get(target.ref, str(target.ref))
                return _SCHEDULE_WORDS[target.role](name)
            case TargetKind.USER:
                return self._users.get(target.ref, str(target.ref))
            case TargetKind.TEAM:
                return _("everybody in %(team)s") % {"team": self._team(target)}
            case TargetKind.TEAM_LEAD:
                return _("the lead of %(team)s") % {"team": self._team(target)}
            case TargetKind.MANAGER:
                return self._manager(target)
            case TargetKind.SERVICE_OWNER:
                return _("the owner of the service")
            case TargetKind.FUNCTIONAL_TEAM:
                return _("the specialists on call in %(team)s") % {"team": self._team(target)}
            case TargetKind.POLICY:
                name = self._policies.get(target.ref, str(target.ref))
                return _("the first level of the policy %(policy)s") % {"policy": name}
            case TargetKind.CHAT_CHANNEL:
                return _("the chat channel %(name)s") % {"name": self._places.get(target.ref, str(target.ref))}
            case TargetKind.WEBHOOK:
                return _("the webhook %(name)s") % {"name": self._places.get(target.ref, str(target.ref))}

    def knows(self, target: TargetDef) -> bool:
        """Whether what it refers to exists; a target of the incident's own service refers to nothing."""
        named = {
            TargetKind.SCHEDULE: self._schedules,
            TargetKind.USER: self._users,
            TargetKind.POLICY: self._policies,
            TargetKind.CHAT_CHANNEL: self._places,
            TargetKind.WEBHOOK: self._places,
        }.get(target.kind, self._teams)
        return target.ref is None or target.ref in named

    def _manager(self, target: TargetDef) -> str:
        places = {"team": self._team(target), "count": target.up}
        match target.up:
            case 0:
                return _("the manager of %(team)s") % places
            case 1:
                return _("the next manager up the line from that of %(team)s") % places
            case _:
                return _("the manager %(count)d steps up the line from that of %(team)s") % places

    def _team(self, target: TargetDef) -> str:
        return _("the service’s team") if target.ref is None else self._teams.get(target.ref, str(target.ref))


def _primary(name: str) -> str:
    return _("the primary on %(schedule)s") % {"schedule": name}


def _backup(name: str) -> str:
    return _("the backup on %(schedule)s") % {"schedule": name}


def _anybody(name: str) -> str:
    return _("everybody on call for %(schedule)s") % {"schedule": name}


_SCHEDULE_WORDS = {Role.PRIMARY: _primary, Role.SECONDARY: _backup, None: _anybody}


def _refs(targets: Iterable[TargetDef], *kinds: TargetKind) -> set[str | int]:
    return {target.ref for target in targets if target.kind in kinds and target.ref is not None}


def _called(refs: Iterable[str | int], field: str) -> Q:
    """A reference is a primary key or a name that people write."""
    numbers = [ref for ref in refs if isinstance(ref, int)]
    words = [ref for ref in refs if isinstance(ref, str)]
    return Q(pk__in=numbers) | Q(**{f"{field}__in": words})


def _named(
    rows: "QuerySet[Schedule] | QuerySet[User] | QuerySet[Team] | QuerySet[EscalationPolicy] | QuerySet[Destination]",
    field: str,
    refs: set[str | int],
) -> Mapping[str | int | None, str]:
    """Names by what policies call them: a primary key or a written name. No query when nothing is asked."""
    if not refs:
        return {}
    names: dict[str | int | None, str] = {}
    for row in rows.filter(_called(refs, field)):
        names[row.pk] = names[getattr(row, field)] = str(row)
    return names


@dataclass(frozen=True, slots=True)
class Rung:
    """One level on the page: its sentences, and when it is reached while nobody acts."""

    text: LevelText
    after: str


@dataclass(frozen=True, slots=True)
class Duties:
    """Who is there at one level and what they answer for; an empty cell is one that nobody has filled (R095)."""

    number: int
    name: str
    told: str
    duty: str
    responsible: str
    accountable: str
    consulted: str
    informed: str

    @property
    def cells(self) -> tuple[str, ...]:
        return (self.told, self.duty, self.responsible, self.accountable, self.consulted, self.informed)


@dataclass(frozen=True, slots=True)
class PolicyPage:
    """One version in words."""

    version: PolicyVersion
    text: PolicyText
    rungs: tuple[Rung, ...]
    duties: tuple[Duties, ...]

    @property
    def vacant(self) -> int:
        """How many cells of who does what nobody has filled."""
        return sum(not cell for one in self.duties for cell in one.cells)


def policy_page(version: PolicyVersion) -> PolicyPage:
    """At most three queries, for the names of the targets."""
    definition = version_definition(version)
    names = TargetNames([definition])
    text, rungs = drawn(definition, names)
    return PolicyPage(version, text, rungs, duties_of(definition, names))


def duties_of(definition: PolicyDef, names: TargetNames) -> tuple[Duties, ...]:
    """Who does what at each level, as a table has it."""

    def named(targets: Iterable[TargetDef]) -> str:
        return joined([names(target) for target in targets])

    return tuple(
        Duties(
            number,
            level.name,
            named(level.targets),
            level.duty,
            named(level.raci.responsible if level.raci else ()),
            named([level.raci.accountable] if level.raci else ()),
            named(level.raci.consulted if level.raci else ()),
            named(level.raci.informed if level.raci else ()),
        )
        for number, level in enumerate(definition.levels, 1)
    )


def drawn(definition: PolicyDef, names: TargetNames) -> tuple[PolicyText, tuple[Rung, ...]]:
    """A definition in words and as a ladder; no query beyond those for the names."""
    text = policy_text(definition, names)
    return text, tuple(Rung(level, _after(definition, number)) for number, level in enumerate(text.levels))


@dataclass(frozen=True, slots=True)
class LevelNow:
    """Whom a level would tell at this instant; nobody and no place means that it would be skipped. ``closed`` are the names of
    places that cannot be told, with the reason."""

    number: int
    name: str
    people: tuple[User, ...]
    places: tuple[str, ...] = ()
    closed: tuple[tuple[str, str], ...] = ()


def people_now(version: PolicyVersion, *, at: datetime, team: Team | None) -> list[LevelNow]:
    """The people of every level as the engine would find them at ``at``; ``team`` stands for the service's.

    All schedules are asked together (five queries), where the engine asks for one when it gets to its level.
    """
    definition = version_definition(version)
    resolver = TargetResolver(at=at)
    resolver.read_schedules([target for level in definition.levels for target in level.targets])

    def told(target: TargetDef) -> list[User]:
        if target.ref is None and team is None:
            return []
        return [recipient.user for recipient in resolver.recipients([target], team=team or Team())]

    found = []
    for number, level in enumerate(definition.levels, 1):
        people = tuple(dict.fromkeys(user for target in level.targets for user in told(target)))
        places = resolver.resolve(
            [target for target in level.targets if target.kind in PLACE_KINDS], team=team or Team()
        ).places
        open_places = tuple(place.name for place in places if not place.reason)
        closed = tuple((place.name, untold_words(place.reason)) for place in places if place.reason)
        found.append(LevelNow(number, level.name, people, open_places, closed))
    return found


def _after(definition: PolicyDef, number: int) -> str:
    """When the level is reached while nobody acts: "at once", "after 5 minutes"; "" where it hangs on more than the
    clock.
    """
    origins = {level.start.measured_from for level in definition.levels[: number + 1]}
    timeouts = [level.ack_timeout or level.resolve_timeout for level in definition.levels[:number]]
    origins |= {timeout.measured_from for timeout in timeouts if timeout}
    if MeasuredFrom.BEFORE_SLA in origins:
        return ""
    begun = start(definition, at=_ANY_INSTANT)
    entered = {action.level: action.at for action in reversed(begun.actions) if isinstance(action, EnterLevel)}
    for step in forecast(definition, begun.state, limit=len(definition.levels)):
        if step.level is not None:
            entered.setdefault(step.level, step.at)
    seconds = round((entered[number] - _ANY_INSTANT).total_seconds())
    return _("after %(time)s") % {"time": duration_words(seconds)} if seconds else _("at once")


@dataclass(frozen=True, slots=True)
class Summary:
    """One policy of the list: its levels by name, when each is reached, how many services use it."""

    policy: EscalationPolicy
    levels: tuple[tuple[str, str], ...]
    services: int


def summary(policy: EscalationPolicy, *, services: int) -> Summary:
    version = policy.current_version
    if version is None:
        return Summary(policy, (), services)
    definition = version_definition(version)
    return Summary(
        policy,
        tuple((level.name, _after(definition, number)) for number, level in enumerate(definition.levels)),
        services,
    )

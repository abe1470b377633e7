"""The linter's view of the world: whom the targets of policies lead to within thirty days, and who of them can be told.

An editor calls `draft_findings` with what somebody is typing; the nightly look calls `lint_contexts` for all policies.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import Q

from notifications.channels import kind_choices
from notifications.selectors import kinds_of
from oncall.models import Schedule, ScheduleVersion, Team, User
from oncall.selectors import Loaded, schedules_load
from policies.definition import Pick, PolicyDef, TargetDef, TargetKind
from policies.lint import Context, Finding, Measured, Person, Reach, lint_definition
from policies.models import EscalationPolicy, PolicyFinding
from policies.services import version_definition
from policies.targets import TargetResolver, schedules_named

HORIZON = timedelta(days=30)

_TEAM_KINDS = (TargetKind.TEAM, TargetKind.TEAM_LEAD, TargetKind.MANAGER, TargetKind.FUNCTIONAL_TEAM)


@dataclass(frozen=True, slots=True)
class Subject:
    """A policy to look at: its definition (in force, or a draft), and the teams whose services use it."""

    policy: EscalationPolicy
    definition: PolicyDef
    teams: tuple[Team, ...] = ()
    acknowledge: Measured | None = None
    resolve: Measured | None = None


def open_findings(policy: EscalationPolicy | None = None) -> list[PolicyFinding]:
    """What is not mended, of one policy or of all; what a policy stands on counts as its own. One query."""
    rows = PolicyFinding.objects.filter(gone_at=None).select_related("policy")
    return [
        row for row in rows if policy is None or row.policy_id == policy.pk or policy.name in policies_let_down(row)
    ]


def policies_let_down(row: PolicyFinding) -> tuple[str, ...]:
    """The policies a finding lets down, by name."""
    if row.policy is not None:
        return (row.policy.name,)
    return tuple(str(name) for name in row.data.get("policies", ()))


def draft_findings(*, policy: EscalationPolicy, definition: PolicyDef, at: datetime) -> list[Finding]:
    """What the linter says about a draft of `policy`, saved or not yet: for the editor, while somebody types."""
    teams: list[Team] = []
    if policy.pk is not None:
        teams = list(Team.objects.filter(services__policy=policy).distinct())
    if not teams and policy.team is not None:
        teams = [policy.team]
    subject = Subject(policy, definition, tuple(teams))
    return lint_definition(definition, lint_contexts([subject], at=at)[0])


def lint_contexts(subjects: Sequence[Subject], *, at: datetime) -> list[Context]:
    """The contexts of the subjects, in order."""
    others = {
        policy.slug: version_definition(policy.current_version)
        for policy in EscalationPolicy.objects.select_related("current_version")
        if policy.current_version is not None
    }
    pairs = {
        (target, team)
        for subject in subjects
        for target in subject.definition.all_targets
        for team in subject.teams or (None,)
    }
    views = _Views(at, others)
    views.read([target for target, _team in pairs])
    reaches = {(target, team): views.reach(target, team) for target, team in pairs}
    people = _people({one for reach in reaches.values() for one in reach.people})
    administrators = User.objects.filter(role=User.Role.ADMINISTRATOR, is_active=True).count()
    first_levels = {slug: _named_first(definition) for slug, definition in others.items()}
    return [
        Context(
            about=f"policy:{subject.policy.pk}",
            slug=subject.policy.slug,
            policy=subject.policy.name,
            reach={
                (target, team.name if team else ""): reaches[target, team]
                for target in subject.definition.all_targets
                for team in subject.teams or (None,)
            },
            people=people,
            teams=tuple(team.name for team in subject.teams) or ("",),
            names=views.names,
            first_levels=first_levels,
            sendable=tuple(kind for kind, _label in kind_choices()),
            administrators=administrators,
            acknowledge=subject.acknowledge,
            resolve=subject.resolve,
        )
        for subject in subjects
    ]


def _named_first(definition: PolicyDef) -> tuple[str, ...]:
    targets = definition.levels[0].targets
    return tuple(str(target.ref) for target in targets if target.kind is TargetKind.POLICY)


def _people(user_ids: Collection[int]) -> dict[int, Person]:
    kinds = kinds_of(user_ids)
    return {
        user.pk: Person(user.pk, user.name, user.is_active, bool(kinds[user.pk]), kinds[user.pk])
        for user in User.objects.filter(pk__in=user_ids)
    }


class _Views:
    """Whom a target leads to: schedules over the whole horizon, everything else as the engine's resolver finds it now."""

    def __init__(self, at: datetime, policies: Mapping[str, PolicyDef]) -> None:
        self.at = at
        self.names: dict[TargetDef, str] = {}
        self._policies = policies
        self._resolver = TargetResolver(at=at)
        self._schedules: dict[str | int, Schedule] = {}
        self._loaded: dict[int, Loaded] = {}
        self._users: dict[str | int, User] = {}
        self._teams: dict[str | int, Team] = {}
        self._slugs: dict[str | int, str] = {}

    def read(self, targets: Iterable[TargetDef]) -> None:
        """Everything the targets and the first levels of the policies they name refer to: a query for each kind."""
        targets = {
            *targets,
            *(target for definition in self._policies.values() for target in definition.levels[0].targets),
        }
        self._schedules = schedules_named([one for one in targets if one.kind is TargetKind.SCHEDULE])
        refs = [one.ref for one in targets if one.kind is TargetKind.USER]
        for user in User.objects.filter(_called(refs, "username")) if refs else ():
            self._users |= {user.username: user, user.pk: user}
        for team in Team.objects.all():
            self._teams |= {team.slug: team, team.pk: team}
        for pk, slug in EscalationPolicy.objects.values_list("pk", "slug"):
            self._slugs |= {slug: slug, pk: slug}
        specialists = {
            self._teams[one.ref].pk
            for one in targets
            if one.kind is TargetKind.FUNCTIONAL_TEAM and one.ref in self._teams
        }
        self._of_team: dict[int, list[Schedule]] = {}
        for schedule in Schedule.objects.filter(team__in=specialists) if specialists else ():
            self._of_team.setdefault(schedule.team_id or 0, []).append(schedule)
        wanted = {one.pk: one for one in self._schedules.values()}
        wanted |= {one.pk: one for found in self._of_team.values() for one in found}
        sound = [one for one in wanted.values() if one.pk not in circular()]
        self._loaded = schedules_load(sound, since=self.at) if sound else {}
        self._name(targets)

    def reach(self, target: TargetDef, team: Team | None) -> Reach:
        if target.pick is Pick.ROUND_ROBIN:
            found = self.reach(replace(target, pick=Pick.ALL), team)
            return replace(found, at_once=min(found.at_once, 1))
        match target.kind:
            case TargetKind.SCHEDULE:
                schedule = self._schedules.get(target.ref or "")
                if schedule is None:
                    return Reach(known=False)
                return self._on_call([schedule], role=target.role.value if target.role else None)
            case TargetKind.USER:
                user = self._users.get(target.ref or "")
                return Reach((user.pk,), int(user.is_active)) if user else Reach(known=False)
            case TargetKind.POLICY:
                return self._of_policy(target, team)
            case TargetKind.CHAT_CHANNEL | TargetKind.WEBHOOK:
                (place,) = self._resolver.resolve([target], team=team or Team()).places
                return Reach(known=place.destination is not None, open=not place.reason)
            case TargetKind.FUNCTIONAL_TEAM:
                own = self._teams.get(target.ref) if target.ref is not None else team
                schedules = self._of_team.get(own.pk, []) if own else []
                found = self._on_call(schedules, role=None)
                return found if found.people else self._now(target, team)
        return self._now(target, team)

    def _now(self, target: TargetDef, team: Team | None) -> Reach:
        if target.kind in _TEAM_KINDS and target.ref is not None and target.ref not in self._teams:
            return Reach(known=False)
        people = [one.user.pk for one in self._resolver.recipients([target], team=team or Team())]
        return Reach(tuple(people), len(people))

    def _of_policy(self, target: TargetDef, team: Team | None) -> Reach:
        definition = self._policies.get(self._slugs.get(target.ref or "", ""))
        if definition is None:
            return Reach(known=target.ref in self._slugs)
        # As the engine does it: a policy named there in its turn is not followed.
        found = [self.reach(one, team) for one in definition.levels[0].targets if one.kind is not TargetKind.POLICY]
        people = tuple(dict.fromkeys(one for reach in found for one in reach.people))
        return Reach(people, min(sum(reach.at_once for reach in found), len(people)))

    def _on_call(self, schedules: Sequence[Schedule], *, role: str | None) -> Reach:
        shifts = [
            shift
            for schedule in schedules
            if schedule.pk in self._loaded
            for shift in self._loaded[schedule.pk].shifts(since=self.at, until=self.at + HORIZON)
            if role in (None, shift.role)
        ]
        people = tuple(dict.fromkeys(shift.user_id for shift in shifts))
        at_once = max(
            (len({one.user_id for one in shifts if one.start <= start < one.end}) for start in {one.start for one in shifts}),
            default=0,
        )  # fmt: skip
        return Reach(people, at_once)

    def _name(self, targets: Iterable[TargetDef]) -> None:
        for target in targets:
            if target.ref is None:
                continue
            match target.kind:
                case TargetKind.SCHEDULE:
                    known: Schedule | User | Team | str | None = self._schedules.get(target.ref)
                case TargetKind.USER:
                    known = self._users.get(target.ref)
                case TargetKind.POLICY:
                    known = self._slugs.get(target.ref)
                case TargetKind.CHAT_CHANNEL | TargetKind.WEBHOOK:
                    known = self._resolver.resolve([target], team=Team()).places[0].name
                case _:
                    known = self._teams.get(target.ref)
            self.names[target] = str(known or target.ref)


def _called(refs: Iterable[str | int | None], field_name: str) -> Q:
    refs = list(refs)
    numbers = [ref for ref in refs if isinstance(ref, int)]
    return Q(pk__in=numbers) | Q(**{f"{field_name}__in": [ref for ref in refs if isinstance(ref, str)]})


def circular() -> set[int]:
    """Schedules whose newest version leads, by following, into a circle: nobody can say who is on call. One query.

    Publishing refuses that; two people who publish at once, or a hand in the database, may still bring it about.
    """
    follows: dict[str, str] = {}
    ids: dict[str, int] = {}
    rows = ScheduleVersion.objects.order_by("schedule", "number")
    for pk, slug, followed in rows.values_list("schedule_id", "schedule__slug", "definition__follow"):
        follows[slug], ids[slug] = str(followed or ""), pk
    return {ids[slug] for slug in follows if _in_circle(slug, follows)}


def _in_circle(slug: str, follows: Mapping[str, str]) -> bool:
    seen: set[str] = set()
    step: str | None = slug
    while step:
        if step in seen:
            return True
        seen.add(step)
        step = follows.get(step)
    return False

"""What the on-call app asks of this one (``oncall.ports``): sending notices, which paths lead to a schedule, how many pages people got."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

from django.conf import settings
from django.db.models import Count, Q

from incidents.models import Page, Service
from notifications.services import messages_create
from notifications.values import MessageValue
from oncall.models import Schedule, ScheduleVersion, User
from oncall.ports import Note, Path
from policies.definition import TargetDef, TargetKind
from policies.models import EscalationPolicy
from policies.services import version_definition

# After every page, the mildest of which has 50: the plan for next week never delays a call.
NOTICE_PRIORITY = 60


def tell(notes: Sequence[Note], at: datetime) -> None:
    """Queue the notices, in the caller's transaction; whoever has left is told nothing. Four statements, however many."""
    active = set(
        User.objects.filter(pk__in={note.recipient_id for note in notes}, is_active=True).values_list("pk", flat=True)
    )
    base = settings.PUBLIC_URL.rstrip("/")
    values = [
        MessageValue(
            recipient_id=note.recipient_id,
            subject=note.subject,
            body=note.body,
            link=base + note.link if note.link else "",
            idempotency_key=note.key,
            kind="notice",
            urgency="low",
            priority=NOTICE_PRIORITY,
            context={"subject": note.subject_ref} if note.subject_ref else {},
        )
        for note in notes
        if note.recipient_id in active
    ]
    if values:
        messages_create(values, at=at)


def paths_of(schedule_ids: Collection[int]) -> Mapping[int, Sequence[Path]]:
    """The policies whose current version reaches each schedule, or one that follows it, with the services under them.

    A policy that names another reaches what stands on the first level of that one, as the engine follows it.

    A schedule that no policy names is missing. Four queries, however many schedules.
    """
    found = policies_of(schedule_ids)
    services = _service_names({policy.pk for own in found.values() for policy in own})
    return {pk: [Path(policy.name, tuple(services.get(policy.pk, ()))) for policy in own] for pk, own in found.items()}


def policies_of(schedule_ids: Collection[int]) -> dict[int, list[EscalationPolicy]]:
    """The policies behind ``paths_of``, by schedule id, each list by name: three queries."""
    schedules = {row.pk: row.slug for row in Schedule.objects.only("slug")}
    sources = _followed(schedules)
    wanted = set(schedule_ids)
    found: dict[int, list[EscalationPolicy]] = defaultdict(list)
    versioned = EscalationPolicy.objects.select_related("current_version").exclude(current_version=None)
    policies = list(versioned.order_by("name"))
    first_levels = _first_levels(policies)
    for policy in policies:
        reached = {source for pk in _named(policy, schedules, first_levels) for source in sources.get(pk, {pk})}
        for pk in reached & wanted:
            found[pk].append(policy)
    return dict(found)


def _first_levels(policies: Collection[EscalationPolicy]) -> dict[str | int, Sequence[TargetDef]]:
    """What stands on the first level of each policy, by its key and by its slug: what another that names it calls."""
    found: dict[str | int, Sequence[TargetDef]] = {}
    for policy in policies:
        if policy.current_version is not None:
            targets = version_definition(policy.current_version).levels[0].targets
            found |= {policy.pk: targets, policy.slug: targets}
    return found


def _named(
    policy: EscalationPolicy, schedules: Mapping[int, str], first_levels: Mapping[str | int, Sequence[TargetDef]]
) -> set[int]:
    """The schedules a policy's current version reaches, by key or by slug. Of a policy that it names the first level
    counts, and no policy named there in its turn: ``TargetResolver`` follows no further."""
    if policy.current_version is None:
        return set()
    definition = version_definition(policy.current_version)
    named = [target for level in definition.levels for target in level.targets] + list(definition.catch_all)
    if definition.final is not None:
        named.append(definition.final.target)
    followed = [
        one for target in named if target.kind is TargetKind.POLICY for one in first_levels.get(target.ref or "", ())
    ]
    refs = {target.ref for target in (*named, *followed) if target.kind is TargetKind.SCHEDULE}
    return {pk for pk, slug in schedules.items() if pk in refs or slug in refs}


def _followed(schedules: Mapping[int, str]) -> dict[int, set[int]]:
    """For each schedule that follows another: itself and every schedule it gets its people from, near or far."""
    pks = {slug: pk for pk, slug in schedules.items()}
    newest: dict[int, int] = {}
    for pk, kind, slug in (
        ScheduleVersion.objects.order_by("schedule", "number")
        .values_list("schedule_id", "definition__kind", "definition__follow")
        .iterator()
    ):
        newest.pop(pk, None)
        if slug in pks and kind in (None, "follow"):
            newest[pk] = pks[slug]
    return {pk: set(_chain(pk, newest)) for pk in newest}


def _chain(pk: int, follows: Mapping[int, int]) -> Iterator[int]:
    seen: set[int] = set()
    step: int | None = pk
    while step is not None and step not in seen:
        seen.add(step)
        yield step
        step = follows.get(step)


def _service_names(policy_ids: Collection[int]) -> dict[int, list[str]]:
    names: dict[int, list[str]] = defaultdict(list)
    rows = Service.objects.filter(policy__in=policy_ids).order_by("name").values_list("policy_id", "name")
    for policy_id, name in rows:
        if policy_id is not None:
            names[policy_id].append(name)
    return names


def pages_by_person(since: datetime, until: datetime) -> Mapping[int, int]:
    """Pages each person got in the range (``until`` excluded), tests left out: one query."""
    rows = (
        Page.objects.filter(created_at__gte=since, created_at__lt=until, incident__is_test=False)
        .order_by()
        .values_list("recipient")
        .annotate(number=Count("id"))
    )
    return dict(rows)


def pages_since(starts: Mapping[int, datetime], until: datetime) -> Mapping[int, int]:
    """Pages of each of these people from their own start on (``until`` excluded), tests left out: one query."""
    if not starts:
        return {}
    theirs = Q()
    for user_id, start in starts.items():
        theirs |= Q(recipient=user_id, created_at__gte=start)
    rows = (
        Page.objects.filter(theirs, created_at__lt=until, incident__is_test=False)
        .order_by()
        .values_list("recipient")
        .annotate(number=Count("id"))
    )
    return dict(rows)

"""Who would be called now: the people behind a level's targets, in a few queries however many schedules it names."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q

from oncall.models import Schedule, Team, User
from oncall.selectors import Holder, holders_at
from policies.definition import TargetDef, TargetKind
from policies.targets import Recipient, TargetResolver


def people_called(targets: Sequence[TargetDef], *, team: Team, at: datetime) -> list[Recipient]:
    """The people of ``targets`` at ``at``, each once, in order: as ``TargetResolver`` answers, with all schedules read together.

    Four queries for the schedules, one or two for each other target.
    """
    on_call = _on_call([target for target in targets if target.kind is TargetKind.SCHEDULE], at)
    resolver = TargetResolver(at=at)
    found: dict[int, Recipient] = {}
    for target in targets:
        people = on_call[target] if target in on_call else resolver.recipients([target], team=team)
        for person in people:
            found.setdefault(person.user.pk, person)
    return list(found.values())


def _on_call(targets: Sequence[TargetDef], at: datetime) -> dict[TargetDef, list[Recipient]]:
    if not targets:
        return {}
    numbers = [target.ref for target in targets if isinstance(target.ref, int)]
    slugs = [target.ref for target in targets if isinstance(target.ref, str)]
    schedules = list(Schedule.objects.filter(Q(pk__in=numbers) | Q(slug__in=slugs)))
    by_reference: dict[str | int | None, Schedule] = {schedule.slug: schedule for schedule in schedules}
    by_reference |= {schedule.pk: schedule for schedule in schedules}
    holders = holders_at(schedules=schedules, at=at)
    answer: dict[TargetDef, list[Recipient]] = {}
    for target in targets:
        schedule = by_reference.get(target.ref)
        held = holders[schedule.pk] if schedule else []
        answer[target] = [
            _recipient(schedule, holder) for holder in held if schedule and target.role in (None, holder.role)
        ]
    return answer


def _recipient(schedule: Schedule, holder: Holder) -> Recipient:
    return Recipient(
        holder.user, {"kind": "schedule", "name": schedule.name, "role": holder.role, "because": holder.why}
    )


def team_on_call(team: Team, *, at: datetime) -> list[tuple[Schedule, list[User]]]:
    """Each schedule of ``team`` with who holds it at ``at``: four queries."""
    schedules = list(Schedule.objects.filter(team=team).order_by("name"))
    holders = holders_at(schedules=schedules, at=at)
    return [(schedule, [holder.user for holder in holders[schedule.pk]]) for schedule in schedules]

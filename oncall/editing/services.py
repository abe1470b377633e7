"""Saving what the form says: the schedule's own row and its next version, together or not at all."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import resolve, reverse
from django.utils.text import slugify
from django.utils.translation import gettext as _

from audit.rows import refusal_of, row_set
from escalation_site.kernel.errors import Conflict
from oncall.loading import definition_spec
from oncall.models import Schedule, ScheduleVersion, Team, User
from oncall.rota_document import document_load
from oncall.services import actor_of, schedule_publish


class EditedMeanwhile(Conflict):
    """Somebody saved ``newest`` after this edit began; nothing was saved."""

    default_code = "edited_meanwhile"

    def __init__(self, newest: ScheduleVersion) -> None:
        author = newest.author.name if newest.author else _("the system")
        super().__init__(
            _("%(name)s saved version %(number)d after you began. Look at what changed, then save again.")
            % {"name": author, "number": newest.number}
        )
        self.newest = newest


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleValues:
    """The schedule's own row."""

    name: str
    team: Team | None


@transaction.atomic
def schedule_create(
    *,
    values: ScheduleValues,
    definition: dict[str, Any],
    author: User,
    at: datetime,
    effective_from: datetime | None = None,
    reason: str = "",
) -> Schedule:
    """A schedule with its first version. Raises DomainError naming the field at fault."""
    schedule = Schedule(slug=_free_slug(values.name))
    _row_set(schedule, values, definition, author=author, at=at)
    schedule_publish(
        schedule=schedule, definition=definition, author=author, at=at, effective_from=effective_from, reason=reason
    )
    return schedule


@transaction.atomic
def schedule_edit(
    *,
    schedule: Schedule,
    base: int,
    values: ScheduleValues,
    definition: dict[str, Any],
    author: User,
    at: datetime,
    effective_from: datetime | None = None,
    reason: str = "",
    accept_gaps: bool = False,
) -> ScheduleVersion:
    """Name the schedule as ``values`` say and publish its next version; ``base`` is the number of the version it stems
    from, 0 for none.

    Raises EditedMeanwhile where there is a newer one, GapsOpened where the edit leaves nobody on call on a path in use
    and that is not accepted, DomainError naming the field otherwise at fault.
    """
    schedule = Schedule.objects.select_for_update().get(pk=schedule.pk)
    newest = schedule.versions.select_related("author").order_by("-number").first()
    if newest is not None and newest.number > base:
        raise EditedMeanwhile(newest)
    _row_set(schedule, values, definition, author=author, at=at)
    begun = newest is not None and newest.effective_from <= (effective_from or at)
    if newest is not None and begun and definition_spec(newest.definition) == document_load(definition):
        # Written otherwise, it says the same: a name is no reason for a version.
        return newest
    return schedule_publish(
        schedule=schedule,
        definition=definition,
        author=author,
        at=at,
        effective_from=effective_from,
        reason=reason,
        accept_gaps=accept_gaps,
    )


def _row_set(
    schedule: Schedule, values: ScheduleValues, definition: dict[str, Any], *, author: User, at: datetime
) -> None:
    fields = {"name": values.name, "team": values.team, "time_zone": definition["time_zone"]}
    try:
        row_set(schedule, fields, noun="schedule", at=at, actor=actor_of(author), user=author)
    except ValidationError as error:
        raise refusal_of(error, told_at={"slug": "name"}) from error


def _free_slug(name: str) -> str:
    """A short name no other schedule has and no other page answers to."""
    base = slugify(name)[:50] or "schedule"
    taken = set(Schedule.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    candidates = (base if number == 1 else f"{base}-{number}" for number in range(1, len(taken) + 3))
    return next(slug for slug in candidates if slug not in taken and _leads_to_a_schedule(slug))


def _leads_to_a_schedule(slug: str) -> bool:
    return resolve(reverse("oncall:schedule", args=(slug,))).view_name == "oncall:schedule"

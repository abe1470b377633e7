"""What people can do, and what services ask for: lists of skills, set as a whole."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import models, transaction

from audit.services import Actor, EntryValue, entry_append
from oncall.models import Skill


@transaction.atomic
def skills_set(
    *, row: models.Model, manager: Any, skills: Iterable[Skill], noun: str, at: datetime, actor: Actor | None
) -> bool:
    """Make the skills behind ``manager`` (``user.skills``, ``service.required_skills``) exactly these; whether any differed.

    Enters ``<noun>.skills`` in the ledger, by slug.
    """
    before = sorted(manager.values_list("slug", flat=True))
    wanted = list(skills)
    after = sorted(skill.slug for skill in wanted)
    if before == after:
        return False
    manager.set(wanted)
    entry_append(
        EntryValue(
            at=at,
            action=f"{noun}.skills",
            object_type=noun,
            object_id=str(row.pk),
            object_label=str(row),
            subject=f"{noun}:{row.pk}",
            actor=actor,
            before={"skills": before},
            after={"skills": after},
        )
    )
    return True

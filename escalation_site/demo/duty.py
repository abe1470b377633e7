"""Duties that people exchanged in the course of the year: overrides, agreed a few days before they begin."""

import random
from datetime import datetime, timedelta
from typing import Any

from escalation_site.demo.rows import Rows
from oncall import services
from oncall.models import Override, Schedule, User

EXCHANGES = 36
SCHEDULES = {
    "payments-first": ("marta", "jonas", "ines"),
    "payments-second": ("marta", "jonas", "ines"),
    "storefront-first": ("freja", "marco", "bram", "chloe"),
    "platform-follow-the-sun": ("sanne", "nils", "priya", "keiko", "dana", "mateo"),
    "database-first": ("tomas", "owen", "lena"),
    "logistics-shifts": ("paolo", "anouk", "lars"),
}
REASONS = ("Dentist.", "School play.", "Moving house.", "Away for the weekend.", "Swapped; I take the next one.", "")


def duty_exchange(rows: Rows, chance: random.Random, *, since: datetime, until: datetime) -> None:
    """Let somebody cover somebody else now and then, and twice in the days to come.

    Stored at once, for the history asks who is on call; the ledger's entries wait in ``rows`` for their place in time.
    """
    schedules = {schedule.slug: schedule for schedule in Schedule.objects.filter(slug__in=SCHEDULES)}
    people = {user.username: user for user in User.objects.all()}
    days = int((until - since) / timedelta(days=1))
    starts = [*sorted(chance.randrange(7, days) for _one in range(EXCHANGES)), days + 2, days + 5]
    asked = {day: chance.randint(1, 5) for day in starts}
    # Entered in the order in which they were agreed, so that the ledger runs forward; none is agreed after the end.
    for day in sorted(starts, key=lambda day: min(day - asked[day], days - 1)):
        slug = chance.choice(list(SCHEDULES))
        person = people[chance.choice(SCHEDULES[slug])]
        start = since.replace(minute=0) + timedelta(days=day, hours=chance.choice((6, 9, 14, 18)))
        at = since + timedelta(days=min(day - asked[day], days - 1))
        override = Override(
            schedule=schedules[slug],
            user=person,
            start=start,
            end=start + timedelta(hours=chance.choice((4, 8, 12, 24))),
            kind=Override.Kind.COVER.value,
            reason=chance.choice(REASONS),
            created_by=person,
            created_at=at,
        )
        _store(override, at=at, user=person)
        rows.enter([services._override_entry(override, "override.create", actor=person, at=at)])


def _store(override: Override, *, at: datetime, user: User) -> None:
    """Store it with a history row of that instant."""
    history: Any = override
    history._history_date, history._history_user = at, user
    override.save()

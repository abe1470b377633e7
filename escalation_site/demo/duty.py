"""Duties that people exchanged in the course of the year: overrides, made through the service a few days before
they begin.
"""

import random
from datetime import datetime, timedelta

from oncall.models import Schedule, User
from oncall.services import override_create

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


def duty_exchange(chance: random.Random, *, since: datetime, until: datetime) -> None:
    """Let somebody cover somebody else now and then, and twice in the days to come."""
    schedules = {schedule.slug: schedule for schedule in Schedule.objects.filter(slug__in=SCHEDULES)}
    people = {user.username: user for user in User.objects.all()}
    days = int((until - since) / timedelta(days=1))
    starts = [*sorted(chance.randrange(7, days) for _one in range(EXCHANGES)), days + 2, days + 5]
    asked = {day: chance.randint(1, 5) for day in starts}
    # Entered in the order in which they were agreed, so that the ledger runs forward; none is agreed after the end.
    for day in sorted(starts, key=lambda day: min(day - asked[day], days - 1)):
        slug = chance.choice(list(SCHEDULES))
        person = people[chance.choice(SCHEDULES[slug])]
        start = since + timedelta(days=day, hours=chance.choice((6, 9, 14, 18)))
        override_create(
            schedule=schedules[slug],
            user=person,
            start=start,
            end=start + timedelta(hours=chance.choice((4, 8, 12, 24))),
            actor=person,
            at=since + timedelta(days=min(day - asked[day], days - 1)),
            reason=chance.choice(REASONS),
        )

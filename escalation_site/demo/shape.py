"""When things go wrong: more on working days and in working hours, most before the holidays, and now and then a
storm.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

# Weight of each hour (UTC): Europe works from 7 to 17, the Americas until 22; the nights are quieter, not silent.
HOURS = (4, 3, 3, 3, 4, 5, 7, 10, 13, 14, 14, 12, 11, 13, 14, 13, 11, 9, 8, 7, 7, 6, 5, 4)
WEEKDAYS = (1.15, 1.1, 1.05, 1.1, 1.2, 0.55, 0.5)
MONTHS = (0.95, 0.9, 0.95, 1.0, 0.95, 0.9, 0.8, 0.75, 1.0, 1.1, 1.35, 1.2)

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Something goes wrong at ``at``; ``storm`` counts the storms, 0 outside any, and ``region`` is where the storm
    rages.
    """

    at: datetime
    storm: int = 0
    region: str = ""


def occurrences(
    chance: random.Random, *, since: datetime, until: datetime, count: int, storms: int
) -> list[Occurrence]:
    """About ``count`` occurrences between the instants, in order, of which ``storms`` times 8 to 24 come within
    minutes.
    """
    hours = int((until - since) / HOUR)
    weights = [_weight(since + hour * HOUR) for hour in range(hours)]
    bursts = [list(_storm(chance, since, hours, number)) for number in range(1, storms + 1)]
    single = max(count - sum(map(len, bursts)), 0)
    starts = chance.choices(range(hours), weights, k=single)
    found = [Occurrence(since + hour * HOUR + _within(chance, HOUR)) for hour in starts]
    found += [occurrence for burst in bursts for occurrence in burst]
    return sorted((one for one in found if one.at < until), key=lambda one: (one.at, one.storm))


def _weight(at: datetime) -> float:
    return HOURS[at.hour] * WEEKDAYS[at.weekday()] * MONTHS[at.month - 1]


def _storm(chance: random.Random, since: datetime, hours: int, number: int) -> Iterator[Occurrence]:
    begin = since + chance.randrange(hours) * HOUR
    region = chance.choice(("eu-south-1", "eu-north-1", "us-east-1"))
    for _one in range(chance.randint(8, 24)):
        yield Occurrence(begin + _within(chance, timedelta(minutes=9)), number, region)


def _within(chance: random.Random, span: timedelta) -> timedelta:
    return timedelta(milliseconds=chance.randrange(int(span / timedelta(milliseconds=1))))

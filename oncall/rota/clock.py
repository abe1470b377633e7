"""Wall clocks and instants: when does a clock on the wall of some zone show a time?

A *local* time is a naive datetime (fold 0) read on the wall clock of a zone; an *instant* is an aware one in UTC.
Twice a year (or oftener) a wall clock shows some times twice, or never. Two readings settle every such case, and each
keeps the order of local times, so that consecutive local times always give consecutive, gapless spans of instants.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from oncall.rota.errors import RotaError

SECOND = timedelta(seconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LOCAL_EPOCH = EPOCH.replace(tzinfo=None)
REMEMBERED = 1 << 14
"""Local times whose instants are kept: schedules ask for the same handoffs and opening hours again and again."""


@lru_cache(maxsize=1024)
def zone_named(name: str) -> ZoneInfo:
    """The IANA zone of that name; RotaError (code "unknown_zone") when the tz database has none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise RotaError(f"{name!r} is no IANA time zone", field="time_zone", code="unknown_zone") from error


def wall_time(instant: datetime, zone: ZoneInfo) -> datetime:
    """The local time the wall clock of ``zone`` shows at ``instant``."""
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)


@lru_cache(maxsize=REMEMBERED)
def first_instant(local: datetime, zone: ZoneInfo) -> datetime:
    """The first instant at which the wall clock has reached ``local``.

    A time shown twice gives its first occurrence; a time never shown gives the instant the clock jumps over it.
    """
    early, late = _offsets(local, zone)
    if early < late:
        return _jump(local, zone, early=early, late=late)
    return _shown(local, early)


@lru_cache(maxsize=REMEMBERED)
def last_instant(local: datetime, zone: ZoneInfo) -> datetime:
    """The instant from which the wall clock never again shows less than ``local``.

    A time shown twice gives its last occurrence; a time never shown gives the instant the clock jumps over it.
    """
    early, late = _offsets(local, zone)
    if early < late:
        return _jump(local, zone, early=early, late=late)
    return _shown(local, late)


def _offsets(local: datetime, zone: ZoneInfo) -> tuple[timedelta, timedelta]:
    """UTC offsets of both readings (fold 0 and 1, PEP 495); the first is the smaller one for a time never shown."""
    early = zone.utcoffset(local)
    late = zone.utcoffset(local.replace(fold=1))
    if early is None or late is None:
        raise RotaError(f"{zone.key} gives no offset for {local}", field="time_zone", code="unknown_zone")
    return early, late


def _shown(local: datetime, offset: timedelta) -> datetime:
    """The instant at which a clock that is ahead of UTC by ``offset`` shows ``local``."""
    return EPOCH + (local - LOCAL_EPOCH - offset)


def _jump(local: datetime, zone: ZoneInfo, *, early: timedelta, late: timedelta) -> datetime:
    """The instant, to the second, at which the clock jumps over ``local``; a binary search between its two readings."""
    below, reached = _shown(local, late), _shown(local, early)
    while reached - below > SECOND:
        middle = below + timedelta(seconds=(reached - below) // SECOND // 2)
        if wall_time(middle, zone) >= local:
            reached = middle
        else:
            below = middle
    return reached

"""How much of a plan is drawn at once: all of it, or some hours, days or weeks that can be moved along."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from escalation_site.ui import moments


@dataclass(frozen=True, slots=True)
class Scale:
    """``back`` of ``span`` lies before the present when it is chosen; ``key`` chooses it."""

    label: str | Promise
    key: str
    span: timedelta
    back: timedelta
    style: str


SCALES: Mapping[str, Scale] = {
    "hours": Scale(_("Hours"), "h", timedelta(hours=8), timedelta(hours=2), "short"),
    "days": Scale(_("Days"), "d", timedelta(days=7), timedelta(days=1), "day"),
    "weeks": Scale(_("Weeks"), "w", timedelta(weeks=8), timedelta(weeks=1), "date"),
}
_EARLIEST, _LATEST = datetime(1971, 1, 1, tzinfo=UTC), datetime(9998, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Zoom:
    """A stretch of a plan: ``name`` of its scale, and the clock of whoever reads it."""

    name: str
    since: datetime
    zone: ZoneInfo

    @property
    def scale(self) -> Scale:
        return SCALES[self.name]

    @property
    def until(self) -> datetime:
        """Days are those of the clock on the wall, of which some have 23 hours or 25."""
        return self.moved(self.scale.span)

    @property
    def title(self) -> str:
        """ "Wed 18 Nov, 08:00 – 16:00"; whole days to the last that is in it."""
        last = self.until if self.name == "hours" else self.until - timedelta(minutes=1)
        same_day = self.since.astimezone(self.zone).date() == last.astimezone(self.zone).date()
        styles = (self.scale.style, "clock" if same_day else self.scale.style)
        return " – ".join(
            moments.written(one, style, at=one, zone=self.zone)
            for one, style in zip((self.since, last), styles, strict=True)
        )

    @property
    def step(self) -> timedelta:
        """How far earlier and later lead: half of what is seen stays in sight."""
        return {"hours": timedelta(hours=4), "days": timedelta(days=4), "weeks": timedelta(weeks=4)}[self.name]

    def moved(self, by: timedelta) -> datetime:
        if self.name == "hours":
            return self.since + by
        return (self.since.astimezone(self.zone) + by).astimezone(UTC)


def zoom_of(query: Mapping[str, str], *, at: datetime, zone: ZoneInfo) -> Zoom | None:
    """What an address asks for; None for the whole plan. Where ``from`` makes no sense it begins about the present."""
    name = query.get("zoom", "")
    if name not in SCALES:
        return None
    return Zoom(name, _begun(query.get("from", "")) or _about(name, at, zone), zone)


def _begun(text: str) -> datetime | None:
    try:
        begun = datetime.strptime(text, "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC)
    except ValueError:
        return None
    return begun if _EARLIEST < begun < _LATEST else None


def _about(name: str, at: datetime, zone: ZoneInfo) -> datetime:
    """A full hour, a midnight or a Monday a little before the present."""
    back = SCALES[name].back
    if name == "hours":
        return at.replace(minute=0, second=0, microsecond=0) - back
    day = at.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    if name == "weeks":
        day -= timedelta(days=day.weekday())
    return (day - back).astimezone(UTC)


def address_of(since: datetime) -> str:
    """How an address says where a stretch begins."""
    return since.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")

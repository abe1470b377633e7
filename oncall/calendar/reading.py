"""What the rota says of a range, asked once, and the names and clocks it is told with."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from escalation_site.ui import moments
from oncall import rota
from oncall.calendar.gaps import GapText, gap_texts
from oncall.loading import people_of
from oncall.models import GapAcceptance, User
from oncall.selectors import Loaded
from oncall.wording import why_words


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything of one schedule that touches the range; shifts are whole, gaps and overlaps cut to it."""

    since: datetime
    until: datetime
    final: tuple[rota.Shift, ...]
    rotation: tuple[rota.Shift, ...]
    """What the final schedule would be without any override."""
    layers: Mapping[str, tuple[rota.Shift, ...]]
    overrides: tuple[rota.Override, ...]
    covers: frozenset[int | None]
    """The overrides that put one person in everybody's place."""
    absences: tuple[rota.Absence, ...]
    gaps: tuple[GapText, ...]
    overlaps: tuple[rota.Overlap, ...]
    coverage: tuple[rota.Coverage, ...]
    handoff: rota.Handoff | None

    @property
    def roles(self) -> tuple[str, ...]:
        """Those of the schedule in the order of its layers, then those only an override knows."""
        return tuple(dict.fromkeys([*(one.role for one in self.coverage), *(shift.role for shift in self.final)]))

    def instead(self, shift: rota.Shift) -> tuple[int, ...]:
        """Whom the rotation would have named while somebody covers: such an override names nobody in particular."""
        return in_place_of(shift, self.rotation) if shift.override_id in self.covers else ()

    @property
    def user_ids(self) -> set[int]:
        """Everybody named anywhere in it."""
        shifts = [*self.final, *self.rotation, *(one for found in self.layers.values() for one in found)]
        ids = {shift.user_id for shift in shifts} | {shift.instead_of for shift in shifts}
        ids |= {one.user_id for one in self.overrides} | {one.replaces for one in self.overrides}
        ids |= {one.user_id for one in self.absences}
        if self.handoff:
            ids |= {user_id for user_id, _role in (*self.handoff.outgoing, *self.handoff.incoming)}
        return {found for found in ids if found is not None}


def read(
    item: Loaded,
    *,
    since: datetime,
    until: datetime,
    counted: tuple[datetime, datetime],
    at: datetime,
    acceptances: Collection[GapAcceptance],
) -> Reading:
    """Ask the rota of ``since`` to ``until``; the coverage is that of the range ``counted`` within."""
    final = item.shifts(since=since, until=until, whole=True)
    concerned = {shift.user_id for shift in final}
    if item.versions:
        # Also those whose every turn an absence took: no shift is left to show it.
        concerned |= {
            user for reign in rota.resolve(item.versions, since=since, until=until) for user in people_of(reign.spec)
        }
    overrides = tuple(one for one in item.overrides if one.start < until and one.end > since)
    covers = covering(overrides)
    alone = any(shift.override_id in covers for shift in final)
    return Reading(
        since=since,
        until=until,
        final=final,
        rotation=replace(item, overrides=()).shifts(since=since, until=until, whole=True) if alone else (),
        layers=item.layer_shifts(since=since, until=until),
        overrides=overrides,
        covers=covers,
        absences=tuple(
            one for one in item.absences if one.start < until and one.end > since and one.user_id in concerned
        ),
        gaps=gap_texts(item, since=since, until=until, at=at, acceptances=acceptances),
        overlaps=item.overlaps(since=since, until=until),
        coverage=item.coverage(since=counted[0], until=counted[1]),
        handoff=item.next_handoff(at),
    )


def covering(overrides: Collection[rota.Override]) -> frozenset[int | None]:
    """The ids of those that put one person in everybody's place."""
    return frozenset(one.id for one in overrides if one.kind is rota.OverrideKind.COVER and one.id is not None)


def in_place_of(shift: rota.Shift, rotation: Collection[rota.Shift]) -> tuple[int, ...]:
    """Who else holds the shift's role in ``rotation`` (the schedule without overrides) while it lasts, in order."""
    return tuple(
        dict.fromkeys(
            other.user_id
            for other in rotation
            if other.role == shift.role and other.start < shift.end and shift.start < other.end
            if other.user_id != shift.user_id
        )
    )


@dataclass(frozen=True, slots=True)
class Clocks:
    """The clock times are written on, and the other one (None where both show the same).

    What was written once is kept: shifts meet, and each is told in several places.
    """

    zone: ZoneInfo
    other: ZoneInfo | None
    at: datetime
    _written: dict[tuple[object, ...], str] = field(default_factory=dict, repr=False, compare=False)

    def times(self, start: datetime, end: datetime) -> str:
        """ "Mon 16 Nov, 09:00 – Mon 23 Nov, 09:00"; the day is said once where it is the same."""
        return self._span(self.zone, start, end)

    def elsewhere(self, start: datetime, end: datetime) -> str:
        """The same times on the other clock, with its name; "" where there is none."""
        if self.other is None:
            return ""
        key = (start, end)
        if key not in self._written:
            times = self._span(self.other, start, end)
            self._written[key] = _("%(times)s in %(zone)s") % {"times": times, "zone": self.other.key}
        return self._written[key]

    def moment_elsewhere(self, moment: datetime) -> str:
        """One instant on the other clock, with its name; "" where there is none."""
        if self.other is None:
            return ""
        return _("%(times)s in %(zone)s") % {"times": self._moment(self.other, moment, "short"), "zone": self.other.key}

    def _span(self, zone: ZoneInfo, start: datetime, end: datetime) -> str:
        same = start.astimezone(zone).date() == end.astimezone(zone).date()
        return f"{self._moment(zone, start, 'short')} – {self._moment(zone, end, 'clock' if same else 'short')}"

    def _moment(self, zone: ZoneInfo, moment: datetime, style: str) -> str:
        key = (zone.key, moment, style)
        if key not in self._written:
            self._written[key] = moments.written(moment, style, at=self.at, zone=zone)
        return self._written[key]


@dataclass(frozen=True, slots=True)
class Teller:
    """Names people as the reader sees them, and says when and why."""

    users: Mapping[int, User]
    reader: User
    clocks: Clocks
    _whys: dict[rota.Shift, str] = field(default_factory=dict, repr=False, compare=False)

    def name(self, pk: int) -> str:
        """The person's own name, for sentences."""
        user = self.users.get(pk)
        return user.name if user else _("somebody unknown")

    def called(self, pk: int) -> str:
        """The same, but "You" for the reader, where the name stands alone."""
        return _("You") if pk == self.reader.pk else self.name(pk)

    def is_reader(self, pk: int) -> bool:
        return pk == self.reader.pk

    def why(self, shift: rota.Shift, reading: Reading) -> str:
        if shift not in self._whys:
            self._whys[shift] = why_words(shift, self.name, instead=reading.instead(shift))
        return self._whys[shift]

    def title(self, *words: str, start: datetime, end: datetime) -> str:
        """Words, then the times on both clocks, in one line for a block's title."""
        told = [word for word in words if word]
        times = [self.clocks.times(start, end), self.clocks.elsewhere(start, end)]
        return ", ".join([*told, " · ".join(one for one in times if one)])


def elapsed(start: datetime, end: datetime, *, since: datetime, until: datetime) -> timedelta:
    """How much of a stretch lies within a range."""
    return max(min(end, until) - max(start, since), timedelta(0))

"""What a planned override would bring: stretch by stretch before and after, and what to think of before saving it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from oncall import rota
from oncall.load import clash_text, clashes_brought, overload_text, overloads_brought
from oncall.models import User
from oncall.previews import Line, changes, lines
from oncall.selectors import Loaded
from oncall.telling import span_words
from oncall.wording import absence_words, override_words


@dataclass(frozen=True, slots=True)
class Preview:
    """``lines`` in order of start; ``gaps`` are those of them that leave nobody; ``warnings`` are whole sentences."""

    lines: tuple[Line, ...]
    warnings: tuple[str, ...]

    @property
    def gaps(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.change.opens_gap)

    def accepted(self) -> tuple[rota.Gap, ...]:
        """The gaps as they are kept once somebody says that they know."""
        return tuple(
            rota.Gap(line.change.start, line.change.end, line.change.role, rota.Cause.REMOVED) for line in self.gaps
        )


def preview_of(loaded: Loaded, override: rota.Override, *, at: datetime) -> Preview:
    """Of ``override`` on ``loaded``. Reads other schedules for the warnings: a constant number of queries."""
    after = loaded.with_overrides(override)
    since, until = max(override.start, at), override.end
    found = lines(changes(loaded, after, since=since, until=until))
    near = [one for one in loaded.overrides if one.start < until and since < one.end]
    users = User.objects.in_bulk(
        {override.user_id} | {pk for one in near for pk in (one.user_id, one.replaces) if pk is not None}
    )

    def name_of(pk: int) -> str:
        return users[pk].name if pk in users else "?"

    warnings = [*_overlapping(loaded, override, near, name_of, at=at), *_away(after, override, name_of, at=at)]
    if override.kind is not rota.OverrideKind.REMOVE:
        warnings += [overload_text(one, at=at) for one in overloads_brought(changed=[after], at=at)]
        warnings += [
            clash_text(one, name_of(one.user_id), at=at)
            for one in clashes_brought(changed=[after], at=at)
            if one.user_id == override.user_id
        ]
    return Preview(tuple(found), tuple(warnings))


def _overlapping(
    loaded: Loaded, override: rota.Override, near: list[rota.Override], name_of: Callable[[int], str], *, at: datetime
) -> Iterator[str]:
    placed = loaded.with_overrides(override).overrides[-1]
    for pair in rota.override_overlaps([*near, placed]):
        if pair.later is placed:
            words = {"span": span_words(pair.start, pair.end, at=at), "what": override_words(pair.earlier, name_of)}
            yield (
                _(
                    "It overlaps an override, %(span)s: %(what)s. The later one, this, has the last word where they overlap."
                )
                % words
            )


def _away(after: Loaded, override: rota.Override, name_of: Callable[[int], str], *, at: datetime) -> Iterator[str]:
    if override.kind is rota.OverrideKind.REMOVE:
        return
    shifts = [
        shift
        for shift in after.shifts(since=max(override.start, at), until=override.end)
        if shift.user_id == override.user_id
    ]
    for absence in dict.fromkeys(absence for _shift, absence in rota.away_on_call(shifts, after.absences)):
        words = {
            "name": name_of(override.user_id),
            "span": span_words(absence.start, absence.end, at=at),
            "why": absence_words(absence),
        }
        yield _("%(name)s is away meanwhile (%(why)s, %(span)s). An override counts all the same.") % words

"""Who else could be asked, and who is passed over with what reason: capacity, rest, skills, absence."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from oncall.rota.answers import INSTANT, on_call_at
from oncall.rota.results import Shift, UserId
from oncall.rota.timeline import Absences, absences_by_user, absences_under
from oncall.rota.turns import layer_ready
from oncall.rota.values import Absence, LayerSpec, Limits, Override, Rota, ScheduleKind
from oncall.rota.versions import resolve


@dataclass(frozen=True, slots=True)
class Skip:
    """Somebody passed over; ``reason`` is a stable code to keep ("away", "over_capacity", "lacks:postgres" …)."""

    user_id: UserId
    reason: str


@dataclass(frozen=True, slots=True)
class Choice:
    """Who was chosen, in order of preference, and who was passed over on the way, in order."""

    chosen: tuple[UserId, ...]
    skipped: tuple[Skip, ...]


def choose(candidates: Iterable[UserId], *, skip_reasons: Mapping[UserId, str], count: int = 1) -> Choice:
    """The first ``count`` candidates without a reason to skip them. Nobody is looked at beyond the last one chosen."""
    chosen: list[UserId] = []
    skipped: list[Skip] = []
    for user_id in dict.fromkeys(candidates):
        if len(chosen) >= count:
            break
        reason = skip_reasons.get(user_id)
        if reason is None:
            chosen.append(user_id)
        else:
            skipped.append(Skip(user_id, reason))
    return Choice(tuple(chosen), tuple(skipped))


def succession(
    rota: Rota,
    *,
    at: datetime,
    role: str,
    overrides: Sequence[Override] = (),
    absences: Iterable[Absence] = (),
) -> tuple[UserId, ...]:
    """Whom to ask for a role, in order: who is on call, then who would come next.

    Those who come next are the people of the role's layers that are open at ``at``, highest layer first, each in the
    order of its turns. People who are away are left out, unless an override puts them on call.
    """
    absences = tuple(absences)
    holders = on_call_at(rota, at=at, overrides=overrides, absences=absences)
    asked = [shift.user_id for shift in holders if shift.role == role]
    known = absences_by_user(absences)
    for _, _, spec in resolve(rota, since=at, until=at + INSTANT):
        away = absences_under(spec, known)
        following = list(spec.members) if spec.kind is ScheduleKind.EVERYONE else []
        for layer in reversed(spec.layers):
            if layer.role == role:
                following += _next_in_turn(layer, at.astimezone(UTC))
        asked += [user_id for user_id in following if not _is_away(away, user_id, at)]
    return tuple(dict.fromkeys(asked))


def skill_reasons(
    candidates: Iterable[UserId], *, required: Collection[str], held: Mapping[UserId, Collection[str]]
) -> dict[UserId, str]:
    """Reasons to skip those who lack a required skill: "lacks:" and the missing ones, sorted and joined by commas."""
    reasons: dict[UserId, str] = {}
    for user_id in candidates:
        missing = sorted(set(required) - set(held.get(user_id, ())))
        if missing:
            reasons[user_id] = "lacks:" + ",".join(missing)
    return reasons


def limit_reason(shifts: Sequence[Shift], *, user_id: UserId, at: datetime, limits: Limits, pages: int) -> str | None:
    """Why a person should be spared at ``at``: "over_capacity", "too_long", "too_little_rest", or None.

    Somebody who is not on call is asked as if their duty began now: whoever has just gone off is to rest. ``shifts`` are the
    final schedule around ``at``, from further back than the limits reach; ``pages`` counts what this person got in their
    present shift, or in the one they would step into.
    """
    if limits.pages_per_shift is not None and pages >= limits.pages_per_shift:
        return "over_capacity"
    duties = [duty for duty in stretches(shifts, user_id=user_id) if duty[0] <= at]
    begun = at
    if duties and at < duties[-1][1]:
        begun = duties.pop()[0]
    if limits.consecutive is not None and at - begun >= limits.consecutive:
        return "too_long"
    if limits.rest is not None and duties and begun - duties[-1][1] < limits.rest:
        return "too_little_rest"
    return None


def stretches(shifts: Iterable[Shift], *, user_id: UserId) -> tuple[tuple[datetime, datetime], ...]:
    """One person's unbroken stretches of duty, whatever the role, in order."""
    found: list[tuple[datetime, datetime]] = []
    for shift in sorted((shift for shift in shifts if shift.user_id == user_id), key=lambda shift: shift.start):
        if found and shift.start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], shift.end))
        else:
            found.append((shift.start, shift.end))
    return tuple(found)


def _next_in_turn(spec: LayerSpec, at: datetime) -> list[UserId]:
    layer = layer_ready(spec)
    if not any(span.start <= at < span.end for span in layer.open_spans(at, at + INSTANT)):
        return []
    turn = next(layer.turns(at, at + INSTANT), None)
    if turn is None:
        return []
    groups = (turn.group, *spec.participants[turn.place + 1 :], *spec.participants[: turn.place + 1])
    return [user_id for group in groups for user_id in group]


def _is_away(away: Absences, user_id: UserId, at: datetime) -> bool:
    return any(absence.start <= at < absence.end for absence in away.get(user_id, ()))

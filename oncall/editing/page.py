"""The editor as its template reads it: the draft's fields with their labels and errors, row by row."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from oncall.editing.check import Moment, Problem
from oncall.editing.draft import Draft, LayerDraft, kept_text
from oncall.editing.fields import WEEKDAY_NAMES, Choices, LayerFields, ScheduleFields, Shown, mend
from oncall.models import Membership, User

RESPONDING = (User.Role.RESPONDER, User.Role.MANAGER, User.Role.ADMINISTRATOR)
PeopleChoices = Sequence[tuple[str, Sequence[tuple[str, str]]]]


@dataclass(frozen=True, slots=True)
class TurnRow:
    """People who serve together, each with the id of their select; one blank select is an empty slot."""

    name: str
    number: int
    people: tuple[tuple[str, str], ...]
    is_first: bool
    is_last: bool
    errors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WindowRow:
    name: str
    number: int
    days: tuple[tuple[str, str, bool], ...]
    start: str
    end: str
    end_day: str
    errors: tuple[str, ...]
    wrong: frozenset[str]


@dataclass(frozen=True, slots=True)
class ShiftRow:
    name: str
    number: int
    start: str
    end: str
    people: tuple[tuple[str, str], ...]
    errors: tuple[str, ...]
    wrong: frozenset[str]


@dataclass(frozen=True, slots=True)
class LayerBlock:
    name: str
    number: int
    title: str
    fields: LayerFields
    turns: tuple[TurnRow, ...]
    windows: tuple[WindowRow, ...]
    shifts: tuple[ShiftRow, ...]
    kept: str
    kept_count: int
    is_first: bool
    is_last: bool
    errors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wrong:
    """A line of the summary: where, what, and the id of the control it leads to."""

    where: str
    message: str
    target: str


@dataclass(frozen=True, slots=True)
class EditorPage:
    fields: ScheduleFields
    members: tuple[tuple[str, str], ...]
    member_errors: tuple[str, ...]
    layers: tuple[LayerBlock, ...]
    people: PeopleChoices
    offer: str
    wrong: tuple[Wrong, ...]
    focus: str


@dataclass(frozen=True, slots=True)
class Offered:
    """What the selects offer."""

    teams: Choices
    every_team: Choices
    schedules: Choices
    people: PeopleChoices
    offer: str
    """ "all", or "" for the team's people and those already named."""


def editor_page(
    draft: Draft, moment: Moment, *, offered: Offered, problems: Sequence[Problem] = (), focus: str = ""
) -> EditorPage:
    errors: dict[str, list[str]] = {}
    for problem in problems:
        errors.setdefault(problem.field, []).append(problem.message)
    fields = ScheduleFields(
        data=_schedule_data(draft, moment),
        teams=offered.teams,
        every_team=offered.every_team,
        schedules=offered.schedules,
    )
    _mend_all(fields, errors, prefix="")
    layers = tuple(_layer(draft, number, errors) for number in range(len(draft.layers)))
    _focus(focus, fields, *(layer.fields for layer in layers))
    return EditorPage(
        fields=fields,
        members=_selects("member", draft.members),
        member_errors=tuple(errors.get("member", ())),
        layers=layers,
        people=offered.people,
        offer=offered.offer,
        wrong=wrong_lines(problems, draft),
        focus=focus,
    )


def _focus(target: str, *forms: Shown) -> None:
    """Where a button leads to a field, the browser goes there, with scripts or without."""
    for form in forms:
        for name in form.fields:
            if form[name].auto_id == target:
                form.fields[name].widget.attrs["autofocus"] = True


def _schedule_data(draft: Draft, moment: Moment) -> Mapping[str, str]:
    own = {name: str(getattr(draft, name)) for name in ScheduleFields.base_fields if hasattr(draft, name)}
    return {
        **own,
        "in_force": moment.in_force,
        "effective_from": moment.effective_from,
        "reason": moment.reason,
    }


def _mend_all(form: Shown, errors: Mapping[str, Iterable[str]], *, prefix: str) -> None:
    for name in form.fields:
        for message in errors.get(prefix + name, ()):
            mend(form, name, message)


def _layer(draft: Draft, number: int, errors: Mapping[str, Sequence[str]]) -> LayerBlock:
    layer, name = draft.layers[number], f"layer-{number}"
    data = {f"{name}-{field}": str(getattr(layer, field)) for field in LayerFields.base_fields if field != "advance"}
    if layer.advance:
        data[f"{name}-advance"] = "on"
    fields = LayerFields(data=data, prefix=name)
    _mend_all(fields, errors, prefix=f"{name}-")
    last = len(layer.turns) - 1
    return LayerBlock(
        name=name,
        number=number + 1,
        title=layer.name or _("Layer %(number)d") % {"number": number + 1},
        fields=fields,
        turns=tuple(
            TurnRow(
                f"{name}-turn-{row}",
                row + 1,
                _selects(f"{name}-turn-{row}", people),
                row == 0,
                row == last,
                tuple(errors.get(f"{name}-turn-{row}", ())),
            )
            for row, people in enumerate(layer.turns)
        ),
        windows=tuple(_window(layer, name, row, errors) for row in range(len(layer.windows))),
        shifts=tuple(_shift(layer, name, row, errors) for row in range(len(layer.shifts))),
        kept=kept_text(layer.kept),
        kept_count=len(layer.kept),
        is_first=number == 0,
        is_last=number == len(draft.layers) - 1,
        errors=tuple(
            message for part in ("turns", "windows", "shifts") for message in errors.get(f"{name}-{part}", ())
        ),
    )


def _window(layer: LayerDraft, prefix: str, row: int, errors: Mapping[str, Sequence[str]]) -> WindowRow:
    window, name = layer.windows[row], f"{prefix}-window-{row}"
    told, wrong = _of_row(name, ("days", "start", "end", "end_day"), errors)
    days = tuple((day, str(label), day in window.days) for day, label in WEEKDAY_NAMES)
    return WindowRow(name, row + 1, days, window.start, window.end, window.end_day, told, wrong)


def _shift(layer: LayerDraft, prefix: str, row: int, errors: Mapping[str, Sequence[str]]) -> ShiftRow:
    shift, name = layer.shifts[row], f"{prefix}-shift-{row}"
    told, wrong = _of_row(name, ("start", "end", "people"), errors)
    return ShiftRow(name, row + 1, shift.start, shift.end, _selects(f"{name}-people", shift.people), told, wrong)


def _of_row(
    name: str, parts: Iterable[str], errors: Mapping[str, Sequence[str]]
) -> tuple[tuple[str, ...], frozenset[str]]:
    labels = {
        "days": _("Days"),
        "start": _("From"),
        "end": _("Until"),
        "end_day": _("Until"),
        "people": _("Who"),
    }
    found = {part: errors[f"{name}-{part}"] for part in parts if f"{name}-{part}" in errors}
    return (
        tuple(f"{labels[part]}: {message}" for part, messages in found.items() for message in messages),
        frozenset(found),
    )


def _selects(name: str, people: Sequence[str]) -> tuple[tuple[str, str], ...]:
    return tuple((f"{name}-{number}", value) for number, value in enumerate(people or ("",)))


def wrong_lines(problems: Iterable[Problem], draft: Draft) -> tuple[Wrong, ...]:
    """Where each problem is, in words, and the control to go to."""
    return tuple(_wrong(problem, draft) for problem in problems)


def _wrong(problem: Problem, draft: Draft) -> Wrong:
    parts = problem.field.split("-")
    if parts[0] != "layer":
        known = ScheduleFields.base_fields.get(problem.field)
        if known is not None:
            return Wrong(str(known.label), problem.message, f"id_{problem.field}")
        where = _("People") if problem.field == "member" else ""
        target = {"member": "member-0", "accept_gaps": "accept-gaps"}.get(problem.field, "rota-form")
        return Wrong(where, problem.message, target)
    layer = draft.layers[int(parts[1])].name or _("Layer %(number)d") % {"number": int(parts[1]) + 1}
    rest = parts[2:]
    label, target = _part(rest, f"layer-{parts[1]}")
    return Wrong(f"{layer}: {label}" if label else layer, problem.message, target)


def _part(rest: Sequence[str], prefix: str) -> tuple[str, str]:
    if rest[0] in LayerFields.base_fields:
        return str(LayerFields.base_fields[rest[0]].label), f"id_{prefix}-{rest[0]}"
    name = "-".join((prefix, *rest))
    row = int(rest[1]) + 1 if len(rest) > 1 else 0
    match rest[0]:
        case "turn":
            return _("Turn %(number)d") % {"number": row}, f"{name}-0"
        case "window":
            inner = f"{name}-mon" if rest[-1] == "days" else name
            return _("Open hours %(number)d") % {"number": row}, inner
        case "shift":
            return _("Shift %(number)d") % {"number": row}, f"{name}-0" if rest[-1] == "people" else name
    return "", prefix


def people_offered(*, team_id: int | None, named: Collection[int], offer: str) -> PeopleChoices:
    """Who can be chosen: the team's people, others who are named already, and with ``offer`` "all" everybody who
    answers incidents. Two queries.
    """
    members = set(Membership.objects.filter(team=team_id).values_list("user", flat=True) if team_id is not None else ())
    able = User.objects.filter(is_active=True, role__in=RESPONDING)
    if team_id is not None and offer != "all":
        able = able.filter(pk__in=members)
    users = sorted({*able, *User.objects.filter(pk__in=named)}, key=lambda user: (user.name.casefold(), user.pk))
    inside = [(str(user.pk), _label(user)) for user in users if user.pk in members]
    others = [(str(user.pk), _label(user)) for user in users if user.pk not in members]
    groups = [(_("In the team"), inside), (_("Others") if inside else _("People"), others)]
    return [(label, people) for label, people in groups if people]


def _label(user: User) -> str:
    return user.name if user.is_active else _("%(name)s (has left)") % {"name": user.name}

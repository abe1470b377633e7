"""The editor as its template reads it: the draft's fields with their labels and errors, row by row."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.forms import BoundField
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from policies.editing.check import Wrong
from policies.editing.draft import SEVERITIES, TIMINGS, Draft, LevelDraft
from policies.editing.fields import TIMING_LABELS, Choices, LevelFields, PolicyFields, Shown, mend
from policies.editing.offering import Offer

LIST_LABELS: Mapping[str, str | Promise] = {
    "target": gettext_lazy("Tell"),
    "responsible": gettext_lazy("Responsible: does the work"),
    "accountable": gettext_lazy("Accountable: answers for it"),
    "consulted": gettext_lazy("Consulted: is asked"),
    "informed": gettext_lazy("Informed: is told of it"),
    "catch_all": gettext_lazy("Tell at the end"),
    "final": gettext_lazy("The last word"),
    "overseer": gettext_lazy("Oversees a major incident"),
}


@dataclass(frozen=True, slots=True)
class TargetRow:
    """One select; ``name`` is its name and id."""

    name: str
    number: int
    options: SafeString
    removable: bool
    errors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TargetList:
    """The selects of one list; ``add`` is the button that adds one, "" where there is only ever one."""

    name: str
    label: str
    rows: tuple[TargetRow, ...]
    add: str


@dataclass(frozen=True, slots=True)
class Timing:
    """One of a level's three times with its finer fields, as they stand together on the page."""

    label: str
    length: BoundField
    origin: BoundField
    hours: BoundField
    otherwise: BoundField
    severities: tuple[BoundField, ...]


@dataclass(frozen=True, slots=True)
class LevelBlock:
    name: str
    number: int
    title: str
    fields: LevelFields
    targets: TargetList
    raci: tuple[TargetList, ...]
    timings: tuple[Timing, ...]
    finer: bool
    repeat: bool
    is_first: bool
    is_last: bool


@dataclass(frozen=True, slots=True)
class GuidelineRow:
    name: str
    number: int
    title: str
    url: str
    errors: tuple[str, ...]
    wrong: frozenset[str]


@dataclass(frozen=True, slots=True)
class WrongLine:
    """A line of the summary: where, what, and the id of the control it leads to."""

    where: str
    message: str
    target: str


@dataclass(frozen=True, slots=True)
class EditorPage:
    fields: PolicyFields
    starts: tuple[BoundField, ...]
    levels: tuple[LevelBlock, ...]
    catch_all: TargetList
    final: TargetList
    overseer: TargetList
    guidelines: tuple[GuidelineRow, ...]
    everything: bool
    wrong: tuple[WrongLine, ...]
    focus: str
    end_is_wrong: bool


Errors = Mapping[str, Sequence[str]]


def editor_page(
    draft: Draft, reason: str, *, teams: Choices, offer: Offer, problems: Sequence[Wrong] = (), focus: str = ""
) -> EditorPage:
    errors: dict[str, list[str]] = {}
    for problem in problems:
        errors.setdefault(problem.field, []).append(problem.message)
    fields = PolicyFields(data=_policy_data(draft, reason), teams=teams, levels=_level_choices(draft))
    _mend_all(fields, errors, prefix="")
    levels = tuple(_level(draft, row, errors, offer) for row in range(len(draft.levels)))
    _focus(focus, fields, *(level.fields for level in levels))
    return EditorPage(
        fields=fields,
        starts=tuple(fields[f"start_sev{severity}"] for severity in SEVERITIES),
        levels=levels,
        catch_all=_list("catch_all", "catch_all", draft.catch_all, errors, offer),
        final=_list("final", "final", [draft.final], errors, offer, single=True),
        overseer=_list("overseer", "overseer", [draft.overseer], errors, offer, single=True),
        guidelines=tuple(_guideline(row, *texts, errors) for row, texts in enumerate(draft.guidelines)),
        everything=offer.everything,
        wrong=wrong_lines(problems, draft),
        focus=focus,
        end_is_wrong=any(not name.startswith(("level-", "guideline-", "name", "team", "reason")) for name in errors),
    )


def _policy_data(draft: Draft, reason: str) -> dict[str, str | list[str]]:
    data: dict[str, str | list[str]] = {**draft.texts, "reason": reason, "cycle_severities": draft.cycle_severities}
    for name, held in (("mitigated", draft.mitigated), ("inform_skipped", draft.inform_skipped)):
        if held:
            data[name] = "on"
    return data


def _level_choices(draft: Draft) -> Choices:
    named = (
        (str(row), _("%(number)d. %(name)s") % {"number": row, "name": level.text("name")})
        for row, level in enumerate(draft.levels, 1)
    )
    return [("", _("The first level")), *named]


def _mend_all(form: Shown, errors: Errors, *, prefix: str) -> None:
    for name in form.fields:
        for message in errors.get(prefix + name, ()):
            mend(form, name, message)


def _focus(target: str, *forms: Shown) -> None:
    """Where a button leads to a field, the browser goes there, with scripts or without."""
    for form in forms:
        for name in form.fields:
            if form[name].auto_id == target:
                form.fields[name].widget.attrs["autofocus"] = True


def _level(draft: Draft, row: int, errors: Errors, offer: Offer) -> LevelBlock:
    level, name = draft.levels[row], f"level-{row}"
    data: dict[str, str | list[str]] = {f"{name}-{field}": text for field, text in level.texts.items()}
    data[f"{name}-repeat_severities"], data[f"{name}-channels"] = level.repeat_severities, level.channels
    if level.major:
        data[f"{name}-major"] = "on"
    fields = LevelFields(data=data, prefix=name)
    _mend_all(fields, errors, prefix=f"{name}-")
    return LevelBlock(
        name=name,
        number=row + 1,
        title=_title(level, row),
        fields=fields,
        targets=_list(f"{name}-target", "target", level.targets("target"), errors, offer),
        raci=_raci(level, name, errors, offer) if level.raci else (),
        timings=tuple(_timing(fields, timing) for timing in TIMINGS),
        finer=level.finer,
        repeat=level.repeat,
        is_first=row == 0,
        is_last=row == len(draft.levels) - 1,
    )


def _title(level: LevelDraft, row: int) -> str:
    return level.text("name") or _("Level %(number)d") % {"number": row + 1}


def _raci(level: LevelDraft, name: str, errors: Errors, offer: Offer) -> tuple[TargetList, ...]:
    cells = ("responsible", "accountable", "consulted", "informed")
    return tuple(
        _list(f"{name}-{cell}", cell, level.targets(cell), errors, offer, single=cell == "accountable")
        for cell in cells
    )


def _timing(fields: LevelFields, timing: str) -> Timing:
    return Timing(
        label=str(TIMING_LABELS[timing]),
        length=fields[timing],
        origin=fields[f"{timing}_from"],
        hours=fields[f"{timing}_hours"],
        otherwise=fields[f"{timing}_otherwise"],
        severities=tuple(fields[f"{timing}_sev{severity}"] for severity in SEVERITIES),
    )


def _list(
    name: str, kind: str, texts: Sequence[str], errors: Errors, offer: Offer, *, single: bool = False
) -> TargetList:
    shown = list(texts) or ([""] if single or kind in ("target", "responsible") else [])
    rows = tuple(
        TargetRow(
            name=f"{name}-{row}",
            number=row + 1,
            options=offer.options(text),
            removable=not single and (len(shown) > 1 or kind not in ("target", "responsible")),
            errors=tuple(errors.get(f"{name}-{row}", ())),
        )
        for row, text in enumerate(shown)
    )
    return TargetList(name, str(LIST_LABELS[kind]), rows, "" if single else f"{name}-add")


def _guideline(row: int, title: str, url: str, errors: Errors) -> GuidelineRow:
    name = f"guideline-{row}"
    found = {part: errors[f"{name}-{part}"] for part in ("title", "url") if f"{name}-{part}" in errors}
    told = tuple(message for messages in found.values() for message in messages)
    return GuidelineRow(name, row + 1, title, url, told, frozenset(found))


def wrong_lines(problems: Iterable[Wrong], draft: Draft) -> tuple[WrongLine, ...]:
    """Where each problem is, in words, and the control to go to."""
    return tuple(WrongLine(place_words(one.field, draft), one.message, control_of(one.field)) for one in problems)


def control_of(field: str) -> str:
    """The id of the control that a field's name belongs to: rows have their own, form fields Django's."""
    parts = field.split("-")
    if parts[-1].isdecimal() or parts[0] == "guideline":
        return field
    if parts[-1] == "raci":
        return f"{field}-add"
    return f"id_{field}" if field and field != "levels" else ("level-add" if field else "policy-form")


def place_words(field: str, draft: Draft) -> str:
    """Where a field is, as people say it: "Senior: Time to acknowledge"."""
    parts = field.split("-")
    if parts[0] == "level":
        title = _title(draft.levels[int(parts[1])], int(parts[1]))
        label = _level_label(parts[2])
        return _("%(level)s: %(field)s") % {"level": title, "field": label} if label else title
    if parts[0] == "guideline":
        return _("Guideline document %(number)d") % {"number": int(parts[1]) + 1}
    if parts[0] in LIST_LABELS:
        return str(LIST_LABELS[parts[0]])
    known = PolicyFields.base_fields.get(field)
    return str(known.label) if known is not None else ""


def _level_label(name: str) -> str:
    if name in LIST_LABELS:
        return str(LIST_LABELS[name])
    timing = name.partition("_")[0]
    if timing in TIMING_LABELS:
        return str(TIMING_LABELS[timing])
    known = LevelFields.base_fields.get(name)
    return str(known.label) if known is not None else ""

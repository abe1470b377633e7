"""The versions of a schedule in words: what each says, and how it differs from the one before."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from escalation_site.ui import durations
from oncall.editing.documents import clock_text
from oncall.editing.fields import HANDOVER_PAGES, HOLIDAYS, KINDS, ROTATIONS, WEEKDAY_NAMES, WHEN_ABSENT, Choices
from oncall.models import Schedule, ScheduleVersion, Team, User
from oncall.rota import Every, Group, LayerSpec, Restriction, ScheduleSpec
from oncall.rota_document.words import duration_text
from oncall.selectors import definition_spec
from oncall.wording import role_words

SHIFTS_WRITTEN = 40


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a diff; an empty side is nothing."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Past:
    """One version: whether it is in force, will be, or was, and what it changed."""

    version: ScheduleVersion
    state: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Names:
    """People by id, teams by id, schedules by slug."""

    people: Mapping[int, str]
    teams: Mapping[int, str]
    schedules: Mapping[str, str]

    def group(self, group: Group) -> str:
        return durations.list_of([self.people.get(pk, str(pk)) for pk in group]) or _("nobody (an empty slot)")


def history_of(schedule: Schedule, *, at: datetime) -> list[Past]:
    """Newest first: four queries, however many versions."""
    versions = list(schedule.versions.select_related("author").order_by("-number"))
    specs = [definition_spec(version.definition) for version in versions]
    names = names_of(specs)
    texts = [lines_of(spec, names) for spec in specs]
    ruling = max((one for one in versions if one.effective_from <= at), key=lambda one: one.number, default=None)
    replaced = {
        one.pk
        for one in versions
        if any(later.number > one.number and later.effective_from <= one.effective_from for later in versions)
    }
    return [
        Past(version, _state(version, ruling, replaced, at), changes_between(older, text))
        for version, text, older in zip(versions, texts, [*texts[1:], {}], strict=True)
    ]


def _state(version: ScheduleVersion, ruling: ScheduleVersion | None, replaced: set[int], at: datetime) -> str:
    if version == ruling:
        return "current"
    if version.pk in replaced:
        return "replaced"
    return "planned" if version.effective_from > at else "past"


def names_of(specs: Sequence[ScheduleSpec]) -> Names:
    people = {pk for spec in specs for pk in spec.members}
    for layer in (layer for spec in specs for layer in spec.layers):
        people |= {pk for group in layer.participants for pk in group}
        people |= {pk for shift in layer.fixed_shifts for pk in shift.group}
    users = User.objects.in_bulk(people)
    teams = {spec.team for spec in specs if spec.team is not None}
    followed = {spec.follows for spec in specs if spec.follows}
    return Names(
        {pk: user.name for pk, user in users.items()},
        {team.pk: team.name for team in Team.objects.filter(pk__in=teams)},
        {one.slug: one.name for one in Schedule.objects.filter(slug__in=followed)},
    )


def changes_between(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Change, ...]:
    """What differs, in the order of ``after``; what is gone comes last."""
    fields = dict.fromkeys([*after, *before])
    return tuple(
        Change(field, before.get(field, ""), after.get(field, ""))
        for field in fields
        if before.get(field, "") != after.get(field, "")
    )


def lines_of(spec: ScheduleSpec, names: Names) -> dict[str, str]:
    """Everything the schedule says, by what it is about."""
    lines = {
        _("Who is on call"): _chosen(KINDS, spec.kind.value),
        _("Time zone"): spec.time_zone,
        _("Public holidays"): _chosen(HOLIDAYS, spec.holidays.value),
        _("Limits"): _limits(spec),
        _("After a handoff"): _handover(spec),
        _("Schedule to follow"): names.schedules.get(spec.follows, spec.follows),
        _("Team"): "" if spec.team is None else names.teams.get(spec.team, str(spec.team)),
        _("People"): names.group(spec.members) if spec.members else "",
        _("Layers, the last one wins"): ", ".join(layer.name for layer in spec.layers),
    }
    for layer in spec.layers:
        lines |= {f"{layer.name}: {field}": text for field, text in _layer(layer, spec, names).items()}
    return {field: text for field, text in lines.items() if text}


def _layer(layer: LayerSpec, spec: ScheduleSpec, names: Names) -> dict[str, str]:
    turns = [names.group(group) for group in layer.participants]
    return {
        _("role"): role_words(layer.role),
        _("time zone"): "" if layer.time_zone == spec.time_zone else layer.time_zone,
        _("begins"): _local(layer.start),
        _("ends"): _local(layer.end) if layer.end else "",
        _("turns"): _rotation(layer),
        _("people in turn"): " → ".join(turns),
        _("open"): "; ".join(_window(window) for window in layer.restrictions),
        _("when all of a turn are away"): _chosen(WHEN_ABSENT, layer.when_absent.value),
        _("closed turns"): "" if layer.turns_advance_when_closed else _("use up nobody’s turn"),
        _("shifts"): _shifts(layer, names.group),
    }


def _rotation(layer: LayerSpec) -> str:
    if layer.rotation is Every.FIXED:
        return _chosen(ROTATIONS, layer.rotation.value)
    parts = [_every(layer)]
    if layer.handoff_weekday is not None:
        parts.append(_weekday(layer.handoff_weekday))
    if layer.handoff_day is not None:
        parts.append(_("day %(day)d") % {"day": layer.handoff_day})
    if layer.handoff_time is not None:
        parts.append(clock_text(layer.handoff_time))
    return ", ".join(parts)


def _every(layer: LayerSpec) -> str:
    count = layer.every
    match layer.rotation:
        case Every.HOURLY:
            words = ngettext("every hour", "every %(count)d hours", count)
        case Every.DAILY:
            words = ngettext("every day", "every %(count)d days", count)
        case Every.MONTHLY:
            words = ngettext("every month", "every %(count)d months", count)
        case _:
            words = ngettext("every week", "every %(count)d weeks", count)
    return words % {"count": count}


def _window(window: Restriction) -> str:
    end = "" if window.end_weekday is None else f"{_weekday(window.end_weekday)} "
    return f"{_weekday(window.weekday)} {clock_text(window.start)} – {end}{clock_text(window.end)}"


def _shifts(layer: LayerSpec, named: Callable[[Group], str]) -> str:
    told = [f"{_local(one.start)} – {_local(one.end)} {named(one.group)}" for one in layer.fixed_shifts]
    if len(told) > SHIFTS_WRITTEN:
        more = _("and %(count)d more") % {"count": len(told) - SHIFTS_WRITTEN}
        told = [*told[-SHIFTS_WRITTEN:], more]
    return "; ".join(told)


def _limits(spec: ScheduleSpec) -> str:
    limits = spec.limits
    parts = [
        _("%(count)d pages in one shift") % {"count": limits.pages_per_shift} if limits.pages_per_shift else "",
        _("%(length)s without a break") % {"length": duration_text(limits.consecutive)} if limits.consecutive else "",
        _("%(length)s of rest") % {"length": duration_text(limits.rest)} if limits.rest else "",
    ]
    return ", ".join(part for part in parts if part)


def _handover(spec: ScheduleSpec) -> str:
    if not spec.handover.window:
        return ""
    minutes = int(spec.handover.window.total_seconds() // 60)
    words = {"minutes": minutes, "who": _chosen(HANDOVER_PAGES, spec.handover.page.value)}
    return _("For %(minutes)d minutes: %(who)s") % words


def _weekday(number: int) -> str:
    return str(WEEKDAY_NAMES[number][1])


def _chosen(choices: Choices, value: str) -> str:
    return next((str(label) for name, label in choices if name == value), value)


def _local(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"

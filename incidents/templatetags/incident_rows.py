"""What stands on every row and card of an incident, written in Python: a board has a hundred, and a template takes five times as long."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from html import escape
from typing import NamedTuple

from django import template
from django.template.context import Context
from django.urls import get_script_prefix, reverse
from django.utils.formats import localize
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext, ngettext

from escalation_site.templatetags.watchbell import clock, person, time_left, when
from escalation_site.ui import shapes
from incidents.models import Incident
from incidents.selectors.board import By, Card, Handed
from incidents.selectors.listing import Row
from incidents.selectors.steps import Next, Standing

register = template.Library()


class _Words(dict[str, str]):
    """The words of one language, each looked up once: a board asks for a thousand, and to find out the language takes as long as to
    find a word in it."""

    def __missing__(self, message: str) -> str:
        self[message] = found = gettext(message)
        return found


@lru_cache(maxsize=16)
def _words(_language: str | None) -> _Words:
    return _Words()


class _Pen(NamedTuple):
    """What all rows of a page are written with. ``said`` puts words into the reader's language; it is called ``_`` where it is used,
    so that they are collected for translation."""

    context: Context
    said: Callable[[str], str]
    may_act: bool

    def when(self, moment: datetime | None, style: str) -> str:
        return when(self.context, moment, style)

    def time_left(self, incident: Incident) -> str:
        return time_left(self.context, incident.sla_due_at, start=incident.started_at)


def _pen(context: Context) -> _Pen:
    return _Pen(context, _words(get_language()).__getitem__, bool(context.get("may_act")))


@register.simple_tag(takes_context=True)
def list_rows(context: Context, rows: Iterable[Row]) -> SafeString:
    """``{% list_rows group.rows %}``: incidents in the list; with ``may_act`` open ones can be selected."""
    pen = _pen(context)
    return mark_safe("\n".join(_list_row(pen, row) for row in rows))  # noqa: S308  every text is escaped


def _list_row(pen: _Pen, row: Row) -> str:
    incident = row.incident
    title, place = escape(incident.title), _address("incidents:incident", "", incident.pk)
    service, team = escape(incident.service.name), escape(incident.team.name)
    age = pen.when(incident.resolved_at or incident.started_at, "age")
    return (
        f'<div class="row grid" role="row" data-row="{incident.pk}">\n'
        f'  <span class="c-check" role="cell">{_selected_by(pen, incident)}</span>\n'
        f'  <span class="c-sev" role="cell">{shapes.severity(incident.severity)}</span>\n'
        f'  <span class="c-inc" role="cell"><a class="ttl trunc block" href="{place}" data-row-link>{title}</a>'
        f'<span class="sub trunc">{_under_title(pen, incident)}<span class="phone-only trunc">{service}</span></span></span>\n'
        f'  <span class="c-svc" role="cell"><span class="trunc block">{service}</span>'
        f'<span class="muted t12 trunc block">{team}</span></span>\n'
        f'  <span class="c-own" role="cell">{person(incident.owner)}</span>\n'
        f'  <span class="c-next next" role="cell">{_next_step(pen, incident, row.standing, row.told)}</span>\n'
        f'  <span class="c-sla nowrap" role="cell">{_sla_left(pen, incident)}</span>\n'
        f'  <span class="c-age r muted nowrap" role="cell">{age}</span>\n'
        "</div>"
    )


def _selected_by(pen: _Pen, incident: Incident) -> str:
    if not (pen.may_act and incident.is_open):
        return ""
    _ = pen.said
    label = escape(_("Select %(reference)s") % {"reference": incident.reference})
    return (
        f'<input class="check" type="checkbox" name="incident" value="{incident.pk}" form="bulk-form" autocomplete="off"'
        f' aria-label="{label}">'
    )


def _under_title(pen: _Pen, incident: Incident) -> str:
    _ = pen.said
    parts = []
    if incident.major_at:
        parts.append(f'<span class="warn strong">{shapes.icon("siren", 12)} {escape(_("major"))}</span>')
    parts.append(f"<span>{escape(incident.reference)}</span>")
    if incident.priority:
        parts.append(f'<span><span class="sr">{escape(_("Priority"))} </span>P{incident.priority}</span>')
    if incident.alert_count:
        words = ngettext("%(count)s alert", "%(count)s alerts", incident.alert_count)
        parts.append(f"<span>{escape(words % {'count': localize(incident.alert_count)})}</span>")
    elif incident.reporter:
        filed = _("filed by %(name)s") % {"name": incident.reporter.name}
        parts.append(f'<span class="trunc">{escape(filed)}</span>')
    if incident.is_test:
        parts.append(f"<span>{escape(_('test'))}</span>")
    if incident.restricted:
        parts.append(f"<span>{escape(_('restricted'))}</span>")
    if incident.environment and incident.environment != "production":
        parts.append(f"<span>{escape(incident.environment)}</span>")
    return "".join(parts)


def _sla_left(pen: _Pen, incident: Incident) -> str:
    if not incident.is_open:
        return ""
    _ = pen.said
    if not incident.sla_due_at:
        none = _("No target")
        return f'<span class="muted desk-only">{escape(none)}</span>'
    left = pen.time_left(incident)
    return f'<span class="phone-only muted">{escape(_("SLA"))}</span> {left}'


@register.simple_tag(takes_context=True)
def next_step(context: Context, incident: Incident, step: Standing, told: Sequence[str] = ()) -> SafeString:
    """``{% next_step row.incident row.standing row.told %}``: what happens next, when, and who rings until then."""
    return mark_safe(_next_step(_pen(context), incident, step, told))  # noqa: S308  every text is escaped


def _next_step(pen: _Pen, incident: Incident, step: Standing, told: Sequence[str]) -> str:
    _ = pen.said
    match step.next:
        case Next.CALL:
            return _next_call(pen, step, told)
        case Next.RESOLVED:
            by = incident.resolved_by
            who = _("by %(name)s") % {"name": by.name} if by else _("recovered by itself")
            at = f"{escape(_('resolved'))} {pen.when(incident.resolved_at, 'short')}"
            return _step(shapes.icon("circle-check"), escape(who), at, css="to soft trunc")
        case Next.NO_POLICY:
            return _nobody_paged(pen, _("the service has no policy"))
        case Next.NOBODY:
            return _nobody_paged(pen, _("by decision"))
        case Next.ASKED:
            decides = _("A person decides")
            running = f"<b>{clock(pen.context, step.at, step.since)}</b> {escape(decides)}"
            return _step(
                shapes.icon("circle-question-mark"), running, escape(_("nobody is paged before")), css="to soft trunc"
            )
        case Next.SET_ASIDE:
            stopped, told_whom = escape(_("Stopped on an error")), escape(_("administrators were told"))
            return _step(shapes.icon("octagon-alert"), stopped, told_whom, look="warn", css="to warn")
        case Next.EXHAUSTED:
            at = pen.when(step.at, "clock")
            return f'{shapes.state("exhausted")}<span class="to"><span>{escape(_("catch-all told"))} {at}</span></span>'
        case Next.SNOOZED:
            silent = _("Silent by a rule until") if step.suppressed else _("Snoozed until")
            until = f"{escape(silent)} {pen.when(step.at, 'short')}"
            then = escape(_("then %(to)s") % {"to": step.to})
            return _step(shapes.icon("moon"), until, then, css="to soft trunc", under="trunc")
        case Next.NONE:
            rungs = shapes.rungs(total=step.total, current=step.current, answered=step.answered)
            words, because = escape(_("No further step")), escape(_("no resolution timeout"))
            return f'{rungs}<span class="to soft">{words}<span>{because}</span></span>'


def _nobody_paged(pen: _Pen, because: str) -> str:
    _ = pen.said
    return _step(shapes.icon("bell-off"), escape(_("Nobody is paged")), escape(because))


def _step(icon: str, what: str, below: str, *, look: str = "muted", css: str = "to soft", under: str = "") -> str:
    """A step's icon, its words and the line below them, all of them HTML."""
    shape = f' class="{under}"' if under else ""
    return f'<span class="{look}">{icon}</span><span class="{css}">{what}<span{shape}>{below}</span></span>'


def _next_call(pen: _Pen, step: Standing, told: Sequence[str]) -> str:
    """How far up the ladder it is, when the next level is called, and who rings until then."""
    _, to = pen.said, step.to
    running = clock(pen.context, step.at, step.since, to)
    if step.answered:
        until = _("unless mitigated or resolved first")
    elif told:
        until = _("ringing: %(names)s") % {"names": ", ".join(told)}
    else:
        until = _("nobody rings yet")
    rungs = shapes.rungs(total=step.total, current=step.current, answered=step.answered)
    return (
        f'{rungs}<span class="to trunc"><b>{running}</b> {escape(_("to %(to)s") % {"to": to})}'
        f'<span class="trunc">{escape(until)}</span></span>'
    )


@register.simple_tag(takes_context=True)
def board_cards(context: Context, cards: Iterable[Card]) -> SafeString:
    """``{% board_cards column.cards %}``: incidents on the board ``by`` something; with ``may_act`` they can be moved."""
    pen, by, shared = _pen(context), By(context["by"]), escape(context["shared"])
    return mark_safe("\n".join(_board_card(pen, card, by, shared) for card in cards))  # noqa: S308  every text is escaped


def _board_card(pen: _Pen, card: Card, by: By, shared: str) -> str:
    incident = card.incident
    pk, reference = incident.pk, escape(incident.reference)
    moves = f"{_address('incidents:board_move', by.value, pk)}?{shared}" if pen.may_act else ""
    title, place = escape(incident.title), _address("incidents:incident", "", pk)
    carried = f' data-move="{moves}" draggable="true"' if moves else ""
    described = ' aria-describedby="board-help"' if moves else ""
    return (
        f'<li class="bcard" data-card="{pk}" data-name="{reference} {title}"{carried}>\n'
        f'  <div class="bcard-top">{_top(pen, incident, reference, moves)}</div>\n'
        f'  <a class="bcard-title" id="card-{pk}" href="{place}" draggable="false" data-card-link{described}>{title}</a>\n'
        f'  <div class="bcard-sub">{_beside(pen, incident, by)}</div>\n'
        f"  {_handed(pen, card.handed) if card.handed else ''}\n"
        f'  <div class="bcard-foot">{_foot(pen, incident, by)}</div>\n'
        f'  <div class="next">{_next_step(pen, incident, card.row.standing, card.row.told)}</div>\n'
        "</li>"
    )


def _top(pen: _Pen, incident: Incident, reference: str, moves: str) -> str:
    _ = pen.said
    parts = [shapes.severity(incident.severity), f'<span class="muted">{reference}</span>']
    if incident.major_at:
        parts.append(f'<span class="warn strong">{shapes.icon("siren", 12)} {escape(_("major"))}</span>')
    age = pen.when(incident.started_at, "age")
    parts.append(f'<span class="grow"></span><span class="muted nowrap">{age}</span>')
    if moves:
        label = escape(_("Move %(reference)s to …") % {"reference": incident.reference})
        parts.append(
            f'<a class="btn sm ghost icon bmove" id="move-{incident.pk}" draggable="false" href="{moves}" hx-get="{moves}"'
            f' hx-target="#act-body" hx-swap="innerHTML" aria-label="{label}">{shapes.icon("arrow-right", 14)}</a>'
        )
    return "".join(parts)


def _beside(pen: _Pen, incident: Incident, by: By) -> str:
    """What it is about, but not what its column says."""
    _ = pen.said
    parts = [f'<span class="trunc">{escape(incident.service.name)}</span>']
    if by is not By.TEAM:
        parts.append(f'<span class="trunc">{escape(incident.team.name)}</span>')
    if by is not By.STAGE:
        parts.append(f"<span>{escape(str(incident.stage.label))}</span>")
    if incident.restricted:
        parts.append(f"<span>{shapes.icon('lock', 12)} {escape(_('restricted'))}</span>")
    if incident.is_test:
        parts.append(f"<span>{escape(_('test'))}</span>")
    return "".join(parts)


def _handed(pen: _Pen, handed: Handed) -> str:
    _ = pen.said
    said = _("Handed over between teams:") if handed.what == "team" else _("Handed over between people:")
    return (
        f'<div class="bhand"><span class="sr">{escape(said)} </span><span><b>{escape(handed.before)}</b> →'
        f' <b>{escape(handed.after)}</b> <span class="muted">{pen.when(handed.at, "ago")}</span></span></div>'
    )


def _foot(pen: _Pen, incident: Incident, by: By) -> str:
    _ = pen.said
    parts: list[str] = []
    if by is not By.PERSON:
        parts.append(person(incident.owner))
    if incident.sla_due_at:
        left = pen.time_left(incident)
        parts.append(f'<span class="bsla"><span class="muted">{escape(_("SLA"))}</span> {left}</span>')
    return "".join(parts)


_NUMBER = 1234567890


def _address(name: str, by: str, pk: int) -> str:
    before, after = _around(name, by, get_script_prefix())
    return f"{before}{pk}{after}"


@lru_cache(maxsize=64)
def _around(name: str, by: str, _prefix: str) -> tuple[str, str]:
    """What stands before and after the number in an address: finding it anew for each card takes longer than drawing one."""
    before, _number, after = reverse(name, args=(_NUMBER, by) if by else (_NUMBER,)).partition(str(_NUMBER))
    return before, after

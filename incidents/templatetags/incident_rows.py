"""What stands on every row and card of an incident, written in Python: a board has a hundred, and a template takes five times as long."""

from collections.abc import Sequence
from functools import lru_cache
from html import escape

from django import template
from django.template.context import Context
from django.urls import get_script_prefix, reverse
from django.utils.formats import localize
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from escalation_site.templatetags.watchbell import clock, person, time_left, when
from escalation_site.ui import shapes
from incidents.models import Incident
from incidents.selectors.board import By, Card, Handed
from incidents.selectors.listing import Row
from incidents.selectors.steps import Next, Standing

register = template.Library()


@register.simple_tag(takes_context=True)
def list_row(context: Context, row: Row) -> SafeString:
    """``{% list_row row %}``: one incident in the list; with ``may_act`` an open one can be selected."""
    incident = row.incident
    title, place = escape(incident.title), _address("incidents:incident", "", incident.pk)
    service, team = escape(incident.service.name), escape(incident.team.name)
    age = when(context, incident.resolved_at or incident.started_at, "age")
    return mark_safe(  # noqa: S308  every text is escaped
        f'<div class="row grid" role="row" data-row="{incident.pk}">\n'
        f'  <span class="c-check" role="cell">{_selected_by(context, incident)}</span>\n'
        f'  <span class="c-sev" role="cell">{shapes.severity(incident.severity)}</span>\n'
        f'  <span class="c-inc" role="cell"><a class="ttl trunc block" href="{place}" data-row-link>{title}</a>'
        f'<span class="sub trunc">{_under_title(incident)}<span class="phone-only trunc">{service}</span></span></span>\n'
        f'  <span class="c-svc" role="cell"><span class="trunc block">{service}</span>'
        f'<span class="muted t12 trunc block">{team}</span></span>\n'
        f'  <span class="c-own" role="cell">{person(incident.owner)}</span>\n'
        f'  <span class="c-next next" role="cell">{next_step(context, incident, row.standing, row.told)}</span>\n'
        f'  <span class="c-sla nowrap" role="cell">{_sla_left(context, incident)}</span>\n'
        f'  <span class="c-age r muted nowrap" role="cell">{age}</span>\n'
        "</div>"
    )


def _selected_by(context: Context, incident: Incident) -> str:
    if not (context.get("may_act") and incident.is_open):
        return ""
    label = escape(_("Select %(reference)s") % {"reference": incident.reference})
    return (
        f'<input class="check" type="checkbox" name="incident" value="{incident.pk}" form="bulk-form" autocomplete="off"'
        f' aria-label="{label}">'
    )


def _under_title(incident: Incident) -> str:
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


def _sla_left(context: Context, incident: Incident) -> str:
    if not incident.is_open:
        return ""
    if not incident.sla_due_at:
        none = _("No target")
        return f'<span class="muted desk-only">{escape(none)}</span>'
    left = time_left(context, incident.sla_due_at, start=incident.started_at)
    return f'<span class="phone-only muted">{escape(_("SLA"))}</span> {left}'


@register.simple_tag(takes_context=True)
def next_step(context: Context, incident: Incident, step: Standing, told: Sequence[str] = ()) -> SafeString:
    """``{% next_step row.incident row.standing row.told %}``: what happens next, when, and who rings until then."""
    return mark_safe(_next_step(context, incident, step, told))  # noqa: S308  every text is escaped


def _next_step(context: Context, incident: Incident, step: Standing, told: Sequence[str]) -> str:
    match step.next:
        case Next.CALL:
            return _next_call(context, step, told)
        case Next.RESOLVED:
            by = incident.resolved_by
            who = _("by %(name)s") % {"name": by.name} if by else _("recovered by itself")
            at = f"{escape(_('resolved'))} {when(context, incident.resolved_at, 'short')}"
            return _step(shapes.icon("circle-check"), escape(who), at, css="to soft trunc")
        case Next.NO_POLICY:
            return _nobody_paged(_("the service has no policy"))
        case Next.NOBODY:
            return _nobody_paged(_("by decision"))
        case Next.ASKED:
            decides = _("A person decides")
            running = f"<b>{clock(context, step.at, step.since)}</b> {escape(decides)}"
            return _step(
                shapes.icon("circle-question-mark"), running, escape(_("nobody is paged before")), css="to soft trunc"
            )
        case Next.SET_ASIDE:
            stopped, told_whom = escape(_("Stopped on an error")), escape(_("administrators were told"))
            return _step(shapes.icon("octagon-alert"), stopped, told_whom, look="warn", css="to warn")
        case Next.EXHAUSTED:
            at = when(context, step.at, "clock")
            return f'{shapes.state("exhausted")}<span class="to"><span>{escape(_("catch-all told"))} {at}</span></span>'
        case Next.SNOOZED:
            silent = _("Silent by a rule until") if step.suppressed else _("Snoozed until")
            until = f"{escape(silent)} {when(context, step.at, 'short')}"
            then = escape(_("then %(to)s") % {"to": step.to})
            return _step(shapes.icon("moon"), until, then, css="to soft trunc", under="trunc")
        case Next.NONE:
            rungs = shapes.rungs(total=step.total, current=step.current, answered=step.answered)
            words, because = escape(_("No further step")), escape(_("no resolution timeout"))
            return f'{rungs}<span class="to soft">{words}<span>{because}</span></span>'


def _nobody_paged(because: str) -> str:
    return _step(shapes.icon("bell-off"), escape(_("Nobody is paged")), escape(because))


def _step(icon: str, what: str, below: str, *, look: str = "muted", css: str = "to soft", under: str = "") -> str:
    """A step's icon, its words and the line below them, all of them HTML."""
    shape = f' class="{under}"' if under else ""
    return f'<span class="{look}">{icon}</span><span class="{css}">{what}<span{shape}>{below}</span></span>'


def _next_call(context: Context, step: Standing, told: Sequence[str]) -> str:
    """How far up the ladder it is, when the next level is called, and who rings until then."""
    to = step.to
    running = clock(context, step.at, step.since, to)
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
def board_card(context: Context, card: Card) -> SafeString:
    """``{% board_card card %}``: one incident on the board ``by`` something; with ``may_act`` it can be moved."""
    incident, by = card.incident, By(context["by"])
    pk, reference = incident.pk, escape(incident.reference)
    moves = (
        f"{_address('incidents:board_move', by.value, pk)}?{escape(context['shared'])}" if context["may_act"] else ""
    )
    title, place = escape(incident.title), _address("incidents:incident", "", pk)
    carried = f' data-move="{moves}" draggable="true"' if moves else ""
    described = ' aria-describedby="board-help"' if moves else ""
    return mark_safe(  # noqa: S308  every text is escaped
        f'<li class="bcard" data-card="{pk}" data-name="{reference} {title}"{carried}>\n'
        f'  <div class="bcard-top">{_top(context, incident, reference, moves)}</div>\n'
        f'  <a class="bcard-title" id="card-{pk}" href="{place}" draggable="false" data-card-link{described}>{title}</a>\n'
        f'  <div class="bcard-sub">{_beside(incident, by)}</div>\n'
        f"  {_handed(context, card.handed) if card.handed else ''}\n"
        f'  <div class="bcard-foot">{_foot(context, incident, by)}</div>\n'
        f'  <div class="next">{next_step(context, incident, card.row.standing, card.row.told)}</div>\n'
        "</li>"
    )


def _top(context: Context, incident: Incident, reference: str, moves: str) -> str:
    parts = [shapes.severity(incident.severity), f'<span class="muted">{reference}</span>']
    if incident.major_at:
        parts.append(f'<span class="warn strong">{shapes.icon("siren", 12)} {escape(_("major"))}</span>')
    age = when(context, incident.started_at, "age")
    parts.append(f'<span class="grow"></span><span class="muted nowrap">{age}</span>')
    if moves:
        label = escape(_("Move %(reference)s to …") % {"reference": incident.reference})
        parts.append(
            f'<a class="btn sm ghost icon bmove" id="move-{incident.pk}" draggable="false" href="{moves}" hx-get="{moves}"'
            f' hx-target="#act-body" hx-swap="innerHTML" aria-label="{label}">{shapes.icon("arrow-right", 14)}</a>'
        )
    return "".join(parts)


def _beside(incident: Incident, by: By) -> str:
    """What it is about, but not what its column says."""
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


def _handed(context: Context, handed: Handed) -> str:
    said = _("Handed over between teams:") if handed.what == "team" else _("Handed over between people:")
    return (
        f'<div class="bhand"><span class="sr">{escape(said)} </span><span><b>{escape(handed.before)}</b> →'
        f' <b>{escape(handed.after)}</b> <span class="muted">{when(context, handed.at, "ago")}</span></span></div>'
    )


def _foot(context: Context, incident: Incident, by: By) -> str:
    parts: list[str] = []
    if by is not By.PERSON:
        parts.append(person(incident.owner))
    if incident.sla_due_at:
        left = time_left(context, incident.sla_due_at, start=incident.started_at)
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

"""What stands on every row and card of an incident, written in Python: a board has a hundred, and a template takes five times as long."""

from collections.abc import Sequence
from functools import lru_cache
from html import escape

from django import template
from django.template.context import Context
from django.urls import get_script_prefix, reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from escalation_site.templatetags.watchbell import clock, person, time_left, when
from escalation_site.ui import shapes
from incidents.models import Incident
from incidents.selectors.board import By, Card, Handed
from incidents.selectors.steps import Standing

register = template.Library()


@register.simple_tag(takes_context=True)
def next_call(context: Context, step: Standing, told: Sequence[str] = ()) -> SafeString:
    """``{% next_call row.standing row.told %}``: how far up the ladder it is, when the next level is called, and who rings until then."""
    to = step.to
    running = clock(context, step.at, step.since, to)
    if step.answered:
        until = _("unless mitigated or resolved first")
    elif told:
        until = _("ringing: %(names)s") % {"names": ", ".join(told)}
    else:
        until = _("nobody rings yet")
    rungs = shapes.rungs(total=step.total, current=step.current, answered=step.answered)
    return mark_safe(  # noqa: S308  every text is escaped
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

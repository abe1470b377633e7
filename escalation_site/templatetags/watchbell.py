"""Template tags of the components. ``docs/design.md`` lists each with its call; the tag library is a builtin."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from html import escape
from typing import Any

from django import template
from django.forms import BoundField, CheckboxInput, CheckboxSelectMultiple, RadioSelect, Select, Textarea
from django.template.context import Context, RequestContext
from django.utils.html import format_html, json_script
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from escalation_site.kernel.instants import now
from escalation_site.ui import durations, moments, shapes
from escalation_site.ui.charts import Dot
from escalation_site.ui.words import script_words

register = template.Library()


def _present(context: Context | RequestContext) -> datetime:
    """The instant the page was made for: ``at`` of the view's context, else the clock."""
    at = context.get("at")
    return at if isinstance(at, datetime) else now()


@register.simple_tag
def icon(name: str, size: int = 16, css: str = "") -> SafeString:
    """``{% icon "bell" %}``, ``{% icon "check" 12 %}``, ``{% icon "search" 20 "muted" %}``."""
    return shapes.icon(name, size, css)


@register.simple_tag
def severity(value: Any, label: str = "", boxed: bool = False) -> SafeString:
    """``{% severity 1 %}``, ``{% severity row.severity boxed=True %}``: a rank, or what has ``rank`` and ``label``."""
    rank = int(getattr(value, "rank", value))
    return shapes.severity(rank, label or str(getattr(value, "label", "")), boxed=boxed)


@register.simple_tag
def state(name: str, label: str = "") -> SafeString:
    """``{% state "triggered" %}``; the second argument replaces the word."""
    return shapes.state(name, label)


@register.simple_tag(takes_context=True)
def when(
    context: Context, moment: datetime | None, style: str = "ago", css: str = "", focus: bool = False
) -> SafeString | str:
    """``{% when incident.started_at %}`` "6 min ago"; styles ago, age, clock, seconds, day, date, short, full."""
    if moment is None:
        return ""
    return moments.html(moment, style, at=_present(context), css=css, focus=focus)


@register.simple_tag
def table_rows(rows: Iterable[tuple[tuple[str, ...], str]]) -> SafeString:
    """``{% table_rows chart.linked_rows %}``: each row's cells, the first of them its head, with what the second leads to.

    Written by Python, as ``chart_dots``: a year has hundreds, and made by a template they took a quarter of its page's time."""
    return mark_safe("".join([f"<tr>{_cells(*row)}</tr>" for row in rows]))  # noqa: S308  each part is escaped


def _cells(cells: tuple[str, ...], link: str) -> str:
    head, *rest = map(escape, cells)
    if link and rest:
        rest[0] = f'<a class="link" href="{escape(link)}">{rest[0]}</a>'
    return f'<th scope="row">{head}</th>' + "".join([f'<td class="r">{cell}</td>' for cell in rest])


@register.simple_tag
def chart_dots(dots: Iterable[Dot]) -> SafeString:
    """``{% chart_dots chart.dots %}``: each drawn value with its tooltip."""
    drawn = [
        f'<circle class="dot" cx="{dot.x}%" cy="{dot.y}" r="3.2"><title>{escape(dot.words)}</title></circle>'
        for dot in dots
    ]
    return mark_safe("".join(drawn))  # noqa: S308  numbers, and words escaped


@register.filter
def duration(value: timedelta | float | None, style: str = "two") -> str:
    """``{{ span|duration }}`` "6 min 50 s"; styles two, minutes (no seconds), one ("6 min"), clock ("8:51")."""
    if value is None:
        return ""
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    match style:
        case "one":
            return durations.in_one_unit(seconds)
        case "minutes":
            return durations.in_two_units(seconds, smallest=durations.MINUTE)
        case "clock":
            return durations.as_clock(seconds)
        case _:
            return durations.in_two_units(seconds)


@register.simple_tag(takes_context=True)
def clock(
    context: Context, due: datetime | None, start: datetime | None = None, announce: str = ""
) -> SafeString | str:
    """``{% clock run.due_at start=run.level_began_at announce="Elena Conti is called" %}``."""
    if due is None:
        return ""
    at = _present(context)
    running = shapes.clock(due, at=at, start=start, announce=announce)
    fallback = _("at %(time)s") % {"time": moments.written(due, "seconds", at=at)}
    return mark_safe(f'{running}<noscript><span class="zone"> {escape(fallback)}</span></noscript>')  # noqa: S308  its parts are escaped


@register.simple_tag(takes_context=True)
def time_left(context: Context, due: datetime | None, start: datetime | None = None) -> SafeString | str:
    """``{% time_left incident.sla_due_at start=incident.started_at %}``: the clock, and once it has run out "over by 4 min"."""
    if due is None or due > _present(context):
        return clock(context, due, start)
    return over_by(_present(context) - due)


@register.simple_tag
def over_by(late: timedelta) -> SafeString:
    """``{% over_by late %}``: the alarm clock and "over by 4 min"."""
    words = durations.over_by(late.total_seconds())
    return format_html('<span class="warn strong">{} {}</span>', shapes.icon("alarm-clock", 14), words)


@register.simple_tag
def avatar(person: Any, size: str = "") -> SafeString:
    """``{% avatar user %}``, ``{% avatar "Jonas de Wit" "lg" %}``: write the name beside it."""
    return shapes.avatar(_name(person), _key(person), size)


@register.simple_tag
def person(value: Any, nobody: str = "") -> SafeString:
    """``{% person incident.owner %}``: avatar and name, or a dashed ring and "No owner"."""
    return shapes.person(_name(value), _key(value)) if value else shapes.nobody(nobody)


@register.simple_tag
def faces(people: Any) -> SafeString:
    """``{% faces responders %}``: avatars in a row, their names for screen readers and on hover."""
    return shapes.people([_name(one) for one in people])


@register.simple_tag
def rungs(total: int, current: int, answered: bool = False, finished: bool = False) -> SafeString:
    """``{% rungs total=4 current=2 %}``, ``answered=True`` once somebody has it, ``finished=True`` when exhausted."""
    return shapes.rungs(total=total, current=current, answered=answered, finished=finished)


@register.simple_tag
def meter(percent: float, tone: str = "", label: str = "") -> SafeString:
    """``{% meter 35 %}``, ``{% meter 92 "warn" %}``."""
    return shapes.meter(float(percent), tone=tone, label=label)


@register.simple_tag
def tag(text: str, tone: str = "", icon: str = "") -> SafeString:
    """``{% tag "No answer, 5 min" "warn" %}``; tones warn, ok, auto, acc, inv."""
    return shapes.tag(text, tone, icon)


@register.inclusion_tag("components/field.html")
def field(
    bound: BoundField,
    width: str = "",
    filled_from: str = "",
    placeholder: str | bool = "",
    label: str = "",
    quiet: bool = False,
) -> Mapping[str, Any]:
    """``{% field form.title %}``: label above, "required" in words, help and error below, all tied to the control.

    ``width`` is an extra class ("span-2"); ``filled_from`` says where a value that was filled in comes from; ``label``
    replaces the field's own; ``placeholder=False`` drops the widget's; ``quiet`` leaves out "required" and the help,
    for a form in which everything is required.
    """
    widget = bound.field.widget
    group = isinstance(widget, RadioSelect | CheckboxSelectMultiple)
    lone = isinstance(widget, CheckboxInput)
    help_text = "" if quiet else filled_from or bound.help_text
    described = [f"{bound.auto_id}_help"] if help_text else []
    if bound.errors:
        described.append(f"{bound.auto_id}_error")
    attributes: dict[str, Any] = {"class": _widget_class(bound)}
    if described:
        attributes["aria-describedby"] = " ".join(described)
    if bound.errors:
        attributes["aria-invalid"] = "true"
    if placeholder != "":
        attributes["placeholder"] = placeholder
    return {
        "field": bound,
        "control": "" if group else bound.as_widget(attrs=attributes),
        "group": group,
        "lone": lone,
        "width": width,
        "label": label or bound.label,
        "help_text": help_text,
        "described": " ".join(described),
        "required": bound.field.required and not lone and not quiet,
    }


def _widget_class(bound: BoundField) -> str:
    widget = bound.field.widget
    own = str(widget.attrs.get("class", ""))
    if isinstance(widget, CheckboxInput):
        look = "check"
    elif isinstance(widget, Textarea):
        look = "input area"
    elif isinstance(widget, Select):
        look = "input select"
    else:
        look = "input"
    return f"{look} err {own}".strip() if bound.errors else f"{look} {own}".strip()


def _name(value: Any) -> str:
    if isinstance(value, str):
        return value
    full_name = getattr(value, "get_full_name", None)
    return (full_name() if full_name else "") or str(value)


def _key(value: Any) -> str:
    return "" if isinstance(value, str) else str(getattr(value, "pk", ""))


@register.simple_tag
def script_strings() -> SafeString:
    """The words the scripts need, in the reader's language, as a JSON data block (never executed)."""
    return json_script(script_words(), "wb-words")


@register.simple_tag(takes_context=True)
def query_with(context: Context, **changes: Any) -> str:
    """``{% query_with page=2 %}``: this page's query string with some values changed; an empty value removes one."""
    query = context["request"].GET.copy()
    for name, value in changes.items():
        if value in (None, ""):
            query.pop(name, None)
        else:
            query[name] = str(value)
    encoded = query.urlencode()
    return f"?{encoded}" if encoded else "?"

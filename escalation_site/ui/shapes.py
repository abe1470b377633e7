"""Small inline components as safe HTML, for template tags and for the admin's list columns alike.

Nothing here queries, and nothing carries a style attribute: the content security policy refuses them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from html import escape

from django.core.files.storage import storages
from django.templatetags.static import static
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from escalation_site.ui import durations

_SEVERITY_SHAPES = {
    1: '<path d="M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1z"/>',
    2: '<path d="M7.1 1.9a1 1 0 0 1 1.8 0l6 11A1.1 1.1 0 0 1 14 14.5H2a1.1 1.1 0 0 1-.9-1.6z"/>',
    3: (
        '<path d="M7.2 1.3a1.1 1.1 0 0 1 1.6 0l5.9 5.9a1.1 1.1 0 0 1 0 1.6l-5.9 5.9a1.1 1.1 0 0 1-1.6 0L1.3 8.8'
        'a1.1 1.1 0 0 1 0-1.6z"/>'
    ),
    4: '<rect x="2" y="5.5" width="12" height="5" rx="2.5"/>',
    5: '<circle cx="8" cy="8" r="4.6"/>',
}


@dataclass(frozen=True, slots=True)
class StateLook:
    """How a state looks: its CSS class, its icon and its word."""

    css: str
    icon: str
    label: str | Promise


STATES = {
    "triggered": StateLook("triggered", "bell-ring", _("Triggered")),
    "acknowledged": StateLook("acked", "user-check", _("Acknowledged")),
    "snoozed": StateLook("snoozed", "moon", _("Snoozed")),
    "resolved": StateLook("resolved", "circle-check", _("Resolved")),
    "closed": StateLook("closed", "archive", _("Closed")),
    "suppressed": StateLook("suppressed", "bell-off", _("Suppressed")),
    "exhausted": StateLook("exhausted", "bell-off", _("Exhausted")),
}
"""Every state a tag can show. An unknown state is shown as its own word on a quiet ground."""

ICON_SIZES = {12: "i i-12", 14: "i i-14", 16: "i", 20: "i i-20"}


@lru_cache(maxsize=512)
def _icon(url: str, name: str, size: int, css: str) -> SafeString:
    classes = f"{ICON_SIZES[size]} {css}".strip()
    return format_html('<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>', classes, url, name)


def icon(name: str, size: int = 16, css: str = "") -> SafeString:
    """A Lucide icon of the sprite ``static/img/icons.svg``, hidden from screen readers; ``size`` 12, 14, 16 or 20."""
    return _icon(_sprite(storages["staticfiles"]), name, size, css)


@lru_cache(maxsize=4)
def _sprite(_storage: object) -> str:
    """The address of the sprite, as the storage in use has it: it looks each one up anew."""
    return static("img/icons.svg")


# A board shows a hundred severities, people and ladders, and the same few over and over. By type too: what is marked safe is not
# escaped, and equals the same text that is not.


@lru_cache(maxsize=256, typed=True)
def severity(rank: int, label: str = "", *, boxed: bool = False) -> SafeString:
    """Shape, number and colour of a severity; ``rank`` 1 (worst) to 5. The label is always written."""
    shape = mark_safe(_SEVERITY_SHAPES[rank])  # noqa: S308  constant of this module
    return format_html(
        '<span class="sev sev-{}{}"><svg viewBox="0 0 16 16" aria-hidden="true">{}</svg>{}</span>',
        rank,
        " box" if boxed else "",
        shape,
        label or f"SEV-{rank}",
    )


def state(name: str, label: str = "") -> SafeString:
    """The tag of an incident's state: weight, icon and word."""
    look = STATES.get(name) or StateLook("other", "circle-dot-dashed", name.capitalize())
    return format_html('<span class="state {}">{}{}</span>', look.css, icon(look.icon, 12), label or look.label)


def initials(name: str) -> str:
    """First letters of the first and last word: "Jonas de Wit" → "JW"; "?" for no name at all."""
    words = [word for word in name.split() if word[0].isalnum()]
    if not words:
        return "?"
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()


def person_hue(key: str) -> int:
    """One of six quiet hues, the same for a person on every page and every host."""
    return blake2b(key.encode(), digest_size=2).digest()[0] % 6 + 1


def avatar(name: str, key: str = "", size: str = "") -> SafeString:
    """A person's initials on their hue; hidden from screen readers, because the name stands beside it.

    ``key`` fixes the hue (the user's id); without it the name does. ``size`` is "", "lg" or "xl".
    """
    return _avatar(name, key, size)


@lru_cache(maxsize=2048, typed=True)
def _avatar(name: str, key: str, size: str) -> SafeString:
    hue = person_hue(key or name)
    return format_html(
        '<span class="av h{}{}" aria-hidden="true">{}</span>', hue, f" {size}" if size else "", initials(name)
    )


def rungs(*, total: int, current: int, answered: bool = False, finished: bool = False) -> SafeString:
    """The ladder in one line: past filled, current heavy (petrol once answered), future hollow.

    ``current`` counts from 1; 0 means that nothing was called yet. ``finished`` means every level is past.
    """
    return _rungs(total, current, answered, finished, get_language())


@lru_cache(maxsize=512)
def _rungs(total: int, current: int, answered: bool, finished: bool, _language: str | None) -> SafeString:
    def look(level: int) -> str:
        if level < current or finished:
            return "past"
        return ("ack" if answered else "now") if level == current else "next"

    label = gettext("Level %(current)s of %(total)s") % {"current": current, "total": total}
    if finished:
        label = gettext("All %(total)s levels called") % {"total": total}
    bars = format_html_join("", '<i class="{}"></i>', ((look(level),) for level in range(1, total + 1)))
    return format_html('<span class="rungs" role="img" aria-label="{}">{}</span>', label, bars)


def meter(percent: float, *, label: str = "", tone: str = "") -> SafeString:
    """A thin bar filled to ``percent`` (clamped to 0…100). ``tone``: "", "warn", "acc" or "okk".

    Without a label it is decoration beside the same fact in words.
    """
    width = f"{min(max(percent, 0.0), 100.0):.4g}%"
    role = format_html(' role="img" aria-label="{}"', label) if label else mark_safe(' aria-hidden="true"')
    return format_html(
        '<svg class="meter{}"{}><rect width="{}" height="100%" rx="2"/></svg>', f" {tone}" if tone else "", role, width
    )


def _ring(share: float) -> str:
    return (
        '<svg viewBox="0 0 16 16" aria-hidden="true"><circle cx="8" cy="8" r="6.2"/>'
        '<circle cx="8" cy="8" r="6.2" pathLength="100" stroke-dasharray="'
        f'{min(max(share, 0.0), 1.0) * 100:.4g} 200"/></svg>'
    )


CLOCK_LATE = timedelta(minutes=2)
CLOCK_LATE_SHARE = 0.2


def clock(due: datetime, *, at: datetime, start: datetime | None = None, announce: str = "") -> SafeString:
    """A clock running down to ``due`` (aware), drawn as of ``at`` and kept running by ``clock.js``.

    ``start`` gives the ring its full circle; without it the ring spans an hour. Ember below two minutes or a fifth of
    the span. ``announce`` is the consequence in words ("Elena Conti is called"), spoken at two minutes and at nought.
    """
    left = due - at
    span = due - (start or min(at, due - timedelta(hours=1)))
    share = left / span if span else 0.0
    late = left < CLOCK_LATE or share < CLOCK_LATE_SHARE
    digits = durations.as_clock(left.total_seconds())
    # Written out: a page has hundreds. Only words come from outside.
    return mark_safe(  # noqa: S308  its parts are escaped
        f'<span class="clock{" warn" if late else ""}" data-due="{due.isoformat()}"'
        f' data-start="{(start or due - timedelta(hours=1)).isoformat()}" data-announce="{escape(announce)}">'
        f'{_ring(share)}<span class="digits">{escape(digits)}</span></span>'
    )


def tag(text: str, tone: str = "", icon_name: str = "") -> SafeString:
    """A 19 px fact. ``tone``: "", "warn", "ok", "auto", "acc" or "inv"."""
    return format_html(
        '<span class="tag{}">{}{}</span>', f" {tone}" if tone else "", icon(icon_name, 12) if icon_name else "", text
    )


def person(name: str, key: str = "") -> SafeString:
    """Avatar and name on one line."""
    return _person(name, key)


@lru_cache(maxsize=2048, typed=True)
def _person(name: str, key: str) -> SafeString:
    return format_html('<span class="who">{}<span class="trunc">{}</span></span>', avatar(name, key), name)


def nobody(text: str = "") -> SafeString:
    """The place of a person who is missing: a dashed ring and the words."""
    return _nobody(text or gettext("No owner"))


@lru_cache(maxsize=128, typed=True)
def _nobody(text: str) -> SafeString:
    return format_html(
        '<span class="who muted"><span class="av none" aria-hidden="true"></span><span class="trunc">{}</span></span>',
        text,
    )


def people(names: Sequence[str]) -> SafeString:
    """Several people as avatars with their names for screen readers and on hover."""
    joined = durations.list_of(list(names))
    faces = format_html_join("", "{}", ((avatar(name),) for name in names))
    return format_html('<span class="faces" role="img" aria-label="{}" title="{}">{}</span>', joined, joined, faces)

"""What happened on an incident since one person last heard of it: the lines they may read, in words that a message carries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import unescape

from django.utils import timezone
from django.utils.html import strip_tags
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from escalation_site.ui import moments
from incidents.models import Incident, TimelineEvent
from incidents.selectors.timeline import Drawing, Line, readable_by
from oncall.models import User

MOST = 30
"""Lines in one message; of more it says only how many."""
MAX_QUOTE = 200


@dataclass(frozen=True, slots=True)
class News:
    """``events`` are the oldest of ``total``."""

    events: Sequence[TimelineEvent]
    total: int


def news_of(incident: Incident, *, reader: User, since: datetime, until: datetime) -> News:
    """What ``reader``, who sees it, may read and did not do themselves, after ``since``: one query, two where it is much."""
    found = readable_by(reader, incident).filter(at__gt=since, at__lte=until).exclude(actor=reader)
    events = list(found.select_related("actor").order_by("at", "id")[: MOST + 1])
    total = found.count() if len(events) > MOST else len(events)
    return News(events[:MOST], total)


def news_words(news: News, *, reader: User, at: datetime) -> list[str]:
    """One line for each, in the language that is on and with the clock of ``reader``."""
    if not news.total:
        return []
    with timezone.override(reader.time_zone):
        draw = Drawing(reader, at, [event for event in news.events if event.kind == "incident.correct"])
        lines = [_words(draw.line(event), at=at) for event in news.events]
    head = ngettext("%(count)d thing happened:", "%(count)d things happened:", news.total) % {"count": news.total}
    left = news.total - len(lines)
    return [head, *lines, *([_("and %(count)d more") % {"count": left}] if left else [])]


def _words(line: Line, *, at: datetime) -> str:
    today = timezone.localdate(line.at) == timezone.localdate(at)
    said = " ".join(line.text.split())[:MAX_QUOTE]
    words = f"{moments.written(line.at, 'clock' if today else 'short', at=at)} {unescape(strip_tags(line.sentence))}"
    return f"{words} – {said}" if said else words

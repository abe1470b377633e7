"""Figures in words: times as people say them, changes as faster or slower, more or fewer."""

from dataclasses import dataclass
from typing import Protocol

from django.utils.translation import gettext as _

from escalation_site.ui import durations
from reports.figures import counting
from reports.figures.definitions import Kind, Metric


def called(metric: Metric, *, work: bool) -> str:
    """The title of a metric; with ``work``, when working hours are asked for, a time says whether it is counted in them."""
    title = str(metric.title)
    if not work or not metric.clock:
        return title
    clock = _("working hours") if metric.work else _("by the clock")
    return _("%(title)s (%(clock)s)") % {"title": title, "clock": clock}


@dataclass(frozen=True, slots=True)
class Change:
    """A change against the period before, in words. `tone` is "ok" for better, "warn" for worse, "muted" for
    neither.
    """

    text: str
    tone: str = "muted"
    icon: str = ""


def time_text(seconds: float | None) -> str:
    """A figure: "3:42", "1 h 18"; a dash where there is none."""
    return "–" if seconds is None else durations.as_clock(seconds)


def time_change(now: float | None, before: float | None) -> Change:
    if now is None or before is None:
        return Change(_("nothing to compare with"))
    difference = round(now) - round(before)
    if not difference:
        return Change(_("as before"))
    span = durations.in_two_units(abs(difference))
    if difference < 0:
        return Change(_("%(span)s faster") % {"span": span}, "ok", "trending-down")
    return Change(_("%(span)s slower") % {"span": span}, "warn", "trending-up")


def share_text(share: "Percentage") -> str:
    return "–" if share.percent is None else _("%(percent).1f%%") % {"percent": share.percent}


class Percentage(Protocol):
    """A share, however it was counted."""

    @property
    def percent(self) -> float | None: ...


def share_change(now: Percentage, before: Percentage, *, better: str = "less") -> Change:
    if now.percent is None or before.percent is None:
        return Change(_("nothing to compare with"))
    points = round(now.percent - before.percent, 1)
    if not points:
        return Change(_("as before"))
    tone = "ok" if (points < 0) == (better == "less") else "warn"
    if points < 0:
        return Change(_("%(points).1f points fewer") % {"points": -points}, tone, "trending-down")
    return Change(_("%(points).1f points more") % {"points": points}, tone, "trending-up")


def mark_text(hundredths: float | None) -> str:
    """A mark from 0 to 5: "4.3"; a dash where there is none."""
    return "–" if hundredths is None else f"{hundredths / 100:.1f}"


def mark_change(now: float | None, before: float | None) -> Change:
    if now is None or before is None:
        return Change(_("nothing to compare with"))
    difference = round(now / 100 - before / 100, 1)
    if not difference:
        return Change(_("as before"))
    if difference > 0:
        return Change(_("%(points).1f more") % {"points": difference}, "ok", "trending-up")
    return Change(_("%(points).1f less") % {"points": -difference}, "warn", "trending-down")


def count_change(now: int, before: int) -> Change:
    if now == before:
        return Change(_("as many as before"))
    if now < before:
        return Change(_("%(number)d fewer") % {"number": before - now}, "ok", "trending-down")
    return Change(_("%(number)d more") % {"number": now - before}, "warn", "trending-up")


@dataclass(frozen=True, slots=True)
class Part:
    """One number of a card: its text, what it is, how it changed. ``quiet`` ones stand beside the others in small."""

    value: str
    label: str
    change: Change
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """One figure. `which` names the list behind it (reports.narrow); `aside` what has none yet, and its list; `metric`
    says how it is counted; `lacking` what is not counted yet, for which the figure is not shown.
    """

    key: str
    title: str
    definition: str
    parts: tuple[Part, ...]
    which: str
    aside: str = ""
    aside_which: str = ""
    metric: Metric | None = None
    link: str = ""
    aside_link: str = ""
    lacking: str = ""


def waiting_words(key: str, number: int) -> str:
    """What is counted beside a figure because it has no value yet; "" for none."""
    if not number:
        return ""
    words = {
        "acknowledge": _("%(number)d not acknowledged"),
        "respond": _("%(number)d not acknowledged"),
        "resolve": _("%(number)d still open"),
        "sla": _("%(number)d still in time"),
        "delivered": _("%(number)d on their way"),
    }
    return words.get(key, _("%(number)d without one yet")) % {"number": number}


def metric_card(metric: Metric, now: counting.Value, before: counting.Value, *, work: bool = False) -> Card:
    """A metric with its change against the period before; with ``work`` in working hours, where it has such."""
    lacking = 0
    if isinstance(now, counting.Share) and isinstance(before, counting.Share):
        parts: tuple[Part, ...] = (_share_part(metric, now, before),)
        which, aside = "yes", "open"
    elif isinstance(now, counting.Spread) and isinstance(before, counting.Spread):
        parts = (_mark_parts if metric.kind == Kind.MARK else _time_parts)(now, before)
        which, aside, lacking = "done", "waiting", now.uncounted
    else:
        raise TypeError("a share and a spread cannot be compared")
    return Card(
        metric.key,
        called(metric, work=work),
        str(metric.rule),
        parts,
        f"{metric.key}.{which}",
        waiting_words(metric.key, now.waiting),
        f"{metric.key}.{aside}",
        metric,
        lacking=_("%(number)d not counted in working hours yet") % {"number": lacking} if lacking else "",
    )


def _share_part(metric: Metric, now: counting.Share, before: counting.Share) -> Part:
    label = _("%(part)d of %(whole)d") % {"part": now.part, "whole": now.whole}
    return Part(share_text(now), label, share_change(now, before, better=metric.better))


def _time_parts(now: counting.Spread, before: counting.Spread) -> tuple[Part, ...]:
    return (
        Part(time_text(now.median), _("median"), time_change(now.median, before.median)),
        Part(time_text(now.p90), _("p90"), time_change(now.p90, before.p90)),
        Part(time_text(now.mean), _("mean"), time_change(now.mean, before.mean), quiet=True),
    )


def _mark_parts(now: counting.Spread, before: counting.Spread) -> tuple[Part, ...]:
    label = _("mean of %(number)d") % {"number": now.done}
    return (
        Part(mark_text(now.mean), label, mark_change(now.mean, before.mean)),
        Part(mark_text(now.median), _("median"), mark_change(now.median, before.median), quiet=True),
        Part(mark_text(now.p90), _("p90"), mark_change(now.p90, before.p90), quiet=True),
    )


def count_card(key: str, title: str, definition: str, now: int, before: int, which: str = "all") -> Card:
    """A number of things with its change."""
    return Card(
        key,
        title,
        definition,
        (Part(str(now), _("%(number)d before") % {"number": before}, count_change(now, before)),),
        which,
    )

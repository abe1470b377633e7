"""Figures in words: times as people say them, changes as faster or slower, more or fewer."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from escalation_site.ui import durations
from reports.metrics import Figures, Share, Spread


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


def share_text(share: Share) -> str:
    return "–" if share.percent is None else _("%(percent).1f%%") % {"percent": share.percent}


def share_change(now: Share, before: Share) -> Change:
    if now.percent is None or before.percent is None:
        return Change(_("nothing to compare with"))
    points = round(now.percent - before.percent, 1)
    if not points:
        return Change(_("as before"))
    if points < 0:
        return Change(_("%(points).1f points fewer") % {"points": -points}, "ok", "trending-down")
    return Change(_("%(points).1f points more") % {"points": points}, "warn", "trending-up")


def count_change(now: int, before: int) -> Change:
    if now == before:
        return Change(_("as many as before"))
    if now < before:
        return Change(_("%(number)d fewer") % {"number": before - now}, "ok", "trending-down")
    return Change(_("%(number)d more") % {"number": now - before}, "warn", "trending-up")


@dataclass(frozen=True, slots=True)
class Part:
    """One number of a card: its text, what it is, how it changed."""

    value: str
    label: str
    change: Change


@dataclass(frozen=True, slots=True)
class Card:
    """One of the five figures. `which` names the list behind it (reports.narrow); `aside` what the figure leaves
    out, and its list.
    """

    key: str
    title: str
    definition: str
    parts: tuple[Part, ...]
    which: str
    aside: str = ""
    aside_which: str = ""


def cards(now: Figures, before: Figures) -> tuple[Card, ...]:
    """The five figures with their change against the period before."""
    return (
        Card(
            "mtta",
            _("MTTA, time to acknowledge"),
            _(
                "From the start of an incident until somebody acknowledged it. "
                "Half were faster than the median, nine in ten than p90."
            ),
            _spread_parts(now.acknowledge, before.acknowledge),
            "acknowledged",
            _("%(number)d not acknowledged") % {"number": now.acknowledge.waiting} if now.acknowledge.waiting else "",
            "unacknowledged",
        ),
        Card(
            "mttr",
            _("MTTR, time to resolve"),
            _(
                "From the start of an incident until it was resolved. "
                "Half were faster than the median, nine in ten than p90."
            ),
            _spread_parts(now.resolve, before.resolve),
            "resolved",
            _("%(number)d still open") % {"number": now.resolve.waiting} if now.resolve.waiting else "",
            "open",
        ),
        Card(
            "past",
            _("Past level 1"),
            _("The share of incidents for which the second level was called."),
            (
                Part(
                    share_text(now.past_first),
                    _("%(part)d of %(whole)d") % {"part": now.past_first.part, "whole": now.past_first.whole},
                    share_change(now.past_first, before.past_first),
                ),
            ),
            "past-level-1",
        ),
        Card(
            "again",
            _("Escalated again"),
            _("Of those past level 1, the share that had to go further still."),
            (
                Part(
                    share_text(now.again),
                    _("%(part)d of those %(whole)d") % {"part": now.again.part, "whole": now.again.whole},
                    share_change(now.again, before.again),
                ),
            ),
            "again",
            _("%(number)d unanswered on every level") % {"number": now.exhausted} if now.exhausted else "",
            "exhausted",
        ),
        Card(
            "incidents",
            _("Incidents"),
            _("Incidents that started in the period, tests left out."),
            (
                Part(
                    str(now.total),
                    _("%(number)d still open") % {"number": now.open},
                    count_change(now.total, before.total),
                ),
            ),
            "all",
        ),
    )


def _spread_parts(now: Spread, before: Spread) -> tuple[Part, ...]:
    return (
        Part(time_text(now.median), _("median"), time_change(now.median, before.median)),
        Part(time_text(now.p90), _("p90"), time_change(now.p90, before.p90)),
    )

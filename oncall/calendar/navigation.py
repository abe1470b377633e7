"""The ways on from one view of the calendar: other views, earlier, later, today, and the other clock."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from django.utils import dateformat
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from oncall.calendar.ranges import Range, View

MINE = "mine"
SCHEDULE = "schedule"
VIEWS: dict[View, tuple[str | Promise, str]] = {
    View.DAY: (gettext_lazy("Day"), "d"),
    View.FORTNIGHT: (gettext_lazy("Two weeks"), "w"),
    View.MONTH: (gettext_lazy("Month"), "m"),
}
STEPS: dict[View, tuple[str | Promise, str | Promise]] = {
    View.DAY: (gettext_lazy("A day earlier"), gettext_lazy("A day later")),
    View.FORTNIGHT: (gettext_lazy("Two weeks earlier"), gettext_lazy("Two weeks later")),
    View.MONTH: (gettext_lazy("A month earlier"), gettext_lazy("A month later")),
}


@dataclass(frozen=True, slots=True)
class Way:
    """A link. ``key`` presses it; ``current`` says that it leads here."""

    label: str
    url: str
    key: str = ""
    current: bool = False


@dataclass(frozen=True, slots=True)
class Navigation:
    """``day_query`` begins the address of a day's view; the day is added to it. ``clocks`` is empty where both show the same."""

    title: str
    views: tuple[Way, ...]
    earlier: Way
    later: Way
    today: Way
    clocks: tuple[Way, ...]
    day_query: str


def navigation(shown: Range, *, clock: str, clocks_differ: bool, today: date) -> Navigation:
    """``clock`` is MINE or SCHEDULE."""
    earlier, later = STEPS[shown.view]
    # Another view is opened where one is: at today, if it is in sight.
    here = today if shown.holds(today) else shown.first
    return Navigation(
        title=_title(shown),
        views=tuple(
            Way(str(label), _address(view, None if here == today else here, clock), key, view is shown.view)
            for view, (label, key) in VIEWS.items()
        ),
        earlier=Way(str(earlier), _address(shown.view, shown.earlier, clock), "ArrowLeft"),
        later=Way(str(later), _address(shown.view, shown.later, clock), "ArrowRight"),
        today=Way(_("Today"), _address(shown.view, None, clock), "t", shown.holds(today)),
        clocks=tuple(_clocks(shown, clock)) if clocks_differ else (),
        day_query=f"{_address(View.DAY, None, clock)}&from=",
    )


def _clocks(shown: Range, clock: str) -> Iterator[Way]:
    for name, label in ((MINE, _("Your clock")), (SCHEDULE, _("The schedule’s clock"))):
        yield Way(label, _address(shown.view, shown.first, name), current=name == clock)


def _title(shown: Range) -> str:
    match shown.view:
        case View.DAY:
            return dateformat.format(shown.first, "l j F Y")
        case View.FORTNIGHT:
            return f"{dateformat.format(shown.first, 'j M')} – {dateformat.format(shown.last, 'j M Y')}"
        case View.MONTH:
            return dateformat.format(shown.first, "F Y")


def _address(view: View, day: date | None, clock: str) -> str:
    query = {"view": view.value}
    if day is not None:
        query["from"] = day.isoformat()
    if clock != MINE:
        query["zone"] = clock
    return f"?{urlencode(query)}"

"""Addresses of what is behind a number, with the filters of the report."""

from datetime import date, timedelta
from urllib.parse import quote_plus

from django.http import QueryDict
from django.urls import reverse

from reports.pages_behind import of_pages
from reports.period import Period
from reports.work.which import of_work

OF_LISTS = ("page", "which", "person", "hour", "csrfmiddlewaretoken")
"""What an address says of one list, and not of which incidents a report is about."""


class Links:
    """Addresses of the incidents, pages or work behind a number."""

    def __init__(self, query: QueryDict) -> None:
        # A dashboard has hundreds of them: what they share is written once.
        self._kept = [
            (name, "&".join(f"{quote_plus(name)}={quote_plus(value)}" for value in values))
            for name, values in query.lists()
            if name not in OF_LISTS and values
        ]
        self._pages: dict[str, str] = {}

    def __call__(
        self, which: str, dimension: str = "", slug: str = "", *, days: tuple[date, date] | None = None
    ) -> str:
        """``days`` are the first and the last one, where it is about a part of the period."""
        changed = {"which": which}
        if dimension:
            changed[dimension] = slug
        if days is not None:
            changed |= {"period": "custom", "first": days[0].isoformat(), "last": days[1].isoformat()}
        kept = [text for name, text in self._kept if name not in changed]
        own = [f"{name}={quote_plus(value)}" for name, value in changed.items()]
        return f"{self._page(which)}?{'&'.join((*kept, *own))}"

    def _page(self, which: str) -> str:
        if which not in self._pages:
            page = "reports:pages" if of_pages(which) else "reports:work" if of_work(which) else "reports:incidents"
            self._pages[which] = reverse(page)
        return self._pages[which]


def days_of_weeks(period: Period) -> list[tuple[date, date]]:
    """The first and the last day of each of its weeks."""
    begins = period.weeks()
    ends = [*(later - timedelta(days=1) for later in begins[1:]), period.last]
    return list(zip(begins, ends, strict=True))

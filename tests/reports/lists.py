"""What the packed figures list behind a number is what the database lists."""

from dataclasses import replace
from itertools import product

from incidents.models import Incident, Page
from reports.figures.columns import instant_of
from reports.figures.definitions import METRICS
from reports.listed import incidents_listed, pages_listed
from reports.narrow import ALERTED, TITLES, behind
from reports.pages_behind import TITLES as OF_PAGES
from reports.pages_behind import Asked, pages_behind
from reports.selectors import Scope


def lists_compare(scope: Scope, incidents: list[Incident], hours: set[tuple[int, int]]) -> None:
    """Every number of incidents and of pages in the scope; ``incidents`` are all of it, ``hours`` those of the week in which one began."""
    every = incidents_listed(scope, "all")
    assert every is not None
    assert every.incidents(every.numbers[:]) == sorted(
        incidents, key=lambda one: (instant_of(one.started_at), one.pk), reverse=True
    )
    for which in (*TITLES, "acknowledge.done,escalated.yes", "escalated.no,resolve.done"):
        found = incidents_listed(scope, which)
        if found is None:
            assert which == ALERTED or METRICS[which.partition(".")[0]].of == "pages"
            continue
        expected = [incident.pk for incident in behind(scope, which)]
        assert set(found.numbers) == set(expected), which
        if which.partition(",")[0].endswith(".done"):
            assert list(found.numbers) == expected, which
    for hour in hours:
        there = replace(scope, hour=hour)
        some = incidents_listed(there, "resolve.waiting")
        assert some is not None
        assert set(some.numbers) == set(behind(there, "resolve.waiting").values_list("pk", flat=True))
    people = list(Page.objects.order_by("recipient").values_list("recipient", flat=True).distinct()[:1])
    for which, chosen in product((*OF_PAGES, "answer.done,hours.sleep"), ([], people)):
        asked = Asked(which, chosen)
        listed = pages_listed(scope, asked)
        assert listed is not None
        assert list(listed.numbers) == [one.pk for one in pages_behind(scope, asked)], which

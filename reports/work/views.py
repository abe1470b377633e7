"""The tasks, or the time spent, behind one number of a report."""

from typing import Any

from django.core.paginator import Paginator
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from incidents.custom_filters import UNKNOWN
from oncall.access import role_required
from reports.cards import LATE, TASKS, WORKED
from reports.dashboard import TABS
from reports.figures.counted import OTHERS
from reports.names import NOBODY, PERSON
from reports.narrow import ALSO
from reports.views import PAGE_SIZE, READERS, asked
from reports.work.counting import amount_of, held_by, rows_of, words_of
from reports.work.which import of_work, title_of


@require_safe
@role_required(*READERS)
def work_list(request: HttpRequest) -> HttpResponse:
    """The tasks or the time behind a number (`which`), of everybody or of `person`, with the same filters."""
    found, which, person = asked(request), request.GET.get("which", ""), request.GET.get("person", "")
    which = which if of_work(which) else TASKS
    names, time, person_name = found.data.names, which.partition(ALSO)[0] == WORKED, person
    rows = rows_of(found.scope, which, at=found.at)
    if person:
        # An unknown person has no task, and is not everybody.
        people = [NOBODY] if person == UNKNOWN else names.numbers(PERSON, [person]) or [-1]
        person_name = (
            _("nobody") if person == UNKNOWN else names.name(PERSON, people[0]).label if people[0] > 0 else person
        )
        rows = held_by(rows, which, people)
    related = ("incident", "user", "task") if time else ("incident", "assignee")
    order: tuple[Any, ...] = ("-at", "-pk") if time else (F("due_at").asc(nulls_last=True), "pk")
    context = {
        "which": which,
        "title": title_of(which),
        "person": person,
        "person_name": person_name,
        "time": time,
        "late_now": which.partition(ALSO)[0] == LATE,
        "total": words_of(WORKED, amount_of(rows, WORKED)) if time else "",
        "metric": OTHERS[which.partition(ALSO)[0]],
        "page": Paginator(rows.select_related(*related).order_by(*order), PAGE_SIZE).get_page(request.GET.get("page")),
        "tabs": TABS.items(),
    }
    return render(request, "reports/work.html", {**found.context, **context})

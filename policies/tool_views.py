"""Tools that show what rules would do, before they do it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from escalation_site.kernel.instants import now
from oncall.access import role_required
from policies.own_facts import own_facts_follow
from policies.views import READERS
from policies.workbench import Bench, WorkbenchForm, bench_of, first_condition


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(*READERS)
def conditions(request: HttpRequest) -> HttpResponse:
    """Write a condition and try it on made-up facts. Nothing is stored."""
    at = now()
    own_facts_follow()
    if request.method != "POST":
        condition = first_condition()
        form = WorkbenchForm(initial={"when": condition})
        return _page(request, form, bench_of(condition, None, at=at), at=at)
    form = WorkbenchForm(request.POST)
    if form.redraws or not form.is_valid():
        return _page(request, form, Bench(), at=at, status=200 if form.redraws else 422)
    return _page(request, form, bench_of(form.cleaned_data["when"], request.POST, at=at), at=at)


def _page(request: HttpRequest, form: WorkbenchForm, bench: Bench, *, at: object, status: int = 200) -> HttpResponse:
    return render(
        request, "policies/conditions/workbench.html", {"at": at, "form": form, "bench": bench}, status=status
    )

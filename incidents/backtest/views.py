"""The back-test's page: a version, or the draft that the editor sent, on the incidents there were."""

from dataclasses import dataclass
from typing import Any

import orjson
from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now
from incidents.backtest import BackTest
from incidents.backtest.asking import LONGEST_DAYS, MOST, backtest_asked, figure_rows
from oncall.access import role_required
from policies.editing.documents import document_of
from policies.editing.draft import draft_sent
from policies.models import EscalationPolicy
from policies.views import READERS

DRAFT = "draft"


class BackTestForm(forms.Form):
    version = forms.ChoiceField(label=gettext_lazy("Try"))
    days = forms.IntegerField(
        label=gettext_lazy("On the incidents of so many days"), min_value=1, max_value=LONGEST_DAYS, initial=90
    )

    def __init__(self, *args: Any, choices: list[tuple[str, str]], **options: Any) -> None:
        super().__init__(*args, **options)
        version: Any = self.fields["version"]
        version.choices = choices


@dataclass(frozen=True, slots=True)
class _Draft:
    """The draft that was sent, as the page carries it along; ``problem`` is what is wrong with it."""

    document: Any = None
    text: str = ""
    problem: str = ""


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(*READERS)
def backtest_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Nothing is stored. A question about versions is an address that can be passed on; one about a draft is sent."""
    policy = get_object_or_404(EscalationPolicy.objects.select_related("current_version"), slug=slug)
    draft = _draft(request)
    numbers = policy.versions.order_by("-number").values_list("number", flat=True)
    choices = [(str(number), _("Version %(number)d") % {"number": number}) for number in numbers]
    if draft.document is not None:
        choices.insert(0, (DRAFT, _("The draft")))
    sent = request.POST if request.method == "POST" else request.GET
    # The editor sends its own fields: which draft and how far back is asked here.
    first = {"version": choices[0][0] if choices else "", "days": 90}
    form = BackTestForm({name: sent.get(name) or value for name, value in first.items()}, choices=choices)
    found, problem = _answered(policy, form, draft)
    context = {
        "at": now(),
        "policy": policy,
        "form": form,
        "found": found,
        "rows": figure_rows(found) if found else (),
        "most": MOST,
        "document": draft.text,
        "problem": draft.problem or problem,
    }
    return render(request, "policies/backtest.html", context, status=422 if context["problem"] or form.errors else 200)


def _answered(policy: EscalationPolicy, form: BackTestForm, draft: _Draft) -> tuple[BackTest | None, str]:
    if draft.problem or not form.is_valid():
        return None, ""
    wanted = form.cleaned_data["version"]
    try:
        if wanted == DRAFT:
            return backtest_asked(policy, days=form.cleaned_data["days"], at=now(), definition=draft.document), ""
        return backtest_asked(policy, days=form.cleaned_data["days"], at=now(), version=int(wanted)), ""
    except DomainError as error:
        return None, str(error)


def _draft(request: HttpRequest) -> _Draft:
    if request.method != "POST":
        return _Draft()
    text = request.POST.get("draft", "")
    try:
        document = orjson.loads(text) if text else document_of(draft_sent(request.POST))
        return _Draft(document, orjson.dumps(document).decode())
    except (orjson.JSONDecodeError, DomainError) as error:
        return _Draft(problem=str(error))

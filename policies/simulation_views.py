"""The simulator: what a policy would do, step by step, before it matters."""

from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods

from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now
from oncall.access import role_required
from policies.definition import PolicyDef, policy_parse
from policies.editing.documents import document_of
from policies.editing.draft import draft_sent
from policies.models import EscalationPolicy
from policies.simulation.page import simulator_page
from policies.views import READERS


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(*READERS)
def simulate(request: HttpRequest, slug: str) -> HttpResponse:
    """Nothing is stored. A question about versions is an address that can be passed on; one about a draft is sent."""
    at = now()
    found = get_object_or_404(EscalationPolicy.objects.select_related("team", "current_version"), slug=slug)
    draft, document, problem = _draft(request)
    data = request.POST if request.method == "POST" else request.GET
    page = simulator_page(found, data, at=at, draft=draft)
    wrong = problem or (page is not None and not page.valid)
    context = {"at": at, "policy": found, "page": page, "document": document, "problem": problem}
    return render(request, "policies/simulate.html", context, status=422 if wrong else 200)


def _draft(request: HttpRequest) -> tuple[PolicyDef | None, str, str]:
    """The draft that was sent, as the editor's own fields or as this page's document; its text; what is wrong with it."""
    if request.method != "POST":
        return None, "", ""
    text = request.POST.get("draft", "")
    try:
        document: Any = orjson.loads(text) if text else document_of(draft_sent(request.POST))
        return policy_parse(document), orjson.dumps(document).decode(), ""
    except orjson.JSONDecodeError as error:
        return None, "", str(error)
    except DomainError as error:
        return None, "", str(error)

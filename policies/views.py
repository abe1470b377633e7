"""Escalation policies: the list, and one in words with its versions, on its page and as a document."""

from typing import cast

from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from escalation_site.kernel.instants import now
from oncall.access import role_required
from oncall.models import User
from policies.book_pages.leading import ways_to
from policies.book_pages.names import HouseNames
from policies.books import CHANNELS, book_read
from policies.care import open_findings
from policies.channels import channels_lines
from policies.editing.permissions import may_edit
from policies.glossary import glossary
from policies.markdown import policy_markdown
from policies.models import EscalationPolicy, PolicyVersion
from policies.pages import people_now, policy_page, summary

READERS = (User.Role.RESPONDER, User.Role.MANAGER, User.Role.AUDITOR, User.Role.ADMINISTRATOR)


@require_safe
@role_required(*READERS)
def policy_list(request: HttpRequest) -> HttpResponse:
    """Every policy: its levels and when each is reached, its team, how many services use it."""
    found = EscalationPolicy.objects.select_related("team", "current_version").annotate(used=Count("services"))
    context = {
        "at": now(),
        "summaries": [summary(one, services=one.used) for one in found],
        "may_write": cast(User, request.user).may_manage,
    }
    return render(request, "policies/list.html", context)


def _policy(slug: str) -> EscalationPolicy:
    return get_object_or_404(EscalationPolicy.objects.select_related("team", "current_version"), slug=slug)


@require_safe
@role_required(*READERS)
def policy(request: HttpRequest, slug: str) -> HttpResponse:
    """One policy in sentences: the current version, or the one that ``?version=`` names."""
    found = _policy(slug)
    versions = list(found.versions.select_related("author").order_by("-number"))
    shown = _shown(request, found)
    context = {
        "at": now(),
        "policy": found,
        "versions": versions,
        "shown": shown,
        "page": policy_page(shown) if shown else None,
        "services": list(found.services.select_related("team").order_by("name")),
        "guidelines": list(found.guidelines.all()),
        "may_edit": may_edit(cast(User, request.user), found),
        "findings": len(open_findings(found)),
        "channel_criteria": _channel_criteria(),
        "ways": ways_to(found),
        "glossary": glossary(),
        "live": shown.runs.filter(superseded=False).exclude(incident__state="resolved").count() if shown else 0,
    }
    return render(request, "policies/policy.html", context)


def _channel_criteria() -> list[tuple[str, str]]:
    """The channel criteria in words, none where nobody has written any."""
    criteria = book_read(CHANNELS).value
    if not criteria.rules:
        return []
    return list(channels_lines(criteria, name=HouseNames()).items())


@require_safe
@role_required(*READERS)
def policy_document(request: HttpRequest, slug: str) -> HttpResponse:
    """The policy as Markdown, to publish elsewhere: what its page says, with the version it says it of."""
    at, found = now(), _policy(slug)
    version = _shown(request, found)
    if version is None:
        raise Http404
    text = policy_markdown(
        found,
        policy_page(version),
        guidelines=list(found.guidelines.all()),
        services=list(found.services.order_by("name").values_list("name", flat=True)),
        at=at,
    )
    response = HttpResponse(text, content_type="text/markdown; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{found.slug}-v{version.number}.md"'
    return response


@require_safe
@role_required(*READERS)
def policy_now(request: HttpRequest, slug: str) -> HttpResponse:
    """A part of the policy's page: whom each level would tell now. It looks people up, so it comes after the rest."""
    at, found = now(), _policy(slug)
    shown = _shown(request, found)
    if shown is None:
        raise Http404
    service = found.services.select_related("team").order_by("name").first()
    team = found.team or (service.team if service else None)
    levels = people_now(shown, at=at, team=team)
    return render(request, "policies/partials/_now.html", {"at": at, "policy": found, "levels": levels, "team": team})


def _shown(request: HttpRequest, found: EscalationPolicy) -> PolicyVersion | None:
    asked = request.GET.get("version")
    if asked is None:
        return found.current_version
    if not asked.isdecimal():
        raise Http404
    return get_object_or_404(found.versions, number=int(asked[:9]))

"""The role map of the house and of a policy: who takes which role when an incident opens."""

from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from escalation_site.kernel.errors import Conflict
from escalation_site.kernel.instants import now
from incidents.models import ResponseRole
from incidents.role_map_forms import RoleMapForm, takes_words
from incidents.roles import role_label
from incidents.services.role_map_edit import Takes, map_mark, map_of, may_edit_map, role_map_set
from incidents.views.answers import see_other
from oncall.access import role_required
from oncall.models import User
from policies.models import EscalationPolicy

READERS = (User.Role.RESPONDER, User.Role.MANAGER, User.Role.AUDITOR, User.Role.ADMINISTRATOR)


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(*READERS)
def role_map(request: HttpRequest, slug: str = "") -> HttpResponse:
    """The map of the policy, or the house's own; whoever may write it has the form, everybody else the list."""
    user, at = cast(User, request.user), now()
    policy = get_object_or_404(EscalationPolicy, slug=slug) if slug else None
    may = may_edit_map(user, policy)
    context: dict[str, Any] = {"at": at, "policy": policy, "may_edit": may}
    if not may:
        if request.method == "POST":
            raise PermissionDenied
        return render(request, "incidents/role_map.html", {**context, "rows": _rows(policy)})
    form = RoleMapForm(request.POST if request.method == "POST" else None, policy=policy, at=at)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                count = role_map_set(
                    policy=policy, wanted=form.wanted, actor=user, at=at, seen=form.cleaned_data["seen"]
                )
            except Conflict as error:
                again: Any = request.POST.copy()
                again["seen"] = map_mark(policy)
                form = RoleMapForm(again, policy=policy, at=at)
                form.is_valid()
                form.add_error(None, error.message)
                status = 409
            else:
                said = ngettext("%(count)d role is changed.", "%(count)d roles are changed.", count) % {"count": count}
                messages.success(request, said if count else _("Nothing was changed."))
                return see_other(reverse("incidents:role_map", args=(slug,) if slug else ()))
    return render(request, "incidents/role_map.html", {**context, "form": form}, status=status)


def _rows(policy: EscalationPolicy | None) -> list[tuple[str, str, str]]:
    """Each role, what it does, and who takes it: the policy's own entry before the house's."""
    stands = {**map_of(None), **(map_of(policy) if policy is not None else {})}
    return [
        (role.label, role_label(role.duty), takes_words(stands.get(role.key, Takes())))
        for role in ResponseRole.objects.filter(active=True)
    ]

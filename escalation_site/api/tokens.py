"""The page of one's own API tokens: make one (shown once), revoke one."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from escalation_site.kernel.instants import now
from oncall.models import ApiToken
from oncall.tokens import token_create, token_revoke


class TokenForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("What will use it"), max_length=80, help_text=gettext_lazy("For example “deploy script”.")
    )


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def tokens(request: HttpRequest) -> HttpResponse:
    """My tokens. The answer to a POST shows the new one, in this answer only: neither stored nor cached."""
    user: Any = request.user
    at = now()
    form = TokenForm(request.POST or None)
    made, plain, status = None, "", 200
    if request.method == "POST":
        if form.is_valid():
            made, plain = token_create(owner=user, name=form.cleaned_data["name"], actor=user, at=at)
            form = TokenForm()
        else:
            status = 422
    mine = ApiToken.objects.filter(owner=user, revoked_at=None).order_by("-created_at", "-pk")
    context = {"at": at, "form": form, "tokens": mine, "made": made, "plain": plain}
    response = render(request, "account/tokens.html", context, status=status)
    add_never_cache_headers(response)
    return response


@require_POST
@login_required
def token_end(request: HttpRequest, pk: int) -> HttpResponse:
    """Revoke one of my tokens."""
    user: Any = request.user
    token = get_object_or_404(ApiToken.objects.select_related("owner"), pk=pk, owner=user)
    token_revoke(token=token, actor=user, at=now())
    messages.success(request, _("%(token)s no longer works.") % {"token": token})
    return HttpResponseRedirect(reverse("api_tokens"), status=303)

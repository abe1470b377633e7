"""How accounts come to be: made by an administrator, or by the configured sign-in provider; nobody signs up by
themselves."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from django.http import Http404, HttpRequest, HttpResponse

from escalation_site.sign_ins import sign_in_failed


def addresses_closed(request: HttpRequest) -> HttpResponse:
    """In place of allauth's page where people change their own address: it writes no ledger entry, and an address is what the sign-in
    provider's accounts are matched by. Administrators keep addresses."""
    raise Http404


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth carries no types
    """Local accounts: no sign-up page."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """A password was refused: on record, without what was typed."""
        super().authentication_failed(request, **credentials)
        sign_in_failed(str(credentials.get("username") or credentials.get("email") or ""), "password")


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth is untyped
    """People whom the operator's own OpenID Connect issuer vouches for are let in, as reporters (the user model's
    default role)."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return True

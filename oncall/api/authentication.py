"""``Authorization: Bearer wb_…``: the token's owner is who acts, with exactly their permissions."""

from typing import Any

import structlog
from django.core.cache import cache
from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.request import Request

from audit.context import by_token
from escalation_site.kernel.instants import now
from oncall.models import ApiToken, User
from oncall.tokens import token_find

log = structlog.get_logger(__name__)

MOST_GUESSES = 20
GUESS_SECONDS = 60


class TokenAuthentication(BaseAuthentication):
    """Requests without the header are left to the session."""

    keyword = "Bearer"

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        scheme, _space, plain = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != self.keyword.lower():
            return None
        token = token_find(plain.strip(), at=now())
        if token is None:
            raise self._refused(request)
        by_token(token.name)
        return token.owner, token

    def authenticate_header(self, request: Request) -> str:
        return f'{self.keyword} realm="api"'

    def _refused(self, request: Request) -> AuthenticationFailed | Throttled:
        """Wrong tokens are counted by address. A right one is never held up by a neighbour's wrong ones: a token is 256 bits
        of chance, so the limit is there to make guessing noticed and not to make it hard.
        """
        address = request.META.get("REMOTE_ADDR", "")
        key = f"api-guesses:{address}"
        cache.add(key, 0, GUESS_SECONDS)
        try:
            guesses = cache.incr(key)
        except ValueError:  # it expired between the two
            guesses = 1
        if guesses > MOST_GUESSES:
            log.warning("api.guesses", address=address, guesses=guesses)
            return Throttled(wait=GUESS_SECONDS)
        return AuthenticationFailed(_("The token is not known, was revoked, or its owner has left."), code="token")


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # carries no types
    """How the OpenAPI document describes it."""

    target_class = "oncall.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "A token of your account: wb_…"}

"""API tokens: made, revoked, and found again from what a client sends."""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from audit.services import EntryValue, entry_append
from escalation_site.kernel.errors import DomainError
from oncall.models import ApiToken, User
from oncall.services import actor_of

PREFIX = "wb_"
USE_NOTED_EVERY = timedelta(minutes=1)
_HINT_LENGTH = 4
_BYTES = 32


def token_digest(plain: str) -> str:
    """How a token is stored. It is 256 bits of chance, so that a plain SHA-256 suffices."""
    return hashlib.sha256(plain.encode()).hexdigest()


@transaction.atomic
def token_create(*, owner: User, name: str, actor: User, at: datetime) -> tuple[ApiToken, str]:
    """A new token for ``owner``, and its plain text, which is nowhere stored. Raises DomainError without a name."""
    name = name.strip()
    if not name:
        raise DomainError(_("Say what will use it."), field="name")
    plain = PREFIX + secrets.token_urlsafe(_BYTES)
    token = ApiToken.objects.create(
        owner=owner, name=name[:80], digest=token_digest(plain), hint=plain[-_HINT_LENGTH:], created_at=at
    )
    _note(token, "api_token.create", actor=actor, at=at)
    return token, plain


@transaction.atomic
def token_revoke(*, token: ApiToken, actor: User | None, at: datetime) -> ApiToken:
    """End a token at once. Revoking it again does nothing."""
    if ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=at):
        _note(token, "api_token.revoke", actor=actor, at=at)
    token.refresh_from_db()
    return token


def token_find(plain: str, *, at: datetime) -> ApiToken | None:
    """The token of this plain text, with its owner; None where it is unknown, revoked, or its owner has left.

    Notes the use, at most once a minute: a busy client costs no write per call.
    """
    digest = token_digest(plain)
    token = ApiToken.objects.select_related("owner").filter(digest=digest, revoked_at=None).first()
    # The index found it; the comparison that grants anything takes constant time.
    if token is None or not hmac.compare_digest(token.digest, digest) or not token.owner.is_active:
        return None
    if token.last_used_at is None or token.last_used_at <= at - USE_NOTED_EVERY:
        stale = Q(last_used_at=None) | Q(last_used_at__lte=at - USE_NOTED_EVERY)
        ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=at)
    return token


def _note(token: ApiToken, action: str, *, actor: User | None, at: datetime) -> None:
    entry_append(
        EntryValue(
            at=at,
            action=action,
            object_type="api_token",
            object_id=str(token.pk),
            object_label=str(token),
            subject=f"user:{token.owner_id}",
            actor=actor_of(actor),
            data={"owner": token.owner.name, "name": token.name},
        )
    )

"""Who signed in, who tried in vain, and what changed about how they sign in: on record in the ledger.

What was typed never enters it, for people type passwords into the wrong field: an attempt names the account it was for,
where there is one of that name.
"""

from typing import Any

from allauth.account import signals as account
from allauth.mfa import signals as second_step
from django.contrib.auth.signals import user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest

from audit.services import EntryValue, entry_append
from audit.values import Actor
from escalation_site.kernel.instants import now
from oncall.models import User

NOBODY = Actor.system("sign-in")
"""Whoever tried is not known: that is why they were refused."""
_METHODS = "account_authentication_methods"


def sign_in_failed(username: str, why: str) -> None:
    """A password, or the second step, was refused. ``username`` is what was typed, or the account's own."""
    user = User.objects.filter(username__iexact=username).first() or (
        User.objects.filter(email__iexact=username).first() if "@" in username else None
    )
    _enter("sign_in.fail", NOBODY, user, {"why": why})


def _enter(action: str, actor: Actor | None, user: User | None, data: dict[str, Any] | None = None) -> None:
    entry_append(
        EntryValue(
            at=now(),
            action=action,
            object_type="user",
            object_id=str(user.pk) if user else "",
            object_label=user.name if user else "",
            subject=f"user:{user.pk}" if user else "",
            actor=actor or (Actor("user", str(user.pk), user.name) if user else NOBODY),
            data=data,
        )
    )


@receiver(account.user_logged_in, dispatch_uid="ledger")
def signed_in(request: HttpRequest, user: User, **_more: Any) -> None:
    """Somebody is in, by what they showed ("password", "totp")."""
    used = request.session.get(_METHODS) or []
    methods = [str(one.get("type") or one.get("method", "")) for one in used if isinstance(one, dict)]
    _enter("sign_in.succeed", None, user, {"by": methods})


@receiver(user_logged_out, dispatch_uid="ledger")
def _signed_out(user: User | None, **_more: Any) -> None:
    if user is not None:
        _enter("sign_in.end", None, user)


@receiver(second_step.authentication_failed, dispatch_uid="ledger")
def _second_step_failed(user: User, **_more: Any) -> None:
    _enter("sign_in.fail", NOBODY, user, {"why": "second step"})


@receiver(account.password_changed, dispatch_uid="ledger")
@receiver(account.password_reset, dispatch_uid="ledger")
@receiver(account.password_set, dispatch_uid="ledger")
def _password(user: User, **_more: Any) -> None:
    _enter("sign_in.password", None, user)


def _authenticator(action: str) -> Any:
    def entered(user: User, authenticator: Any, **_more: Any) -> None:
        _enter(action, None, user, {"kind": str(authenticator.type)})

    return entered


# Kept by name: Django holds receivers weakly.
_AUTHENTICATORS = [
    (second_step.authenticator_added, _authenticator("second_step.add")),
    (second_step.authenticator_removed, _authenticator("second_step.remove")),
    (second_step.authenticator_reset, _authenticator("second_step.renew")),
]
for _signal, _entered in _AUTHENTICATORS:
    _signal.connect(_entered, dispatch_uid="ledger")

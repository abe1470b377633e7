"""Accounts as whoever runs the server makes and changes them: before anybody can sign in, or when nobody can any more."""

from datetime import datetime
from typing import Any

from django.db import transaction

from audit.rows import row_set
from audit.services import Actor, EntryValue, entry_append
from oncall.models import User

OPERATOR = Actor.system("operator")
"""Whoever has a shell on the server: nobody signed in."""
_CHANGED = "(changed)"


@transaction.atomic
def administrator_add(
    *, username: str, email: str, password: str | None, at: datetime, actor: Actor, **more: Any
) -> User:
    """An account that may do everything an administrator may; without a password it needs a new one by e-mail.

    Raises ValidationError where the name or the address is taken.
    """
    user = User()
    # None makes one that nobody can sign in with.
    user.set_password(password)
    values = {
        "username": User.normalize_username(username),
        "email": User.objects.normalize_email(email),
        "role": User.Role.ADMINISTRATOR,
        **more,
    }
    row_set(user, values, noun="user", at=at, actor=actor)
    return user


@transaction.atomic
def password_set(*, user: User, password: str, at: datetime, actor: Actor) -> None:
    """Give ``user`` this password, which ends their sessions. The ledger has that it was set, not what it is."""
    user.set_password(password)
    user._history_date = at  # type: ignore[attr-defined]  # django-simple-history looks for it
    user.save(update_fields=["password"])
    entry_append(
        EntryValue(
            at=at,
            action="user.change",
            object_type="user",
            object_id=str(user.pk),
            object_label=user.name,
            subject=f"user:{user.pk}",
            actor=actor,
            before={"password": _CHANGED},
            after={"password": _CHANGED},
        )
    )

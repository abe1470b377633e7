"""``manage.py createsuperuser``: Django's, with the account's entry in the ledger, and with a role.

Django's own made an account of which nothing was on record, and which was no administrator: what may be done follows the role, and it
gave none.
"""

from typing import Any

from django.contrib.auth.management.commands import createsuperuser
from django.contrib.auth.models import UserManager

from audit.context import action
from escalation_site.kernel.instants import now
from oncall.accounts import OPERATOR, administrator_add
from oncall.models import User


class _Accounts(UserManager[User]):
    """What the command asks to make the account, once it has all answers: no transaction may be open while it waits for them."""

    def create_superuser(
        self, username: str, email: str | None = None, password: str | None = None, **more: Any
    ) -> User:
        with action(source="command"):
            return administrator_add(
                username=username, email=email or "", password=password, at=now(), actor=OPERATOR, **more
            )


class _Person:
    """The model as the command uses it, with another manager."""

    def __init__(self) -> None:
        self._default_manager = _Accounts()
        self._default_manager.model = User

    def __call__(self, **values: Any) -> User:
        return User(**values)

    def __getattr__(self, name: str) -> Any:
        return getattr(User, name)


class Command(createsuperuser.Command):
    help = "Make an account for an administrator."

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.UserModel: Any = _Person()

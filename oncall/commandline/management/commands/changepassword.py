"""``manage.py changepassword``: as Django's, with an entry in the ledger."""

import getpass
from typing import Any

from django.contrib.auth.management.commands import changepassword
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from audit.context import action
from escalation_site.kernel.instants import now
from oncall.accounts import OPERATOR, password_set
from oncall.models import User

TRIES = 3


class Command(changepassword.Command):
    help = "Change somebody's password."

    def handle(self, *args: Any, **options: Any) -> str:
        username = options["username"] or getpass.getuser()
        try:
            user = User.objects.get(username=username)
        except User.DoesNotExist:
            raise CommandError(f"user '{username}' does not exist") from None
        self.stdout.write(f"Changing password for user '{user}'")
        password = self._asked(user)
        with action(source="command"):
            password_set(user=user, password=password, at=now(), actor=OPERATOR)
        return f"Password changed successfully for user '{user}'"

    def _asked(self, user: User) -> str:
        """The password that was given twice and is good enough. Raises CommandError after three times."""
        for _try in range(TRIES):
            password = self._typed()
            if password != self._typed("Password (again): "):
                self.stdout.write("Passwords do not match. Please try again.")
                continue
            try:
                validate_password(password, user)
            except ValidationError as error:
                self.stderr.write("\n".join(error.messages))
                continue
            return password
        raise CommandError(f"Aborting password change for user '{user}' after {TRIES} attempts")

    def _typed(self, prompt: str = "Password: ") -> str:
        return str(self._get_pass(prompt))  # type: ignore[attr-defined]  # the stubs lack it

"""Whoever runs the server makes an account or sets a password with Django's commands: the ledger has it."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand

from audit.binding import versions_made
from audit.models import LedgerEntry
from audit.sealing import ledger_seal
from audit.verifying import ledger_verify
from escalation_site.kernel.instants import now
from oncall.models import User
from tests.world.harness import World

GOOD = "a bell up the chain of command"

pytestmark = pytest.mark.django_db


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is typed where a password is asked for, first to last."""
    answers: list[str] = []

    def asked(_command: BaseCommand, prompt: str = "") -> str:
        return answers.pop(0)

    monkeypatch.setattr("django.contrib.auth.management.commands.changepassword.Command._get_pass", asked)
    return answers


def made(monkeypatch: pytest.MonkeyPatch, username: str, **more: Any) -> User:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", GOOD)
    given = {"username": username, "email": f"{username}@example.org", **more}
    call_command("createsuperuser", interactive=False, stdout=StringIO(), **given)
    return User.objects.get(username=username)


@pytest.mark.requirement("R010")
def test_when_an_administrator_is_made_by_the_command_then_the_ledger_says_so_with_the_version(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    user = made(monkeypatch, "ines")

    entry = LedgerEntry.objects.get(action="user.create", object_id=str(user.pk))
    assert (entry.actor_kind, entry.actor_label, entry.source) == ("system", "operator", "command")
    assert entry.after == {"username": "ines", "email": "ines@example.org", "role": "administrator"}
    assert [(one.about, one.kind) for one in versions_made(entry)] == [(str(user.pk), "+")]
    ledger_seal(at=now())
    verdict = ledger_verify()
    assert verdict.whole
    assert not verdict.unbound


def test_when_an_administrator_is_made_by_the_command_then_they_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    user = made(monkeypatch, "ines")

    assert user.role == User.Role.ADMINISTRATOR
    assert user.is_superuser
    assert user.check_password(GOOD)


def test_when_the_name_is_taken_in_other_letters_then_the_command_says_so_and_nothing_is_made(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = LedgerEntry.objects.count()

    with pytest.raises(CommandError, match="taken"):
        made(monkeypatch, world.cast.hugo.username.upper())

    assert LedgerEntry.objects.count() == entries


@pytest.mark.requirement("R010")
def test_when_a_password_is_set_by_the_command_then_the_ledger_says_so_and_not_what_it_is(
    world: World, typed: list[str]
) -> None:
    typed += [GOOD, GOOD]

    call_command("changepassword", world.cast.marta.username, stdout=StringIO())

    assert User.objects.get(pk=world.cast.marta.pk).check_password(GOOD)
    entry = LedgerEntry.objects.filter(action="user.change", object_id=str(world.cast.marta.pk)).latest("pk")
    assert (entry.actor_label, entry.source) == ("operator", "command")
    assert entry.before == entry.after == {"password": "(changed)"}
    assert [(one.about, one.kind) for one in versions_made(entry)] == [(str(world.cast.marta.pk), "~")]


def test_when_no_good_password_is_typed_three_times_then_nothing_is_changed(world: World, typed: list[str]) -> None:
    typed += ["one thing", "another", "12345", "12345", "one thing", "another"]
    before = LedgerEntry.objects.count()

    with pytest.raises(CommandError, match="after 3 attempts"):
        call_command("changepassword", world.cast.marta.username, stdout=StringIO(), stderr=StringIO())

    assert LedgerEntry.objects.count() == before


def test_when_nobody_has_that_name_then_the_command_says_so(db: None) -> None:
    with pytest.raises(CommandError, match="does not exist"):
        call_command("changepassword", "nobody", stdout=StringIO())

"""Statements that are put together once: each reader gets their own rows, and nothing of the first one's page stays in them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db.models import QuerySet

from incidents.statements import rows_for
from oncall.models import User

pytestmark = pytest.mark.django_db


def _own_number(user: User) -> "QuerySet[Any]":
    return User.objects.filter(pk=user.pk).values_list("pk", "role")


def _until_now(user: User) -> "QuerySet[Any]":
    return User.objects.filter(pk=user.pk, date_joined__lte=datetime.now(UTC)).values_list("pk")


def test_two_readers_of_one_role_get_each_their_own_rows() -> None:
    alice, bob = (User.objects.create(username=name, role="responder") for name in ("alice", "bob"))

    assert rows_for(alice, _own_number) == [(alice.pk, "responder")]
    assert rows_for(bob, _own_number) == [(bob.pk, "responder")]


@pytest.mark.postgres  # SQLite knows instants as texts only.
def test_what_goes_by_the_instant_is_refused_since_it_would_stay_the_first_readers() -> None:
    alice = User.objects.create(username="alice", role="responder")

    with pytest.raises(TypeError, match="_until_now"):
        rows_for(alice, _until_now)

"""The cast: Alice has two ways to be reached, Bob one, Carol none. A clock that stands still until it is moved."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth import get_user_model

from audit.models import LedgerEntry
from notifications.channels import channels_replaced
from notifications.models import ContactMethod, Message
from notifications.sender import Sender
from notifications.testing import FakeChannel
from notifications.values import MessageValue
from oncall.models import User

NIGHT = datetime(2026, 3, 1, 3, 10, tzinfo=UTC)


@dataclass
class Clock:
    at: datetime = NIGHT

    def __call__(self) -> datetime:
        return self.at

    def advance(self, seconds: float) -> datetime:
        self.at += timedelta(seconds=seconds)
        return self.at


@dataclass
class Outcomes:
    """What the caller was told, and at which state of the message's row."""

    told: list[tuple[str, str]] = field(default_factory=list)

    def __call__(self, message: Message, outcome: str, at: datetime) -> None:
        self.told.append((message.idempotency_key, outcome))


def person(username: str, *addresses: str, kind: str = "email") -> User:
    user: User = get_user_model().objects.create_user(username=username)
    ContactMethod.objects.bulk_create(
        ContactMethod(user=user, kind=kind, address=address, position=position)
        for position, address in enumerate(addresses)
    )
    return user


def page_for(user: User, key: str = "", **changes: object) -> MessageValue:
    value = MessageValue(
        recipient_id=user.pk,
        subject="SEV-1: payments is failing",
        body="Payments is failing.\nYou are the primary.",
        link="https://watchbell.example/p/abc",
        idempotency_key=key or f"page:7:0:0:{user.pk}",
        context={"subject": "incident:42"},
    )
    return replace(value, **changes)  # type: ignore[arg-type]


def entry_data(action: str) -> dict[str, object]:
    """What the only ledger entry of this action carries."""
    data: dict[str, object] | None = LedgerEntry.objects.get(action=action).data
    assert data is not None
    return data


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def outcomes() -> Outcomes:
    return Outcomes()


@pytest.fixture
def email() -> Iterator[FakeChannel]:
    """The only channel there is, under the name of e-mail."""
    fake = FakeChannel()
    with channels_replaced({"email": fake}):
        yield fake
        fake.open.set()


@pytest.fixture
def sender(email: FakeChannel, clock: Clock, outcomes: Outcomes) -> Sender:
    return Sender(clock=clock, on_settled=outcomes, worker="engine-1")


@pytest.fixture
def alice(db: None) -> User:
    return person("alice", "alice@example.org", "alice@home.example")


@pytest.fixture
def bob(db: None) -> User:
    return person("bob", "bob@example.org")


@pytest.fixture
def carol(db: None) -> User:
    return person("carol")

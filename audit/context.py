"""What all entries of one user action share, kept beside the call chain so that services need no request."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class ActionContext:
    """``action_id`` is one id for all entries of one action; ``address`` is the client's network address, empty for the system.

    ``token`` names the API token by which a program acts for a person.
    """

    action_id: uuid.UUID
    source: str = ""
    address: str = ""
    token: str = ""


_current: ContextVar[ActionContext | None] = ContextVar("audit_action", default=None)


def current_action() -> ActionContext | None:
    """The action under way, or None outside any."""
    return _current.get()


@contextmanager
def action(*, source: str, address: str = "", action_id: uuid.UUID | None = None) -> Iterator[ActionContext]:
    """Bind every ledger entry written inside to one action."""
    context = ActionContext(action_id or uuid.uuid4(), source, address)
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)


def by_token(name: str) -> None:
    """From here on, what the action under way does is done with this API token. It ends with the action."""
    context = _current.get()
    if context is not None:
        _current.set(replace(context, source="api", token=name))

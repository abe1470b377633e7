"""The kinds of contact method that levels and criteria may name, and which of a person's are used then. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import Any


class Way(StrEnum):
    """The kinds that may be spoken of, whether or not this installation can send by them yet."""

    EMAIL = "email"
    SMS = "sms"
    VOICE = "voice"
    PUSH = "push"
    CHAT = "chat"


KINDS = tuple(way.value for way in Way)


def ways_left(ways: Sequence[str], use: Collection[str], then: Collection[str] = ()) -> tuple[str, ...]:
    """Which of a person's kinds of contact method are used, in order: those of ``use``, then those of ``then``, each in the
    person's own order. Somebody who has none of these is told by what they have: what is named here says how people are
    woken, and never keeps anybody from being told."""
    first = tuple(one for one in ways if one in use)
    return first + tuple(one for one in ways if one in then and one not in use) or tuple(ways)


def ways_turned(ways: Sequence[str], turn: int) -> tuple[str, ...]:
    """``ways`` for somebody who was told ``turn`` times before and did not answer: each time another comes first."""
    begin = turn % len(ways) if ways else 0
    return (*ways[begin:], *ways[:begin])


def level_record(channels: Sequence[str], ways: Collection[str], use: Collection[str] = ()) -> dict[str, Any]:
    """For the record of somebody who is told by a level that names ``channels``: these, and whether they have none of them (nor
    of ``use``, which a criterion names) and are told by their own ``ways`` instead."""
    return {"use": list(channels), "lacks": bool(ways) and not set(ways) & {*channels, *use}}

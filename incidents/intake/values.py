"""The one shape every source is read into."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Action = Literal["trigger", "acknowledge", "resolve"]

MAX_SUMMARY = 1024
MAX_KEY = 255


class Unreadable(ValueError):
    """A payload that is not what its kind promises. The message names the field and is kept beside the raw signal."""


@dataclass(frozen=True, slots=True)
class AlertValue:
    """One alert's news. ``dedup_key`` is unique for one thing that is wrong, within one integration."""

    action: Action
    dedup_key: str
    summary: str = ""
    severity_word: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, object] = field(default_factory=dict)
    link: str = ""
    started_at: datetime | None = None

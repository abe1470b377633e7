"""Durations as people write them ("5m", "90s", "1h30m") and as the core counts them: whole seconds."""

from __future__ import annotations

import re

_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))
_DURATION = re.compile(
    r"\s*".join(rf"(?:(\d{{1,9}})\s*{unit})?" for unit, _seconds in _UNITS), re.ASCII | re.IGNORECASE
)

DURATION_PATTERN = r"^\s*(?=\d)(\d{1,9}\s*[dD])?\s*(\d{1,9}\s*[hH])?\s*(\d{1,9}\s*[mM])?\s*(\d{1,9}\s*[sS])?\s*$"
"""The same grammar for JSON Schema: days, hours, minutes and seconds, each at most once, the largest first."""


def duration_seconds(text: str) -> int:
    """The seconds meant by "2d", "1h30m", "90s" and the like.

    Raises ValueError for anything else, a bare number in quotes too: "5" does not say five of what.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        raise ValueError(text)
    return sum(int(count) * seconds for count, (_unit, seconds) in zip(match.groups(), _UNITS, strict=True) if count)


def duration_text(seconds: int) -> str:
    """The shortest text of `seconds` (0 or more): 5400 gives "1h30m", 0 gives "0s". `duration_seconds` undoes it."""
    parts = []
    for unit, size in _UNITS:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"

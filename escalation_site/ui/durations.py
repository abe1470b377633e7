"""Spans of time in words and clock digits. Pure: no clock, no zone.

The browser counts the same digits down (``static/js/clock.js``); both read the unit words from here, so that a clock
does not change its wording when the script takes over from the server.
"""

from django.utils.translation import gettext, gettext_noop, pgettext

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR

UNIT_WORDS = {
    "day": gettext_noop("{n} d"),
    "hour": gettext_noop("{n} h"),
    "minute": gettext_noop("{n} min"),
    "second": gettext_noop("{n} s"),
    "ago": gettext_noop("{span} ago"),
    "ahead": gettext_noop("in {span}"),
    "now": gettext_noop("just now"),
    "over": gettext_noop("over by {span}"),
}
"""Message ids of the unit words. The script fills ``{n}`` and ``{span}`` exactly as the functions below do."""

_UNITS = (("day", DAY), ("hour", HOUR), ("minute", MINUTE), ("second", 1))


def unit_words() -> dict[str, str]:
    """The unit words in the reader's language, for the script."""
    return {name: gettext(word) for name, word in UNIT_WORDS.items()}


def _word(unit: str, count: int) -> str:
    return gettext(UNIT_WORDS[unit]).replace("{n}", str(count))


def in_one_unit(seconds: float) -> str:
    """The largest unit only, rounded down: "6 min", "12 h", "1 d". Under a minute, seconds."""
    whole = max(int(seconds), 0)
    for unit, size in _UNITS:
        if whole >= size:
            return _word(unit, whole // size)
    return _word("second", 0)


def in_two_units(seconds: float, *, smallest: int = 1) -> str:
    """The two largest units that are not nought: "6 min 50 s", "3 h 41 min", "2 d 22 h".

    ``smallest`` (seconds) is the finest unit wanted; with ``MINUTE`` the span "54 min 12 s" reads "54 min".
    """
    whole = max(int(seconds), 0)
    for index, (unit, size) in enumerate(_UNITS):
        if whole < size or size < smallest:
            continue
        words = [_word(unit, whole // size)]
        if index + 1 < len(_UNITS):
            next_unit, next_size = _UNITS[index + 1]
            rest = whole % size // next_size
            if rest and next_size >= smallest:
                words.append(_word(next_unit, rest))
        return " ".join(words)
    return _word(next(unit for unit, size in _UNITS if size <= smallest), 0)


def as_clock(seconds: float) -> str:
    """Digits of a running clock: "8:51" under an hour, "1 h 05" under a day, "2 d 3 h" above. Never negative."""
    whole = max(int(seconds), 0)
    if whole < HOUR:
        return f"{whole // MINUTE}:{whole % MINUTE:02}"
    if whole < DAY:
        return _word("hour", whole // HOUR) + f" {whole % HOUR // MINUTE:02}"
    return in_two_units(whole, smallest=HOUR)


def ago(seconds: float) -> str:
    """A past span as people say it: "just now", "6 min ago"; a coming one (negative): "in 6 min"."""
    if abs(seconds) < 10:
        return gettext(UNIT_WORDS["now"])
    word = UNIT_WORDS["ago"] if seconds > 0 else UNIT_WORDS["ahead"]
    return gettext(word).replace("{span}", in_one_unit(abs(seconds)))


def over_by(seconds: float) -> str:
    """How late something is: "over by 4 min"."""
    return gettext(UNIT_WORDS["over"]).replace(
        "{span}", in_two_units(seconds, smallest=MINUTE if seconds >= HOUR else 1)
    )


def list_of(names: list[str]) -> str:
    """Names in a sentence: "Marta", "Marta and Jonas", "Marta, Jonas and Priya"."""
    if len(names) < 2:
        return "".join(names)
    joint = pgettext("between the last two of a list", "{rest} and {last}")
    return joint.replace("{rest}", ", ".join(names[:-1])).replace("{last}", names[-1])

"""A digest as a value, and as plain text. Pure. What it looks like on a page and in a mail is in templates/reports/digests."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with what it is; ``link`` is a path of this site that shows exactly what is behind it."""

    label: str
    value: str
    note: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """``head`` is the linked part ("INC-42 Card payments fail"), ``text`` what is said of it."""

    head: str
    text: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """``empty`` is said where there is no line; ``more`` lines are not shown, and ``link`` leads to all of them."""

    title: str
    lines: Sequence[Line]
    empty: str = ""
    more: int = 0
    link: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """``about`` says of when and of whom it tells."""

    title: str
    about: str
    figures: Sequence[Figure] = field(default_factory=tuple)
    sections: Sequence[Section] = field(default_factory=tuple)


def text_of(content: Content, *, base: str, more_words: str) -> str:
    """As plain text: every link in full behind its line. ``more_words`` has a place for the number ("and %(number)d more")."""
    lines = [content.about, ""]
    lines += [f"{one.label}: {_joined(one.value, one.note)}{_address(base, one.link)}" for one in content.figures]
    for section in content.sections:
        lines += ["", section.title, "-" * len(section.title)]
        lines += [f"- {_joined(one.head, one.text)}{_address(base, one.link)}" for one in section.lines]
        if not section.lines and section.empty:
            lines.append(section.empty)
        if section.more:
            lines.append(more_words % {"number": section.more} + _address(base, section.link))
    return "\n".join(lines).rstrip() + "\n"


def _joined(first: str, second: str) -> str:
    return f"{first} · {second}" if second else first


def _address(base: str, link: str) -> str:
    return f"\n  {base}{link}" if link else ""

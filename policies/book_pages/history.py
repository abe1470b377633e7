"""The versions of a book in words: what each says, and how it differs from another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import Http404

from policies.book_pages.shelf import Book, Lines
from policies.editing.history import Change, changes_between
from policies.models import BookVersion


@dataclass(frozen=True, slots=True)
class Past:
    """One version, whether it is in force, and what it changed."""

    version: BookVersion
    in_force: bool
    changes: tuple[Change, ...]


def versions_of(book: Book) -> list[BookVersion]:
    """The newest first."""
    return list(BookVersion.objects.filter(book=book.shape.book).select_related("author").order_by("-number"))


def version_numbered(book: Book, text: str) -> BookVersion | None:
    """None for "0", which is what Watchbell comes with. Raises Http404 for what is no version of the book."""
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise Http404
    if int(text) == 0:
        return None
    found = BookVersion.objects.filter(book=book.shape.book, number=int(text)).select_related("author").first()
    if found is None:
        raise Http404
    return found


def value_of(book: Book, version: BookVersion | None) -> Any:
    """What a version says; what Watchbell comes with where that is None."""
    return book.shape.default if version is None else book.shape.parse(version.definition)


def document_of(book: Book, version: BookVersion | None) -> dict[str, Any]:
    return book.shape.dump(book.shape.default) if version is None else dict(version.definition)


def history_of(book: Book) -> list[Past]:
    """Newest first; the first version is compared with what Watchbell comes with."""
    versions = versions_of(book)
    texts = _lines(book, [*versions, None])
    return [
        Past(version, number == 0, changes_between(older, text))
        for number, (version, text, older) in enumerate(zip(versions, texts, texts[1:], strict=False))
    ]


def versions_compared(book: Book, before: BookVersion | None, after: BookVersion | None) -> tuple[Change, ...]:
    """How ``after`` differs from ``before``."""
    older, newer = _lines(book, [before, after])
    return changes_between(older, newer)


def _lines(book: Book, versions: Sequence[BookVersion | None]) -> list[Lines]:
    return book.lines([value_of(book, version) for version in versions])

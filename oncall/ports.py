"""What the on-call app asks of the apps above it, which it must not import: they plug in here when they start.

``incidents`` plugs all of them (its ``apps.py``); each keeps a harmless answer until then, so that the app stands alone.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something to tell one person, in their own language. ``key`` names it for ever: it is sent once, however often told.

    ``link`` is a path of this site; ``subject_ref`` gathers ledger entries ("schedule:7").
    """

    recipient_id: int
    subject: str
    body: str
    key: str
    link: str = ""
    subject_ref: str = ""


@dataclass(frozen=True, slots=True)
class Path:
    """A way by which a schedule is reached: a policy that names it, and the services under that policy."""

    policy: str
    services: tuple[str, ...]


def _tell_nobody(notes: Sequence[Note], at: datetime) -> None:
    return None


def _no_paths(schedule_ids: Collection[int]) -> Mapping[int, Sequence[Path]]:
    return {}


def _no_pages(since: datetime, until: datetime) -> Mapping[int, int]:
    return {}


def _no_pages_since(starts: Mapping[int, datetime], until: datetime) -> Mapping[int, int]:
    return {}


_tell: Callable[[Sequence[Note], datetime], None] = _tell_nobody
_paths: Callable[[Collection[int]], Mapping[int, Sequence[Path]]] = _no_paths
_pages: Callable[[datetime, datetime], Mapping[int, int]] = _no_pages
_pages_since: Callable[[Mapping[int, datetime], datetime], Mapping[int, int]] = _no_pages_since


def plug(
    *,
    tell: Callable[[Sequence[Note], datetime], None],
    paths: Callable[[Collection[int]], Mapping[int, Sequence[Path]]],
    pages: Callable[[datetime, datetime], Mapping[int, int]],
    pages_since: Callable[[Mapping[int, datetime], datetime], Mapping[int, int]],
) -> None:
    """Called once, by the app above, while Django starts."""
    global _tell, _paths, _pages, _pages_since  # One assembly per process, made before any request.
    _tell, _paths, _pages, _pages_since = tell, paths, pages, pages_since


_quiet: ContextVar[bool] = ContextVar("notices_dropped", default=False)


@contextmanager
def nobody_told() -> Iterator[None]:
    """Inside, notices are dropped: of a past that is told afterwards (the demo's) nobody is to hear as news."""
    token = _quiet.set(True)
    try:
        yield
    finally:
        _quiet.reset(token)


def tell(notes: Sequence[Note], *, at: datetime) -> None:
    """Queue notices, in the caller's transaction."""
    if notes and not _quiet.get():
        _tell(notes, at)


def paths_of(schedule_ids: Collection[int]) -> Mapping[int, Sequence[Path]]:
    """The paths in use that lead to each schedule, by schedule id; a schedule nobody uses is missing."""
    return _paths(schedule_ids) if schedule_ids else {}


def pages_by_person(*, since: datetime, until: datetime) -> Mapping[int, int]:
    """How many pages each person got in the range (``until`` excluded), by user id; nobody with none."""
    return _pages(since, until)


def pages_since(starts: Mapping[int, datetime], *, until: datetime) -> Mapping[int, int]:
    """How many pages each of these people (by user id) got from their own start on, ``until`` excluded."""
    return _pages_since(starts, until)

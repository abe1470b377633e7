"""Dying at any database statement or commit, the database being away, and others acting between two transactions.

One unit of work (an engine's turn, a person's click) runs inside ``Faults.unit``. What kills it is no ``Exception``: no code of the
product gets to answer it, and from then on the dead process reaches the database no more, whatever its ``finally`` clauses try.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from unittest.mock import patch

from django.db import OperationalError, connection

from escalation_site.kernel.prepared import Prepared

Where = Literal["statement", "before_commit", "after_commit", "database_away"]


class Killed(BaseException):
    """The process is dead, as by SIGKILL."""


@dataclass(frozen=True, slots=True)
class Fault:
    """At the ``number``-th statement (or commit) of a unit of work: die, or find the database away once."""

    where: Where
    number: int


@dataclass
class _Frame:
    fault: Fault | None
    intrusions: dict[int, Callable[[], None]]
    statements: int = 0
    commits: int = 0
    boundaries: int = 0
    dead: bool = False
    away: bool = False


@dataclass
class Faults:
    """Hooks into Django's connection while entered (``with faults.hooked():``)."""

    statements: int = 0
    kills: int = 0
    _frames: list[_Frame] = field(default_factory=list)

    @contextmanager
    def hooked(self) -> Iterator[None]:
        original: Any = {name: getattr(connection, name) for name in ("commit", "set_autocommit")}
        self._commit, self._set_autocommit = original["commit"], original["set_autocommit"]
        with ExitStack() as stack:
            stack.enter_context(connection.execute_wrapper(self._around))
            for name, hook in (("commit", self._on_commit), ("set_autocommit", self._on_set_autocommit)):
                setattr(connection, name, hook)
                stack.callback(connection.__dict__.pop, name, None)
            stack.enter_context(self._prepared_hooked())
            yield

    @contextmanager
    def _prepared_hooked(self) -> Iterator[None]:
        """What PostgreSQL keeps prepared goes by a cursor of its own and past Django's wrappers: it is a statement like any other."""
        original = Prepared._prepared

        def around(prepared: Prepared, parameters: Sequence[Any]) -> Any:
            def execute(_sql: str, given: Any, _many: bool, _context: Any) -> Any:
                return original(prepared, given)

            return self._around(execute, prepared._statement, parameters, False, {})

        with patch.object(Prepared, "_prepared", around):
            yield

    @contextmanager
    def unit(
        self, fault: Fault | None = None, intrusions: Mapping[int, Callable[[], None]] | None = None
    ) -> Iterator[None]:
        """Run what is inside as one process would; ``intrusions`` are done by others, each at the boundary of that number.

        Raises Killed where the fault strikes; the connection is then as a new process finds it.
        """
        frame = _Frame(fault, dict(intrusions or {}))
        self._frames.append(frame)
        try:
            yield
        finally:
            self._frames.pop()
            self.statements += frame.statements
            if frame.dead:
                connection_reborn()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Whoever only looks on is struck by nothing."""
        frames, self._frames = self._frames, []
        try:
            yield
        finally:
            self._frames = frames

    def die(self) -> None:
        """Kill the unit under way here and now."""
        if self._frames:
            self._kill(self._frames[-1])

    def _kill(self, frame: _Frame) -> None:
        frame.dead = True
        self.kills += 1
        if connection.connection is not None:
            # What the server does when the process is gone. Later tries of the dying code to commit find nothing.
            connection.connection.rollback()
        raise Killed

    def _around(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if not self._frames:
            return execute(sql, params, many, context)
        frame = self._living()
        if not connection.in_atomic_block:
            self._boundary(frame)
        frame.statements += 1
        if frame.fault is not None and frame.fault.number == frame.statements:
            if frame.fault.where == "statement":
                self._kill(frame)
            if frame.fault.where == "database_away" and not frame.away:
                frame.away = True
                raise OperationalError("simulated: the database is away")
        return execute(sql, params, many, context)

    def _on_commit(self) -> None:
        if not self._frames:
            self._commit()
            return
        frame = self._living()
        frame.commits += 1
        strikes = frame.fault is not None and frame.fault.number == frame.commits
        where = frame.fault.where if frame.fault is not None and strikes else None
        if where == "before_commit":
            self._kill(frame)
        self._commit()
        if where == "after_commit":
            self._kill(frame)

    def _on_set_autocommit(self, autocommit: bool, *arguments: Any, **named: Any) -> None:
        if self._frames and not autocommit:
            self._boundary(self._living())
        self._set_autocommit(autocommit, *arguments, **named)

    def _living(self) -> _Frame:
        frame = self._frames[-1]
        if frame.dead:
            raise Killed
        return frame

    def _boundary(self, frame: _Frame) -> None:
        """Between two transactions anybody may act."""
        frame.boundaries += 1
        act = frame.intrusions.pop(frame.boundaries, None)
        if act is not None:
            act()


def connection_reborn() -> None:
    """Give Django's connection the state of a fresh one; rows in memory stay."""
    if connection.connection is not None:
        connection.connection.rollback()
    connection.in_atomic_block = False
    connection.savepoint_ids = []
    connection.atomic_blocks = []
    connection.needs_rollback = False
    connection.run_on_commit = []
    connection.run_commit_hooks_on_set_autocommit_on = False
    connection.closed_in_transaction = False
    connection.commit_on_exit = True
    connection.autocommit = True
    if connection.vendor == "postgresql" and connection.connection is not None:
        # Kept open: somebody may have died between two statements of another who lives.
        connection.connection.autocommit = True

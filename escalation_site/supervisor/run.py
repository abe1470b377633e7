"""The supervisor's loop: start, tend, replace what is silent, stop."""

import os
import select
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from types import FrameType

from escalation_site.supervisor.children import Child, Clock, Program
from escalation_site.supervisor.lock import SingleStart
from escalation_site.supervisor.orphans import MARK_VARIABLE, end_marked, watcher_start
from escalation_site.supervisor.output import Output

_TEND_SECONDS = 2.0
"""Whoever dies, or wants an end, wakes the supervisor; what is silent is replaced so much later. Each waking of an idle machine costs."""
_PAUSING_SECONDS = 0.2  # While somebody's pause before the next start runs.
_END_SECONDS = 0.1
_JUMP_SECONDS = 5.0


@contextmanager
def waking() -> Iterator[Callable[[float], bool]]:
    """Gives a wait of so many seconds that ends with any signal, also that of a child's end, and says whether one came. For the main
    thread only."""
    reader, writer = os.pipe()
    for end in (reader, writer):
        os.set_blocking(end, False)
    ended = signal.signal(signal.SIGCHLD, lambda _signal, _frame: None)  # Without a handler of ours nobody is woken.
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)

    def wait(seconds: float) -> bool:
        woken, _writing, _broken = select.select([reader], [], [], seconds)
        with suppress(BlockingIOError):
            os.read(reader, 4096)
        return bool(woken)

    try:
        yield wait
    finally:
        signal.set_wakeup_fd(before)
        signal.signal(signal.SIGCHLD, ended)
        os.close(reader)
        os.close(writer)


class Passing:
    """Tells whether time passes as it should: nobody sets the clock, and the machine does not stand still.

    Killing whoever seems silent after a jump would end calls under way; and somebody whose clock was set back might be watched by nobody
    until it is again what it was. ``wait`` waits so many seconds and says whether to end; ``steady`` is a clock that nobody sets.
    """

    def __init__(
        self, clock: Clock, *, wait: Callable[[float], bool], steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock, self._wait, self._steady = clock, wait, steady
        self._offset = self._difference()
        self.jumped = False

    def wait(self, seconds: float) -> bool:
        """``jumped`` says afterwards whether the clock was set since the wait before, or this one lasted far too long."""
        began = self._steady()
        ended = self._wait(seconds)
        before, self._offset = self._offset, self._difference()
        self.jumped = abs(self._offset - before) > _JUMP_SECONDS or self._steady() - began > seconds + _JUMP_SECONDS
        return ended

    def _difference(self) -> float:
        return self._clock().timestamp() - self._steady()


class Supervisor:
    """Runs ``programs`` until it is told to stop. ``grace`` is how long they may take to end; ``watch_seconds`` passes
    between two looks for silent ones."""

    def __init__(
        self,
        programs: Sequence[Program],
        *,
        lock: SingleStart,
        output: Output,
        grace: timedelta,
        clock: Clock,
        watch_seconds: float = 5.0,
    ) -> None:
        self._mark = uuid.uuid4().hex
        self._lock = lock
        self._output = output
        self._grace = grace
        self._clock = clock
        self._watch_seconds = watch_seconds
        self._stop = threading.Event()
        self._hurry = threading.Event()
        self._silent: set[str] = set()
        environment = {**os.environ, MARK_VARIABLE: self._mark, "PYTHONUNBUFFERED": "1"}
        self.children = [
            Child(program, output=output, environment={**environment, "WATCHBELL_PROCESS": program.name})
            for program in programs
        ]

    def stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """End everything; asked a second time, without waiting."""
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    def run(
        self,
        *,
        prepare: Callable[[], None] | None = None,
        when_started: Callable[[threading.Event], None] | None = None,
    ) -> None:
        """Start all and return when all have ended.

        ``prepare`` runs first, already holding the lock; what it raises ends the start. ``when_started`` runs in a
        thread of its own and is given the stop event. Raises `AlreadyRunning` when another supervisor works on the
        same DATA_DIR.
        """
        before = self._lock.acquire(self._mark)
        try:
            self._run(before, prepare, when_started)
        finally:
            self._lock.release()

    def _run(
        self, before: str, prepare: Callable[[], None] | None, when_started: Callable[[threading.Event], None] | None
    ) -> None:
        if before and (left := end_marked(before)):
            self._output.say(f"ended {left} processes that an earlier supervisor left")
        if prepare is not None:
            prepare()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.stop)
        watcher = watcher_start(self._mark)
        try:
            for child in self.children:
                child.start(self._clock())
            threading.Thread(target=self._watch, name="watch", daemon=True).start()
            if when_started is not None:
                threading.Thread(target=when_started, args=(self._stop,), name="greeting", daemon=True).start()
            self._tend_until_stopped()
            self._end_all()
        finally:
            # The watcher sees its pipe close and ends what is left, should this process have failed above.
            assert watcher.stdin is not None  # noqa: S101  a pipe was asked for
            watcher.stdin.close()
            watcher.wait()

    def _tend_until_stopped(self) -> None:
        with waking() as wait:
            while not self._stop.is_set():
                at = self._clock()
                for child in self.children:
                    if child.program.name in self._silent:
                        self._silent.discard(child.program.name)
                        self._output.say(f"{child.program.name} shows no sign of work; replacing it")
                        child.kill()
                    child.tend(at)
                wait(_TEND_SECONDS if all(child.pid for child in self.children) else _PAUSING_SECONDS)

    def _watch(self) -> None:
        """Look for silent children, in a thread of its own: the database may be slow just when it matters."""
        passing = Passing(self._clock, wait=self._stop.wait)
        while not passing.wait(self._watch_seconds):
            if passing.jumped:
                self.excuse_all()
            for child in self.children:
                self._look_at(child)

    def excuse_all(self) -> None:
        """The clock was set, or the machine stood still: what anybody showed before says nothing of now."""
        self._output.say("the clock has jumped: whoever shows no sign of work gets the full time from now")
        for child in self.children:
            child.excused_until = self._clock()

    def _look_at(self, child: Child) -> None:
        at = self._clock()
        try:
            if child.is_silent(at):
                child.excused_until = at
                self._silent.add(child.program.name)
        except Exception as error:
            # The sign could not be read (the database is away): that is no proof of silence. The child gets its full
            # time again from now, so that it is not killed for what it could not write meanwhile.
            child.excused_until = at
            self._output.say(f"cannot tell whether {child.program.name} works: {type(error).__name__}")

    def _end_all(self) -> None:
        self._output.say("stopping")
        deadline = self._clock() + self._grace
        for child in self.children:
            child.terminate()
        remaining = list(self.children)
        while remaining and self._clock() < deadline and not self._hurry.wait(_END_SECONDS):
            remaining = [child for child in remaining if not child.has_ended()]
        for child in remaining:
            self._output.say(f"{child.program.name} did not end in time; killing it")
            child.kill()
        while not all(child.has_ended() for child in remaining):
            self._hurry.wait(_END_SECONDS)
        self._output.say("stopped")

"""One supervised process: started in a process group of its own, stopped politely and then not, restarted with
growing pauses."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from escalation_site.supervisor.output import Output

Clock = Callable[[], datetime]
LastSign = Callable[[int], datetime | None]

_FIRST_PAUSE = timedelta(milliseconds=200)
_LONGEST_PAUSE = timedelta(seconds=30)
_STEADY_AFTER = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Program:
    """What to run. ``last_sign`` returns when the process with a pid last showed that it works, None if it never did;
    silent for longer than ``silence`` (counted from its start at the earliest), it is replaced. Before its first sign
    it gets ``starting`` besides: a busy machine needs its time to load everything, and one that is killed over it never
    starts. ``refusal_code`` is the exit code by which it says that starting it again soon changes nothing."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    last_sign: LastSign | None = None
    silence: timedelta = timedelta(seconds=30)
    starting: timedelta = timedelta(0)
    refusal_code: int | None = None


def next_pause(pause: timedelta, ran_for: timedelta) -> timedelta:
    """How long to wait before the next start of a process that ended after ``ran_for``, the last wait having been
    ``pause``."""
    if ran_for >= _STEADY_AFTER or not pause:
        return _FIRST_PAUSE
    return min(pause * 2, _LONGEST_PAUSE)


class Child:
    """Runs one `Program` and keeps it running. Not thread-safe: one thread owns it."""

    def __init__(self, program: Program, *, output: Output, environment: Mapping[str, str]) -> None:
        self.program = program
        self.started_at: datetime | None = None
        self.excused_until: datetime | None = None
        self.restarts = 0
        self._output = output
        self._environment = {**environment, **program.environment}
        self._process: subprocess.Popen[bytes] | None = None
        self._pause = timedelta(0)
        self._start_at: datetime | None = None
        self._sign: datetime | None = None

    @property
    def pid(self) -> int:
        """The process, which is also its group; 0 when none runs."""
        return self._process.pid if self._process else 0

    def start(self, at: datetime) -> None:
        """Start it now."""
        self._process = subprocess.Popen(  # noqa: S603  the programs of this module
            self.program.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self._environment,
            # Ctrl-C in the terminal reaches the supervisor only, and the group can be killed as a whole.
            start_new_session=True,
        )
        self.started_at = at
        self._start_at = self._sign = None
        assert self._process.stdout is not None  # noqa: S101  a pipe was asked for
        self._output.follow(self.program.name, self._process.stdout)

    def tend(self, at: datetime) -> None:
        """Look whether it ended, and start it again when its pause is over."""
        if self._process is not None:
            code = self._ended()
            if code is not None:
                self._plan_restart(at, code)
        elif self._start_at is not None and (at >= self._start_at or self._start_at - at > _LONGEST_PAUSE):
            # Its pause is over, or the clock was set back meanwhile.
            self.restarts += 1
            self.start(at)

    def is_silent(self, at: datetime) -> bool:
        """Whether it runs but has shown no sign of work for too long. Asks ``last_sign``, which may be slow or
        raise, only when half of that time has passed since the last sign: asking is most of what watching costs."""
        if self.program.last_sign is None or self.started_at is None or not self.pid:
            return False
        known = (self.started_at, self.excused_until, self._sign)
        # A sign from the future: the clock was set back, and the supervisor excuses everybody for it.
        since = max((instant for instant in known if instant is not None and instant <= at), default=at)
        if at - since <= self.program.silence / 2:
            return False
        sign = self.program.last_sign(self.pid)
        if sign is not None and sign - at > self.program.silence:
            sign = None
        self._sign = sign or self._sign
        allowed = self.program.silence + (timedelta(0) if self._sign else self.program.starting)
        return at - max(since, sign or since) > allowed

    def kill(self) -> None:
        """End the process and everything in its group at once; `tend` then starts it again."""
        if self._process is not None:
            self._kill_group(self._process.pid)

    def terminate(self) -> None:
        """Ask it to end and do not start it again. Only the leader is asked: it ends its own workers in good order."""
        self._start_at = None
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)

    def has_ended(self) -> bool:
        """After `terminate`: whether it and all of its group are gone."""
        if self._process is None:
            return True
        if self._ended() is None:
            return False
        self._process = None
        return True

    def _ended(self) -> int | None:
        """The exit code once it has ended, else None. What is left of its group is killed before its number can be
        used anew."""
        assert self._process is not None  # noqa: S101  callers looked
        pid = self._process.pid
        try:
            # Without reaping it yet: a zombie keeps the number of the group taken.
            status = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            status = None
        else:
            if status is None:
                return None
        self._kill_group(pid)
        return self._process.wait()

    @staticmethod
    def _kill_group(pid: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)

    def _plan_restart(self, at: datetime, code: int) -> None:
        ran_for = at - (self.started_at or at)
        refused = code == self.program.refusal_code
        self._pause = _LONGEST_PAUSE if refused else next_pause(self._pause, ran_for)
        self._start_at = at + self._pause
        self._process = None
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        if refused:
            how = f"refuses to work, for the reason above (exit code {code}),"
        self._output.say(
            f"{self.program.name} {how} after {ran_for.total_seconds():.0f} s; "
            f"starting again in {self._pause.total_seconds():.1f} s"
        )

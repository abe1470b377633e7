"""No process outlives its supervisor, not even one that was killed with SIGKILL.

Everything a supervisor starts inherits a random mark in its environment. A small watcher, in a session of its own,
holds one end of a pipe whose other end only the supervisor has; when the pipe closes, however that came about, it
ends every process that carries the mark: also workers of a cluster whose parent is gone, which no process group of a
dead leader would tell us about.

    python -m escalation_site.supervisor.orphans MARK      (waits for the end of standard input)
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import psutil

MARK_VARIABLE = "WATCHBELL_SUPERVISION"
_PATIENCE_SECONDS = 5.0


def marked_processes(mark: str) -> list[psutil.Process]:
    """Living processes that carry ``mark``, except this one. Those of other users are not visible and not ours."""
    found = []
    for process in psutil.process_iter():
        try:
            carries = process.pid != os.getpid() and process.environ().get(MARK_VARIABLE) == mark
            if carries and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def end_marked(mark: str) -> int:
    """Kill every process that carries ``mark`` until none is left (one may fork meanwhile); returns how many were
    killed.

    SIGKILL at once: the work is safe against it by design, and whoever starts next must not meet a process that
    lingers.
    """
    killed: set[int] = set()
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (processes := marked_processes(mark)) and time.monotonic() < deadline:
        for process in processes:
            try:
                process.kill()
                killed.add(process.pid)
            except psutil.Error:
                continue
        psutil.wait_procs(processes, timeout=0.5)
    return len(killed)


def watcher_start(mark: str) -> subprocess.Popen[bytes]:
    """Start the watcher. Closing its standard input, or dying, sets it to work."""
    environment = {name: value for name, value in os.environ.items() if name != MARK_VARIABLE}
    return subprocess.Popen(  # noqa: S603  our own module
        [sys.executable, "-m", "escalation_site.supervisor.orphans", mark],
        stdin=subprocess.PIPE,
        start_new_session=True,
        env=environment,
        cwd=Path(__file__).resolve().parent.parent.parent,
    )


def _watch(mark: str, pipe: IO[bytes]) -> None:
    # Ctrl-C and a polite stop are the supervisor's business; the watcher goes when the supervisor is gone.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    pipe.read()
    end_marked(mark)


if __name__ == "__main__":
    _watch(sys.argv[1], sys.stdin.buffer)

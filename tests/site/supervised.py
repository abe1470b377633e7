"""A supervisor with programs that only wait, run as a process of its own by test_supervisor.py.

    python -m tests.site.supervised DATA_DIR PROGRAM...

PROGRAM: steady, family (starts a child in another session), stubborn (ignores SIGTERM), silent (never shows that it
works).
"""

import sys
from datetime import timedelta
from pathlib import Path

from escalation_site.kernel.instants import now
from escalation_site.supervisor.children import Program
from escalation_site.supervisor.lock import AlreadyRunning, SingleStart
from escalation_site.supervisor.output import Output
from escalation_site.supervisor.run import Supervisor

_WAIT = "import os, time; print('pid', os.getpid()); time.sleep(600)"
_SOURCES = {
    "steady": _WAIT,
    "silent": _WAIT,
    "family": "import subprocess, sys; "
    f"subprocess.Popen([sys.executable, '-c', {_WAIT!r}], start_new_session=True); {_WAIT}",
    "stubborn": "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + _WAIT,
}


def main(data_dir: str, *names: str) -> int:
    programs = [
        Program(
            name=name,
            command=(sys.executable, "-c", _SOURCES[name]),
            last_sign=(lambda _pid: None) if name == "silent" else None,
            silence=timedelta(seconds=0.5),
        )
        for name in names
    ]
    supervisor = Supervisor(
        programs,
        lock=SingleStart(Path(data_dir)),
        output=Output(as_json=False),
        grace=timedelta(seconds=1),
        clock=now,
        watch_seconds=0.2,
    )
    try:
        supervisor.run()
    except AlreadyRunning as error:
        sys.stdout.write(f"already running as {error.pid}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""The product's engine with its last step replaced.

python -m benchmarks.engine           sending is held back: everything up to the queued delivery
python -m benchmarks.engine LOG       messages go to a channel that does nothing but write "instant subject" to LOG
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "escalation_site.settings")
django.setup()

# Django must be set up before anything below is imported.
from escalation_site.kernel.instants import now  # noqa: E402  Django is set up first
from escalation_site.kernel.memory import memory_settle  # noqa: E402  Django is set up first
from incidents.engine.loop import Engine  # noqa: E402  Django is set up first
from incidents.engine.outcomes import page_report  # noqa: E402  Django is set up first
from notifications.channels import Outgoing, Receipt, channel_register  # noqa: E402  Django is set up first
from notifications.sender import Sender  # noqa: E402  Django is set up first


class HeldBack(Sender):
    def dispatch(self) -> int:
        return 0


class NullChannel:
    """A provider that takes everything at once."""

    label = "null"
    concurrency = 8
    time_limit = 30.0

    def __init__(self, path: Path) -> None:
        # Unbuffered: a line is there when its call is.
        self._file = path.open("ab", buffering=0)

    def send(self, outgoing: Outgoing, *, hand_over: Callable[[], None]) -> Receipt:
        hand_over()
        self._file.write(f"{time.time():.4f} {outgoing.subject}\n".encode())
        return Receipt()


def engine_made() -> Engine:
    if len(sys.argv) == 1:
        return Engine(sender=HeldBack(clock=now, on_settled=page_report))
    channel_register("email", NullChannel(Path(sys.argv[1])))
    return Engine()


def main() -> None:
    engine = engine_made()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        engine.stop()

    signal.signal(signal.SIGTERM, stop)
    # As manage.py run_engine does.
    engine.prepare()
    memory_settle()
    engine.run()


if __name__ == "__main__":
    main()

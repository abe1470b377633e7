"""The product's engine with sending held back: it does everything up to the queued delivery and hands nothing over.

python -m benchmarks.engine
"""

import os
import signal
from types import FrameType

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "escalation_site.settings")
django.setup()

from escalation_site.kernel.instants import now  # noqa: E402
from incidents.engine.loop import Engine  # noqa: E402
from incidents.engine.outcomes import page_report  # noqa: E402
from notifications.sender import Sender  # noqa: E402


class HeldBack(Sender):
    def dispatch(self) -> int:
        return 0


def main() -> None:
    engine = Engine(sender=HeldBack(clock=now, on_settled=page_report))

    def stop(_signal: int, _frame: FrameType | None) -> None:
        engine.stop()

    signal.signal(signal.SIGTERM, stop)
    engine.run()


if __name__ == "__main__":
    main()

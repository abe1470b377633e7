"""Makes incidents whose second level falls due at instants to come, through the intake's own services.

    python -m benchmarks.overdue COUNT SECONDS BEGIN

COUNT runs, evenly over SECONDS from BEGIN (seconds of the Unix epoch). The policy must give each level ten minutes.
"""

import os
import sys
from datetime import UTC, datetime, timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "escalation_site.settings")
django.setup()

# Django must be set up before anything below is imported.
from django.db import transaction  # noqa: E402  Django is set up first

from benchmarks.load import body  # noqa: E402  Django is set up first
from incidents.models import InboxSignal, Integration  # noqa: E402  Django is set up first
from incidents.services.inbox import signals_accept  # noqa: E402  Django is set up first
from incidents.services.intake import signals_process  # noqa: E402  Django is set up first

ACK = timedelta(minutes=10)
PER_INSTANT = 5


def main(count: int, seconds: float, begin: datetime) -> None:
    door = Integration.objects.select_related("service__policy__current_version", "service__team").get()
    for first in range(0, count, PER_INSTANT):
        at = begin + timedelta(seconds=seconds * first / count) - ACK
        numbers = range(first, min(first + PER_INSTANT, count))
        with transaction.atomic():
            signals_accept(signals=[(door.pk, body(number)) for number in numbers], at=at)
            signals = list(InboxSignal.objects.filter(processed_at=None))
            for signal in signals:
                signal.integration = door
            signals_process(signals, at=at)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), datetime.fromtimestamp(float(sys.argv[3]), UTC))

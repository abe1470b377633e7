"""Which processes there are, and which of them have fallen silent."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings

from incidents.models import ProcessBeat
from incidents.services.alarms import CLUSTER_SILENT

DAY = timedelta(days=1)


def beats_standing(*, at: datetime) -> list[tuple[ProcessBeat, bool]]:
    """The processes of the last day by name and host, each with whether it is silent: one query.

    One that fell silent and that another of its name has replaced on its host since is left out: it was killed and
    started again, or the cluster gave its work to another worker.
    """
    rows = ProcessBeat.objects.filter(beat_at__gte=at - DAY).order_by("name", "host", "-beat_at")
    found = [(beat, at - beat.beat_at > silence(beat.name)) for beat in rows]
    living = [beat for beat, silent in found if not silent]
    return [(beat, silent) for beat, silent in found if not silent or not _replaced(beat, living)]


def silence(name: str) -> timedelta:
    """How long a process called ``name`` may say nothing before it counts as silent."""
    return CLUSTER_SILENT if name == "cluster" else timedelta(seconds=settings.BEAT_TIMEOUT_SECONDS)


def _replaced(beat: ProcessBeat, living: Sequence[ProcessBeat]) -> bool:
    own = [one for one in living if (one.name, one.host) == (beat.name, beat.host)]
    return any(one.started_at > beat.beat_at for one in own)

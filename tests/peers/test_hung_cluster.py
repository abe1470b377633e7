"""django-q2's workers wait for the next task one behind another at a lock: where the first in the line is killed, nobody ever gets it, and
the cluster looks alive and does nothing."""

import os
import signal

import pytest

from tests.peers.ports import until
from tests.peers.site import RunningSite

PATIENCE = 240.0


def worker_of(site: RunningSite) -> int:
    """The worker that showed a sign of life last; 0 where none has."""
    newest = "SELECT pid FROM incidents_processbeat WHERE name = 'cluster' ORDER BY beat_at DESC LIMIT 1"
    return int(site.value(newest) or 0)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.requirement("R005")
def test_when_the_idle_worker_of_a_cluster_is_killed_then_its_work_goes_on_all_the_same(own_site: RunningSite) -> None:
    quiet = own_site.folder / "quiet"
    own_site.start("supervised")
    killed = until(lambda: worker_of(own_site), f"a first check\n{own_site.log('supervised')}", seconds=PATIENCE)
    quiet.touch()
    until(lambda: own_site.value("SELECT COUNT(*) FROM django_q_ormq") == 0, "the queue to be empty", seconds=PATIENCE)

    os.kill(killed, signal.SIGKILL)
    quiet.unlink()

    until(
        lambda: worker_of(own_site) != killed,
        f"a check by another worker\n{own_site.log('supervised')}",
        seconds=PATIENCE,
    )

"""A supervisor that watches over a cluster with one worker, as a process of its own for test_hung_cluster.py.

    python -m tests.peers.supervised_cluster

It is told to be silent for ten seconds at most, and the check that shows a sign of life is queued each second: a minute is long for a
test. While DATA_DIR/quiet exists nothing is queued.
"""

import os
import sys
import threading
from dataclasses import replace
from datetime import timedelta

import django

os.environ["CLUSTER_WORKERS"] = "1"
django.setup()

# Django must be set up before anything below is imported.
from django.db import connection  # noqa: E402  Django is set up first
from django_q.tasks import async_task  # noqa: E402  Django is set up first

from escalation_site.env import Environment, read_or_exit  # noqa: E402  Django is set up first
from escalation_site.kernel.instants import now  # noqa: E402  Django is set up first
from escalation_site.supervisor.lock import SingleStart  # noqa: E402  Django is set up first
from escalation_site.supervisor.output import Output  # noqa: E402  Django is set up first
from escalation_site.supervisor.programs import programs  # noqa: E402  Django is set up first
from escalation_site.supervisor.run import Supervisor  # noqa: E402  Django is set up first

SILENCE = timedelta(seconds=10)
STARTING = timedelta(seconds=120)


def main(environment: Environment) -> None:
    [cluster] = [program for program in programs(environment) if program.name == "cluster"]

    def knock(stopping: threading.Event) -> None:
        while not stopping.wait(1.0):
            if not (environment.data_dir / "quiet").exists():
                async_task("incidents.tasks.escalation_check")
        connection.close()

    supervisor = Supervisor(
        [replace(cluster, silence=SILENCE, starting=STARTING)],
        lock=SingleStart(environment.data_dir),
        output=Output(as_json=False),
        grace=timedelta(seconds=1),
        clock=now,
        watch_seconds=1.0,
    )
    supervisor.run(when_started=knock)


if __name__ == "__main__":
    main(read_or_exit(os.environ))
    sys.exit(0)

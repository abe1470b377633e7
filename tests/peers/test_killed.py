"""SIGKILL, SIGSTOP, a database, a mail server or a disk that is away: what was accepted stays accepted, and nobody is told twice."""

import http.client
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.chaos.house import house_open
from tests.chaos.round import Round
from tests.chaos.strikes import Strike
from tests.peers.alerts import alert, webhook
from tests.peers.ports import until
from tests.peers.site import RunningSite, Template
from tests.world.cast import ALERTMANAGER_KEY

ALERTS = 24
HOUSE = ("web", "engine", "engine-2", "cluster")
ON_POSTGRES = (
    Strike(2, 4, "away", "database"),
    Strike(6, 6, "cut", "connections"),
    Strike(7, 14, "mail", "slow"),
    Strike(8, ALERTS - 1, "freeze", "engine"),
    Strike(10, 13, "freeze", "cluster"),
    Strike(12, 12, "kill", "web"),
    Strike(15, 15, "kill", "engine-2"),
    Strike(15, 18, "mail", "busy"),
    Strike(16, 16, "kill", "cluster"),
    Strike(19, 22, "mail", "closed"),
)
ON_SQLITE = (
    Strike(2, 8, "full", "disk"),
    Strike(9, 14, "mail", "slow"),
    Strike(12, 12, "kill", "engine"),
    Strike(13, 13, "kill", "web"),
    Strike(15, 18, "mail", "busy"),
    Strike(16, 16, "kill", "cluster"),
    Strike(19, 22, "mail", "closed"),
)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.requirement("R003")
@pytest.mark.requirement("R005")
@pytest.mark.requirement("R036")
def test_when_programs_die_or_hang_and_database_mail_or_disk_are_away_then_every_alert_and_page_is_accounted_for_once(
    template: Template, tmp_path: Path
) -> None:
    """One small round of what ``make chaos`` plays by chance: each strike that may befall the database this run tests, once, and
    always the same ones."""
    with house_open(template, tmp_path, on_postgres=HOUSE) as house:
        strikes = ON_POSTGRES if house.on_postgres else ON_SQLITE
        kept = Round(house, "Chaos-", random.Random(ALERTS), strikes, ALERTS).play()
        died = [death for death in house.deaths if not death.startswith("cluster")]

    assert kept.alerts == ALERTS
    assert kept.pages["delivered"] > 0
    assert kept.steps > 0
    assert died == []


@pytest.mark.requirement("R036")
def test_when_the_web_server_is_killed_at_the_first_of_many_accepted_answers_then_nothing_accepted_is_lost(
    own_site: RunningSite,
) -> None:
    own_site.start("web")
    own_site.wait_until_up()
    first = threading.Event()

    def accepted(number: int) -> bool:
        try:
            status = own_site.post(webhook(ALERTMANAGER_KEY), alert(f"JustAccepted-{number}")).status
        except (OSError, http.client.HTTPException):
            return False
        first.set()
        return status == 202

    with ThreadPoolExecutor(16) as clients:
        posts = [clients.submit(accepted, number) for number in range(64)]
        assert first.wait(20)
        own_site.kill("web")
        numbers = {number for number, post in enumerate(posts) if post.result()}
    assert numbers
    own_site.start("engine")
    everything_read = "SELECT COUNT(*) = 0 FROM incidents_inboxsignal WHERE processed_at IS NULL"
    until(lambda: own_site.value(everything_read), f"the engine\n{own_site.log('engine')}")
    opened = {f"JustAccepted-{number}" for number in numbers}
    assert opened <= {title for (title,) in own_site.rows("SELECT title FROM incidents_incident")}

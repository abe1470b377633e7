"""SIGKILL at any moment: what was accepted stays accepted, and nobody is told twice."""

import http.client
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tests.peers.alerts import alert, incidents, webhook
from tests.peers.organisation import STORM_KEY
from tests.peers.ports import until
from tests.peers.site import RunningSite
from tests.world.cast import ALERTMANAGER_KEY

ALERTS = 100
SECONDS = 12.0  # over which they are posted and processes are killed
# Long enough for each program to get to work and be killed in the midst of it, by chance before it has.
LIVES = {"web": (0.5, 2.5), "engine": (1.0, 4.0), "cluster": (2.0, 6.0)}


def post_until_accepted(site: RunningSite, number: int) -> None:
    """What a monitor does: it sends again what was not answered 202, and only that."""
    message = alert(f"Storm-{number:03d}")
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        try:
            if site.post(webhook(STORM_KEY), message).status == 202:
                return
        except (OSError, http.client.HTTPException):
            time.sleep(0.1)
    raise AssertionError(f"alert {number} was never accepted\n{site.log('web')}")


@contextmanager
def killing(site: RunningSite, chance: random.Random) -> Iterator[Counter[str]]:
    """Kill each program after a while that nobody knows, and start it again, until the block ends. Yields how often each died."""
    deaths: Counter[str] = Counter()
    stop = threading.Event()

    def haunt(name: str, lives: tuple[float, float], chance: random.Random) -> None:
        ready: Callable[[], object] = {"web": site.answers, "engine": lambda: engine_beats(site)}.get(
            name, lambda: True
        )
        while not stop.is_set():
            while not ready() and not stop.is_set():
                time.sleep(0.05)
            if not stop.wait(chance.uniform(*lives)):
                site.kill(name)
                deaths[name] += 1
                site.start(name)

    threads = [
        threading.Thread(target=haunt, args=(name, lives, random.Random(chance.random())))
        for name, lives in LIVES.items()
    ]
    for thread in threads:
        thread.start()
    try:
        yield deaths
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def engine_beats(site: RunningSite) -> bool:
    query = "SELECT 1 FROM incidents_processbeat WHERE name = 'engine' AND pid = %s"
    return bool(site.rows(query, site.processes["engine"].pid))


def unfinished(site: RunningSite) -> int:
    """Signals not read, first and second levels not paged, and pages whose message has not ended."""
    waiting = "SELECT COUNT(*) FROM incidents_inboxsignal WHERE processed_at IS NULL"
    pending = "SELECT COUNT(*) FROM incidents_page WHERE state = 'pending'"
    paged = "SELECT COUNT(*) FROM incidents_page WHERE level < 2 AND incident_id IN (SELECT id FROM incidents_incident)"
    return int(site.value(waiting)) + int(site.value(pending)) + max(0, 2 * ALERTS - int(site.value(paged)))


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.requirement("R019")
@pytest.mark.requirement("R036")
def test_when_every_program_is_killed_at_random_while_100_alerts_come_then_none_is_lost_and_nobody_is_mailed_twice(
    own_site: RunningSite,
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201  shown when it fails
    own_site.start("web", "engine", "cluster")
    own_site.wait_until_up()
    chance = random.Random(seed)
    with killing(own_site, chance) as deaths, ThreadPoolExecutor(8) as clients:
        posts = []
        for number in range(ALERTS):
            posts.append(clients.submit(post_until_accepted, own_site, number))
            time.sleep(SECONDS / ALERTS)
        for post in posts:
            post.result()
    assert min(deaths[name] for name in LIVES) >= 1, deaths
    own_site.wait_until_up()
    # A call under way when its engine died is judged when its lease has run out.
    until(lambda: unfinished(own_site) == 0, f"everything to be done\n{own_site.log('engine')}", seconds=90)

    opened = incidents(own_site, "Storm-")
    assert len(opened) == len({number for number, _state, _count in opened}) == ALERTS
    titles = own_site.rows("SELECT title FROM incidents_incident WHERE title LIKE 'Storm-%%' ORDER BY title")
    assert [title for (title,) in titles] == [f"Storm-{number:03d}" for number in range(ALERTS)]
    check_mails(own_site)


def check_mails(site: RunningSite) -> None:
    """At most one mail for each page; exactly one where the page says delivered; a reason where it does not."""
    mails = site.mailbox.about("Storm-")
    assert [count for count in Counter(mail.message_id for mail in mails).values() if count > 1] == []
    links = Counter(mail.link for mail in mails)
    assert [count for count in links.values() if count > 1] == []
    sent = Counter(mail.link.split("/p/")[1].partition(":")[0] for mail in mails)
    pages = site.rows("SELECT run_id, cycle, level, recipient_id, state, state_reason, link_nonce FROM incidents_page")
    assert len({page[:4] for page in pages}) == len(pages)
    for *_which, state, reason, nonce in pages:
        assert state in ("delivered", "failed"), (state, reason)
        assert sent[nonce] == 1 if state == "delivered" else reason == "outcome_unknown", (state, reason, sent[nonce])


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

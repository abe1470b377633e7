"""Who looks at an incident is kept in a cache that several write to."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache

from incidents.live import presence

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
TOPIC = "incident:7"


@pytest.fixture
def slow_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody has read before anybody writes, unless they take turns."""
    read = cache.get

    def slowly(*arguments: Any, **named: Any) -> Any:
        found = read(*arguments, **named)
        time.sleep(0.02)
        return found

    monkeypatch.setattr(cache, "get", slowly)


@pytest.mark.requirement("R306")
@pytest.mark.usefixtures("slow_cache")
def test_when_many_arrive_at_once_then_nobody_is_written_over() -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda pk: presence.arrive(TOPIC, user_id=pk, name=f"Person {pk}", at=AT), range(8)))
        assert set(presence.people_at(TOPIC, at=AT)) == set(range(8))
        list(pool.map(lambda pk: presence.depart(TOPIC, user_id=pk, at=AT), range(5)))

    assert set(presence.people_at(TOPIC, at=AT)) == {5, 6, 7}


def test_when_somebody_died_with_the_list_in_hand_then_the_next_waits_a_moment_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(presence, "_LOCK_SECONDS", 0.05)
    cache.set(f"presence-lock:{TOPIC}", True, 60)

    assert presence.arrive(TOPIC, user_id=1, name="Marta Ferri", at=AT)
    assert presence.people_at(TOPIC, at=AT + timedelta(seconds=1)) == {1: "Marta Ferri"}
    assert cache.get(f"presence-lock:{TOPIC}"), "what another holds is the other's to give back"


def test_whoever_gives_no_sign_of_life_is_no_longer_there() -> None:
    presence.arrive(TOPIC, user_id=1, name="Marta Ferri", at=AT)

    assert presence.people_at(TOPIC, at=AT + presence.EXPIRES) == {}

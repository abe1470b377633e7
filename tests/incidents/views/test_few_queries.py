"""No page of incidents asks more than fifteen questions, also where the schedules have just changed and must be read again."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from incidents.models import Incident, Task, TimelineEvent
from incidents.selectors import searching
from oncall.services import override_create
from tests.incidents.views.cast import MOST_QUERIES
from tests.world.harness import World

Browser = Callable[[str], Client]
File = Callable[..., Incident]
LISTS = (
    "",
    "?whose=team",
    "?whose=mine",
    "?severity=1",
    "?tab=resolved",
    "?q=storm",
    "?q=storm&severity=1",
    "?team=payments&sort=sla",
)
VIEWS = (
    "board/",
    "board/?by=team",
    "board/?by=person",
    "board/?by=team&severity=1",
    "board/?q=storm",
    "plan/",
    "plan/?q=storm&severity=1",
    "workload/",
    "workload/?team=payments",
    "wall/",
    "requests/",
    "services/",
)
PARTS = ("", "?lines=decisions", "live/", "around/", "response/", "plan/", "plan-chart/", "brief/")


@pytest.fixture
def busy(night: World, file_incident: File, monkeypatch: pytest.MonkeyPatch) -> Incident:
    """An incident with all there is to read of one, among others that say the same word: more than a list looks up."""
    monkeypatch.setattr(searching, "MATCHED", 2)
    monkeypatch.setattr(searching, "COMPLETE", 2)
    incident, *_others = [file_incident(f"Storm {number}") for number in range(4)]
    Task.objects.create(incident=incident, title="Look", created_at=night.now, assignee=night.cast.marta)
    TimelineEvent.objects.bulk_create(
        TimelineEvent(incident=incident, kind="incident.comment", text=f"Still looking, {number}", at=night.now)
        for number in range(300)
    )
    return incident


def addresses(incident: Incident) -> list[str]:
    task = incident.tasks.get().pk
    own = [f"/incidents/{incident.pk}/{part}" for part in (*PARTS, f"tasks/{task}/")]
    return ["/", *(f"/incidents/{one}" for one in (*LISTS, *VIEWS)), *own]


def change_a_schedule(night: World) -> None:
    """Jonas covers a moment of next week: who is on call now stays as it is, and must be looked up again."""
    cast, at = night.cast, night.now + timedelta(days=7)
    override_create(
        schedule=cast.schedule,
        kind="cover",
        user=cast.jonas,
        start=at,
        end=at + timedelta(hours=1),
        actor=cast.hugo,
        at=night.now,
    )


def change_nothing(_night: World) -> None:
    """As for most readers."""


def forget_all(_night: World) -> None:
    """As after a restart."""
    cache.clear()


@pytest.mark.requirement("R194", "R196", "R198")
@pytest.mark.parametrize("happens", [change_nothing, change_a_schedule, forget_all])
@pytest.mark.parametrize("username", ["marta", "hugo", "amara", "sofie"])
def test_whatever_has_changed_then_no_page_asks_more_than_fifteen_questions(
    night: World,
    browser_of: Browser,
    busy: Incident,
    django_assert_max_num_queries: Any,
    happens: Callable[[World], None],
    username: str,
) -> None:
    browser = browser_of(username)
    over = {}
    for address in addresses(busy):
        if browser.get(address, follow=True).status_code in (403, 404):
            continue
        happens(night)
        with django_assert_max_num_queries(1_000) as asked:
            browser.get(address)
        if len(asked) > MOST_QUERIES:
            over[address] = len(asked)
    assert over == {}

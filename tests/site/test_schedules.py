"""The cluster's regular tasks follow the settings."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management.sql import emit_post_migrate_signal
from django.utils.module_loading import import_string
from django_q.exceptions import TimeoutException
from django_q.models import Schedule

from escalation_site import minute
from escalation_site.kernel.instants import now
from escalation_site.schedules import schedules_apply, schedules_resume

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_schedules() -> None:
    Schedule.objects.all().delete()


def listed() -> dict[str, tuple[str, int]]:
    return {schedule.name: (schedule.func, schedule.minutes or 0) for schedule in Schedule.objects.all()}


def test_when_a_task_is_listed_then_it_runs_for_ever_each_so_many_minutes(settings: Any) -> None:
    settings.SCHEDULES = {"digest": ("reports.tasks.digest", 60)}

    schedules_apply()

    schedule = Schedule.objects.get()
    assert (schedule.name, schedule.func, schedule.minutes) == ("watchbell: digest", "reports.tasks.digest", 60)
    assert (schedule.schedule_type, schedule.repeats) == (Schedule.MINUTES, -1)


def test_when_the_database_is_migrated_then_every_task_of_the_product_is_planned(settings: Any) -> None:
    emit_post_migrate_signal(verbosity=0, interactive=False, db="default")

    assert listed() == {f"watchbell: {name}": task for name, task in settings.SCHEDULES.items()}
    assert "incidents.tasks.escalation_check" in {function for function, _minutes in listed().values()}


def test_when_nothing_changed_then_the_next_run_stays_as_planned(settings: Any) -> None:
    settings.SCHEDULES = {"digest": ("reports.tasks.digest", 60)}
    schedules_apply()
    planned = Schedule.objects.get().next_run

    schedules_apply()

    assert Schedule.objects.get().next_run == planned


def test_when_the_clock_was_set_back_then_no_task_waits_until_it_is_again_what_it_was(settings: Any) -> None:
    settings.SCHEDULES = {"digest": ("reports.tasks.digest", 60), "check": ("incidents.tasks.escalation_check", 1)}
    schedules_apply()
    at = now()
    Schedule.objects.filter(name="watchbell: check").update(next_run=at + timedelta(hours=1))
    planned = at + timedelta(minutes=59)
    Schedule.objects.filter(name="watchbell: digest").update(next_run=planned)

    assert schedules_resume(at=at) == 1

    assert dict(Schedule.objects.values_list("name", "next_run")) == {
        "watchbell: check": at,
        "watchbell: digest": planned,
    }


def test_when_the_settings_change_then_ours_follow_and_those_of_others_stay(settings: Any) -> None:
    Schedule.objects.create(name="somebody's own", func="math.sqrt", schedule_type=Schedule.DAILY)
    settings.SCHEDULES = {"digest": ("reports.tasks.digest", 60), "sealing": ("audit.tasks.seal", 10)}
    schedules_apply()

    settings.SCHEDULES = {"digest": ("reports.tasks.digest", 30)}
    schedules_apply()

    assert listed() == {"somebody's own": ("math.sqrt", 0), "watchbell: digest": ("reports.tasks.digest", 30)}


def test_every_task_of_the_product_exists(settings: Any) -> None:
    functions = [function for function, _minutes in settings.SCHEDULES.values()]
    assert [name for name in (*functions, *settings.EACH_MINUTE) if not callable(import_string(name))] == []


def test_each_minute_everything_is_done_in_its_order_and_one_that_fails_stops_no_other_and_is_named(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def part(name: str) -> Callable[[], None]:
        def run() -> None:
            done.append(name)
            if name == "b":
                raise LookupError("no tree")

        return run

    settings.EACH_MINUTE = ("a", "b", "c")
    monkeypatch.setattr(minute, "import_string", part)

    with pytest.raises(minute.PartsFailed, match="b: LookupError: no tree"):
        minute.each_minute()

    assert done == ["a", "b", "c"]


def test_when_one_of_each_minute_takes_long_then_the_others_get_tasks_of_their_own(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    done: list[str] = []
    queued: list[str] = []

    def part(name: str) -> Callable[[], None]:
        def run() -> None:
            done.append(name)
            clock[0] += 20

        return run

    settings.EACH_MINUTE = ("a", "b", "c", "d")
    monkeypatch.setattr(minute, "import_string", part)
    monkeypatch.setattr(minute, "async_task", queued.append)
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])

    assert minute.each_minute() == ["c", "d"]

    assert (done, queued) == (["a", "b"], ["c", "d"])


def test_when_the_cluster_ends_the_task_over_one_of_each_minute_then_those_after_it_are_done_all_the_same(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    queued: list[str] = []

    def part(name: str) -> Callable[[], None]:
        def run() -> None:
            done.append(name)
            if name == "b":
                raise TimeoutException("Task exceeded maximum timeout value (120 seconds)")

        return run

    settings.EACH_MINUTE = ("a", "b", "c", "d")
    monkeypatch.setattr(minute, "import_string", part)
    monkeypatch.setattr(minute, "async_task", queued.append)

    with pytest.raises(TimeoutException):
        minute.each_minute()

    assert (done, queued) == (["a", "b"], ["c", "d"])

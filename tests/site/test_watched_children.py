"""When a supervised process counts as silent, and how seldom it has to be asked."""

import io
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from escalation_site.supervisor.children import Child, Program
from escalation_site.supervisor.lock import SingleStart
from escalation_site.supervisor.output import Output
from escalation_site.supervisor.run import Passing, Supervisor

WAITS = (sys.executable, "-c", "import time; time.sleep(600)")
BEGUN = datetime(2026, 3, 14, 3, 10, tzinfo=UTC)


class Signs:
    """What the process last showed; counts how often it was looked for."""

    def __init__(self) -> None:
        self.last: datetime | None = None
        self.asked = 0

    def __call__(self, _pid: int) -> datetime | None:
        self.asked += 1
        return self.last


@pytest.fixture
def signs() -> Signs:
    return Signs()


@pytest.fixture
def child(signs: Signs) -> Iterator[Child]:
    """Silent after thirty seconds, begun at 03:10."""
    yield from begun(Program("engine", WAITS, last_sign=signs))


@pytest.fixture
def slow_child(signs: Signs) -> Iterator[Child]:
    """The same, with two minutes more until its first sign."""
    yield from begun(Program("engine", WAITS, last_sign=signs, starting=timedelta(minutes=2)))


def begun(program: Program) -> Iterator[Child]:
    made = Child(program, output=Output(as_json=False, stream=io.StringIO()), environment={})
    made.start(BEGUN)
    yield made
    made.kill()
    while not made.has_ended():
        time.sleep(0.01)


def after(seconds: float) -> datetime:
    return BEGUN + timedelta(seconds=seconds)


def test_when_signs_are_young_then_they_are_asked_for_at_half_of_the_silence_allowed(
    child: Child, signs: Signs
) -> None:
    for seconds in range(0, 121, 5):
        signs.last = after(seconds)
        assert not child.is_silent(after(seconds))
    assert signs.asked == 6


def test_when_nothing_is_shown_for_longer_than_allowed_then_it_is_silent_and_no_sooner(
    child: Child, signs: Signs
) -> None:
    signs.last = after(20)
    assert not child.is_silent(after(20))
    assert not child.is_silent(after(50))
    assert child.is_silent(after(50.1))


def test_when_one_look_finds_no_answer_then_the_last_one_counts(child: Child, signs: Signs) -> None:
    signs.last = after(40)
    assert not child.is_silent(after(40))
    signs.last = None  # The web server, asked while the machine stood still.
    assert not child.is_silent(after(60))
    assert not child.is_silent(after(70))
    assert child.is_silent(after(70.1))


def test_when_it_never_showed_anything_then_it_is_silent_from_its_start_on(child: Child) -> None:
    assert not child.is_silent(after(30))
    assert child.is_silent(after(31))


def test_when_the_clock_was_set_back_then_what_was_shown_before_excuses_nobody(child: Child, signs: Signs) -> None:
    signs.last = after(3600)
    assert not child.is_silent(after(3600))
    signs.last = after(60)
    assert not child.is_silent(after(60))
    assert child.is_silent(after(91))


def test_when_it_could_not_be_asked_then_its_time_begins_anew(child: Child) -> None:
    child.excused_until = after(30)
    assert not child.is_silent(after(60))
    assert child.is_silent(after(61))


def test_when_a_busy_machine_takes_long_to_begin_then_it_is_not_killed_over_it_again_and_again(
    slow_child: Child, signs: Signs
) -> None:
    assert not slow_child.is_silent(after(140))
    signs.last = after(145)
    assert not slow_child.is_silent(after(145))
    assert not slow_child.is_silent(after(175))
    assert slow_child.is_silent(after(175.1)), "once it has begun, the usual time holds"


def test_when_it_never_begins_then_it_is_replaced_in_the_end(slow_child: Child) -> None:
    assert slow_child.is_silent(after(151))


def test_when_the_clock_is_set_back_then_one_that_hangs_is_found_once_its_time_from_then_is_over(
    child: Child, signs: Signs
) -> None:
    signs.last = after(0)
    child.excused_until = after(-3600)  # The supervisor has noticed.
    assert not child.is_silent(after(-3571))
    assert child.is_silent(after(-3569))
    signs.last = after(-3568)
    assert not child.is_silent(after(-3567)), "it goes on, by the clock as it is now"


def test_when_the_clock_is_set_back_while_one_waits_to_be_started_then_it_need_not_wait_until_the_clock_is_there_again(
    child: Child,
) -> None:
    child.kill()
    deadline = time.monotonic() + 20
    while child.pid and time.monotonic() < deadline:
        child.tend(after(100))
        time.sleep(0.01)
    assert child.pid == 0

    child.tend(after(100 - 3600))

    assert child.restarts == 1


class Time:
    """A clock that people set, and one that they do not; ``wait`` lets both pass."""

    def __init__(self) -> None:
        self.wall, self.ticks, self.stands_still = BEGUN, 100.0, 0.0

    def wait(self, seconds: float) -> bool:
        self.ticks += seconds + self.stands_still
        self.wall += timedelta(seconds=seconds + self.stands_still)
        return False


def test_time_that_jumps_is_told_from_time_that_passes() -> None:
    time_ = Time()
    passing = Passing(lambda: time_.wall, wait=time_.wait, steady=lambda: time_.ticks)
    found = []
    for jump in (0.0, 3600.0, 0.0, -3600.0, 0.0, 2.0):
        time_.wall += timedelta(seconds=jump)
        passing.wait(5.0)
        found.append(passing.jumped)
    time_.stands_still = 600.0
    passing.wait(5.0)

    assert [*found, passing.jumped] == [False, True, False, True, False, False, True]


def test_when_the_machine_stood_still_then_nobody_is_killed_for_what_they_could_not_show(
    child: Child, signs: Signs, tmp_path: Path
) -> None:
    """A virtual machine that is resumed: the engine's last sign is of yesterday, and the next one comes in a moment."""
    clock = Time()
    supervisor = Supervisor(
        [], lock=SingleStart(tmp_path), output=Output(as_json=False, stream=io.StringIO()), grace=timedelta(0),
        clock=lambda: clock.wall,
    )  # fmt: skip
    supervisor.children.append(child)
    signs.last = after(0)
    clock.wall = after(86_400)
    assert child.is_silent(clock.wall)

    supervisor.excuse_all()

    assert not child.is_silent(after(86_400))
    assert child.is_silent(after(86_400 + 31))

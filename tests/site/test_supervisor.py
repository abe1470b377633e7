"""The supervisor, with real processes: nothing dies unnoticed, and nothing outlives it."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from escalation_site.env import BASE_DIR
from escalation_site.supervisor.children import next_pause
from escalation_site.supervisor.output import Output
from escalation_site.supervisor.run import waking

PATIENCE_SECONDS = 20.0


class Run:
    """One supervisor under test and the lines it has printed."""

    def __init__(self, data_dir: Path, *names: str) -> None:
        self.log = data_dir / f"log-{time.monotonic_ns()}"
        with self.log.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.site.supervised", str(data_dir), *names],
                stdout=file,
                stderr=subprocess.STDOUT,
                cwd=BASE_DIR,
            )

    @property
    def lines(self) -> list[str]:
        return self.log.read_text(encoding="utf-8").splitlines()

    def pids(self, name: str) -> list[int]:
        """Pids that the program ``name`` and its children have printed so far, oldest first."""
        return [int(line.split()[-1]) for line in self.lines if line.startswith(name) and "pid" in line]

    def wait_for_pids(self, name: str, count: int) -> list[int]:
        until(lambda: len(self.pids(name)) >= count, f"{count} pids of {name}; printed: {self.lines}")
        return self.pids(name)


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.05)


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []

    def begin(*names: str) -> Run:
        runs.append(Run(tmp_path, *names))
        return runs[-1]

    yield begin
    for run in runs:
        if run.process.poll() is None:
            run.process.kill()
        run.process.wait()


def test_when_a_child_ends_or_a_signal_comes_then_the_supervisor_waits_no_longer() -> None:
    before = signal.signal(signal.SIGHUP, lambda _signal, _frame: None)
    try:
        with waking() as wait:
            assert not wait(0)
            with subprocess.Popen([sys.executable, "-c", ""]) as child:
                assert wait(PATIENCE_SECONDS)
                assert child.poll() == 0
            os.kill(os.getpid(), signal.SIGHUP)
            assert wait(PATIENCE_SECONDS)
            assert not wait(0), "each is told once"
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.slow
def test_when_a_process_is_killed_then_it_is_started_again_with_all_of_its_group(start: Callable[..., Run]) -> None:
    run = start("steady")
    [first] = run.wait_for_pids("steady", 1)

    os.kill(first, signal.SIGKILL)

    _, second = run.wait_for_pids("steady", 2)
    assert not lives(first)
    assert lives(second)
    assert any("steady was ended by SIGKILL" in line for line in run.lines)


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_when_it_is_told_to_stop_then_everything_ends_also_what_hid_in_another_session(
    start: Callable[..., Run], how: signal.Signals
) -> None:
    run = start("steady", "family")
    pids = run.wait_for_pids("steady", 1) + run.wait_for_pids("family", 2)

    run.process.send_signal(how)

    assert run.process.wait(PATIENCE_SECONDS) == 0
    assert [pid for pid in pids if lives(pid)] == []
    assert run.lines[-1].endswith("stopped")


@pytest.mark.slow
def test_when_a_process_does_not_end_in_time_then_it_is_killed(start: Callable[..., Run]) -> None:
    run = start("stubborn")
    [pid] = run.wait_for_pids("stubborn", 1)

    run.process.terminate()

    assert run.process.wait(PATIENCE_SECONDS) == 0
    assert not lives(pid)
    assert any("did not end in time" in line for line in run.lines)


@pytest.mark.slow
def test_when_the_supervisor_itself_is_killed_then_nothing_is_left_and_it_can_start_again(
    start: Callable[..., Run],
) -> None:
    run = start("steady", "family")
    pids = run.wait_for_pids("steady", 1) + run.wait_for_pids("family", 2)

    run.process.kill()
    run.process.wait()

    until(lambda: not any(lives(pid) for pid in pids), "the end of everything it had started")
    again = start("steady")
    again.wait_for_pids("steady", 1)


@pytest.mark.slow
def test_when_a_process_shows_no_sign_of_work_then_it_is_replaced(start: Callable[..., Run]) -> None:
    run = start("silent", "steady")

    first, _second = run.wait_for_pids("silent", 2)[:2]

    assert not lives(first)
    assert len(run.pids("steady")) == 1
    assert any("silent shows no sign of work" in line for line in run.lines)


@pytest.mark.slow
def test_when_one_runs_already_on_the_same_data_then_a_second_is_refused(start: Callable[..., Run]) -> None:
    first = start("steady")
    first.wait_for_pids("steady", 1)

    second = start("steady")

    assert second.process.wait(PATIENCE_SECONDS) == 2
    assert second.lines == [f"already running as {first.process.pid}"]


def test_when_a_process_keeps_dying_then_the_pauses_grow_and_a_steady_one_starts_afresh() -> None:
    pauses = [timedelta(0)]
    for _ in range(12):
        pauses.append(next_pause(pauses[-1], timedelta(seconds=1)))

    assert pauses[1] == timedelta(milliseconds=200)
    assert pauses == sorted(pauses)
    assert pauses[-1] == timedelta(seconds=30)
    assert next_pause(pauses[-1], timedelta(minutes=5)) == timedelta(milliseconds=200)


def test_when_lines_are_json_then_plain_ones_are_wrapped_and_objects_pass() -> None:
    stream = io.StringIO()
    output = Output(as_json=True, stream=stream)

    output.line("web", '{"event": "served"}')
    output.line("web", "Traceback (most recent call last):")

    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert first == {"event": "served"}
    assert (second["process"], second["event"]) == ("web", "Traceback (most recent call last):")


def test_when_nobody_reads_any_more_then_writing_does_no_harm() -> None:
    stream = io.StringIO()
    output = Output(as_json=False, stream=stream)
    stream.close()

    output.say("into the void")

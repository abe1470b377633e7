import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.decisions import JITTER, LONGEST_WAIT, RETRY_AFTER, Result, jitter_of, next_step

results = st.sampled_from(Result)
attempts = st.integers(min_value=1, max_value=20)
jitters = st.floats(min_value=0, max_value=1, exclude_max=True)


@given(results, attempts, st.booleans(), st.none() | st.floats(min_value=0, max_value=3600), jitters)
def test_when_an_attempt_ends_in_whatever_way_then_there_is_a_step_and_waits_are_short(
    result: Result, made: int, cancel_asked: bool, retry_after: float | None, jitter: float
) -> None:
    step = next_step(result, attempts_made=made, cancel_asked=cancel_asked, retry_after=retry_after, jitter=jitter)
    assert 0 <= step.wait <= max(*RETRY_AFTER, LONGEST_WAIT) * (1 + JITTER)
    assert (step.kind == "delivered") == (result is Result.SENT)
    if cancel_asked:
        assert step.kind in ("delivered", "cancelled")
    if result is Result.UNKNOWN:
        assert step.kind != "retry", "at most once by one method"
    if made > len(RETRY_AFTER):
        assert step.kind != "retry", "every delivery ends"


@pytest.mark.parametrize(("made", "wait"), [(1, 2.0), (2, 10.0), (3, 30.0)])
def test_when_a_provider_is_away_then_waits_grow(made: int, wait: float) -> None:
    step = next_step(Result.UNAVAILABLE, attempts_made=made, cancel_asked=False)
    assert (step.kind, step.wait) == ("retry", wait)


def test_when_a_provider_says_when_to_come_back_then_it_is_heeded_within_reason() -> None:
    assert next_step(Result.UNAVAILABLE, attempts_made=1, cancel_asked=False, retry_after=20).wait == 20
    assert next_step(Result.UNAVAILABLE, attempts_made=1, cancel_asked=False, retry_after=900).kind == "next_method"


def test_when_the_process_died_before_the_hand_over_then_it_is_tried_again_at_once() -> None:
    assert next_step(Result.INTERRUPTED, attempts_made=1, cancel_asked=False).wait == 0


@given(st.integers(min_value=1), attempts)
def test_when_a_run_is_replayed_then_its_jitter_is_the_same(delivery: int, attempt: int) -> None:
    assert 0 <= jitter_of(delivery, attempt) < 1
    assert jitter_of(delivery, attempt) == jitter_of(delivery, attempt)

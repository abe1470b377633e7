"""Two who decide at once, or a person and the engine: one word counts, and nobody is paged twice."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from escalation_site.kernel.errors import Conflict
from incidents.models import Checkpoint, EscalationRun, Incident, Page
from incidents.services.deciding import checkpoint_decide, checkpoints_expire
from incidents.services.lifecycle import incident_acknowledge
from tests.incidents.asking import asked, filed
from tests.incidents.test_concurrency import at_once, cast, no_double_pages
from tests.world.cast import Cast
from tests.world.harness import NIGHT

__all__ = ["cast"]

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

DUE = NIGHT + timedelta(minutes=10)


def waiting(cast: Cast) -> Checkpoint:
    """A question to Elena and Jonas, due in ten minutes."""
    world: Any = SimpleNamespace(cast=cast, now=NIGHT)
    return asked(world, filed(world), cast.elena, cast.jonas)


@pytest.mark.parametrize("turn", range(3))
def test_when_two_decide_at_once_then_one_word_counts_and_the_other_is_told(cast: Cast, turn: int) -> None:
    checkpoint = waiting(cast)

    results = at_once(
        lambda: checkpoint_decide(checkpoint_id=checkpoint.pk, verdict="confirm", actor=cast.elena, at=NIGHT),
        lambda: checkpoint_decide(checkpoint_id=checkpoint.pk, verdict="decline", actor=cast.jonas, at=NIGHT),
    )

    refused = [result for result in results if isinstance(result, Conflict)]
    assert len(refused) == 1
    checkpoint.refresh_from_db()
    assert checkpoint.decided_by is not None
    assert checkpoint.decided_by.name in refused[0].message
    assert EscalationRun.objects.count() == (1 if checkpoint.outcome == "confirmed" else 0)


@pytest.mark.parametrize("turn", range(3))
def test_when_somebody_decides_as_the_time_is_over_then_it_ends_once(cast: Cast, turn: int) -> None:
    checkpoint = waiting(cast)

    results = at_once(
        lambda: checkpoint_decide(checkpoint_id=checkpoint.pk, verdict="confirm", actor=cast.elena, at=DUE),
        lambda: checkpoints_expire(at=DUE),
        lambda: checkpoints_expire(at=DUE),
    )

    assert not [result for result in results if isinstance(result, Exception) and not isinstance(result, Conflict)]
    checkpoint.refresh_from_db()
    assert checkpoint.outcome in ("confirmed", "timed_out")
    assert EscalationRun.objects.count() == 1
    assert Page.objects.count() == 1
    no_double_pages()


def test_when_several_engines_look_at_once_then_each_question_ends_once(cast: Cast) -> None:
    for _number in range(12):
        waiting(cast)

    ended = at_once(*(lambda: checkpoints_expire(at=DUE) for _engine in range(3)))
    ended.append(checkpoints_expire(at=DUE))

    assert sum(ended) == 12
    assert EscalationRun.objects.count() == Page.objects.count() == 12


@pytest.mark.parametrize("turn", range(3))
def test_when_somebody_takes_it_as_the_time_is_over_then_there_is_one_run_and_nobody_is_paged_after(
    cast: Cast, turn: int
) -> None:
    checkpoint = waiting(cast)

    at_once(
        lambda: incident_acknowledge(incident_id=checkpoint.incident_id, actor=cast.jonas, at=DUE),
        lambda: checkpoints_expire(at=DUE),
    )
    checkpoints_expire(at=DUE)

    assert Incident.objects.get().owner == cast.jonas
    assert EscalationRun.objects.get().phase == "acknowledged"
    assert not Page.objects.filter(state="pending").exists()

"""What became of pages is entered together while more calls are under way, and at once where none is."""

import math

import pytest

from escalation_site.kernel.instants import now
from incidents.engine import loop
from incidents.engine.outcomes import page_report
from notifications.sender import Sender


class Sending(Sender):
    """With calls under way, and nothing more to take."""

    calls = 8

    @property
    def under_way(self) -> int:
        return self.calls

    def dispatch(self) -> int:
        return 0


@pytest.mark.django_db
def test_while_calls_are_under_way_outcomes_are_gathered_and_entered_when_they_have_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entered: list[int] = []

    def reports_process(*, at: object, limit: int) -> int:
        entered.append(limit)
        return 0

    monkeypatch.setattr(loop, "reports_process", reports_process)
    monkeypatch.setattr(loop, "GATHER_SECONDS", math.inf)
    sender = Sending(clock=now, on_settled=page_report)
    engine = loop.Engine(clock=now, sender=sender)
    for _turn in range(3):
        engine.turn()
    assert len(entered) == 1
    sender.calls = 0
    engine.turn()
    assert len(entered) == 2

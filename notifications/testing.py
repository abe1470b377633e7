"""A provider that never leaves the process: for tests, the simulation and drills."""

import threading
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from notifications.channels import OutcomeUnknown, Outgoing, Receipt


class ProcessKilled(BaseException):
    """The engine dies in the middle of a call, as by SIGKILL: no code of ours gets to answer it.

    ``after_hand_over`` says on which side of the hand-over.
    """

    def __init__(self, *, after_hand_over: bool) -> None:
        super().__init__()
        self.after_hand_over = after_hand_over


Answer = Receipt | Exception | ProcessKilled


@dataclass
class FakeChannel:
    """Takes everything unless told otherwise, and remembers what the provider got.

    ``script(address, …)`` sets the answers of the next calls to one address, in order: a ``Receipt``, or what to
    raise. ``OutcomeUnknown`` is raised after the hand-over, every other error before it. While ``open`` is cleared,
    calls wait after the hand-over, as with a slow provider.
    """

    label: str = "Fake"
    concurrency: int = 4
    time_limit: float = 60.0
    got: list[Outgoing] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    open: threading.Event = field(default_factory=threading.Event)
    during_call: Callable[[Outgoing], None] | None = None
    _scripts: defaultdict[str, deque[Answer]] = field(default_factory=lambda: defaultdict(deque))

    def __post_init__(self) -> None:
        self.open.set()

    def script(self, address: str, *answers: Answer) -> None:
        self._scripts[address].extend(answers)

    def send(self, outgoing: Outgoing, *, hand_over: Callable[[], None]) -> Receipt:
        self.calls.append(outgoing.address)
        answer = self._next_answer(outgoing.address)
        if self.during_call is not None:
            self.during_call(outgoing)
        if isinstance(answer, ProcessKilled) and not answer.after_hand_over:
            raise answer
        if isinstance(answer, Exception) and not isinstance(answer, OutcomeUnknown):
            raise answer
        hand_over()
        self.open.wait()
        self.got.append(outgoing)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def _next_answer(self, address: str) -> Answer:
        script = self._scripts[address]
        return script.popleft() if script else Receipt(provider_ref=f"fake-{len(self.calls)}")

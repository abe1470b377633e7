"""Ports to listen on, and waiting for what takes its time."""

import random
import socket
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def free_port() -> int:
    """Below the range from which clients' own ports come: a client on loopback could otherwise connect to itself.

    By chance, so that test runs beside each other rarely want the same one.
    """
    while True:
        port = random.randint(22000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def until(look: Callable[[], T | None], what: str, *, seconds: float = 60.0) -> T:
    """What ``look`` returns as soon as that is true; fails saying ``what`` was waited for.

    How soon it has to be is for the test to say afterwards: ``seconds`` only ends a wait for what never comes.
    """
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain for {what}"
        time.sleep(0.05)
    return found

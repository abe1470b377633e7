"""A real SMTP server in this process, whose answers a test chooses."""

import asyncio
import socket
import time
from collections import deque
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Mailbox:
    """What came in. ``rcpt_answers`` and ``data_answers`` are given in order, then 250; "drop" cuts the line."""

    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    rcpt_answers: deque[str] = field(default_factory=deque)
    data_answers: deque[str] = field(default_factory=deque)
    delay: float = 0.0

    async def handle_RCPT(  # noqa: N802 - the name aiosmtpd calls.
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[Any]
    ) -> str:
        answer = self.rcpt_answers.popleft() if self.rcpt_answers else "250 OK"
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802 - the name aiosmtpd calls.
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.delay:
            time.sleep(self.delay)  # noqa: ASYNC251 - the whole server is slow: that is the point.
        answer = self.data_answers.popleft() if self.data_answers else "250 queued as 4711"
        if answer == "drop":
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
            return "421 gone"
        if answer.startswith("250"):
            content = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
            self.mails.append(message_from_bytes(content, policy=policy.default))
            self.recipients += envelope.rcpt_tos
        return answer


def free_port() -> int:
    """A port below the range of outgoing connections: a client on loopback could otherwise connect to itself."""
    for port in range(21000, 21500):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
    raise AssertionError("no free port")


def server_for(mailbox: Mailbox) -> Controller:
    return Controller(mailbox, hostname="127.0.0.1", port=free_port())

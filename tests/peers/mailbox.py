"""A real SMTP server in the test's process that notes when each message came."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from escalation_site.kernel.instants import now
from tests.peers.ports import free_port

_LINK = re.compile(r"https?://\S+/p/\S+")


@dataclass(frozen=True)
class Mail:
    """One message as it came, and when the server had all of it."""

    at: datetime
    to: str
    message: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def message_id(self) -> str:
        return str(self.message["Message-ID"])

    @property
    def link(self) -> str:
        """The address by which it is acknowledged. Only a page has one."""
        found = _LINK.search(self._text)
        assert found, self._text
        return found[0]

    @property
    def is_page(self) -> bool:
        return _LINK.search(self._text) is not None

    @property
    def _text(self) -> str:
        text = self.message.get_body(preferencelist=("plain",))
        assert text is not None
        return str(text.get_content())


class Mailbox:
    """Everything anybody was sent. ``port`` is where it listens."""

    def __init__(self) -> None:
        self.port = 0
        self._mails: list[Mail] = []
        self._lock = threading.Lock()

    async def handle_DATA(  # noqa: N802  the name aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        content = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        message = message_from_bytes(content, policy=policy.default)
        with self._lock:
            self._mails += [Mail(now(), str(recipient), message) for recipient in envelope.rcpt_tos]
        return "250 OK"

    def mails(self) -> list[Mail]:
        """All of them, in the order they came."""
        with self._lock:
            return list(self._mails)

    def about(self, words: str) -> list[Mail]:
        """The messages whose subject holds ``words``, in the order they came."""
        return [mail for mail in self.mails() if words in mail.subject]


@contextmanager
def mailbox_open() -> Iterator[Mailbox]:
    mailbox = Mailbox()
    mailbox.port = free_port()
    controller = Controller(mailbox, hostname="127.0.0.1", port=mailbox.port)
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()

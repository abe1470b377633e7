"""A mail server in a process of its own, which can be slow, too busy, or dead in the middle of a mail.

    python -m tests.chaos.mail PORT FOLDER

It writes what it took into FOLDER/mails.jsonl before it answers, and does as FOLDER/mood says: "" takes everything, "slow"
takes its time before and after it has a mail, "busy" refuses every mail for now, at one of two moments.
"""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from email import message_from_string, policy
from itertools import count
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from escalation_site.env import BASE_DIR
from escalation_site.kernel.instants import now
from tests.peers.mailbox import Mail, Mailbox
from tests.peers.ports import free_port, until

SLOW_SECONDS = 1.5  # before a mail is taken, and again before the answer


class Taker:
    """What aiosmtpd calls."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count()

    @property
    def _mood(self) -> str:
        return (self._folder / "mood").read_text(encoding="ascii")

    async def handle_RCPT(  # noqa: N802  the name aiosmtpd calls
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self._mood == "busy" and next(self._numbers) % 2:
            return "450 Busy, come again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        mood = self._mood
        if mood == "busy":
            return "451 Busy, come again"
        if mood == "slow":
            await asyncio.sleep(SLOW_SECONDS)
        content = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        lines = [json.dumps([now().isoformat(), to, content.decode("ascii")]) + "\n" for to in envelope.rcpt_tos]
        # Unbuffered, so that a kill leaves all of it or nothing.
        with (self._folder / "mails.jsonl").open("ab", buffering=0) as mails:
            mails.write("".join(lines).encode("ascii"))
        if mood == "slow":
            await asyncio.sleep(SLOW_SECONDS)
        return "250 OK"


class MailServer(Mailbox):
    """``start`` and ``kill`` it, give it a ``mood``, and read what it took."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.port = free_port()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._read: list[Mail] = []
        self._offset = 0
        (folder / "mails.jsonl").touch()
        self.mood("")

    def start(self) -> None:
        if self._process is None:
            command = [sys.executable, "-m", "tests.chaos.mail", str(self.port), str(self._folder)]
            self._process = subprocess.Popen(command, cwd=BASE_DIR)
            until(self._listens, "the mail server")

    def kill(self) -> None:
        """SIGKILL: mails under way get no answer, and the port is closed until ``start``."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def mood(self, mood: str) -> None:
        new = self._folder / "mood.new"
        new.write_text(mood, encoding="ascii")
        new.replace(self._folder / "mood")

    def mails(self) -> list[Mail]:
        with self._lock, (self._folder / "mails.jsonl").open(encoding="ascii") as mails:
            mails.seek(self._offset)
            while (line := mails.readline()).endswith("\n"):
                at, to, content = json.loads(line)
                message = message_from_string(content, policy=policy.default)
                self._read.append(Mail(datetime.fromisoformat(at), to, message))
                self._offset = mails.tell()
            return list(self._read)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@contextmanager
def mail_server(folder: Path) -> Iterator[MailServer]:
    """One that takes mail, until the block ends."""
    server = MailServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()


def main(port: str, folder: str) -> None:
    """Serve until killed, or until whoever started it is gone."""
    controller = Controller(Taker(Path(folder)), hostname="127.0.0.1", port=int(port))
    controller.start()
    parent = os.getppid()
    while os.getppid() == parent:
        signal.sigtimedwait([signal.SIGTERM], 1.0)


if __name__ == "__main__":
    main(*sys.argv[1:])

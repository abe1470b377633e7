"""Mail without a server: each message becomes one .eml file that any mail program opens."""

import os
from collections.abc import Sequence
from uuid import uuid4

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from escalation_site.kernel.instants import now


class FileBackend(BaseEmailBackend):
    """Writes to ``settings.EMAIL_FILE_DIR``. A file appears complete or not at all: it is renamed into place."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        directory = settings.EMAIL_FILE_DIR or settings.DATA_DIR / "mail"
        directory.mkdir(parents=True, exist_ok=True)
        for message in email_messages:
            name = f"{now():%Y%m%dT%H%M%S.%f}-{uuid4().hex[:8]}.eml"
            unfinished = directory / f".{name}"
            unfinished.write_bytes(message.message().as_bytes())
            os.replace(unfinished, directory / name)
        return len(email_messages)

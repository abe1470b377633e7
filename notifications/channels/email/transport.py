"""E-mail: over real SMTP, or into files where there is no mail server (``EMAIL_FILE_DIR``)."""

import os
import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.conf import settings
from django.core.files.storage import default_storage
from django.core.mail.utils import DNS_NAME
from django.utils.translation import gettext_lazy as _

from notifications.channels.base import OutcomeUnknown, Outgoing, Receipt, Refused, Unavailable
from notifications.channels.email.build import Enclosed, email_build, envelope_address, stable_id

DEFAULT_TIMEOUT = 10.0  # Seconds per exchange with the server, when settings give none.
FAREWELL_TIMEOUT = 1.0


class EmailChannel:
    """One connection per message: a connection kept open is one more thing that can be dead when it matters."""

    label = _("E-mail")
    concurrency = 8
    time_limit = 180.0  # About ten exchanges, each of which may take the whole timeout.

    def send(self, outgoing: Outgoing, *, hand_over: Callable[[], None]) -> Receipt:
        if directory := getattr(settings, "EMAIL_FILE_DIR", None):
            return _send_file(outgoing, directory=Path(directory), hand_over=hand_over)
        return _send_smtp(outgoing, hand_over=hand_over)


def _files(outgoing: Outgoing) -> list[Enclosed]:
    """The stored files that the message's context names. One that is gone meanwhile is left out: the text has a link to it."""
    found = []
    for file in outgoing.context.get("files", ()):
        with suppress(OSError), default_storage.open(file["path"]) as content:
            found.append(Enclosed(file["name"], file["type"], content.read()))
    return found


def _send_smtp(outgoing: Outgoing, *, hand_over: Callable[[], None]) -> Receipt:
    sender = settings.DEFAULT_FROM_EMAIL
    mail = email_build(outgoing, sender=sender, files=_files(outgoing))
    with _connection() as smtp:
        with _harmless_errors():
            _expect(smtp.mail(envelope_address(sender)))
            _expect(smtp.rcpt(envelope_address(outgoing.address)))
        hand_over()
        try:
            code, answer = smtp.data(mail.as_bytes())
        except smtplib.SMTPDataError as error:
            code, answer = error.smtp_code, _as_bytes(error.smtp_error)
        except (OSError, smtplib.SMTPException) as error:
            raise OutcomeUnknown(_words(error)) from error
        _expect((code, answer))
    text = answer.decode("utf-8", "replace")
    return Receipt(provider_ref=text[:200], detail=f"{code} {text}")


@contextmanager
def _connection() -> Iterator[smtplib.SMTP]:
    """A connection greeted, encrypted and signed in as the settings ask; closed whatever happens."""
    timeout = settings.EMAIL_TIMEOUT or DEFAULT_TIMEOUT
    with _harmless_errors():
        smtp = _connect(timeout)
    try:
        with _harmless_errors():
            if settings.EMAIL_USE_TLS:
                smtp.starttls(context=ssl.create_default_context())
            if settings.EMAIL_HOST_USER:
                smtp.login(settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD)
            smtp.ehlo_or_helo_if_needed()
        yield smtp
    finally:
        # What became of the message is known by now: the server's farewell changes nothing and is hardly waited for.
        with suppress(OSError, smtplib.SMTPException):
            if smtp.sock is not None:
                smtp.sock.settimeout(FAREWELL_TIMEOUT)
                smtp.quit()
        smtp.close()


def _connect(timeout: float) -> smtplib.SMTP:
    host, port, own_name = settings.EMAIL_HOST, settings.EMAIL_PORT, DNS_NAME.get_fqdn()
    if settings.EMAIL_USE_SSL:
        return smtplib.SMTP_SSL(
            host, port, local_hostname=own_name, timeout=timeout, context=ssl.create_default_context()
        )
    return smtplib.SMTP(host, port, local_hostname=own_name, timeout=timeout)


@contextmanager
def _harmless_errors() -> Iterator[None]:
    """Errors before the hand-over: nothing was sent, whatever happened."""
    try:
        yield
    except smtplib.SMTPResponseException as error:
        _expect((error.smtp_code, _as_bytes(error.smtp_error)))
        raise Unavailable(_words(error)) from error
    except smtplib.SMTPNotSupportedError as error:
        raise Refused(_words(error)) from error
    except (OSError, smtplib.SMTPException) as error:
        raise Unavailable(_words(error)) from error


def _expect(reply: tuple[int, bytes]) -> None:
    """Pass on 2xx; 5xx is for ever, anything else is for now."""
    code, answer = reply
    detail = f"{code} {answer.decode('utf-8', 'replace')}"
    if 500 <= code <= 599:
        raise Refused(detail)
    if not 200 <= code <= 299:
        raise Unavailable(detail)


def _as_bytes(answer: bytes | str) -> bytes:
    return answer if isinstance(answer, bytes) else answer.encode()


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _send_file(outgoing: Outgoing, *, directory: Path, hand_over: Callable[[], None]) -> Receipt:
    """Write the message whole or not at all. The name is stable, so that a repeated attempt replaces its own file."""
    mail = email_build(outgoing, sender=settings.DEFAULT_FROM_EMAIL, files=_files(outgoing))
    digest = stable_id(outgoing.idempotency_key, domain="file")[1:17]
    name = f"{outgoing.created_at:%Y%m%dT%H%M%S}-{digest}.eml"
    unfinished = directory / f".{name}.{os.getpid()}.part"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(mail.as_bytes())
    except OSError as error:
        raise Unavailable(_words(error)) from error
    try:
        hand_over()
        unfinished.replace(directory / name)
    except OSError as error:
        raise Unavailable(_words(error)) from error
    finally:
        unfinished.unlink(missing_ok=True)
    return Receipt(provider_ref=name, detail=f"written to {name}")

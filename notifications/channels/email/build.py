"""An e-mail from a message: pure, no network, no settings."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from django.template.defaultfilters import linebreaks_filter
from django.utils.html import format_html

from notifications.channels.base import Outgoing, Refused

# 7bit: everything is encoded, so that no relay on the way has to understand 8BITMIME.
_POLICY = policy.SMTP.clone(cte_type="7bit")

_HEADER_PREFIX = "x-watchbell-"


def stable_id(key: str, *, domain: str) -> str:
    """A Message-ID that is the same over all attempts of one message: a mail server can drop a double by it."""
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{domain}>"


def envelope_address(address: str) -> str:
    """The bare address as SMTP takes it, an international domain in its ASCII form. Raises Refused when it is none."""
    bare = parseaddr(address)[1]
    local, _at, domain = bare.rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise Refused(f"not an e-mail address: {address}") from error
    if not local.isascii() or not local or not ascii_domain or any(character <= " " for character in bare):
        raise Refused(f"not an e-mail address this server can send to: {address}")
    return f"{local}@{ascii_domain}"


@dataclass(frozen=True, slots=True)
class Enclosed:
    """A file that travels with a message."""

    name: str
    content_type: str
    content: bytes


def email_build(outgoing: Outgoing, *, sender: str, files: Sequence[Enclosed] = ()) -> EmailMessage:
    """The message with its text and HTML forms, and the files behind them. Raises Refused when the address is not one."""
    domain = envelope_address(sender).rpartition("@")[2]
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = sender
    mail["To"] = envelope_address(outgoing.address)
    mail["Subject"] = _one_line(outgoing.subject)
    mail["Date"] = format_datetime(outgoing.created_at)
    mail["Message-ID"] = stable_id(outgoing.idempotency_key, domain=domain)
    # RFC 3834: out-of-office robots must not answer a page.
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail["List-Id"] = f"Watchbell <{outgoing.kind}.watchbell.{domain}>"
    if outgoing.urgency == "high":
        mail["Importance"] = "high"
        mail["X-Priority"] = "1"
    if thread := str(outgoing.context.get("subject", "")):
        # Mail clients gather the messages of one incident.
        mail["References"] = stable_id(thread, domain=domain)
    for name, value in dict(outgoing.context.get("headers", {})).items():
        if str(name).lower().startswith(_HEADER_PREFIX):
            mail[str(name)] = _one_line(str(value))
    mail.set_content(_text(outgoing))
    mail.add_alternative(outgoing.body_html or _html(outgoing), subtype="html")
    for file in files:
        main, _slash, sub = file.content_type.partition(";")[0].partition("/")
        mail.add_attachment(file.content, maintype=main, subtype=sub, filename=file.name)
    return mail


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _text(outgoing: Outgoing) -> str:
    if outgoing.link and outgoing.link not in outgoing.body:
        return f"{outgoing.body.rstrip()}\n\n{outgoing.link}\n"
    return f"{outgoing.body.rstrip()}\n"


def _html(outgoing: Outgoing) -> str:
    link = format_html('<p><a href="{}">{}</a></p>', outgoing.link, outgoing.link) if outgoing.link else ""
    return format_html(
        '<!doctype html><html><head><meta charset="utf-8"><title>{}</title></head>'
        "<body><h1>{}</h1>{}{}</body></html>\n",
        _one_line(outgoing.subject),
        _one_line(outgoing.subject),
        linebreaks_filter(outgoing.body),
        link,
    )

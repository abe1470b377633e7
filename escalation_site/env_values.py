"""Parsers of environment values: each takes the text and returns the value, or raises `Fault` saying what is wrong
with it."""

import ipaddress
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from audit.proofs.notes import BadNote, signer_read

Parser = Callable[[str], Any]
Default = str | Callable[[Mapping[str, Any]], Any]


class Fault(Exception):
    """A value that cannot be used. Its text is the one line an operator reads; a secret's value is never part of it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = reason

    def naming(self, variable: "Variable", value: str = "") -> "Fault":
        """The same fault with the variable, its value (unless secret) and an example in its line."""
        shown = "" if variable.secret or not value else f'"{value}" '
        self.line = f"{variable.name}: {shown}{self.reason}; example: {variable.name}={variable.example}"
        return self

    def __str__(self) -> str:
        return self.line


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable. ``default`` is text (parsed like a given value) or a function of what was read before
    it."""

    name: str
    parse: Parser
    default: Default
    example: str
    help: str
    default_text: str = ""
    secret: bool = False

    def read(self, environ: Mapping[str, str], found: Mapping[str, Any]) -> Any:
        """The value in use; raises `Fault` with the full line."""
        given = environ.get(self.name, "").strip()
        try:
            if given:
                return self.parse(given)
            if callable(self.default):
                return self.default(found)
            return self.parse(self.default) if self.default else _EMPTY.get(self.parse, "")
        except Fault as fault:
            raise fault.naming(self, given) from None

    @property
    def default_shown(self) -> str:
        """The default as the documentation prints it."""
        return self.default_text or f"`{self.default}`"


def variable(
    name: str, parse: Parser, default: Default, example: str, help: str, *, default_text: str = "", secret: bool = False
) -> Any:
    """A dataclass field that carries its environment variable."""
    return field(metadata={"variable": Variable(name, parse, default, example, help, default_text, secret)})


@dataclass(frozen=True, slots=True)
class Email:
    """Where outgoing mail goes: a server, or (``to_files``) the directory DATA_DIR/mail."""

    to_files: bool
    host: str = ""
    port: int = 25
    user: str = ""
    password: str = ""
    use_tls: bool = False
    use_ssl: bool = False


def text(value: str) -> str:
    if any(ord(character) < 32 for character in value):
        raise Fault("holds a control character")
    return value


def long_text(least: int) -> Parser:
    def parse(value: str) -> str:
        if len(value) < least:
            raise Fault(f"is shorter than {least} characters")
        return text(value)

    return parse


def whole(least: int, most: int) -> Parser:
    def parse(value: str) -> int:
        if not value.isascii() or not value.isdigit() or not least <= int(value) <= most:
            raise Fault(f"is not a whole number from {least} to {most}")
        return int(value)

    return parse


def seconds(least: float, most: float) -> Parser:
    def parse(value: str) -> float:
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not least <= number <= most:
            raise Fault(f"is not a number of seconds from {least:g} to {most:g}")
        return number

    return parse


def flag(value: str) -> bool:
    known = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    try:
        return known[value.lower()]
    except KeyError:
        raise Fault("is neither on nor off") from None


def one_of(*choices: str) -> Parser:
    def parse(value: str) -> str:
        for choice in choices:
            if value.lower() == choice.lower():
                return choice
        raise Fault(f"is not one of {', '.join(choices)}")

    return parse


def directory(value: str) -> Path:
    """An absolute directory, made when absent (mode 0700: it holds the key and the database)."""
    path = Path(value).expanduser().resolve()
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Fault(f"cannot be used as a directory ({error.strerror})") from None
    return path


def zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Fault("is not a time zone of the tz database") from None
    return value


def mailbox(value: str) -> str:
    address = parseaddr(value)[1]
    local, _, domain = address.rpartition("@")
    if not local or not domain or " " in address:
        raise Fault("is not an e-mail address")
    return value


def _split(value: str, schemes: tuple[str, ...]) -> SplitResult:
    try:
        url = urlsplit(value)
        _ = url.port
    except ValueError as error:
        raise Fault(f"is not an address ({error})") from None
    if url.scheme not in schemes:
        raise Fault(f"does not begin with {' or '.join(f'{scheme}://' for scheme in schemes)}")
    return url


def http_url(value: str) -> str:
    url = _split(value, ("http", "https"))
    if not url.hostname or url.query or url.fragment:
        raise Fault("is not a plain http or https address")
    return value.rstrip("/")


def address_or_none(value: str) -> str:
    """Any http or https address, with its query; empty for none."""
    if value and not _split(value, ("http", "https")).hostname:
        raise Fault("is no http or https address")
    return value


def ledger_key(value: str) -> str:
    """A private key as `manage.py ledger_key --new` prints it; empty for none."""
    try:
        return signer_read(value).encoded() if value else ""
    except BadNote as bad:
        raise Fault(str(bad)) from None


def redis_url(value: str) -> str:
    if not _split(value, ("redis", "rediss")).hostname:
        raise Fault("names no host")
    return value


def database_url(value: str) -> str:
    url = _split(value, ("sqlite", "postgres", "postgresql"))
    if url.path.strip("/") == "":
        raise Fault("names no database")
    if url.scheme == "sqlite" and url.netloc:
        raise Fault(
            "has a host where a file path belongs (three slashes before a relative path, four before an absolute one)"
        )
    return value


def email(value: str) -> Email:
    if value in ("filemail:", "filemail://"):
        return Email(to_files=True)
    url = _split(value, ("smtp", "smtp+tls", "smtps"))
    if not url.hostname:
        raise Fault("names no host")
    usual = {"smtp": 25, "smtp+tls": 587, "smtps": 465}[url.scheme]
    return Email(
        to_files=False,
        host=url.hostname,
        port=url.port or usual,
        user=unquote(url.username or ""),
        password=unquote(url.password or ""),
        use_tls=url.scheme == "smtp+tls",
        use_ssl=url.scheme == "smtps",
    )


def _listed(value: str) -> list[str]:
    return [item.strip() for item in value.split(",") if item.strip()]


def hosts(value: str) -> tuple[str, ...]:
    items = _listed(value)
    for item in items:
        if "/" in item or " " in item:
            raise Fault(f"has an item that is not a host name ({item})")
    return tuple(items)


def origins(value: str) -> tuple[str, ...]:
    items = _listed(value)
    for item in items:
        if origin_of(http_url(item)) != item:
            raise Fault(f"has an item that is not an origin, scheme and host ({item})")
    return tuple(items)


def networks(value: str) -> tuple[str, ...]:
    items = _listed(value)
    for item in items:
        try:
            ipaddress.ip_network(item)
        except ValueError:
            raise Fault(f"has an item that is neither an address nor a network ({item})") from None
    return tuple(items)


def networks_and_hosts(value: str) -> tuple[str, ...]:
    items = _listed(value)
    for item in items:
        # What has a slash, or nothing but digits and dots, is meant as a network.
        (networks if "/" in item or not item.strip("0123456789.") else hosts)(item)
    return tuple(items)


def origin_of(url: str) -> str:
    """Scheme, host and port of a complete address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def host_of(url: str) -> str:
    """The host of a complete address as ALLOWED_HOSTS spells it (an IPv6 address in brackets)."""
    name = urlsplit(url).hostname or ""
    return f"[{name}]" if ":" in name else name


_EMPTY: dict[Parser, Any] = {networks: (), networks_and_hosts: (), hosts: (), origins: ()}

"""The one way out to addresses that people type in: calendars to read, webhooks to call.

Whoever may type an address could otherwise make this server fetch what only it can reach: the cloud's metadata service, a
database's status page, a neighbour in the same rack. So every hop is resolved here, checked, and connected to by the
very address that was checked; a name that answers differently the second time (DNS rebinding) gains nothing.
``OUTBOUND_ALLOWED`` names the private networks and hosts an installation trusts.
"""

import ipaddress
import socket
import ssl
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from time import monotonic

import certifi
import httpx
from django.conf import settings
from django.utils.translation import gettext as _

from escalation_site.kernel.errors import DomainError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Collection[str]]

MOST_BYTES = 1_000_000
MOST_SECONDS = 20.0
STEP_SECONDS = 5.0
MOST_REDIRECTS = 4
MOST_URL = 2000
_AGENT = "Watchbell"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PORTS = {"http": 80, "https": 443}
# Global by the registry, and yet not for us: what a protocol or a cloud keeps for the inside, and wrappings of IPv4.
_NEVER = tuple(
    ipaddress.ip_network(text)
    for text in ("192.0.0.0/24", "168.63.129.16/32", "100.64.0.0/10", "fec0::/10", "2001::/23", "64:ff9b:1::/48")
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class OutboundFailed(DomainError):
    """Nothing usable came back; the message says why, for whoever gave the address."""

    default_code = "outbound_failed"


class OutboundRefused(OutboundFailed):
    """The address is not one to go to. Trying again does not help."""

    default_code = "outbound_refused"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back from the last hop, of any status."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)
    url: str = field(repr=False)


def resolve(host: str, port: int) -> Collection[str]:
    """The addresses of a name, best first. Raises OSError for none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def fetch(
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
    most_bytes: int = MOST_BYTES,
    most_seconds: float = MOST_SECONDS,
    allowed: Collection[str] | None = None,
    resolver: Resolver = resolve,
) -> Answer:
    """Send one request and follow redirects of reads, checking every hop.

    ``headers`` go to the origin of ``url`` alone. ``allowed`` are networks and host names that may be private
    (``OUTBOUND_ALLOWED``, unless given). At most ``most_bytes`` are read, in ``most_seconds`` for all hops together.
    Raises OutboundRefused for an address that is none, or leads inside; OutboundFailed when nothing, or too much, comes.
    """
    permitted = _Permitted(settings.OUTBOUND_ALLOWED if allowed is None else allowed)
    deadline = monotonic() + most_seconds
    target = _parsed(url)
    origin = _origin(target)
    with _failures_in_words():
        for _hop in range(MOST_REDIRECTS + 1):
            own = dict(headers or {}) if _origin(target) == origin else {}
            answer = _one_hop(
                target, method=method, headers=own, content=content, permitted=permitted, resolver=resolver,
                most_bytes=most_bytes, deadline=deadline,
            )  # fmt: skip
            location = answer.headers.get("location", "")
            if answer.status not in _REDIRECTS or not location or method not in ("GET", "HEAD"):
                return answer
            try:
                following = target.join(location)
            except httpx.InvalidURL:
                raise OutboundFailed(_("It leads on to something that is no address."), field="url") from None
            if target.scheme == "https" and following.scheme == "http":
                raise OutboundRefused(_("It leads from https on to http, where anybody could read along."), field="url")
            target = _parsed(str(following))
    raise OutboundFailed(_("It leads from one address to the next without end."), field="url")


def address_check(url: str) -> None:
    """Raises OutboundRefused for what cannot be an address of ours at all; names are looked up only when fetched."""
    host = _parsed(url).host
    permitted = _Permitted(settings.OUTBOUND_ALLOWED)
    if _literal(host) is not None or host == "localhost":
        permitted.checked(host, [host] if host != "localhost" else ["127.0.0.1"])


def _parsed(url: str) -> httpx.URL:
    try:
        target = httpx.URL(url.strip()) if len(url) <= MOST_URL else None
    except (httpx.InvalidURL, UnicodeError):
        target = None
    if target is None or target.scheme not in _PORTS or not target.host:
        raise OutboundRefused(_("Give a whole address that begins with https:// or http://."), field="url")
    return target


def _origin(target: httpx.URL) -> tuple[str, str, int]:
    return target.scheme, target.host, target.port or _PORTS[target.scheme]


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def is_public(address: Address) -> bool:
    """Whether an address is one of the open internet's. IPv4 addresses wrapped in IPv6 ones are unwrapped first."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
    if any(address.version == network.version and address in network for network in _NEVER):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


class _Permitted:
    """What may be connected to: the open internet, and what the installation names."""

    def __init__(self, allowed: Collection[str]) -> None:
        self._hosts = set()
        self._networks = []
        for item in allowed:
            try:
                self._networks.append(ipaddress.ip_network(item))
            except ValueError:
                self._hosts.add(item.lower().rstrip("."))

    def checked(self, host: str, addresses: Collection[str]) -> str:
        """The address to connect to. One that is not allowed condemns the name: it has no business among the others."""
        found = [_literal(text) for text in addresses]
        if not found or any(address is None or not self._allows(host, address) for address in found):
            raise OutboundRefused(
                _("%(host)s lies in a private network, and this installation does not go there.") % {"host": host},
                field="url",
            )
        return str(found[0])

    def _allows(self, host: str, address: Address) -> bool:
        if host.lower().rstrip(".") in self._hosts or is_public(address):
            return True
        plain = getattr(address, "ipv4_mapped", None) or address
        return any(plain.version == network.version and plain in network for network in self._networks)


def _one_hop(
    target: httpx.URL,
    *,
    method: str,
    headers: Mapping[str, str],
    content: bytes | None,
    permitted: _Permitted,
    resolver: Resolver,
    most_bytes: int,
    deadline: float,
) -> Answer:
    host, port = target.host, _origin(target)[2]
    addresses = [host] if _literal(host) is not None else resolver(host, port)
    pinned = permitted.checked(host, addresses)
    sent = {"User-Agent": _AGENT, "Accept-Encoding": "identity", **headers, "Host": target.netloc.decode()}
    left = max(deadline - monotonic(), 0.01)
    timeout = httpx.Timeout(min(STEP_SECONDS, left))
    # trust_env: a proxy of the environment would resolve the name again, past the check.
    with (
        httpx.Client(trust_env=False, verify=_trusted(), follow_redirects=False, timeout=timeout) as client,
        client.stream(
            method,
            # Connect to the address that was checked; TLS and the Host header still speak of the name.
            target.copy_with(host=pinned, fragment=None),
            headers=sent,
            content=content,
            extensions={"sni_hostname": target.raw_host.decode()},
        ) as response,
    ):
        body = b"".join(_bounded(response, most_bytes=most_bytes, deadline=deadline))
        return Answer(response.status_code, response.headers, body, str(target))


@cache
def _trusted() -> ssl.SSLContext:
    """The authorities this machine trusts, an organisation's own among them, and the usual ones."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def _bounded(response: httpx.Response, *, most_bytes: int, deadline: float) -> Iterator[bytes]:
    """The body in pieces, of a status that has one worth reading; a server that drips is cut off at the deadline."""
    if response.status_code in _REDIRECTS:
        return
    if response.headers.get("content-encoding", "identity").lower() not in ("", "identity"):
        # Nothing packed was asked for; a small packed answer may unpack to gigabytes.
        raise OutboundFailed(_("The answer is packed, which was not asked for."), field="url")
    size = 0
    for piece in response.iter_raw():
        size += len(piece)
        if size > most_bytes:
            raise OutboundFailed(
                _("The answer is larger than %(most)d kB.") % {"most": most_bytes // 1000}, field="url"
            )
        if monotonic() > deadline:
            raise OutboundFailed(_("The answer took too long."), field="url")
        yield piece


@contextmanager
def _failures_in_words() -> Iterator[None]:
    try:
        yield
    except httpx.TimeoutException as error:
        raise OutboundFailed(_("The answer took too long."), field="url") from error
    except (socket.gaierror, UnicodeError) as error:
        raise OutboundFailed(_("Nothing is known under that name."), field="url") from error
    except httpx.ConnectError as error:
        secured = _("The connection could not be secured: the certificate does not hold.")
        plain = _("Nobody answers there.")
        raise OutboundFailed(secured if "CERTIFICATE_VERIFY" in str(error) else plain, field="url") from error
    except (httpx.HTTPError, OSError) as error:
        raise OutboundFailed(_("The connection broke off."), field="url") from error

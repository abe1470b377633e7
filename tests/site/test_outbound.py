"""The way out to addresses people type in: nowhere inside, checked at every hop, bounded in size and time."""

import ipaddress
import ssl
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import gaierror
from time import sleep
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from escalation_site.kernel import outbound
from escalation_site.kernel.outbound import OutboundFailed, OutboundRefused, address_check, fetch, is_public

HERE = ("127.0.0.0/8",)


class _Handler(BaseHTTPRequestHandler):
    """Answers by path; what was asked is kept in ``seen``."""

    seen: list[tuple[str, dict[str, str]]] = []

    def do_GET(self) -> None:
        self.seen.append((self.path, dict(self.headers)))
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self.end_headers()
        elif self.path == "/round":
            self.send_response(302)
            self.send_header("Location", "/round")
            self.end_headers()
        elif self.path == "/large":
            self._body(b"x" * 5000)
        elif self.path == "/packed":
            self.send_response(200)
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"zz")
        elif self.path == "/drip":
            self.send_response(200)
            self.end_headers()
            for _number in range(50):
                self.wfile.write(b".")
                self.wfile.flush()
                sleep(0.05)
        else:
            self._body(b"hello")

    def _body(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("ETag", '"1"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@contextmanager
def _serving(secured: ssl.SSLContext | None = None) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    if secured:
        server.socket = secured.wrap_socket(server.socket, server_side=True)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def port() -> Iterator[int]:
    _Handler.seen.clear()
    with _serving() as number:
        yield number


def test_when_an_allowed_host_answers_then_its_content_and_headers_come_back(port: int) -> None:
    answer = fetch(f"http://127.0.0.1:{port}/calendar", headers={"If-None-Match": '"0"'}, allowed=HERE)
    assert (answer.status, answer.content, answer.headers["etag"]) == (200, b"hello", '"1"')
    assert _Handler.seen[0][1]["If-None-Match"] == '"0"'


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/",
        "http://[::1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://192.0.0.192/opc/v1/",
        "http://168.63.129.16/",
        "http://10.1.2.3/",
        "http://0.0.0.0/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://[::ffff:127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://[fd00:ec2::254]/",
        "http://localhost:5432/",
        "file:///etc/passwd",
        "ftp://example.org/",
        "//example.org/",
        "not an address",
        "http://" + "a" * 3000,
    ],
)
def test_when_an_address_leads_inside_or_is_none_then_nothing_is_sent(url: str) -> None:
    with pytest.raises(OutboundRefused) as caught:
        fetch(url, allowed=())
    assert caught.value.field == "url"


@pytest.mark.parametrize("url", ["http://127.0.0.1/x", "http://localhost/x", "gopher://x"])
def test_when_an_address_is_plainly_inside_then_it_is_refused_as_soon_as_it_is_typed(url: str) -> None:
    with pytest.raises(OutboundRefused):
        address_check(url)
    address_check("https://calendar.example.org/basic.ics")


def test_when_a_public_name_resolves_to_a_private_address_then_it_is_refused(port: int) -> None:
    for addresses in (["127.0.0.1"], ["93.184.215.14", "127.0.0.1"], []):
        with pytest.raises(OutboundRefused):
            fetch(f"http://calendar.example.org:{port}/", allowed=(), resolver=lambda host, port, a=addresses: a)  # type: ignore[misc]
    assert _Handler.seen == []


def test_when_a_name_answers_differently_the_second_time_then_the_checked_address_is_used(port: int) -> None:
    asked: list[str] = []

    def rebinding(host: str, number: int) -> Collection[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    answer = fetch(f"http://calendar.test:{port}/", allowed=HERE, resolver=rebinding)
    assert answer.content == b"hello"
    assert asked == ["calendar.test"]
    assert _Handler.seen[0][1]["Host"] == f"calendar.test:{port}"


def test_when_a_host_is_allowed_by_name_then_only_that_name_leads_inside(port: int) -> None:
    def inside(host: str, number: int) -> Collection[str]:
        return ["127.0.0.1"]

    assert fetch(f"http://cal.intern:{port}/", allowed=("Cal.Intern",), resolver=inside).status == 200
    with pytest.raises(OutboundRefused):
        fetch(f"http://other.intern:{port}/", allowed=("cal.intern",), resolver=inside)


def test_when_it_redirects_inside_then_the_hop_is_refused(port: int) -> None:
    with pytest.raises(OutboundRefused):
        fetch(f"http://127.0.0.1:{port}/to/http://10.0.0.1/", allowed=HERE)
    with pytest.raises(OutboundRefused):
        fetch(f"http://127.0.0.1:{port}/to/file:///etc/passwd", allowed=HERE)


def test_when_it_redirects_elsewhere_then_ones_own_headers_stay_behind(port: int) -> None:
    answer = fetch(
        f"http://one.test:{port}/to/http://other.test:{port}/",
        headers={"Authorization": "x"},
        allowed=HERE,
        resolver=lambda host, number: ["127.0.0.1"],
    )
    assert answer.content == b"hello"
    assert "Authorization" in _Handler.seen[0][1]
    assert "Authorization" not in _Handler.seen[1][1]


def test_when_it_redirects_in_a_circle_then_it_is_given_up(port: int) -> None:
    with pytest.raises(OutboundFailed, match="without end"):
        fetch(f"http://127.0.0.1:{port}/round", allowed=HERE)
    assert len(_Handler.seen) == 5


@pytest.mark.parametrize(
    ("path", "seconds", "said"),
    [("large", 20, "larger than 4 kB"), ("packed", 20, "packed"), ("drip", 0.4, "took too long")],
)
def test_when_too_much_too_packed_or_too_slow_then_reading_stops(
    port: int, path: str, seconds: float, said: str
) -> None:
    with pytest.raises(OutboundFailed, match=said):
        fetch(f"http://127.0.0.1:{port}/{path}", allowed=HERE, most_bytes=4000, most_seconds=seconds)


def test_when_nobody_answers_then_it_says_so_in_words() -> None:
    with _serving() as number:
        pass
    with pytest.raises(OutboundFailed, match="Nobody answers there"):
        fetch(f"http://127.0.0.1:{number}/", allowed=HERE)


def test_when_a_name_is_unknown_then_it_says_so_in_words() -> None:
    def unknown(host: str, number: int) -> Collection[str]:
        raise gaierror

    with pytest.raises(OutboundFailed, match="Nothing is known"):
        fetch("http://nowhere.example.org/", allowed=(), resolver=unknown)


@pytest.mark.parametrize("text", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::5db8:d70e"])
def test_addresses_of_the_open_internet_are_public(text: str) -> None:
    assert is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", ["224.0.0.1", "255.255.255.255", "100.64.0.1", "fe80::1", "ff02::1", "2001::1", "::"])
def test_addresses_of_the_inside_are_not(text: str) -> None:
    assert not is_public(ipaddress.ip_address(text))


# --- https


def _certificate(name: str, directory: Path) -> Path:
    """A certificate of its own authority for ``name``, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = directory / "certificate.pem"
    path.write_bytes(plain + certificate.public_bytes(pem))
    return path


def test_when_the_address_is_pinned_then_the_certificate_is_still_held_against_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _certificate("calendar.test", tmp_path)
    trusting = ssl.create_default_context()
    trusting.load_verify_locations(path)
    monkeypatch.setattr(outbound, "_trusted", lambda: trusting)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(path)

    def here(host: str, number: int) -> Collection[str]:
        return ["127.0.0.1"]

    with _serving(serving) as number:
        assert fetch(f"https://calendar.test:{number}/x", allowed=HERE, resolver=here).content == b"hello"
        with pytest.raises(OutboundFailed, match="certificate does not hold"):
            fetch(f"https://other.test:{number}/x", allowed=HERE, resolver=here)
        with pytest.raises(OutboundRefused, match="from https on to http"):
            fetch(f"https://calendar.test:{number}/to/http://calendar.test/", allowed=HERE, resolver=here)

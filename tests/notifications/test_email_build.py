import pytest

from notifications.channels import Outgoing, Refused
from notifications.channels.email.build import email_build
from tests.notifications.conftest import NIGHT


def outgoing(**changes: object) -> Outgoing:
    values: dict[str, object] = {
        "address": "alice@example.org",
        "subject": "SEV-1: pagos caídos",
        "body": "Payments <prod> is failing.",
        "body_html": "",
        "link": "https://watchbell.example/p/abc",
        "kind": "page",
        "urgency": "high",
        "idempotency_key": "page:7:0:0:1",
        "created_at": NIGHT,
        "context": {"subject": "incident:42", "headers": {"X-Watchbell-Incident": "42", "Bcc": "eve@example.org"}},
    }
    return Outgoing(**(values | changes))  # type: ignore[arg-type]


def built(**changes: object):  # type: ignore[no-untyped-def]
    return email_build(outgoing(**changes), sender="Watchbell <bell@example.org>")


def test_when_an_email_is_built_then_robots_do_not_answer_it_and_clients_can_gather_it() -> None:
    mail = built()
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Subject"] == "SEV-1: pagos caídos"
    assert mail["List-Id"] == "Watchbell <page.watchbell.example.org>"
    assert mail["X-Watchbell-Incident"] == "42"
    assert mail["References"] == built(idempotency_key="page:7:0:1:2")["References"]
    assert mail["Importance"] == "high"
    assert built(urgency="low")["Importance"] is None


def test_when_the_context_names_other_headers_then_they_are_left_out() -> None:
    assert built()["Bcc"] is None


def test_when_it_is_built_again_then_its_message_id_is_the_same() -> None:
    assert built()["Message-ID"] == built(subject="other")["Message-ID"]
    assert built()["Message-ID"] != built(idempotency_key="page:7:1:0:1")["Message-ID"]
    assert built()["Message-ID"].endswith("@example.org>")


def test_when_there_is_no_html_then_a_plain_one_is_made_and_escaped() -> None:
    mail = built()
    text, html = mail.get_body(("plain",)).get_content(), mail.get_body(("html",)).get_content()
    assert text == "Payments <prod> is failing.\n\nhttps://watchbell.example/p/abc\n"
    assert "Payments &lt;prod&gt; is failing." in html
    assert '<a href="https://watchbell.example/p/abc">' in html


def test_when_the_text_has_the_link_already_then_it_is_not_said_twice() -> None:
    text = built(body="Open https://watchbell.example/p/abc now").get_body(("plain",)).get_content()
    assert text.count("https://") == 1


def test_when_it_is_written_out_then_every_byte_is_ascii_and_no_header_can_be_injected() -> None:
    raw = built(subject="a\r\nBcc: eve@example.org", body="smørrebrød 🔔").as_bytes()
    assert raw.isascii()
    assert b"\r\nBcc:" not in raw


@pytest.mark.parametrize("address", ["", "alice", "al ice@example.org", "ålice@example.org", "alice@"])
def test_when_the_address_is_none_then_it_is_refused(address: str) -> None:
    with pytest.raises(Refused):
        built(address=address)


def test_when_the_domain_is_international_then_its_ascii_form_is_used() -> None:
    assert built(address="alice@bücher.example")["To"] == "alice@xn--bcher-kva.example"

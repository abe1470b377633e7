"""Destinations: how they are kept, what a webhook and a chat channel are sent, and what the answers mean."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson
import pytest
from django.core.exceptions import ValidationError
from django.test import override_settings

from audit.models import LedgerEntry
from escalation_site.kernel import outbound
from escalation_site.kernel.sealing import Unreadable, seal, unseal
from notifications.channels import OutcomeUnknown, Outgoing, Refused, Unavailable
from notifications.channels.chat.build import chat_body
from notifications.channels.chat.transport import ChatChannel
from notifications.channels.webhook import transport
from notifications.channels.webhook.build import signature, webhook_body, webhook_headers
from notifications.channels.webhook.transport import WebhookChannel
from notifications.models import Destination
from notifications.services.destinations import destination_set, opened

AT = datetime(2026, 11, 22, 2, 9, tzinfo=UTC)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HOOK = "https://hooks.example/services/T00/B00/very-secret"


def outgoing(**values: Any) -> Outgoing:
    given: dict[str, Any] = {
        "address": "ops",
        "subject": "[SEV-1] Payments fail · INC-7",
        "body": "Service: Payments gateway, production",
        "body_html": "",
        "link": "https://watchbell.example/incidents/7/",
        "kind": "post",
        "urgency": "high",
        "idempotency_key": "post:3:0:0:0:1",
        "created_at": AT,
        "endpoint": HOOK,
        "secret": SECRET,
        "context": {"payload": {"incident": {"id": 7}, "level": 1}},
        **values,
    }
    return Outgoing(**given)


# --- What is sent.


def test_a_webhook_is_signed_as_the_standard_webhooks_say() -> None:
    """Checked by the specification's own rule, over bytes of a fixed instant."""
    body = webhook_body(outgoing())
    headers = webhook_headers(body, key="post:3:0:0:0:1", secret=SECRET, at=AT)

    signed = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body])
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["webhook-timestamp"] == str(int(AT.timestamp()))
    data = orjson.loads(body)["data"]
    assert (data["incident"], data["level"], data["url"]) == ({"id": 7}, 1, "https://watchbell.example/incidents/7/")


def test_the_specification_s_own_example_gives_its_signature() -> None:

    body = b'{"test": 2432232314}'
    signed = signature(body, message_id="msg_p5jXN8AQM9LWM0D4loKWxJek", stamp="1614265330", secret=SECRET)

    assert signed == "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_all_attempts_of_a_message_bear_one_id_and_another_message_another() -> None:
    body = webhook_body(outgoing())
    first = webhook_headers(body, key="a", secret=SECRET, at=AT)
    again = webhook_headers(body, key="a", secret=SECRET, at=AT.replace(minute=10))

    assert first["webhook-id"] == again["webhook-id"] == first["Idempotency-Key"]
    assert first["webhook-signature"] != again["webhook-signature"]
    assert webhook_headers(body, key="b", secret=SECRET, at=AT)["webhook-id"] != first["webhook-id"]


def test_a_title_calls_nobody_in_a_chat_and_passes_no_link_off_as_another() -> None:
    text = orjson.loads(chat_body(outgoing(subject="<!channel> @here <https://bad.example|INC-7> & more")))["text"]

    assert "<" not in text
    assert "@here" not in text
    assert "&amp; more" in text
    assert text.endswith("https://watchbell.example/incidents/7/")


# --- What the answers mean.


def fetching(monkeypatch: pytest.MonkeyPatch, answer: outbound.Answer | Exception) -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = []

    def fetch(url: str, **options: Any) -> outbound.Answer:
        calls.append({"url": url, **options})
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(transport, "fetch", fetch)
    return calls


def answered(status: int, **headers: str) -> outbound.Answer:
    return outbound.Answer(status, headers, b"ok", HOOK)


def failed(cause: Exception) -> outbound.OutboundFailed:
    error = outbound.OutboundFailed("It did not work.")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize("channel", [WebhookChannel(), ChatChannel()])
def test_what_is_taken_is_taken_once_by_post(
    channel: WebhookChannel | ChatChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = fetching(monkeypatch, answered(204))
    handed: list[bool] = []

    receipt = channel.send(outgoing(), hand_over=lambda: handed.append(True))

    assert (calls[0]["url"], calls[0]["method"], handed) == (HOOK, "POST", [True])
    assert receipt.detail == "204 ok"


@pytest.mark.parametrize(
    ("answer", "raised"),
    [
        (answered(404), Refused),
        (answered(301), Refused),
        (answered(503, **{"retry-after": "7"}), Unavailable),
        (answered(429), Unavailable),
        (outbound.OutboundRefused("It lies in a private network."), Refused),
        (failed(httpx.ConnectError("refused")), Unavailable),
        (failed(httpx.ReadTimeout("silence")), OutcomeUnknown),
        (failed(httpx.RemoteProtocolError("cut")), OutcomeUnknown),
    ],
)
def test_an_answer_that_is_none_is_for_ever_for_now_or_unknown(
    answer: outbound.Answer | Exception, raised: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    fetching(monkeypatch, answer)

    with pytest.raises(raised) as error:
        WebhookChannel().send(outgoing(), hand_over=lambda: None)

    if isinstance(error.value, Unavailable) and isinstance(answer, outbound.Answer) and answer.status == 503:
        assert error.value.retry_after == 7


def test_what_cannot_be_opened_any_more_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(Refused):
        WebhookChannel().send(outgoing(secret=""), hand_over=lambda: pytest.fail("handed over"))
    with pytest.raises(Refused):
        ChatChannel().send(outgoing(endpoint=""), hand_over=lambda: pytest.fail("handed over"))


# --- How they are kept.


def test_a_sealed_text_opens_with_its_own_key_or_a_former_one_and_with_no_other() -> None:
    sealed = seal(HOOK)

    assert HOOK not in sealed
    assert unseal(sealed) == HOOK
    with override_settings(SECRET_KEY="n" * 60, SECRET_KEY_FALLBACKS=[]), pytest.raises(Unreadable):
        unseal(sealed)


def made(**values: Any) -> Destination:
    given: dict[str, Any] = {"name": "Operations", "slug": "ops", "kind": "webhook", **values.pop("values", {})}
    destination = values.pop("destination", None) or Destination()
    return destination_set(destination=destination, values=given, at=AT, actor=None, **{"address": HOOK, **values})


@pytest.mark.django_db
def test_neither_address_nor_secret_is_stored_in_plain_or_told_to_the_ledger() -> None:
    destination = made(secret=SECRET)

    assert opened(Destination.objects.get()) == (HOOK, SECRET)
    row = str(Destination.objects.values().get()) + str(Destination.history.values().get())
    row += str(list(LedgerEntry.objects.values()))
    assert "very-secret" not in row
    assert SECRET not in row
    assert destination.host == "hooks.example"


@pytest.mark.django_db
def test_what_is_said_again_changes_nothing() -> None:
    destination = made(secret=SECRET)
    before = LedgerEntry.objects.count()

    made(destination=destination, secret=SECRET)

    assert LedgerEntry.objects.count() == before


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"address": "not an address"}, "address"),
        ({"address": "http://127.0.0.1/hook"}, "address"),
        ({"secret": "short"}, "secret"),
        ({"secret": "whsec_this is no base64 at all!"}, "secret"),
    ],
)
def test_what_could_never_be_called_or_trusted_is_refused(values: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        made(**values)

    assert field in refused.value.message_dict
    assert not Destination.objects.exists()


@pytest.mark.django_db
def test_a_webhook_without_a_secret_gets_one_of_its_own() -> None:
    first, second = made(), made(values={"name": "Other", "slug": "other"})

    assert opened(first)[1].startswith("whsec_")
    assert opened(first)[1] != opened(second)[1]

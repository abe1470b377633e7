"""Webhooks: one signed POST by the one way out (``escalation_site.kernel.outbound``)."""

from collections.abc import Callable, Mapping

import httpx
from django.utils.translation import gettext_lazy as _

from escalation_site.kernel.instants import now
from escalation_site.kernel.outbound import Answer, OutboundFailed, OutboundRefused, fetch
from notifications.channels.base import OutcomeUnknown, Outgoing, Receipt, Refused, Unavailable
from notifications.channels.webhook.build import webhook_body, webhook_headers

MOST_SECONDS = 10.0
MOST_BYTES = 64_000
"""Of an answer nobody needs more than its status and first line."""
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, OSError)
_LATER = frozenset({408, 409, 423, 425, 429})


class WebhookChannel:
    label = _("Webhook")
    concurrency = 4
    time_limit = 30.0
    personal = False

    def send(self, outgoing: Outgoing, *, hand_over: Callable[[], None]) -> Receipt:
        if not outgoing.endpoint or not outgoing.secret:
            raise Refused("its address or its signing secret cannot be read: set them again")
        body = webhook_body(outgoing)
        headers = webhook_headers(body, key=outgoing.idempotency_key, secret=outgoing.secret, at=now())
        return posted(outgoing.endpoint, body, headers, hand_over=hand_over)


def posted(url: str, body: bytes, headers: Mapping[str, str], *, hand_over: Callable[[], None]) -> Receipt:
    """One POST as a channel owes it: any 2xx is taken, 5xx and "slow down" are for now, everything else is for ever."""
    hand_over()
    try:
        answer = fetch(
            url, method="POST", headers=headers, content=body, most_bytes=MOST_BYTES, most_seconds=MOST_SECONDS
        )
    except OutboundRefused as error:
        raise Refused(str(error)) from error
    except OutboundFailed as error:
        # Nobody listened, or there is no such name: nothing was handed over whatever follows.
        if isinstance(error.__cause__, _NOT_SENT):
            raise Unavailable(str(error)) from error
        raise OutcomeUnknown(str(error)) from error
    return _receipt(answer)


def _receipt(answer: Answer) -> Receipt:
    first = answer.content[:200].decode("utf-8", "replace").splitlines()[:1]
    detail = f"{answer.status} {first[0] if first else ''}".strip()
    if 200 <= answer.status < 300:
        return Receipt(detail=detail)
    if answer.status >= 500 or answer.status in _LATER:
        raise Unavailable(detail, retry_after=_seconds(answer.headers.get("retry-after", "")))
    raise Refused(detail)


def _seconds(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdecimal() and len(text) < 7 else None

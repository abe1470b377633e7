"""The link in a page: signed, for one page, used once, good for a day. It only ever shows; acting needs a POST from what it shows."""

from datetime import datetime, timedelta

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse
from django.utils.crypto import get_random_string

LIFETIME = timedelta(hours=24)
UNDO_WINDOW = timedelta(seconds=30)

_signer = Signer(salt="incidents.page-link")


def nonce_make() -> str:
    """131 bits of chance; names the page in its link without telling its number."""
    return get_random_string(22)


def page_url(nonce: str) -> str:
    """The absolute address to put into a message."""
    return settings.PUBLIC_URL.rstrip("/") + reverse("page", args=(_signer.sign(nonce),))


def nonce_read(token: str) -> str | None:
    """The nonce a token was made for, or None when the signature is not ours."""
    try:
        return _signer.unsign(token)
    except BadSignature:
        return None


def expired(created_at: datetime, *, at: datetime) -> bool:
    """Whether the link of a page made at ``created_at`` is too old to act on."""
    return at - created_at > LIFETIME

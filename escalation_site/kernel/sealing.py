"""Secrets that must be read back (an address with a token in it, a key to sign with), encrypted where they are stored.

The key comes from ``SECRET_KEY``, so that a copy of the database alone gives nothing away. Where that key is changed the
former ones in ``SECRET_KEY_FALLBACKS`` still open what was sealed with them.
"""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.encoding import force_bytes


class Unreadable(ValueError):
    """It was sealed with a key that this installation does not have."""


def seal(text: str) -> str:
    """``text`` as it may be stored; "" stays "". Each time another text, which opens to the same."""
    return _box().encrypt(text.encode()).decode() if text else ""


def unseal(sealed: str) -> str:
    """What was sealed. Raises Unreadable."""
    if not sealed:
        return ""
    try:
        return _box().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise Unreadable from None


def _box() -> MultiFernet:
    return MultiFernet([Fernet(_key(secret)) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _key(secret: str | bytes) -> bytes:
    return base64.urlsafe_b64encode(hashlib.sha256(b"watchbell sealed column\0" + force_bytes(secret)).digest())

"""What stands behind the buttons of a chat message: signed, for one subject at one place, good for a week. Stored nowhere here.

The chat service keeps it with the message and sends it back with each press, so that it says which service asks; readers of the
channel never see it. Who pressed is what that service says, and is nobody before they have signed in once (``AccountClaim``).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.signing import BadSignature, Signer

LIFETIME = timedelta(days=7)
CLAIM_LIFETIME = timedelta(minutes=30)
_MOST = 2_000
"""Characters of a token that anybody looks at."""

_acts = Signer(salt="notifications.chat.act")
_claims = Signer(salt="notifications.chat.account")


@dataclass(frozen=True, slots=True)
class Grant:
    """Buttons about ``about`` ("incident:7") in the message of the destination ``place``, by its short name."""

    about: str
    place: str
    until: int

    def over(self, at: datetime) -> bool:
        return at.timestamp() >= self.until


@dataclass(frozen=True, slots=True)
class AccountClaim:
    """Somebody pressed a button whom the house does not know: their account at ``host``."""

    host: str
    account: str
    handle: str
    until: int

    def over(self, at: datetime) -> bool:
        return at.timestamp() >= self.until


def grant_sign(*, about: str, place: str, at: datetime) -> str:
    until = int((at + LIFETIME).timestamp())
    return _acts.sign_object({"about": about, "place": place, "until": until})


def grant_read(token: str) -> Grant | None:
    """None for what is not ours. The signature is compared in constant time; whether it is over is the caller's to ask."""
    try:
        return Grant(**_acts.unsign_object(token[:_MOST]))
    except (BadSignature, TypeError, ValueError):
        return None


def claim_sign(*, host: str, account: str, handle: str, at: datetime) -> str:
    until = int((at + CLAIM_LIFETIME).timestamp())
    return _claims.sign_object({"host": host, "account": account, "handle": handle, "until": until})


def claim_read(token: str) -> AccountClaim | None:
    try:
        return AccountClaim(**_claims.unsign_object(token[:_MOST]))
    except (BadSignature, TypeError, ValueError):
        return None

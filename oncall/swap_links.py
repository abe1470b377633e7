"""The link by which somebody who was asked answers a swap without signing in: signed, for one person, dead with the swap."""

from django.core.signing import BadSignature, Signer
from django.urls import reverse

from oncall.models import SwapAsk

_signer = Signer(salt="oncall.swap-ask")


def ask_link(ask: SwapAsk) -> str:
    """The path of the page on which ``ask.user``, and nobody else, answers."""
    return reverse("oncall:swap_answer", args=(_signer.sign(str(ask.pk)),))


def ask_behind(token: str) -> SwapAsk | None:
    """The ask a token was made for, with its swap and people; None when the signature is not ours or the person has left."""
    try:
        pk = int(_signer.unsign(token))
    except (BadSignature, ValueError):
        return None
    return (
        SwapAsk.objects.select_related(
            "user", "swap__schedule__team", "swap__requester", "swap__accepted_by", "swap__decided_by"
        )
        .filter(pk=pk, user__is_active=True)
        .first()
    )

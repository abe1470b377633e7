"""Where is posted: set with the address and the key sealed, and opened for the call alone."""

import base64
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _

from audit.rows import row_set
from audit.services import Actor
from escalation_site.kernel.outbound import OutboundRefused, address_check
from escalation_site.kernel.sealing import Unreadable, seal, unseal
from notifications.channels.webhook.build import SECRET_PREFIX, key_of
from notifications.models import Destination

LEAST_SECRET = 24
"""Characters of a key that somebody chooses."""


def destination_set(
    *,
    destination: Destination,
    values: Mapping[str, Any],
    at: datetime,
    actor: Actor | None,
    user: models.Model | None = None,
    address: str | None = None,
    secret: str | None = None,
    data: Mapping[str, Any] | None = None,
) -> Destination:
    """Give it these field values, and the address and the signing secret where they are not None.

    A webhook without a secret gets a random one. The ledger says that they changed and not to what. Raises ValidationError
    (of "address", "secret" or a field).
    """
    wanted = dict(values)
    if address is not None and address != _known(destination.address_sealed):
        wanted |= {"host": _host(address), "address_sealed": seal(address)}
    elif destination._state.adding and not address:
        raise ValidationError({"address": _("Give its address.")})
    kind = wanted.get("kind", destination.kind)
    if secret is None and kind == Destination.Kind.WEBHOOK and not destination.secret_sealed:
        secret = secret_make()
    if secret is not None and secret != _known(destination.secret_sealed):
        _check_secret(secret, kind)
        wanted["secret_sealed"] = seal(secret)
    row_set(
        destination,
        wanted,
        noun="destination",
        at=at,
        actor=actor,
        user=user,
        secret=("address_sealed", "secret_sealed"),
        data=data,
    )
    return destination


def destination_check(*, address: str | None, secret: str | None, kind: str) -> None:
    """Raises ValidationError (of "address" or "secret") as `destination_set` would."""
    if address is not None:
        _host(address)
    if secret is not None:
        _check_secret(secret, kind)


def secret_make() -> str:
    """A random signing secret, as the Standard Webhooks write it."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def opened(destination: Destination) -> tuple[str, str]:
    """(address, signing secret); "" for what was sealed with a key that is lost."""
    return _known(destination.address_sealed), _known(destination.secret_sealed)


def _known(sealed: str) -> str:
    try:
        return unseal(sealed)
    except Unreadable:
        return ""


def _host(address: str) -> str:
    """What of the address may be shown. Raises ValidationError for what can be none."""
    try:
        address_check(address)
    except OutboundRefused as error:
        raise ValidationError({"address": str(error)}) from error
    return httpx.URL(address.strip()).host[:255]


def _check_secret(secret: str, kind: str) -> None:
    if not secret and kind != Destination.Kind.WEBHOOK:
        return
    if len(secret) < LEAST_SECRET:
        raise ValidationError({"secret": _("It must be at least %(least)d characters long.") % {"least": LEAST_SECRET}})
    try:
        key_of(secret)
    except ValueError as error:
        raise ValidationError({"secret": _("What follows “whsec_” must be base64.")}) from error

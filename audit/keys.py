"""The key that signs checkpoints: from the environment, or made once and kept in a file of the data directory."""

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction

from audit.models import LedgerKey
from audit.proofs.notes import Signer, Verifier, introduced, introduction_sign, signer_make, signer_read, verifier_read
from audit.services import entry_append
from audit.values import Actor, EntryValue

FILE = "ledger-key"
_OPERATOR = Actor.system("operator")


def origin() -> str:
    """What checkpoints call this log: the host that people use, and "/ledger"."""
    return f"{urlsplit(settings.PUBLIC_URL).netloc}/ledger"


def key_file() -> Path:
    return Path(settings.DATA_DIR) / FILE


def signer(*, at: datetime) -> Signer:
    """The key in use, known to the database from its first use on. Raises BadNote for a key that cannot be read, OSError
    where the file cannot."""
    found = signer_read(settings.LEDGER_KEY) if settings.LEDGER_KEY else _kept()
    _known(found, at)
    return found


def _kept() -> Signer:
    """Two processes may come at once: the file is created exclusively, and the second reads the first one's key."""
    path = key_file()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return signer_read(path.read_text(encoding="utf-8"))
    made = signer_make(origin())
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(made.encoded() + "\n")
    return made


@transaction.atomic
def _known(found: Signer, at: datetime) -> None:
    """Note a key at its first use; the one before it is retired then."""
    public = found.verifier.encoded()
    if LedgerKey.objects.filter(public=public, retired_at=None).exists():
        return
    LedgerKey.objects.filter(retired_at=None).update(retired_at=at)
    LedgerKey.objects.update_or_create(public=public, defaults={"retired_at": None}, create_defaults={"since": at})


@transaction.atomic
def key_introduce(*, public: str, at: datetime) -> LedgerKey:
    """Let the key in use name the next one, so that whoever trusts the first can trust the second.

    Raises BadNote for what is no public key. The new one signs only once it is put in place (LEDGER_KEY, or ``key_rotate``).
    """
    fresh = verifier_read(public)
    before = signer(at=at)
    key, _made = LedgerKey.objects.get_or_create(public=fresh.encoded(), defaults={"since": at, "retired_at": at})
    key.introduction = introduction_sign(fresh, by=before).encoded()
    key.save(update_fields=["introduction"])
    _enter("ledger.key_introduce", fresh, at)
    return key


def key_rotate(*, at: datetime) -> Signer:
    """Put a new key in the place of the one that is kept in the data directory, introduced by it; what that one signed
    stays good. Raises OSError where the file cannot be written."""
    made = signer_make(origin())
    with transaction.atomic():
        key_introduce(public=made.verifier.encoded(), at=at)
        fresh = key_file().with_name(f"{FILE}.new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(made.encoded() + "\n")
        # The old one stays until the new one is whole: a moment without a key would make a third one.
        fresh.replace(key_file())
        _known(made, at)
        _enter("ledger.key_change", made.verifier, at)
    return made


def _enter(action: str, key: Verifier, at: datetime) -> None:
    entry_append(
        EntryValue(
            at=at,
            action=action,
            object_type="ledger",
            object_id=key.key_id.hex(),
            actor=_OPERATOR,
            source="command",
            after={"key": key.encoded()},
        )
    )


def verifiers(*, trusted: Sequence[Verifier] = ()) -> list[Verifier]:
    """Every key that ever signed here; of those only ``trusted`` ones and what they introduced, where some are given."""
    known = [verifier_read(public) for public in LedgerKey.objects.values_list("public", flat=True)]
    if not trusted:
        return known
    return introduced(trusted, LedgerKey.objects.values_list("introduction", flat=True))

"""The ledger: what happened, who did it, what it was before and after. Rows are only ever added."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

USUAL_SOURCES = ("", "alert", "engine")
USUAL_OBJECTS = ("alert", "attempt", "delivery", "incident", "message", "page", "run", "signal")
"""By which ways nearly all entries come, and what they are about: they have no index of their own, so that it costs what an
alert writes nothing. Whoever looks for them finds some at once."""


class LedgerEntry(models.Model):
    """One fact. Triggers refuse to change or delete it, for every role the application uses (DESIGN.md §5, invariant 8)."""

    class ActorKind(models.TextChoices):
        USER = "user", _("Person")
        SYSTEM = "system", _("System")
        INTEGRATION = "integration", _("Integration")

    at = models.DateTimeField(_("at"), help_text=_("When it happened (UTC)."))
    action_id = models.UUIDField(
        _("action id"), default=uuid.uuid4, help_text=_("One id for all entries of one action.")
    )
    action = models.CharField(_("action"), max_length=60)
    actor_kind = models.CharField(_("kind of actor"), max_length=12, choices=ActorKind.choices)
    actor_id = models.CharField(_("actor id"), max_length=64)
    actor_label = models.CharField(_("actor"), max_length=150)
    source = models.CharField(_("source"), max_length=30, blank=True)
    address = models.CharField(_("network address"), max_length=45, blank=True)
    object_type = models.CharField(_("object type"), max_length=40)
    object_id = models.CharField(_("object id"), max_length=64)
    object_label = models.CharField(_("object"), max_length=200, blank=True)
    subject = models.CharField(_("subject"), max_length=60, blank=True)
    before = models.JSONField(_("before"), null=True)
    after = models.JSONField(_("after"), null=True)
    data = models.JSONField(_("data"), null=True)

    class Meta:
        ordering = ("id",)
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger entries")
        indexes = (
            # The browser: newest first, optionally from an instant.
            models.Index(fields=("at", "id"), name="ledger_at"),
            # One incident's (schedule's, policy's) history.
            models.Index(fields=("subject", "id"), name="ledger_subject", condition=~models.Q(subject="")),
            # The browser's filters by actor and by action; people's also within a time.
            models.Index(fields=("actor_id", "id"), name="ledger_actor"),
            models.Index(fields=("actor_id", "at", "id"), name="ledger_person", condition=models.Q(actor_kind="user")),
            models.Index(fields=("action", "at", "id"), name="ledger_action_at"),
            # And those by way and by kind of object, where few have it.
            models.Index(
                fields=("source", "at", "id"), name="ledger_way", condition=~models.Q(source__in=USUAL_SOURCES)
            ),
            models.Index(
                fields=("object_type", "at", "id"),
                name="ledger_kind",
                condition=~models.Q(object_type__in=USUAL_OBJECTS),
            ),
        )

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.action} {self.object_label}"


class LedgerKey(models.Model):
    """A public key that signs checkpoints. Retired ones stay: what they signed is still to be checked."""

    public = models.CharField(_("public key"), max_length=200, unique=True, help_text=_("name+id+key"))
    since = models.DateTimeField(_("since"))
    retired_at = models.DateTimeField(_("retired"), null=True, blank=True)
    introduction = models.TextField(
        _("introduction"), blank=True, db_default="", help_text=_("A note in which the key before it names this one.")
    )

    class Meta:
        ordering = ("id",)
        verbose_name = _("ledger key")
        verbose_name_plural = _("ledger keys")

    def __str__(self) -> str:
        return self.public


class LedgerSeal(models.Model):
    """What was put into the tree together, and the signed checkpoint of the tree after it. Only ever added."""

    at = models.DateTimeField(_("at"))
    begins = models.BigIntegerField(_("size before"), unique=True)
    size = models.BigIntegerField(_("size after"))
    root = models.BinaryField(_("root"), max_length=32)
    note = models.TextField(_("signed checkpoint"))
    contents = models.JSONField(
        _("contents"), help_text=_("Tables with the ranges of their rows, in the order of the leaves.")
    )
    lowest = models.BigIntegerField(_("lowest entry"), null=True)
    highest = models.BigIntegerField(_("highest entry"), null=True)

    class Meta:
        ordering = ("begins",)
        verbose_name = _("seal")
        verbose_name_plural = _("seals")
        constraints = (
            models.CheckConstraint(condition=models.Q(size__gt=models.F("begins")), name="ledger_seal_adds"),
        )
        indexes = (
            # In which seal an entry is.
            models.Index(fields=("highest", "lowest"), name="ledger_seal_of_entry"),
        )

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.size}"


class LedgerTile(models.Model):
    """256 hashes of the tree, side by side: ``level`` 0 are the leaves, each level above stands on 256 of the one below.

    Derived: verification builds them anew from the rows. They make a proof a matter of a few reads.
    """

    level = models.PositiveSmallIntegerField(_("level"))
    index = models.BigIntegerField(_("index"))
    hashes = models.BinaryField(_("hashes"))

    class Meta:
        ordering = ("level", "index")
        verbose_name = _("tile")
        verbose_name_plural = _("tiles")
        constraints = (models.UniqueConstraint(fields=("level", "index"), name="ledger_tile_once"),)

    def __str__(self) -> str:
        return f"{self.level}/{self.index}"


class LedgerHorizon(models.Model):
    """How far a table is sealed. ``gaps`` are numbers below that had no row: of transactions under way, or undone."""

    table = models.CharField(_("table"), max_length=64, unique=True)
    upto = models.BigIntegerField(_("up to"), default=0)
    gaps = models.JSONField(_("gaps"), default=list, help_text=_("First and last number, and when it was seen."))

    class Meta:
        ordering = ("table",)
        verbose_name = _("horizon")
        verbose_name_plural = _("horizons")

    def __str__(self) -> str:
        return f"{self.table} {self.upto}"


class LedgerSalt(models.Model):
    """The salt under which the tree holds what concerns one subject ("user:7", "incident:42").

    Without it the tree's hashes say nothing about the subject any more; every proof still holds.
    """

    subject = models.CharField(_("subject"), max_length=130)
    salt = models.BinaryField(_("salt"), max_length=32, null=True)
    destroyed_at = models.DateTimeField(_("destroyed"), null=True)

    class Meta:
        ordering = ("id",)
        verbose_name = _("salt")
        verbose_name_plural = _("salts")
        constraints = (
            models.CheckConstraint(
                condition=models.Q(salt__isnull=False, destroyed_at=None)
                | models.Q(salt=None, destroyed_at__isnull=False),
                name="ledger_salt_or_destroyed",
            ),
            # One in use; sealing looks it up by the same index.
            models.UniqueConstraint(
                fields=("subject",), name="ledger_salt_one_in_use", condition=models.Q(destroyed_at=None)
            ),
        )
        # What was destroyed of a subject, for verification.
        indexes = (
            models.Index(
                fields=("subject",), name="ledger_salt_destroyed", condition=models.Q(destroyed_at__isnull=False)
            ),
        )

    def __str__(self) -> str:
        return self.subject


class LedgerDigest(models.Model):
    """What stands in a leaf for a part of a row whose salt is destroyed: kept from before, so that the leaf can still be built."""

    table = models.CharField(_("table"), max_length=64)
    row = models.BigIntegerField(_("row"))
    part = models.CharField(_("part"), max_length=8)
    digest = models.CharField(_("digest"), max_length=64)

    class Meta:
        ordering = ("id",)
        verbose_name = _("kept digest")
        verbose_name_plural = _("kept digests")
        constraints = (models.UniqueConstraint(fields=("table", "row", "part"), name="ledger_digest_once"),)

    def __str__(self) -> str:
        return f"{self.table} {self.row} {self.part}"

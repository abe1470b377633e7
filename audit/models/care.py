"""How the ledger is looked after: its regular verification, the sealer's sign of life, and what was archived."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class LedgerBeat(models.Model):
    """When a regular task of the ledger last came to its end, and the error that stopped it since; "" for none."""

    name = models.CharField(_("name"), max_length=20, unique=True)
    at = models.DateTimeField(_("last done"), null=True)
    failed_at = models.DateTimeField(_("failed"), null=True)
    error = models.CharField(_("error"), max_length=300, blank=True, default="")

    class Meta:
        ordering = ("name",)
        verbose_name = _("sealer’s sign of life")
        verbose_name_plural = _("sealer’s signs of life")

    def __str__(self) -> str:
        return self.name


class LedgerCheck(models.Model):
    """One verification of the tree, whole or of what came last. A long one goes on from ``reached`` in the next task."""

    class Scope(models.TextChoices):
        WHOLE = "whole", _("Everything")
        RECENT = "recent", _("What came last")

    scope = models.CharField(_("scope"), max_length=6, choices=Scope.choices)
    begun_at = models.DateTimeField(_("begun"))
    worked_at = models.DateTimeField(_("worked on"))
    ended_at = models.DateTimeField(_("ended"), null=True)
    begins = models.BigIntegerField(_("from leaf"))
    reached = models.BigIntegerField(_("reached leaf"))
    beyond = models.BigIntegerField(_("rows of forgotten subjects"), default=0)
    undone = models.BigIntegerField(_("numbers that were undone"), default=0)
    found = models.PositiveIntegerField(_("findings"), default=0)
    findings = models.JSONField(_("first findings"), default=list)

    class Meta:
        ordering = ("id",)
        verbose_name = _("verification")
        verbose_name_plural = _("verifications")
        constraints = (
            # One at a time: the next task goes on with it.
            models.UniqueConstraint(fields=("scope",), name="ledger_check_one_open", condition=models.Q(ended_at=None)),
        )
        indexes = (
            # Whether the last ones found anything.
            models.Index(fields=("scope", "-id"), name="ledger_check_last"),
        )

    def __str__(self) -> str:
        return f"{self.begun_at:%Y-%m-%d %H:%M:%S} {self.scope}"


class LedgerSegment(models.Model):
    """A stretch of the tree that was written into a signed archive file. Its rows may then be taken out of the database;
    their leaves stay, and every proof still holds."""

    begins = models.BigIntegerField(_("from leaf"), unique=True)
    size = models.BigIntegerField(_("to before leaf"))
    first_at = models.DateTimeField(_("first sealed"))
    last_at = models.DateTimeField(_("last sealed"))
    archived_at = models.DateTimeField(_("archived"))
    file = models.CharField(_("file"), max_length=200)
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    rows = models.BigIntegerField(_("rows"))
    contents = models.JSONField(_("contents"), help_text=_("The ranges of rows of each table."))
    dropped_at = models.DateTimeField(_("taken out"), null=True)

    class Meta:
        ordering = ("begins",)
        verbose_name = _("archived segment")
        verbose_name_plural = _("archived segments")
        constraints = (
            models.CheckConstraint(condition=models.Q(size__gt=models.F("begins")), name="ledger_segment_holds"),
        )

    def __str__(self) -> str:
        return f"{self.begins}–{self.size}"

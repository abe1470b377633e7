"""What auditors keep: filters of the ledger under a name, and packs of evidence to take away."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

USER = settings.AUTH_USER_MODEL


class LedgerView(models.Model):
    """Filters of the ledger's browser under a name. The address after the question mark is all there is to it."""

    owner = models.ForeignKey(USER, on_delete=models.CASCADE, related_name="ledger_views", verbose_name=_("owner"))
    name = models.CharField(_("name"), max_length=60)
    query = models.TextField(_("filters"), blank=True, help_text=_("As in the address of the page."))
    shared = models.BooleanField(
        _("shared"), default=False, help_text=_("Everybody who may read the ledger sees it among their views.")
    )
    created_at = models.DateTimeField(_("created"))
    history = HistoricalRecords()

    class Meta:
        ordering = ("name", "id")
        verbose_name = _("view of the ledger")
        verbose_name_plural = _("views of the ledger")
        constraints = (
            models.UniqueConstraint(
                fields=("owner", "name"),
                name="ledger_view_name_once",
                violation_error_message=_("You have a view of that name already."),
            ),
        )
        # The browser's tabs: what others share.
        indexes = (models.Index(fields=("name",), name="ledger_view_shared", condition=models.Q(shared=True)),)

    def __str__(self) -> str:
        return self.name


def pack_path(pack: "AuditPack", name: str) -> str:
    """Where its bytes lie: by their digest."""
    return f"packs/{pack.sha256[:2]}/{pack.sha256}"


class AuditPack(models.Model):
    """Evidence of one incident, or of everything in a period, as one signed ZIP; kept until ``expires_at``."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        MAKING = "making", _("Being made")
        READY = "ready", _("Ready")
        FAILED = "failed", _("Failed")
        GONE = "gone", _("No longer kept")

    asked_by = models.ForeignKey(
        USER, on_delete=models.PROTECT, related_name="audit_packs", verbose_name=_("asked for by")
    )
    asked_at = models.DateTimeField(_("asked for"))
    incident = models.ForeignKey(
        "incidents.Incident",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("incident"),
    )
    since = models.DateTimeField(_("from"), null=True, blank=True)
    until = models.DateTimeField(_("before"), null=True, blank=True)
    language = models.CharField(_("language"), max_length=10, default="en")
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.WAITING)
    begun_at = models.DateTimeField(_("begun"), null=True, blank=True)
    done = models.PositiveIntegerField(_("done"), default=0)
    total = models.PositiveIntegerField(_("of"), default=0)
    file = models.FileField(_("file"), upload_to=pack_path, max_length=120, blank=True)
    size = models.PositiveBigIntegerField(_("size in bytes"), default=0)
    sha256 = models.CharField(_("SHA-256"), max_length=64, blank=True)
    reason = models.CharField(_("why it failed"), max_length=200, blank=True)
    ready_at = models.DateTimeField(_("ready"), null=True, blank=True)
    expires_at = models.DateTimeField(_("kept until"), null=True, blank=True)

    class Meta:
        ordering = ("-asked_at", "-id")
        verbose_name = _("audit pack")
        verbose_name_plural = _("audit packs")
        constraints = (
            models.CheckConstraint(
                condition=models.Q(incident__isnull=False, since=None, until=None)
                | models.Q(incident=None, since__isnull=False, until__isnull=False, since__lt=models.F("until")),
                name="audit_pack_incident_or_period",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="ready") | models.Q(ready_at__isnull=False, expires_at__isnull=False),
                name="audit_pack_ready_has_end",
            ),
        )
        indexes = (
            # The list of packs, newest first.
            models.Index(fields=("-asked_at", "-id"), name="audit_pack_newest"),
            # The hourly look for those whose time is over, and for those that a crash left half made.
            models.Index(fields=("expires_at",), name="audit_pack_kept", condition=models.Q(state="ready")),
            models.Index(
                fields=("asked_at",), name="audit_pack_open", condition=models.Q(state__in=("waiting", "making"))
            ),
        )

    def __str__(self) -> str:
        if self.incident_id is not None:
            return f"INC-{self.incident_id}"
        return f"{self.since:%Y-%m-%d} – {self.until:%Y-%m-%d}"

    @property
    def is_open(self) -> bool:
        """Whether it is still to come."""
        return self.state in (self.State.WAITING, self.State.MAKING)

    @property
    def percent(self) -> int:
        return min(100, self.done * 100 // self.total) if self.total else 0

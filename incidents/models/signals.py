"""What monitors send: the durable inbox of raw signals, and the alerts read out of them."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from incidents.models.catalogue import Integration
from incidents.models.incident import Incident


class InboxSignal(models.Model):
    """One accepted request, as it came. Accepting is this INSERT; the engine reads it afterwards in batches."""

    integration = models.ForeignKey(
        Integration, on_delete=models.CASCADE, related_name="signals", verbose_name=_("integration")
    )
    received_at = models.DateTimeField(_("received"))
    body = models.BinaryField(_("body"), help_text=_("The bytes as received: signatures are over bytes."))
    processed_at = models.DateTimeField(_("processed"), null=True, blank=True)
    error = models.TextField(_("error"), blank=True, help_text=_("Why it was set aside; empty when it was read."))
    set_aside_at = models.DateTimeField(_("set aside"), null=True, blank=True)

    class Meta:
        ordering = ("id",)
        verbose_name = _("signal")
        verbose_name_plural = _("signals")
        indexes = (
            # The engine's claim of what is waiting, oldest first.
            models.Index(
                fields=("id",), name="signal_waiting", condition=models.Q(processed_at=None, set_aside_at=None)
            ),
            # The same of each integration, so that none keeps another's waiting.
            models.Index(
                fields=("integration", "id"),
                name="signal_waiting_of",
                condition=models.Q(processed_at=None, set_aside_at=None),
            ),
            # What could not be read: the operations page, the watchdog.
            models.Index(
                fields=("set_aside_at",), name="signal_set_aside", condition=models.Q(set_aside_at__isnull=False)
            ),
            # The clean-up of what has been read long ago.
            models.Index(
                fields=("processed_at",), name="signal_processed", condition=models.Q(processed_at__isnull=False)
            ),
        )

    def __str__(self) -> str:
        return f"signal {self.pk}"


class Alert(models.Model):
    """What one monitor says is wrong, from its first firing to its recovery; repeats only count."""

    integration = models.ForeignKey(
        Integration, on_delete=models.PROTECT, related_name="alerts", verbose_name=_("integration")
    )
    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="alerts", verbose_name=_("incident"))
    dedup_key = models.CharField(_("dedup key"), max_length=255)
    summary = models.CharField(_("summary"), max_length=1024)
    severity_word = models.CharField(_("severity at the source"), max_length=60, blank=True)
    labels = models.JSONField(_("labels"), default=dict)
    details = models.JSONField(_("details"), default=dict)
    link = models.URLField(_("link"), max_length=2000, blank=True)
    started_at = models.DateTimeField(_("started"))
    received_at = models.DateTimeField(_("first received"))
    last_received_at = models.DateTimeField(_("last received"))
    resolved_at = models.DateTimeField(_("recovered"), null=True, blank=True)
    count = models.PositiveIntegerField(_("times received"), default=1)

    class Meta:
        ordering = ("id",)
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        constraints = (
            # One firing alert per key and door; intake's lookup of what is open uses the same index.
            models.UniqueConstraint(
                fields=("integration", "dedup_key"),
                name="alert_one_firing_per_key",
                condition=models.Q(resolved_at=None),
            ),
        )

    def __str__(self) -> str:
        return self.summary

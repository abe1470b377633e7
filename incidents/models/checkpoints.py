"""Human checkpoints: an action that waits until a named person says yes."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from incidents.models.incident import Incident


class Checkpoint(models.Model):
    """A guarded action on an incident waits for somebody; when they say nothing in time, ``on_timeout`` happens."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waits")
        CONFIRMED = "confirmed", _("Confirmed")
        REFUSED = "refused", _("Refused")
        EXPIRED = "expired", _("Nobody answered in time")
        CANCELLED = "cancelled", _("Cancelled")

    class OnTimeout(models.TextChoices):
        REFUSE = "refuse", _("Leave it undone")
        ESCALATE = "escalate", _("Ask the next person")

    incident = models.ForeignKey(
        Incident, on_delete=models.PROTECT, related_name="checkpoints", verbose_name=_("incident")
    )
    action = models.CharField(
        _("action"), max_length=60, help_text=_("What waits, as in the ledger: incident.resolve.")
    )
    arguments = models.JSONField(_("arguments"), default=dict, blank=True)
    question = models.CharField(_("question"), max_length=300)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("asked by"),
    )
    waits_for = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="checkpoints", verbose_name=_("waits for")
    )
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.WAITING)
    on_timeout = models.CharField(
        _("when nobody answers"), max_length=10, choices=OnTimeout.choices, default=OnTimeout.REFUSE
    )
    created_at = models.DateTimeField(_("created"))
    due_at = models.DateTimeField(_("due"))
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("answered by"),
    )
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    history = HistoricalRecords(excluded_fields=["arguments"])

    class Meta:
        ordering = ("-created_at", "-id")
        verbose_name = _("checkpoint")
        verbose_name_plural = _("checkpoints")
        constraints = (
            models.CheckConstraint(
                condition=Q(state="waiting", answered_at__isnull=True)
                | (~Q(state="waiting") & Q(answered_at__isnull=False)),
                name="checkpoint_answered_with_instant",
            ),
        )
        # The minute's check: those that nobody answered in time.
        indexes = (models.Index(fields=("due_at",), name="checkpoint_due", condition=Q(state="waiting")),)

    def __str__(self) -> str:
        return f"{self.action} · {self.incident}"

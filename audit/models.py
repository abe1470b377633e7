"""The ledger: what happened, who did it, what it was before and after. Rows are only ever added."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _


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
            # The browser's filters by actor and by action.
            models.Index(fields=("actor_id", "id"), name="ledger_actor"),
            models.Index(fields=("action", "id"), name="ledger_action"),
        )

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.action} {self.object_label}"

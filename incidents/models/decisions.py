"""Why an incident went the way it did, and what waits for a person's decision."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from incidents.models.incident import Incident
from notifications.models import Message
from policies.models import BookVersion


class RoutingDecision(models.Model):
    """What the routing rules decided for an incident, by which version and why; a later look adds another row."""

    SEALED_AS = "incident"

    class Cause(models.TextChoices):
        OPENED = "opened", _("Opened")
        FACTS = "facts", _("Its facts changed")

    incident = models.ForeignKey(
        Incident, on_delete=models.PROTECT, related_name="routing_decisions", verbose_name=_("incident")
    )
    at = models.DateTimeField(_("at"))
    cause = models.CharField(_("cause"), max_length=10, choices=Cause.choices, default=Cause.OPENED)
    book_version = models.ForeignKey(
        BookVersion, on_delete=models.PROTECT, related_name="+", verbose_name=_("version of the rules")
    )
    decision = models.JSONField(_("decision"), help_text=_("What was decided, by which rules, and the facts they saw."))

    class Meta:
        ordering = ("id",)
        verbose_name = _("routing decision")
        verbose_name_plural = _("routing decisions")

    def __str__(self) -> str:
        return f"INC-{self.incident_id} {self.at:%Y-%m-%d %H:%M:%S}"


class Checkpoint(models.Model):
    """Something waits for a named person's decision until an instant; then ``fallback`` happens, seen by everybody.

    ``action`` is what waits: "escalation.start" (an ambiguous incident asks a person), "incident.resolve" (an automation's
    guarded action). ``data`` are its arguments.
    """

    class Fallback(models.TextChoices):
        PROCEED = "proceed", _("Do it")
        LEAVE = "leave", _("Leave it")

    class Outcome(models.TextChoices):
        OPEN = "", _("Open")
        CONFIRMED = "confirmed", _("Confirmed")
        DECLINED = "declined", _("Declined")
        TIMED_OUT = "timed_out", _("Nobody decided in time")
        WITHDRAWN = "withdrawn", _("Not needed any more")

    incident = models.ForeignKey(
        Incident, on_delete=models.PROTECT, related_name="checkpoints", verbose_name=_("incident")
    )
    action = models.CharField(_("action"), max_length=40)
    data = models.JSONField(_("data"), default=dict, blank=True)
    reason = models.CharField(_("why it waits"), max_length=300, blank=True)
    created_at = models.DateTimeField(_("created"))
    due_at = models.DateTimeField(_("due"))
    fallback = models.CharField(_("otherwise"), max_length=8, choices=Fallback.choices)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome.choices, blank=True, default=Outcome.OPEN)
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("decided by"),
    )
    note = models.TextField(_("note"), blank=True, max_length=1000)

    class Meta:
        ordering = ("id",)
        verbose_name = _("checkpoint")
        verbose_name_plural = _("checkpoints")
        constraints = (
            # One question about one thing at a time: an automation that wants it again finds the question asked.
            models.UniqueConstraint(
                fields=("incident", "action"), condition=models.Q(outcome=""), name="checkpoint_one_open"
            ),
            models.CheckConstraint(
                condition=models.Q(outcome="", decided_at=None)
                | (~models.Q(outcome="") & models.Q(decided_at__isnull=False)),
                name="checkpoint_decided_has_instant",
            ),
        )
        # The engine's look for those whose time is up.
        indexes = (models.Index(fields=("due_at",), name="checkpoint_due", condition=models.Q(outcome="")),)

    def __str__(self) -> str:
        return f"{self.action} of INC-{self.incident_id}"


class CheckpointAsk(models.Model):
    """One person who was asked, and the message that asked them."""

    checkpoint = models.ForeignKey(
        Checkpoint, on_delete=models.PROTECT, related_name="asks", verbose_name=_("checkpoint")
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="checkpoint_asks", verbose_name=_("person")
    )
    message = models.OneToOneField(
        Message,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="checkpoint_ask",
        verbose_name=_("message"),
    )

    class Meta:
        ordering = ("id",)
        verbose_name = _("person asked")
        verbose_name_plural = _("people asked")
        constraints = (models.UniqueConstraint(fields=("checkpoint", "user"), name="checkpoint_ask_once"),)

    def __str__(self) -> str:
        return f"checkpoint {self.checkpoint_id} asks {self.user_id}"

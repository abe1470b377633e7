"""A policy walked in time for one incident: the run, and the pages it made."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from incidents.models.incident import Incident
from notifications.models import Message
from policies.models import PolicyVersion


class EscalationRun(models.Model):
    """Where an incident stands in its pinned policy version. ``state`` is the pure core's; the columns beside it serve claims and lists."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="runs", verbose_name=_("incident"))
    policy_version = models.ForeignKey(
        PolicyVersion, on_delete=models.PROTECT, related_name="runs", verbose_name=_("policy version")
    )
    state = models.JSONField(_("state"))
    phase = models.CharField(_("phase"), max_length=16)
    level = models.PositiveSmallIntegerField(_("level"))
    cycle = models.PositiveSmallIntegerField(_("cycle"))
    priority = models.PositiveSmallIntegerField(
        _("claim order"), help_text=_("The severity: a storm of SEV-4 never delays a SEV-1.")
    )
    straight_to = models.JSONField(
        _("straight to"),
        default=list,
        blank=True,
        help_text=_("Targets that a routing rule has paged beside the level at which the run begins."),
    )
    started_at = models.DateTimeField(_("started"))
    next_due_at = models.DateTimeField(_("next due"), null=True, blank=True)
    superseded = models.BooleanField(
        _("superseded"), default=False, help_text=_("A reopened or re-applied incident got a newer run.")
    )
    set_aside_at = models.DateTimeField(_("set aside"), null=True, blank=True)
    error = models.TextField(_("error"), blank=True)

    class Meta:
        ordering = ("id",)
        verbose_name = _("escalation run")
        verbose_name_plural = _("escalation runs")
        constraints = (
            models.UniqueConstraint(fields=("incident",), name="run_one_current", condition=models.Q(superseded=False)),
        )
        indexes = (
            # The engine's look for the next due instant.
            models.Index(
                fields=("next_due_at",),
                name="run_due",
                condition=models.Q(next_due_at__isnull=False, set_aside_at=None),
            ),
            # What stands still: the operations page, the watchdog.
            models.Index(
                fields=("set_aside_at",), name="run_set_aside", condition=models.Q(set_aside_at__isnull=False)
            ),
            # The engine's claim, one severity after the other.
            models.Index(
                fields=("priority", "next_due_at"),
                name="run_claim",
                condition=models.Q(next_due_at__isnull=False, set_aside_at=None),
            ),
        )

    def __str__(self) -> str:
        return f"run {self.pk} of INC-{self.incident_id}"


class Page(models.Model):
    """One recipient, one level, one cycle: "tell Bob". At most one for each, whatever crashes (DESIGN.md §5, invariant 3).

    A level that tells its people again makes a page for each ``repeat``.
    """

    class State(models.TextChoices):
        PENDING = "pending", _("On its way")
        DELIVERED = "delivered", _("Delivered")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    run = models.ForeignKey(EscalationRun, on_delete=models.PROTECT, related_name="pages", verbose_name=_("run"))
    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="pages", verbose_name=_("incident"))
    cycle = models.PositiveSmallIntegerField(_("cycle"))
    level = models.PositiveSmallIntegerField(_("level"))
    repeat = models.PositiveSmallIntegerField(
        _("repeat"), default=0, help_text=_("How often the level had been told before, in this cycle.")
    )
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="pages", verbose_name=_("recipient")
    )
    why = models.JSONField(_("why this person"), default=dict)
    message = models.OneToOneField(
        Message, on_delete=models.PROTECT, null=True, blank=True, related_name="page", verbose_name=_("message")
    )
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.PENDING)
    state_reason = models.CharField(_("reason"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("created"))
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    declined_at = models.DateTimeField(_("declined"), null=True, blank=True)
    link_nonce = models.CharField(
        _("link nonce"), max_length=32, unique=True, help_text=_("Part of what the link's signature covers.")
    )
    link_used_at = models.DateTimeField(_("link used"), null=True, blank=True)

    class Meta:
        ordering = ("id",)
        verbose_name = _("page")
        verbose_name_plural = _("pages")
        constraints = (
            models.UniqueConstraint(
                fields=("run", "cycle", "level", "repeat", "recipient"), name="page_once_per_recipient"
            ),
        )
        indexes = (
            # An incident's ladder.
            models.Index(fields=("incident", "id"), name="page_of_incident"),
            # "My pages", newest first.
            models.Index(fields=("recipient", "-created_at"), name="page_of_person"),
        )

    def __str__(self) -> str:
        return f"page {self.pk} to {self.recipient_id}"


class PageReport(models.Model):
    """How a page's message ended, left by the sender for the engine.

    The sender only adds this row: it holds the delivery's lock and must never wait for an incident's, while an acknowledgement
    holds the incident's lock and cancels deliveries.
    """

    page = models.ForeignKey(Page, on_delete=models.PROTECT, related_name="reports", verbose_name=_("page"))
    outcome = models.CharField(_("outcome"), max_length=10, choices=Page.State.choices)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    at = models.DateTimeField(_("at"))
    processed_at = models.DateTimeField(_("processed"), null=True, blank=True)

    class Meta:
        ordering = ("id",)
        verbose_name = _("page report")
        verbose_name_plural = _("page reports")
        # The engine's claim of reports not yet read.
        indexes = (models.Index(fields=("id",), name="page_report_waiting", condition=models.Q(processed_at=None)),)

    def __str__(self) -> str:
        return f"{self.outcome} for page {self.page_id}"

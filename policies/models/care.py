"""Looking after policies: what the linter found, reviews, and the documents that explain them."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from policies.models.policies import EscalationPolicy


class Guideline(models.Model):
    """A document that people should read with a policy."""

    policy = models.ForeignKey(
        EscalationPolicy, on_delete=models.CASCADE, related_name="guidelines", verbose_name=_("policy")
    )
    title = models.CharField(_("title"), max_length=120)
    url = models.URLField(_("address"), max_length=500)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    history = HistoricalRecords()

    class Meta:
        ordering = ("policy", "position", "id")
        verbose_name = _("guideline")
        verbose_name_plural = _("guidelines")

    def __str__(self) -> str:
        return self.title


class PolicyFinding(models.Model):
    """Something the linter found and nobody has mended yet; once mended it stays with the date."""

    code = models.CharField(_("code"), max_length=40)
    policy = models.ForeignKey(
        EscalationPolicy,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="findings",
        verbose_name=_("policy"),
    )
    about = models.CharField(
        _("about"), max_length=120, help_text=_("What it is about: policy:3, schedule:7, service:12, user:4.")
    )
    place = models.CharField(_("place"), max_length=120, blank=True, help_text=_("Where in it: levels.2.targets.0."))
    data = models.JSONField(
        _("data"), default=dict, blank=True, help_text=_("Names and figures its sentence is built from.")
    )
    first_seen_at = models.DateTimeField(_("first seen"))
    last_seen_at = models.DateTimeField(_("last seen"))
    gone_at = models.DateTimeField(_("gone"), null=True, blank=True)

    class Meta:
        ordering = ("code", "about", "place", "id")
        verbose_name = _("finding")
        verbose_name_plural = _("findings")
        constraints = (
            models.UniqueConstraint(
                fields=("code", "about", "place"), condition=Q(gone_at=None), name="policy_finding_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.code} {self.about}"


class PolicyReview(models.Model):
    """Somebody should look whether a policy still does what it should: every quarter, and after a major incident."""

    class Cause(models.TextChoices):
        QUARTER = "quarter", _("Quarterly review")
        MAJOR_INCIDENT = "major_incident", _("After a major incident")
        BY_HAND = "by_hand", _("Asked for")

    class Outcome(models.TextChoices):
        NONE = "", _("Open")
        KEPT = "kept", _("Kept as it is")
        CHANGED = "changed", _("Changed")

    policy = models.ForeignKey(
        EscalationPolicy, on_delete=models.PROTECT, related_name="reviews", verbose_name=_("policy")
    )
    cause = models.CharField(_("cause"), max_length=16, choices=Cause.choices)
    subject = models.CharField(
        _("subject"), max_length=60, blank=True, help_text=_("The incident that asked for it: incident:42.")
    )
    evidence = models.JSONField(_("evidence"), default=dict, blank=True)
    opened_at = models.DateTimeField(_("opened"))
    due_at = models.DateTimeField(_("due"))
    reported_at = models.DateTimeField(_("reported as overdue"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("closed by"),
    )
    outcome = models.CharField(_("outcome"), max_length=8, choices=Outcome.choices, blank=True, default=Outcome.NONE)
    note = models.TextField(_("note"), blank=True, max_length=2000)
    history = HistoricalRecords(excluded_fields=["evidence"])

    class Meta:
        ordering = ("-opened_at", "-id")
        verbose_name = _("policy review")
        verbose_name_plural = _("policy reviews")
        constraints = (
            # One open review of a policy for one cause: the task may run twice.
            models.UniqueConstraint(
                fields=("policy", "cause", "subject"), condition=Q(closed_at=None), name="policy_review_one_open"
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, outcome="") | (Q(closed_at__isnull=False) & ~Q(outcome="")),
                name="policy_review_closed_with_outcome",
            ),
        )
        # The task: open reviews that have become overdue.
        indexes = (models.Index(fields=("due_at",), name="policy_review_due", condition=Q(closed_at=None)),)

    def __str__(self) -> str:
        return f"{self.policy}: {self.get_cause_display()}"

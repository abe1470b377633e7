"""The catalogue: what can break, whose it is, and by which doors its signals come in."""

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from oncall.models import Skill, Team
from policies.models import EscalationPolicy, WorkCalendar
from policies.severity import Severity


class Service(models.Model):
    """What is broken when something is: owned by a team, escalated by a policy."""

    class Tier(models.IntegerChoices):
        CRITICAL = 1, _("Tier 1, critical")
        IMPORTANT = 2, _("Tier 2, important")
        NORMAL = 3, _("Tier 3, normal")

    name = models.CharField(_("name"), max_length=120, unique=True)
    slug = models.SlugField(_("slug"), max_length=80, unique=True)
    description = models.TextField(_("description"), blank=True)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="services", verbose_name=_("owner"))
    policy = models.ForeignKey(
        EscalationPolicy,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="services",
        verbose_name=_("policy"),
    )
    tier = models.PositiveSmallIntegerField(_("tier"), choices=Tier.choices, default=Tier.NORMAL)
    region = models.CharField(_("region"), max_length=60, blank=True)
    environment = models.CharField(_("environment"), max_length=40, default="production")
    revenue_flow = models.BooleanField(_("revenue flow"), default=False)
    high_risk = models.BooleanField(_("high risk"), default=False)
    regulated = models.BooleanField(_("regulated"), default=False)
    default_severity = models.PositiveSmallIntegerField(
        _("default severity"), choices=Severity.choices, default=Severity.SEV3
    )
    calendar = models.ForeignKey(
        WorkCalendar,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="services",
        verbose_name=_("business calendar"),
        help_text=_("Empty means the default one."),
    )
    runbook_url = models.URLField(_("runbook"), blank=True)
    bridge_url = models.URLField(
        _("bridge"),
        blank=True,
        default="",
        db_default="",
        help_text=_("Where those who work on its incidents talk to each other."),
    )
    required_skills = models.ManyToManyField(
        Skill,
        blank=True,
        related_name="services",
        verbose_name=_("required skills"),
        help_text=_("Beyond the first level only people who hold all of these are paged."),
    )
    history = HistoricalRecords()

    class Meta:
        ordering = ("name",)
        verbose_name = _("service")
        verbose_name_plural = _("services")

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("incidents:service", args=(self.slug,))


class Integration(models.Model):
    """A door for signals into one service. Its key is shown once and stored as a SHA-256 digest."""

    class Kind(models.TextChoices):
        ALERTMANAGER = "alertmanager", _("Prometheus Alertmanager")
        PAGERDUTY = "pagerduty", _("PagerDuty Events API v2")

    name = models.CharField(_("name"), max_length=120)
    slug = models.SlugField(_("slug"), max_length=80, unique=True)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    service = models.ForeignKey(
        Service, on_delete=models.CASCADE, related_name="integrations", verbose_name=_("service")
    )
    key_digest = models.CharField(_("key digest"), max_length=64, unique=True, editable=False)
    key_hint = models.CharField(_("key ends with"), max_length=4, editable=False)
    severity_map = models.JSONField(
        _("severity map"),
        default=dict,
        blank=True,
        help_text=_("Words of the source to severities, for example {“page”: 1}."),
    )
    enabled = models.BooleanField(_("enabled"), default=True)
    created_at = models.DateTimeField(_("created"))
    history = HistoricalRecords(excluded_fields=["key_digest"])

    class Meta:
        ordering = ("service", "name")
        verbose_name = _("integration")
        verbose_name_plural = _("integrations")

    def __str__(self) -> str:
        return self.name

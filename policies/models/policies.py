"""Escalation policies: who is told, when, and how responsibility moves on."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.urls import resolve, reverse
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from oncall.models import Team


class EscalationPolicy(models.Model):
    """A named policy. What it says is in its versions; ``current_version`` is the one new incidents get."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    slug = models.SlugField(_("slug"), max_length=60, unique=True)
    description = models.TextField(_("description"), blank=True)
    team = models.ForeignKey(
        Team, on_delete=models.PROTECT, null=True, blank=True, related_name="policies", verbose_name=_("team")
    )
    current_version = models.ForeignKey(
        "PolicyVersion",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("current version"),
    )
    history = HistoricalRecords()

    class Meta:
        ordering = ("name",)
        verbose_name = _("escalation policy")
        verbose_name_plural = _("escalation policies")

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("policies:policy", args=(self.slug,))

    def clean(self) -> None:
        """A new policy gets no short name under which another page would answer ("rules", "reviews")."""
        if self._state.adding and self.slug and not leads_to_a_policy(self.slug):
            message = _("“%(slug)s” is the address of another page; choose another short name.")
            raise ValidationError({"slug": ValidationError(message, params={"slug": self.slug})})


def leads_to_a_policy(slug: str) -> bool:
    """Whether a policy of that short name can be reached by its address."""
    return resolve(reverse("policies:policy", args=(slug,))).view_name == "policies:policy"


class PolicyVersion(models.Model):
    """One immutable reading of a policy. A run keeps the version it began with (DESIGN.md §5, invariant 7)."""

    SEALED_AS = "policy"

    policy = models.ForeignKey(
        EscalationPolicy, on_delete=models.PROTECT, related_name="versions", verbose_name=_("policy")
    )
    number = models.PositiveIntegerField(_("version"))
    definition = models.JSONField(_("definition"))
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("author"),
    )
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("created"))

    class Meta:
        ordering = ("policy", "number")
        verbose_name = _("policy version")
        verbose_name_plural = _("policy versions")
        constraints = (models.UniqueConstraint(fields=("policy", "number"), name="policy_version_once"),)

    def __str__(self) -> str:
        return f"{self.policy} v{self.number}"

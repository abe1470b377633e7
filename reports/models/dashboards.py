"""Dashboards that people put together: cards in an order, with filters, for oneself, a team or everybody."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from oncall.models import Team

USER = settings.AUTH_USER_MODEL


class Dashboard(models.Model):
    """Cards in an order, under a name (``reports.cards`` says what a card is)."""

    class Shared(models.TextChoices):
        NOBODY = "nobody", _("Only me")
        TEAM = "team", _("A team")
        EVERYBODY = "everybody", _("Everybody")

    owner = models.ForeignKey(USER, on_delete=models.CASCADE, related_name="dashboards", verbose_name=_("owner"))
    name = models.CharField(_("name"), max_length=60)
    query = models.TextField(_("filters"), blank=True, help_text=_("As in the address of the page."))
    cards = models.JSONField(
        _("cards"),
        default=list,
        blank=True,
        help_text=_("Each with kind, metric, dimension and width, in their order."),
    )
    shared = models.CharField(_("shared with"), max_length=10, choices=Shared.choices, default=Shared.NOBODY)
    team = models.ForeignKey(
        Team, on_delete=models.CASCADE, null=True, blank=True, related_name="dashboards", verbose_name=_("team")
    )
    created_at = models.DateTimeField(_("created"))
    history = HistoricalRecords()

    class Meta:
        ordering = ("name", "id")
        verbose_name = _("dashboard")
        verbose_name_plural = _("dashboards")
        constraints = (
            models.UniqueConstraint(
                fields=("owner", "name"),
                name="dashboard_name_once",
                violation_error_message=_("You have a dashboard of that name already."),
            ),
            models.CheckConstraint(
                condition=models.Q(shared="team", team__isnull=False)
                | (~models.Q(shared="team") & models.Q(team=None)),
                name="dashboard_team_if_shared_so",
            ),
        )

    def __str__(self) -> str:
        return self.name

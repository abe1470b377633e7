"""Digests: what is told regularly to those who answer together, out of the data itself."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from notifications.models import Destination
from oncall.models import Team
from oncall.zones import validate_time_zone

USER = settings.AUTH_USER_MODEL


class Digest(models.Model):
    """One regular telling. With a team it is about that team and what is below it; without one, about the whole house.

    Who gets it: the stand-up its team's members, the week its managers, the month all auditors; each may switch it off for
    themselves, and others whose role allows may ask for it (``DigestReader``).
    """

    class Kind(models.TextChoices):
        STANDUP = "standup", _("Stand-up")
        WEEK = "week", _("Week for managers")
        MONTH = "month", _("Month for auditors")

    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    team = models.ForeignKey(
        Team, on_delete=models.CASCADE, null=True, blank=True, related_name="digests", verbose_name=_("team")
    )
    send_at = models.TimeField(_("time"))
    time_zone = models.CharField(
        _("time zone"),
        max_length=64,
        blank=True,
        validators=[validate_time_zone],
        help_text=_("Empty: the team’s own."),
    )
    destination = models.ForeignKey(
        Destination,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="digests",
        verbose_name=_("chat channel"),
        help_text=_("Posted there too, without restricted incidents unless it carries them."),
    )
    active = models.BooleanField(_("active"), default=True)
    next_due_at = models.DateTimeField(_("next due"))
    sent_at = models.DateTimeField(_("last sent"), null=True, blank=True)
    history = HistoricalRecords(excluded_fields=["next_due_at", "sent_at"])

    class Meta:
        ordering = ("kind", "team__name", "id")
        verbose_name = _("digest")
        verbose_name_plural = _("digests")
        constraints = (
            models.UniqueConstraint(fields=("kind", "team"), name="digest_once_per_team"),
            models.UniqueConstraint(fields=("kind",), name="digest_of_house_once", condition=models.Q(team=None)),
        )
        # The minute's look for what is due.
        indexes = (models.Index(fields=("next_due_at",), name="digest_due", condition=models.Q(active=True)),)

    def __str__(self) -> str:
        return f"{self.get_kind_display()} · {self.team}" if self.team else str(self.get_kind_display())

    @property
    def zone(self) -> str:
        """The zone on whose clock it is sent."""
        return self.time_zone or (self.team.time_zone if self.team else "UTC")


class DigestReader(models.Model):
    """Somebody's own word on a digest: ``wanted`` asks for it, else it is switched off for them."""

    digest = models.ForeignKey(Digest, on_delete=models.CASCADE, related_name="readers", verbose_name=_("digest"))
    user = models.ForeignKey(USER, on_delete=models.CASCADE, related_name="digests", verbose_name=_("person"))
    wanted = models.BooleanField(_("wanted"))
    history = HistoricalRecords()

    class Meta:
        ordering = ("digest", "user")
        verbose_name = _("reader of a digest")
        verbose_name_plural = _("readers of digests")
        constraints = (models.UniqueConstraint(fields=("digest", "user"), name="digest_reader_once"),)

    def __str__(self) -> str:
        return f"{self.user} · {self.digest}"

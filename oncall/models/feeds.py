"""iCalendar in both directions: feeds that calendar programs fetch, and calendars that are read."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from oncall.models.people import User
from oncall.models.schedules import Schedule


class CalendarFeed(models.Model):
    """A secret address with shifts: its owner's own, or those of a schedule. Stored as a SHA-256 digest, shown once."""

    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="calendar_feeds", verbose_name=_("owner"))
    schedule = models.ForeignKey(
        Schedule,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="calendar_feeds",
        verbose_name=_("schedule"),
        help_text=_("Empty: the owner's own shifts on every schedule."),
    )
    digest = models.CharField(_("digest"), max_length=64, unique=True, editable=False)
    hint = models.CharField(_("ends with"), max_length=4, editable=False)
    created_at = models.DateTimeField(_("created"))
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    class Meta:
        ordering = ("owner", "-created_at", "-id")
        verbose_name = _("calendar feed")
        verbose_name_plural = _("calendar feeds")

    def __str__(self) -> str:
        return f"{self.schedule or self.owner} (…{self.hint})"


class CalendarSource(models.Model):
    """An iCalendar address that is read again and again: a person's absences, or a schedule's overrides."""

    user = models.ForeignKey(
        User,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="calendar_sources",
        verbose_name=_("person"),
    )
    schedule = models.ForeignKey(
        Schedule,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="calendar_sources",
        verbose_name=_("schedule"),
    )
    url = models.CharField(_("address"), max_length=1000, blank=True, help_text=_("Empty: a file that was read once."))
    enabled = models.BooleanField(_("enabled"), default=True)
    created_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("created by")
    )
    created_at = models.DateTimeField(_("created"))
    read_next_at = models.DateTimeField(_("next reading"), null=True, blank=True)
    read_at = models.DateTimeField(_("last read"), null=True, blank=True)
    etag = models.CharField(max_length=200, blank=True, editable=False)
    problem = models.CharField(_("problem"), max_length=300, blank=True)
    history = HistoricalRecords(excluded_fields=["read_next_at", "read_at", "etag", "problem", "url"])

    class Meta:
        ordering = ("id",)
        verbose_name = _("calendar that is read")
        verbose_name_plural = _("calendars that are read")
        constraints = (
            models.CheckConstraint(
                condition=Q(user__isnull=False, schedule__isnull=True) | Q(user__isnull=True, schedule__isnull=False),
                name="calendar_source_of_one",
                violation_error_message=_("Name a person or a schedule, and not both."),
            ),
        )
        # The task that reads what is due.
        indexes = (
            models.Index(fields=("read_next_at",), name="calendar_source_due", condition=Q(read_next_at__isnull=False)),
        )

    def __str__(self) -> str:
        return str(self.user or self.schedule)

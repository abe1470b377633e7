"""What is taken out of the house: files made for one person, and what is sent to them regularly."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

USER = settings.AUTH_USER_MODEL


class Format(models.TextChoices):
    CSV = "csv", "CSV"
    JSON = "json", "JSON"
    XLSX = "xlsx", "XLSX"
    PDF = "pdf", "PDF"


def export_path(export: "ExportFile", name: str) -> str:
    """Where the file lies below the house's files: no name of a person or a filter in it."""
    return f"exports/{export.pk}/{name}"


class ExportSchedule(models.Model):
    """A list or a report that is sent to its owner regularly, with the rights the owner has when it is sent."""

    class Cadence(models.TextChoices):
        DAILY = "daily", _("Every day")
        WORKDAYS = "workdays", _("Monday to Friday")
        WEEKLY = "weekly", _("Every week")
        MONTHLY = "monthly", _("Every month")

    class Weekday(models.IntegerChoices):
        MONDAY = 0, _("Monday")
        TUESDAY = 1, _("Tuesday")
        WEDNESDAY = 2, _("Wednesday")
        THURSDAY = 3, _("Thursday")
        FRIDAY = 4, _("Friday")
        SATURDAY = 5, _("Saturday")
        SUNDAY = 6, _("Sunday")

    owner = models.ForeignKey(USER, on_delete=models.CASCADE, related_name="export_schedules", verbose_name=_("owner"))
    name = models.CharField(_("name"), max_length=80)
    source = models.CharField(_("what"), max_length=20, help_text=_("The list or report: incidents, report, pages."))
    query = models.TextField(_("filters"), blank=True, help_text=_("As in the address of the page."))
    format = models.CharField(_("format"), max_length=4, choices=Format.choices, default=Format.XLSX)
    cadence = models.CharField(_("how often"), max_length=8, choices=Cadence.choices, default=Cadence.WEEKLY)
    weekday = models.PositiveSmallIntegerField(
        _("weekday"), choices=Weekday.choices, default=Weekday.MONDAY, help_text=_("For what comes every week.")
    )
    day = models.PositiveSmallIntegerField(
        _("day of the month"), default=1, help_text=_("For what comes every month; 31 is the last day.")
    )
    send_at = models.TimeField(_("time"), help_text=_("On the owner’s clock."))
    active = models.BooleanField(_("active"), default=True)
    next_due_at = models.DateTimeField(_("next due"))
    created_at = models.DateTimeField(_("created"))
    history = HistoricalRecords(excluded_fields=["next_due_at"])

    class Meta:
        ordering = ("name", "id")
        verbose_name = _("regular export")
        verbose_name_plural = _("regular exports")
        constraints = (
            models.UniqueConstraint(fields=("owner", "name"), name="export_schedule_name_once"),
            models.CheckConstraint(
                condition=models.Q(day__range=(1, 31), weekday__range=(0, 6)), name="export_schedule_day_in_range"
            ),
        )
        # The minute's look for what is due.
        indexes = (models.Index(fields=("next_due_at",), name="export_schedule_due", condition=models.Q(active=True)),)

    def __str__(self) -> str:
        return self.name


class ExportFile(models.Model):
    """One file made for one person, kept for a week. ``due_at`` is the instant of the schedule that asked for it."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        MAKING = "making", _("Being made")
        READY = "ready", _("Ready")
        FAILED = "failed", _("Failed")
        GONE = "gone", _("Deleted")

    owner = models.ForeignKey(USER, on_delete=models.CASCADE, related_name="export_files", verbose_name=_("owner"))
    schedule = models.ForeignKey(
        ExportSchedule,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="files",
        verbose_name=_("regular export"),
    )
    due_at = models.DateTimeField(_("was due"), null=True, blank=True)
    name = models.CharField(_("name"), max_length=80)
    source = models.CharField(_("what"), max_length=20)
    query = models.TextField(_("filters"), blank=True)
    format = models.CharField(_("format"), max_length=4, choices=Format.choices)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.WAITING)
    asked_at = models.DateTimeField(_("asked for"))
    lease_until = models.DateTimeField(_("lease until"), null=True, blank=True)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    ready_at = models.DateTimeField(_("ready"), null=True, blank=True)
    rows = models.PositiveIntegerField(_("rows"), null=True, blank=True)
    size = models.PositiveBigIntegerField(_("size in bytes"), null=True, blank=True)
    file = models.FileField(_("file"), upload_to=export_path, max_length=200, blank=True)
    reason = models.CharField(_("why it failed"), max_length=200, blank=True)
    expires_at = models.DateTimeField(_("kept until"), null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        verbose_name = _("export")
        verbose_name_plural = _("exports")
        constraints = (
            # However many tasks look: one file, and so one mail, for each due instant.
            models.UniqueConstraint(fields=("schedule", "due_at"), name="export_once_per_due_instant"),
            models.CheckConstraint(
                condition=~models.Q(state="ready") | models.Q(ready_at__isnull=False, expires_at__isnull=False),
                name="export_ready_has_instant",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="making") | models.Q(lease_until__isnull=False),
                name="export_making_has_lease",
            ),
        )
        indexes = (
            # The page of somebody's exports.
            models.Index(fields=("owner", "-id"), name="export_of_person"),
            # The minute's look for what waits or was left half made.
            models.Index(fields=("id",), name="export_unmade", condition=models.Q(state__in=("waiting", "making"))),
            # What is to be deleted.
            models.Index(fields=("expires_at",), name="export_expiring", condition=models.Q(state="ready")),
        )

    def __str__(self) -> str:
        return f"{self.name} ({self.format})"

"""Schedules: their versions, the windows people take, and the gaps somebody accepted."""

from django.core.exceptions import ValidationError
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from oncall.models.people import Team, User
from oncall.zones import validate_time_zone

RESERVED_SLUGS = frozenset(
    {
        "absences",
        "calendars",
        "clashes",
        "feeds",
        "handoffs",
        "mine",
        "new",
        "overrides",
        "swaps",
        "workload",
    }
)
"""First parts of addresses under /oncall/ that are pages; tests compare them with the addresses there are."""


class Schedule(models.Model):
    """Who is on call when. What it says is in its versions; this row only names it."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    slug = models.SlugField(_("slug"), max_length=60, unique=True)
    team = models.ForeignKey(
        Team, on_delete=models.PROTECT, null=True, blank=True, related_name="schedules", verbose_name=_("team")
    )
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC", validators=[validate_time_zone])
    history = HistoricalRecords()

    class Meta:
        ordering = ("name",)
        verbose_name = _("schedule")
        verbose_name_plural = _("schedules")

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("oncall:schedule", args=(self.slug,))

    def clean(self) -> None:
        """A schedule of the name of a page beside it could never be opened."""
        if self.slug in RESERVED_SLUGS:
            raise ValidationError({"slug": _("This word is the address of a page. Choose another.")})


class ScheduleVersion(models.Model):
    """What a schedule said from an instant on. Never changed, so that "who was on call at T" is answerable for ever."""

    SEALED_AS = "schedule"

    schedule = models.ForeignKey(
        Schedule, on_delete=models.PROTECT, related_name="versions", verbose_name=_("schedule")
    )
    number = models.PositiveIntegerField(_("version"))
    effective_from = models.DateTimeField(_("in force from"))
    definition = models.JSONField(_("definition"))
    author = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("author")
    )
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("created"))

    class Meta:
        ordering = ("schedule", "number")
        verbose_name = _("schedule version")
        verbose_name_plural = _("schedule versions")
        constraints = (models.UniqueConstraint(fields=("schedule", "number"), name="schedule_version_once"),)

    def __str__(self) -> str:
        return f"{self.schedule} v{self.number}"


class Override(models.Model):
    """Somebody takes a window of a schedule, in place of, or beside, whoever the rotation names."""

    class Kind(models.TextChoices):
        COVER = "cover", _("Covers")
        REPLACE = "replace", _("Replaces one person")
        ADD = "add", _("Joins")
        REMOVE = "remove", _("Is taken off")

    class Cause(models.TextChoices):
        """What brought it about: shown with the shift, as ``rota.Why``."""

        OVERRIDE = "override", _("Override")
        SWAP = "swap", _("Swap")
        COVER = "cover", _("Cover for an absence")

    schedule = models.ForeignKey(
        Schedule, on_delete=models.CASCADE, related_name="overrides", verbose_name=_("schedule")
    )
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices, default=Kind.COVER)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="overrides", verbose_name=_("person"))
    replaces = models.ForeignKey(
        User, on_delete=models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("replaces")
    )
    role = models.CharField(
        _("role"),
        max_length=32,
        blank=True,
        help_text=_("Only this role of the schedule. Empty: the first role, or every one for somebody taken off."),
    )
    cause = models.CharField(_("cause"), max_length=8, choices=Cause.choices, default=Cause.OVERRIDE)
    start = models.DateTimeField(_("start"))
    end = models.DateTimeField(_("end"))
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    created_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("created by")
    )
    created_at = models.DateTimeField(_("created"))
    cancelled_at = models.DateTimeField(_("cancelled"), null=True, blank=True)
    source = models.ForeignKey(
        "CalendarSource",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="overrides",
        verbose_name=_("read from"),
    )
    source_uid = models.CharField(max_length=255, blank=True, editable=False)
    history = HistoricalRecords()

    class Meta:
        ordering = ("start", "id")
        verbose_name = _("override")
        verbose_name_plural = _("overrides")
        constraints = (
            models.CheckConstraint(
                condition=models.Q(start__lt=models.F("end")),
                name="override_start_before_end",
                violation_error_message=_("The end must come after the start."),
            ),
        )
        # Shifts of a range: the overrides of some schedules that touch it.
        indexes = (
            models.Index(fields=("schedule", "end"), name="override_touching", condition=models.Q(cancelled_at=None)),
        )

    def __str__(self) -> str:
        return f"{self.user} {self.get_kind_display()} {self.schedule}"


class GapAcceptance(models.Model):
    """Somebody knows that nobody is on call then, and said that it may stay so."""

    schedule = models.ForeignKey(
        Schedule, on_delete=models.CASCADE, related_name="gap_acceptances", verbose_name=_("schedule")
    )
    role = models.CharField(_("role"), max_length=32)
    start = models.DateTimeField(_("start"))
    end = models.DateTimeField(_("end"))
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    accepted_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("accepted by")
    )
    accepted_at = models.DateTimeField(_("accepted"))

    class Meta:
        ordering = ("start", "id")
        verbose_name = _("accepted gap")
        verbose_name_plural = _("accepted gaps")
        constraints = (
            models.CheckConstraint(
                condition=models.Q(start__lt=models.F("end")),
                name="gap_acceptance_start_before_end",
                violation_error_message=_("The end must come after the start."),
            ),
        )
        # The calendar: acceptances of a schedule that touch a range.
        indexes = (models.Index(fields=("schedule", "end"), name="gap_acceptance_touching"),)

    def __str__(self) -> str:
        return f"{self.schedule} {self.role} {self.start:%Y-%m-%d %H:%M}"

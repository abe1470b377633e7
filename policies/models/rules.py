"""Rules that are data: routing, severity criteria, priorities; and business calendars."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from oncall.holiday_calendars import validate_holiday_calendar
from oncall.zones import validate_time_zone


class RuleBook(models.Model):
    """One of the organisation's sets of rules. What it says is in its versions, as with policies."""

    class Kind(models.TextChoices):
        ROUTING = "routing", _("Routing")
        SEVERITY = "severity", _("Severity criteria")
        PRIORITY = "priority", _("Priorities")

    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices, unique=True)
    current_version = models.ForeignKey(
        "RuleBookVersion",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("current version"),
    )
    history = HistoricalRecords()

    class Meta:
        ordering = ("kind",)
        verbose_name = _("rule book")
        verbose_name_plural = _("rule books")

    def __str__(self) -> str:
        return self.get_kind_display()


class RuleBookVersion(models.Model):
    """One immutable reading of a rule book: what was decided by it stays explainable."""

    book = models.ForeignKey(RuleBook, on_delete=models.PROTECT, related_name="versions", verbose_name=_("rule book"))
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
        ordering = ("book", "number")
        verbose_name = _("rule book version")
        verbose_name_plural = _("rule book versions")
        constraints = (models.UniqueConstraint(fields=("book", "number"), name="rule_book_version_once"),)

    def __str__(self) -> str:
        return f"{self.book} v{self.number}"


class WorkCalendar(models.Model):
    """When an office works: hours of the week on its own clock, less its public holidays."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    slug = models.SlugField(_("slug"), max_length=60, unique=True)
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC", validators=[validate_time_zone])
    hours = models.JSONField(
        _("hours"),
        default=list,
        help_text=_("Windows such as {“days”: [“mon”], “start”: “09:00”, “end”: “17:00”}."),
    )
    holiday_calendar = models.CharField(
        _("public holidays"), max_length=12, blank=True, validators=[validate_holiday_calendar]
    )
    is_default = models.BooleanField(
        _("default"), default=False, help_text=_("Holds where nothing else says which calendar does.")
    )
    history = HistoricalRecords()

    class Meta:
        ordering = ("name",)
        verbose_name = _("business calendar")
        verbose_name_plural = _("business calendars")
        constraints = (
            models.UniqueConstraint(
                fields=("is_default",),
                condition=models.Q(is_default=True),
                name="work_calendar_one_default",
                violation_error_message=_("Another calendar is the default."),
            ),
        )

    def __str__(self) -> str:
        return self.name

"""What holds for the whole house: its books of rules, and the calendars of its working time."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords


class BookVersion(models.Model):
    """One immutable reading of a book of rules. The one of the highest number is in force; without any, what
    Watchbell comes with (``policies.books``)."""

    SEALED_AS = "book"

    class Book(models.TextChoices):
        ROUTING = "routing", _("Routing rules")
        CRITERIA = "criteria", _("Severity criteria")
        PRIORITY = "priority", _("Priority matrix")
        SLA = "sla", _("SLA targets")
        CHANNELS = "channels", _("Channel criteria")

    book = models.CharField(_("book"), max_length=12, choices=Book.choices)
    number = models.PositiveIntegerField(_("version"))
    definition = models.JSONField(_("definition"))
    digest = models.CharField(
        _("digest"),
        max_length=64,
        help_text=_("SHA-256 of the definition: whoever has read it need not read it again."),
    )
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
        verbose_name = _("book version")
        verbose_name_plural = _("book versions")
        # Also the look-up of the version in force: the highest number of a book.
        constraints = (models.UniqueConstraint(fields=("book", "number"), name="book_version_once"),)

    def __str__(self) -> str:
        return f"{self.get_book_display()} v{self.number}"


class WorkCalendar(models.Model):
    """When an organisation works: weekly windows on the clock of a zone, and days on which it does not.

    ``windows`` are {"days": ["mon", …], "start": "09:00", "end": "18:00"}, ``holidays`` are {"date": "2026-12-25", "name": …}: rows and
    not computed, so that a library's new tables never move what was due.
    """

    name = models.CharField(_("name"), max_length=80, unique=True)
    slug = models.SlugField(_("slug"), max_length=60, unique=True)
    zone = models.CharField(_("time zone"), max_length=60, default="UTC")
    windows = models.JSONField(_("working hours"), default=list)
    holidays = models.JSONField(_("holidays"), default=list, blank=True)
    is_default = models.BooleanField(
        _("default"), default=False, help_text=_("Meant wherever business hours are asked for and none is named.")
    )
    history = HistoricalRecords()

    class Meta:
        ordering = ("name",)
        verbose_name = _("business calendar")
        verbose_name_plural = _("business calendars")
        constraints = (
            models.UniqueConstraint(
                fields=("is_default",), condition=models.Q(is_default=True), name="work_calendar_one_default"
            ),
        )

    def __str__(self) -> str:
        return self.name

"""What people plan around the rota: absences, and swaps of shifts."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from oncall.models.people import User
from oncall.models.schedules import Override, Schedule


class Absence(models.Model):
    """Somebody is away: by their own plan, on a public holiday, or because they have left.

    Only approved ones count. One that has begun is ended, never taken back, so that the past stays answerable.
    """

    class Kind(models.TextChoices):
        AWAY = "away", _("Away")
        HOLIDAY = "holiday", _("Public holiday")
        LEFT = "left", _("Account switched off")

    class State(models.TextChoices):
        PENDING = "pending", _("Waits for approval")
        APPROVED = "approved", _("Approved")
        DECLINED = "declined", _("Declined")
        CANCELLED = "cancelled", _("Cancelled")

    user = models.ForeignKey(
        User,
        on_delete=models.CASCADE,
        related_name="absences",
        db_index=False,  # The index below begins with it.
        verbose_name=_("person"),
    )
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices, default=Kind.AWAY)
    start = models.DateTimeField(_("start"))
    end = models.DateTimeField(_("end"))
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.APPROVED)
    source = models.ForeignKey(
        "CalendarSource",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="absences",
        verbose_name=_("read from"),
    )
    source_uid = models.CharField(max_length=255, blank=True, editable=False)
    created_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("created by")
    )
    created_at = models.DateTimeField(_("created"))
    decided_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ("start", "id")
        verbose_name = _("absence")
        verbose_name_plural = _("absences")
        constraints = (
            models.CheckConstraint(
                condition=Q(start__lt=models.F("end")),
                name="absence_start_before_end",
                violation_error_message=_("The end must come after the start."),
            ),
            # Holidays are entered by a task that may run twice.
            models.UniqueConstraint(fields=("user", "start"), condition=Q(kind="holiday"), name="absence_holiday_once"),
            models.UniqueConstraint(
                fields=("source", "source_uid", "start"),
                condition=Q(source__isnull=False, state__in=("pending", "approved")),
                name="absence_source_once",
            ),
        )
        indexes = (
            # A person's own page: what is planned.
            models.Index(fields=("user", "end"), name="absence_user"),
            # schedules_load: those that count and touch a range, whosesoever.
            models.Index(fields=("end",), name="absence_touching", condition=Q(state="approved")),
        )

    def __str__(self) -> str:
        return f"{self.user} {self.start:%Y-%m-%d} – {self.end:%Y-%m-%d}"


class Swap(models.Model):
    """Somebody asks others to take a window of theirs; in an exchange they take one of the other's in return."""

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        WAITING = "waiting", _("Waits for approval")
        DONE = "done", _("Done")
        DECLINED = "declined", _("Declined")
        CANCELLED = "cancelled", _("Cancelled")
        EXPIRED = "expired", _("Expired")

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="swaps", verbose_name=_("schedule"))
    role = models.CharField(_("role"), max_length=32)
    requester = models.ForeignKey(User, on_delete=models.CASCADE, related_name="swaps", verbose_name=_("asked by"))
    start = models.DateTimeField(_("start"))
    end = models.DateTimeField(_("end"))
    return_start = models.DateTimeField(_("in return from"), null=True, blank=True)
    return_end = models.DateTimeField(_("in return until"), null=True, blank=True)
    note = models.CharField(_("note"), max_length=200, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.OPEN)
    accepted_by = models.ForeignKey(
        User, on_delete=models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("accepted by")
    )
    decided_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("decided by")
    )
    created_at = models.DateTimeField(_("created"))
    expires_at = models.DateTimeField(_("expires"))
    remind_at = models.DateTimeField(_("next reminder"), null=True, blank=True)
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)
    overrides = models.ManyToManyField(Override, blank=True, related_name="swaps", verbose_name=_("overrides"))
    history = HistoricalRecords()

    class Meta:
        ordering = ("-created_at", "-id")
        verbose_name = _("swap")
        verbose_name_plural = _("swaps")
        constraints = (
            models.CheckConstraint(
                condition=Q(start__lt=models.F("end")),
                name="swap_start_before_end",
                violation_error_message=_("The end must come after the start."),
            ),
            models.CheckConstraint(
                condition=Q(return_start__isnull=True, return_end__isnull=True)
                | Q(return_start__lt=models.F("return_end")),
                name="swap_return_whole",
                violation_error_message=_("The end must come after the start."),
            ),
        )
        # The minute's task: open ones to remind of or to let expire.
        indexes = (models.Index(fields=("expires_at",), name="swap_open", condition=Q(state__in=("open", "waiting"))),)

    def __str__(self) -> str:
        return f"{self.requester} · {self.schedule} · {self.start:%Y-%m-%d}"


class SwapAsk(models.Model):
    """One person who was asked to take a swap, and what they said."""

    class Answer(models.TextChoices):
        NONE = "", _("No answer yet")
        ACCEPTED = "accepted", _("Accepted")
        DECLINED = "declined", _("Declined")

    swap = models.ForeignKey(Swap, on_delete=models.CASCADE, related_name="asks", verbose_name=_("swap"))
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="swap_asks", verbose_name=_("person"))
    asked_at = models.DateTimeField(_("asked"))
    answer = models.CharField(_("answer"), max_length=8, choices=Answer.choices, default=Answer.NONE, blank=True)
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)

    class Meta:
        ordering = ("swap", "id")
        verbose_name = _("person asked")
        verbose_name_plural = _("people asked")
        constraints = (models.UniqueConstraint(fields=("swap", "user"), name="swap_ask_once"),)

    def __str__(self) -> str:
        return f"{self.user} · {self.swap}"

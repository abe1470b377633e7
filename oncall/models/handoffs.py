"""Handoffs: who took over from whom, what they were told, and whether it was enough."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from oncall.models.people import User
from oncall.models.schedules import Schedule


class Handoff(models.Model):
    """At one instant one person came on call in one role of a schedule. Made by the minute's task when it happens."""

    schedule = models.ForeignKey(
        Schedule, on_delete=models.CASCADE, related_name="handoffs", verbose_name=_("schedule")
    )
    role = models.CharField(_("role"), max_length=32)
    at = models.DateTimeField(_("at"))
    outgoing = models.ForeignKey(
        User, on_delete=models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("outgoing")
    )
    incoming = models.ForeignKey(User, on_delete=models.CASCADE, related_name="handoffs", verbose_name=_("incoming"))
    until = models.DateTimeField(_("until"), null=True, blank=True)
    accepted_at = models.DateTimeField(_("accepted"), null=True, blank=True)
    complete = models.BooleanField(_("the brief was complete"), null=True, blank=True)
    remark = models.CharField(_("what was missing"), max_length=500, blank=True)
    brief = models.JSONField(
        _("brief"), default=dict, blank=True, help_text=_("What the brief said when it was accepted.")
    )
    remind_at = models.DateTimeField(_("next reminder"), null=True, blank=True)
    reminders = models.PositiveSmallIntegerField(_("reminders sent"), default=0)
    created_at = models.DateTimeField(_("created"))
    history = HistoricalRecords(excluded_fields=["brief", "remind_at", "reminders"])

    class Meta:
        ordering = ("-at", "-id")
        verbose_name = _("handoff")
        verbose_name_plural = _("handoffs")
        constraints = (
            # The task may run twice.
            models.UniqueConstraint(fields=("schedule", "role", "at", "incoming"), name="handoff_once"),
        )
        indexes = (
            # The minute's task: unaccepted ones to remind of.
            models.Index(fields=("remind_at",), name="handoff_remind", condition=Q(remind_at__isnull=False)),
        )

    def __str__(self) -> str:
        return f"{self.schedule} {self.at:%Y-%m-%d %H:%M} → {self.incoming}"


class HandoffNote(models.Model):
    """Something the next person should know; a watch item stays in every brief until somebody ticks it off."""

    schedule = models.ForeignKey(
        Schedule, on_delete=models.CASCADE, related_name="handoff_notes", verbose_name=_("schedule")
    )
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("author"))
    text = models.TextField(_("text"), max_length=2000)
    watch = models.BooleanField(
        _("keep an eye on it"), default=False, help_text=_("It stays in every brief until it is ticked off.")
    )
    created_at = models.DateTimeField(_("created"))
    done_at = models.DateTimeField(_("ticked off"), null=True, blank=True)
    done_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("ticked off by")
    )
    history = HistoricalRecords()

    class Meta:
        ordering = ("created_at", "id")
        verbose_name = _("handoff note")
        verbose_name_plural = _("handoff notes")
        # The brief: notes of a schedule since the last handoff, and open watch items.
        indexes = (models.Index(fields=("schedule", "created_at"), name="handoff_note_recent"),)

    def __str__(self) -> str:
        return self.text[:60]


class DutyClock(models.Model):
    """How far the minute's task has looked for handoffs: one row for each schedule, so that none is told twice or missed."""

    schedule = models.OneToOneField(
        Schedule, on_delete=models.CASCADE, primary_key=True, related_name="duty_clock", verbose_name=_("schedule")
    )
    checked_until = models.DateTimeField(_("checked until"))

    class Meta:
        verbose_name = _("duty clock")
        verbose_name_plural = _("duty clocks")

    def __str__(self) -> str:
        return f"{self.schedule} {self.checked_until:%Y-%m-%d %H:%M}"

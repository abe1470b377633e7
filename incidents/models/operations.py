"""How the parts of the house show that they live."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class ProcessBeat(models.Model):
    """The last sign of life of one process. The supervisor and the watchdog read it."""

    name = models.CharField(_("part"), max_length=30)
    host = models.CharField(_("host"), max_length=100)
    pid = models.PositiveIntegerField(_("process"))
    started_at = models.DateTimeField(_("started"))
    beat_at = models.DateTimeField(_("last beat"))
    info = models.JSONField(_("figures"), default=dict)

    class Meta:
        ordering = ("name", "host", "pid")
        verbose_name = _("process")
        verbose_name_plural = _("processes")
        constraints = (models.UniqueConstraint(fields=("name", "host", "pid"), name="beat_once_per_process"),)

    def __str__(self) -> str:
        return f"{self.name}@{self.host}/{self.pid}"


class Alarm(models.Model):
    """Something is wrong with Watchbell itself. Administrators are told once a second look has found it, each
    hour it lasts, and when it is over."""

    code = models.CharField(_("code"), max_length=40)
    data = models.JSONField(_("data"), default=dict, blank=True, help_text=_("Figures its sentence is built from."))
    opened_at = models.DateTimeField(_("opened"))
    told_at = models.DateTimeField(_("told"), null=True, blank=True)
    gone_at = models.DateTimeField(_("gone"), null=True, blank=True)

    class Meta:
        ordering = ("-opened_at", "-id")
        verbose_name = _("alarm")
        verbose_name_plural = _("alarms")
        constraints = (
            # Several processes look every minute; of one trouble there is one alarm.
            models.UniqueConstraint(fields=("code",), condition=models.Q(gone_at=None), name="alarm_one_open"),
        )

    def __str__(self) -> str:
        return self.code

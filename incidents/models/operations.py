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

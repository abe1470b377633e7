"""What people answered to the house's own questions, packed by the day."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class DayAnswers(models.Model):
    """The answers on the incidents that began on one UTC day, packed (``reports.own_packed``) whenever their figures are: those to
    questions of a few answers, on incidents that everybody who reads reports may see. A day of figures without one was packed before
    there were any."""

    day = models.DateField(_("day (UTC)"), primary_key=True)
    data = models.BinaryField(_("packed answers"))

    class Meta:
        ordering = ("day",)
        verbose_name = _("answers of a day")
        verbose_name_plural = _("answers of days")

    def __str__(self) -> str:
        return f"{self.day}"

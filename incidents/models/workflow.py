"""The life cycle's rules as data (R129): which stage may follow which, what must be there first, and the review after."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from incidents.models.incident import Incident, Stage
from policies.severity import Severity


class Transition(models.Model):
    """An incident may go from ``before`` to ``after``. Where a stage has none at all, every way out of it is open."""

    before = models.ForeignKey(Stage, on_delete=models.CASCADE, related_name="ways_out", verbose_name=_("from"))
    after = models.ForeignKey(Stage, on_delete=models.CASCADE, related_name="ways_in", verbose_name=_("to"))
    history = HistoricalRecords()

    class Meta:
        ordering = ("before__position", "after__position")
        verbose_name = _("transition")
        verbose_name_plural = _("transitions")
        constraints = (
            models.UniqueConstraint(fields=("before", "after"), name="transition_once"),
            models.CheckConstraint(condition=~models.Q(before=models.F("after")), name="transition_of_two"),
        )

    def __str__(self) -> str:
        return f"{self.before} → {self.after}"


class StageGuard(models.Model):
    """What must be there before an incident of ``severity`` or worse enters ``stage``; a person may override it with a reason."""

    class Kind(models.TextChoices):
        RESOLUTION = "resolution", _("cause and fix are written")
        REVIEW = "review", _("the review is published")
        TASKS = "tasks", _("every task is done or dropped")
        OWNER = "owner", _("somebody owns it")

    stage = models.ForeignKey(Stage, on_delete=models.CASCADE, related_name="guards", verbose_name=_("stage"))
    kind = models.CharField(_("what must be there"), max_length=12, choices=Kind.choices)
    severity = models.PositiveSmallIntegerField(
        _("for this severity or worse"), choices=Severity.choices, default=Severity.SEV5
    )
    history = HistoricalRecords()

    class Meta:
        ordering = ("stage__position", "kind")
        verbose_name = _("stage guard")
        verbose_name_plural = _("stage guards")
        constraints = (models.UniqueConstraint(fields=("stage", "kind"), name="stage_guard_once"),)

    def __str__(self) -> str:
        return f"{self.stage}: {self.get_kind_display()}"


class Review(models.Model):
    """The look back at an incident (R112): what the record does not say of itself. Published, it counts for the guard."""

    incident = models.OneToOneField(
        Incident, on_delete=models.PROTECT, related_name="review", verbose_name=_("incident")
    )
    root_cause = models.TextField(_("root cause"), blank=True)
    mitigation = models.TextField(_("what was done"), blank=True)
    follow_up = models.TextField(_("what follows"), blank=True)
    lessons = models.TextField(_("what we learnt"), blank=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("author")
    )
    created_at = models.DateTimeField(_("created"))
    edited_at = models.DateTimeField(_("edited"))
    published_at = models.DateTimeField(_("published"), null=True, blank=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("review")
        verbose_name_plural = _("reviews")

    def __str__(self) -> str:
        return f"INC-{self.incident_id}"

"""Rolled-up figures: what each incident and each page adds, a packed row per day, and how far the ledger was followed.

All of it is derived: ``rebuild_figures`` makes it anew from the incidents.
"""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from incidents.models import Incident, Page
from reports.figures.definitions import NONE, NOT, OPEN, UNCOUNTED

USER = settings.AUTH_USER_MODEL


def _time() -> models.IntegerField:  # type: ignore[type-arg]  # the stubs make the class generic, Python does not
    return models.IntegerField(default=NOT)


def _span() -> models.IntegerField:  # type: ignore[type-arg]  # the stubs make the class generic, Python does not
    """Rows that a release before this one wrote do not know it."""
    return models.IntegerField(default=UNCOUNTED, db_default=UNCOUNTED)


def _code() -> models.PositiveSmallIntegerField:  # type: ignore[type-arg]  # the stubs make the class generic, Python does not
    return models.PositiveSmallIntegerField(default=NONE)


class IncidentFigures(models.Model):
    """One incident's figures: what it is, for filters, and a column for each metric (``reports.figures.definitions``).

    ``counted`` is false for tests and for incidents merged into another. Numbers of things are copied and no foreign
    keys: a figure must not keep anything from being deleted.
    """

    incident = models.OneToOneField(
        Incident, on_delete=models.CASCADE, primary_key=True, related_name="figures", verbose_name=_("incident")
    )
    started_at = models.DateTimeField(_("started"))
    day = models.DateField(_("day (UTC)"))
    counted = models.BooleanField(_("counted"), default=True)
    restricted = models.BooleanField(_("restricted"), default=False)
    team = models.IntegerField(_("team"))
    service = models.IntegerField(_("service"))
    policy = models.IntegerField(_("policy"), default=0)
    category = models.IntegerField(_("category"), default=0)
    customer = models.IntegerField(_("customer"), default=0)
    integration = models.IntegerField(_("integration"), default=0)
    severity = models.PositiveSmallIntegerField(_("severity"))
    priority = models.PositiveSmallIntegerField(_("priority"), default=0)
    source = models.PositiveSmallIntegerField(_("source"), default=0)
    detection = models.PositiveSmallIntegerField(_("how it was noticed"), default=0)
    open = models.BooleanField(_("open"), default=True)
    sla_due_at = models.DateTimeField(_("SLA ends"), null=True, blank=True)
    key = models.BigIntegerField(
        _("key"), null=True, blank=True, help_text=_("Digest of integration and dedup key: the same trouble again.")
    )
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)

    acknowledge = _time()
    resolve = _time()
    detect = _time()
    respond = _time()
    repair = _time()
    recover = _time()
    escalate = _time()
    handoff = _time()
    resolve_escalated = _time()
    acknowledge_work = _time()
    resolve_work = _time()
    csat = _time()
    escalated = _code()
    again = _code()
    exhausted = _code()
    context = _code()
    sla = _code()
    first_contact = _code()
    severity_kept = _code()
    refired = _code()
    noise = _code()
    full_context = models.PositiveSmallIntegerField(default=NONE, db_default=NONE)
    respond_work = _span()
    repair_work = _span()
    recover_work = _span()
    escalate_work = _span()
    handoff_work = _span()
    resolve_escalated_work = _span()

    class Meta:
        ordering = ("pk",)
        verbose_name = _("figures of an incident")
        verbose_name_plural = _("figures of incidents")
        indexes = (
            # A day is packed anew; days at the edges of a range; the incidents behind a number.
            models.Index(fields=("day", "started_at"), name="figures_day"),
            # Restricted incidents are never packed: those of a range that the reader may see are read one by one.
            models.Index(
                fields=("started_at",), name="figures_restricted", condition=models.Q(counted=True, restricted=True)
            ),
            # Whose time runs: they are missed once it is over, though nothing changes.
            models.Index(fields=("sla_due_at",), name="figures_sla_running", condition=models.Q(sla=OPEN)),
            # The one before it with the same key.
            models.Index(fields=("key", "started_at"), name="figures_key", condition=models.Q(key__isnull=False)),
        )

    def __str__(self) -> str:
        return f"INC-{self.pk}"


class PageFigures(models.Model):
    """One page's figures: whom it interrupted and when, on the clock of where they live."""

    page = models.OneToOneField(
        Page, on_delete=models.CASCADE, primary_key=True, related_name="figures", verbose_name=_("page")
    )
    incident = models.ForeignKey(
        IncidentFigures, on_delete=models.CASCADE, related_name="pages", verbose_name=_("incident")
    )
    person = models.ForeignKey(
        USER, on_delete=models.CASCADE, related_name="+", db_index=False, verbose_name=_("person")
    )
    at = models.DateTimeField(_("at"))
    day = models.DateField(_("day (UTC)"))
    hours = models.PositiveSmallIntegerField(_("hours"), help_text=_("1 working, 2 off, 3 sleeping hours."))
    shift = models.IntegerField(_("shift"), help_text=_("The half-day on the person’s clock."))

    sleep = _code()
    off_hours = _code()
    delivered = _code()
    answered = models.PositiveSmallIntegerField(default=NONE, db_default=NONE)
    answer = models.IntegerField(default=NOT, db_default=NOT)

    class Meta:
        ordering = ("pk",)
        verbose_name = _("figures of a page")
        verbose_name_plural = _("figures of pages")
        # A day is packed anew; the pages behind a number.
        indexes = (models.Index(fields=("day", "at"), name="page_figures_day"),)

    def __str__(self) -> str:
        return f"page {self.pk}"


class DayFigures(models.Model):
    """The figures of one UTC day, packed (``reports.figures.columns``): those of incidents that began on it, what the overview
    asks of them, the times of these sorted (``reports.figures.times``), their other times in working hours, or of pages that were
    made on it. Only what everybody who reads reports may see is in it. A stale one is still to be packed anew, and so is a day that
    a release before this one packed: it has TIMES or WORKED."""

    class Kind(models.TextChoices):
        INCIDENTS = "incidents", _("Incidents")
        GLANCE = "glance", _("Incidents at a glance")
        SORTED = "sorted", _("Sorted times")
        AT_WORK = "at_work", _("Sorted times in working hours")
        SPANS = "spans", _("Times in working hours")
        WORKED = "worked", _("Sorted times in working hours")
        TIMES = "times", _("Sorted times")
        PAGES = "pages", _("Pages")

    day = models.DateField(_("day (UTC)"))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    count = models.PositiveIntegerField(_("number"))
    data = models.BinaryField(_("packed figures"))
    # What an earlier version packed lacks the sorted times, and is packed anew like what has changed.
    stale = models.BooleanField(_("to be packed anew"), default=False, db_default=True)

    class Meta:
        ordering = ("day", "kind")
        verbose_name = _("figures of a day")
        verbose_name_plural = _("figures of days")
        # Which are to be packed anew: few of many, and each a long row.
        indexes = (models.Index(fields=("day",), name="day_figures_stale", condition=models.Q(stale=True)),)
        # Reading a range of days, and packing one anew.
        constraints = (models.UniqueConstraint(fields=("kind", "day"), name="day_figures_once"),)

    def __str__(self) -> str:
        return f"{self.day} {self.kind}"


class FiguresCursor(models.Model):
    """How far the figures have followed the ledger: one row for each form of them (``reports.figures.keeping.CURSOR``), so that releases
    which count more than those before them begin anew, and both may run for a while.

    ``gaps`` are numbers below ``upto`` that had no entry: of transactions under way, or undone. ``fill_from`` to
    ``fill_to`` are incidents of before the figures that are still to be counted.
    """

    upto = models.BigIntegerField(_("up to"), default=0)
    gaps = models.JSONField(_("gaps"), default=list)
    fill_from = models.BigIntegerField(_("count from"), default=0)
    fill_to = models.BigIntegerField(_("count to"), default=0)
    followed_at = models.DateTimeField(_("followed"))

    class Meta:
        verbose_name = _("place in the ledger")
        verbose_name_plural = _("place in the ledger")

    def __str__(self) -> str:
        return str(self.upto)

    @property
    def filled(self) -> bool:
        """Whether everything from before is counted."""
        return self.fill_from >= self.fill_to

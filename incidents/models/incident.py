"""The incident: the record people own until it is closed, and its timeline."""

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from incidents.models.catalogue import Integration, Service
from incidents.querysets import IncidentQuerySet
from incidents.stages import stage_label
from oncall.models import Team
from policies.severity import Severity


class Stage(models.Model):
    """A stage of the life cycle. Data: an administrator may rename or add stages."""

    key = models.SlugField(_("key"), max_length=30, unique=True)
    name = models.CharField(_("name"), max_length=60)
    position = models.PositiveSmallIntegerField(_("position"), unique=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ("position",)
        verbose_name = _("stage")
        verbose_name_plural = _("stages")

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        return stage_label(self.name)


class Incident(models.Model):
    """Something is wrong and somebody must act. Its row is the lock of everything that hangs on it (run, pages, alerts)."""

    class State(models.TextChoices):
        TRIGGERED = "triggered", _("Triggered")
        ACKNOWLEDGED = "acknowledged", _("Acknowledged")
        RESOLVED = "resolved", _("Resolved")

    class Source(models.TextChoices):
        MONITORING = "monitoring", _("Monitoring")
        PERSON = "person", _("A person")
        API = "api", _("API")

    class Detection(models.TextChoices):
        ALERT = "alert", _("An alert rule")
        CUSTOMER = "customer", _("A customer told us")
        STAFF = "staff", _("Somebody here noticed")
        ROUTINE = "routine", _("A routine check")

    title = models.CharField(_("title"), max_length=200)
    summary = models.TextField(_("summary"), blank=True)
    severity = models.PositiveSmallIntegerField(_("severity"), choices=Severity.choices)
    impact = models.PositiveSmallIntegerField(
        _("impact"), null=True, blank=True, help_text=_("1 is the highest, 5 the lowest; empty where nobody said.")
    )
    urgency = models.PositiveSmallIntegerField(
        _("urgency"), null=True, blank=True, help_text=_("1 is the highest, 5 the lowest; empty where nobody said.")
    )
    priority = models.PositiveSmallIntegerField(
        _("priority"), null=True, blank=True, help_text=_("P1 to P5, from impact, urgency and the time left.")
    )
    facts = models.JSONField(
        _("facts"),
        default=dict,
        blank=True,
        help_text=_("What people and rules said of it, by the names of the conditions’ vocabulary."),
    )
    guarded = models.BooleanField(
        _("guarded"), default=False, help_text=_("What automation would do to it waits for a person’s word.")
    )
    protected = models.BooleanField(
        _("protected"), default=False, help_text=_("Only owners of the service may silence it.")
    )
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.TRIGGERED)
    stage = models.ForeignKey(Stage, on_delete=models.PROTECT, related_name="incidents", verbose_name=_("stage"))
    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="incidents", verbose_name=_("service"))
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="incidents", verbose_name=_("team"))
    category = models.ForeignKey(
        "incidents.Category",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="incidents",
        verbose_name=_("category"),
    )
    customer = models.ForeignKey(
        "incidents.Customer",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="incidents",
        verbose_name=_("customer"),
    )
    environment = models.CharField(_("environment"), max_length=40, blank=True)
    source = models.CharField(_("source"), max_length=12, choices=Source.choices)
    detection = models.CharField(
        _("how it was noticed"), max_length=12, choices=Detection.choices, default=Detection.STAFF
    )
    customer_impact = models.TextField(_("what customers notice"), blank=True)
    integration = models.ForeignKey(
        Integration,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="incidents",
        verbose_name=_("integration"),
    )
    dedup_key = models.CharField(_("dedup key"), max_length=255, blank=True)
    reporter = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="reported_incidents",
        verbose_name=_("reported by"),
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="owned_incidents",
        verbose_name=_("owner"),
    )
    restricted = models.BooleanField(
        _("restricted"),
        default=False,
        help_text=_("Only its team, its responders, auditors and administrators see it."),
    )
    is_test = models.BooleanField(_("test"), default=False, help_text=_("Left out of the figures."))
    started_at = models.DateTimeField(_("started"))
    acknowledged_at = models.DateTimeField(_("acknowledged"), null=True, blank=True)
    sla_due_at = models.DateTimeField(_("SLA ends"), null=True, blank=True)
    major_at = models.DateTimeField(_("declared major"), null=True, blank=True)
    overseer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="overseen_incidents",
        verbose_name=_("overseer"),
    )
    mitigated_at = models.DateTimeField(_("mitigated"), null=True, blank=True)
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("resolved by"),
    )
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    snoozed_until = models.DateTimeField(_("snoozed until"), null=True, blank=True)
    exhausted_at = models.DateTimeField(
        _("exhausted"), null=True, blank=True, help_text=_("Nobody answered on any level.")
    )
    resolution = models.TextField(_("cause and fix"), blank=True)
    merged_into = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        # An index of all of them made SQLite go through the million that were never merged (``incident_merged`` is of the few).
        db_index=False,
        related_name="merged",
        verbose_name=_("merged into"),
    )
    bridge_url = models.URLField(
        _("bridge"),
        blank=True,
        default="",
        db_default="",
        help_text=_("Where those who work on it talk to each other."),
    )
    alert_count = models.PositiveIntegerField(_("alerts"), default=0)
    # Counting repeats is the ledger's business; a history row per repeat would drown the history.
    history = HistoricalRecords(excluded_fields=["alert_count"])

    objects = IncidentQuerySet.as_manager()

    class Meta:
        ordering = ("-started_at", "-id")
        verbose_name = _("incident")
        verbose_name_plural = _("incidents")
        constraints = (
            models.UniqueConstraint(
                fields=("integration", "dedup_key"),
                name="incident_one_open_per_key",
                condition=~models.Q(state="resolved") & models.Q(integration__isnull=False),
            ),
            models.CheckConstraint(
                condition=models.Q(state="resolved", resolved_at__isnull=False)
                | (~models.Q(state="resolved") & models.Q(resolved_at=None)),
                name="incident_resolved_has_instant",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="acknowledged") | models.Q(acknowledged_at__isnull=False),
                name="incident_acknowledged_has_instant",
            ),
            models.CheckConstraint(
                condition=models.Q(merged_into=None) | ~models.Q(merged_into=models.F("pk")),
                name="incident_not_merged_into_itself",
            ),
            models.CheckConstraint(
                condition=models.Q(priority=None) | models.Q(priority__range=(1, 5)), name="incident_priority_in_range"
            ),
        )
        indexes = (
            # The list: a tab, worst first, then oldest.
            models.Index(fields=("state", "severity", "started_at"), name="incident_list"),
            # Everything that looks at what is open: lists, counts, the board, workload, the wall. It holds all that they tell by, so
            # that the few open ones among very many are never looked up row by row: they lie scattered over the whole table.
            models.Index(
                fields=(
                    "state",
                    "severity",
                    "started_at",
                    "id",
                    "restricted",
                    "merged_into",
                    "owner",
                    "team",
                    "stage",
                    "service",
                    "priority",
                    "sla_due_at",
                    "is_test",
                ),
                name="incident_open",
                condition=models.Q(resolved_at=None),
            ),
            # What was merged into an incident.
            models.Index(
                fields=("merged_into",), name="incident_merged", condition=models.Q(merged_into__isnull=False)
            ),
            # The resolved tab: newest first.
            models.Index(
                fields=("-resolved_at",), name="incident_resolved_at", condition=models.Q(resolved_at__isnull=False)
            ),
            # Dashboards: a date range, and one team's.
            models.Index(fields=("started_at",), name="incident_started"),
            models.Index(fields=("team", "started_at"), name="incident_team_started"),
            # Open incidents whose time runs down: their priority rises.
            models.Index(
                fields=("sla_due_at",),
                name="incident_sla_running",
                condition=~models.Q(state="resolved") & models.Q(sla_due_at__isnull=False),
            ),
            # Routing rules that count the service's incidents of the last hours or days.
            models.Index(fields=("service", "started_at"), name="incident_service_started"),
            # Whoever looks at incidents: which of the few restricted ones are their concern (IncidentQuerySet.visible_to).
            models.Index(fields=("team",), name="incident_restricted", condition=models.Q(restricted=True)),
            # The navigation of every page: how much a team has open.
            models.Index(fields=("team",), name="incident_team_open", condition=models.Q(resolved_at=None)),
        )

    def __str__(self) -> str:
        return f"{self.reference} {self.title}"

    def get_absolute_url(self) -> str:
        return reverse("incidents:incident", args=(self.pk,))

    @property
    def reference(self) -> str:
        """The name people say: INC-2417."""
        return f"INC-{self.pk}"

    @property
    def subject(self) -> str:
        """The ledger's and the live feed's name for it."""
        return f"incident:{self.pk}"

    @property
    def is_open(self) -> bool:
        return self.state != self.State.RESOLVED


class RespondingTeam(models.Model):
    """A team that works on the incident beside the one that owns it: specialists whom a level called in (R051).

    The owning team keeps it in sight, and these see it as their own.
    """

    incident = models.ForeignKey(
        Incident, on_delete=models.PROTECT, related_name="responding_teams", verbose_name=_("incident")
    )
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="responding_to", verbose_name=_("team"))
    joined_at = models.DateTimeField(_("joined"))

    class Meta:
        ordering = ("id",)
        verbose_name = _("responding team")
        verbose_name_plural = _("responding teams")
        constraints = (models.UniqueConstraint(fields=("incident", "team"), name="responding_team_once"),)

    def __str__(self) -> str:
        return f"{self.team} on INC-{self.incident_id}"


class TimelineEvent(models.Model):
    """One line of an incident's timeline, by the system or a person. Corrected only by adding another."""

    SEALED_AS = "incident"

    incident = models.ForeignKey(
        Incident, on_delete=models.PROTECT, related_name="timeline", verbose_name=_("incident")
    )
    at = models.DateTimeField(_("at"))
    kind = models.CharField(
        _("kind"), max_length=40, help_text=_("What happened, as in the ledger: page.sent, incident.acknowledge.")
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("person"),
    )
    text = models.TextField(_("text"), blank=True, help_text=_("What a person wrote."))
    data = models.JSONField(
        _("data"), default=dict, help_text=_("Names and figures the line is built from, copied at the time.")
    )

    class Meta:
        ordering = ("incident", "at", "id")
        verbose_name = _("timeline event")
        verbose_name_plural = _("timeline events")
        # An incident page reads its timeline in order.
        indexes = (models.Index(fields=("incident", "at", "id"), name="timeline_of_incident"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%H:%M:%S}"

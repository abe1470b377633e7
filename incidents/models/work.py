"""Work on an incident: roles and who holds them, tasks with what they wait for, time spent, the action plan."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from incidents.models.filing import Category
from incidents.models.incident import Incident, TimelineEvent
from incidents.plan_templates import plan_words
from incidents.roles import role_label
from oncall.models import Schedule
from policies.models import EscalationPolicy
from policies.severity import Severity

USER = settings.AUTH_USER_MODEL


class ResponseRole(models.Model):
    """A part somebody plays while an incident is open: commander, communications, scribe. Data, as stages are."""

    key = models.SlugField(_("key"), max_length=30, unique=True)
    name = models.CharField(_("name"), max_length=60)
    duty = models.CharField(_("what they do"), max_length=240, blank=True)
    needed_from = models.PositiveSmallIntegerField(
        _("needed from severity"),
        choices=Severity.choices,
        null=True,
        blank=True,
        help_text=_(
            "An incident of this severity or worse shows it as vacant while nobody holds it. Empty: major ones only."
        ),
    )
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    active = models.BooleanField(_("active"), default=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ("position", "key")
        verbose_name = _("response role")
        verbose_name_plural = _("response roles")

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        return role_label(self.name)


class RoleDuty(models.Model):
    """The role map (R103–R106): who takes a role when an incident under ``policy`` opens. Without a policy it is the house's own.

    Either a person, or whoever is on call in ``schedule`` (in ``schedule_role``, or in any).
    """

    policy = models.ForeignKey(
        EscalationPolicy,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="role_map",
        verbose_name=_("policy"),
    )
    role = models.ForeignKey(ResponseRole, on_delete=models.CASCADE, related_name="duties", verbose_name=_("role"))
    user = models.ForeignKey(
        USER, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("person")
    )
    schedule = models.ForeignKey(
        Schedule, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("schedule")
    )
    schedule_role = models.CharField(_("role of the schedule"), max_length=20, blank=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ("policy", "role")
        verbose_name = _("entry of the role map")
        verbose_name_plural = _("role map")
        constraints = (
            models.UniqueConstraint(fields=("policy", "role"), name="role_duty_once"),
            models.UniqueConstraint(fields=("role",), name="role_duty_of_house_once", condition=models.Q(policy=None)),
            models.CheckConstraint(
                condition=models.Q(user__isnull=False, schedule=None) | models.Q(user=None, schedule__isnull=False),
                name="role_duty_one_of_two",
            ),
        )

    def __str__(self) -> str:
        return f"{self.role}: {self.user or self.schedule}"


class RoleHolder(models.Model):
    """Somebody holds a role on an incident, from ``since`` until ``until``. Tasks of the role follow it."""

    incident = models.ForeignKey(
        Incident, on_delete=models.PROTECT, related_name="role_holders", verbose_name=_("incident")
    )
    role = models.ForeignKey(ResponseRole, on_delete=models.PROTECT, related_name="holders", verbose_name=_("role"))
    user = models.ForeignKey(USER, on_delete=models.PROTECT, related_name="roles_held", verbose_name=_("person"))
    since = models.DateTimeField(_("since"))
    until = models.DateTimeField(_("until"), null=True, blank=True)

    class Meta:
        ordering = ("id",)
        verbose_name = _("role holder")
        verbose_name_plural = _("role holders")
        constraints = (
            models.UniqueConstraint(
                fields=("incident", "role"), name="role_holder_one_at_a_time", condition=models.Q(until=None)
            ),
        )

    def __str__(self) -> str:
        return f"{self.role}: {self.user}"


class Task(models.Model):
    """A piece of work on an incident, at most three deep. A milestone is a task without length."""

    class Kind(models.TextChoices):
        TASK = "task", _("Task")
        MILESTONE = "milestone", _("Milestone")

    class State(models.TextChoices):
        TODO = "todo", _("To do")
        DOING = "doing", _("In progress")
        DONE = "done", _("Done")
        DROPPED = "dropped", _("Dropped")

    class Priority(models.IntegerChoices):
        URGENT = 1, _("Urgent")
        HIGH = 2, _("High")
        NORMAL = 3, _("Normal")
        LOW = 4, _("Low")

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="tasks", verbose_name=_("incident"))
    parent = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="subtasks", verbose_name=_("part of")
    )
    depth = models.PositiveSmallIntegerField(_("depth"), default=1)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices, default=Kind.TASK)
    title = models.CharField(_("title"), max_length=200)
    details = models.TextField(_("details"), blank=True)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.TODO)
    priority = models.PositiveSmallIntegerField(_("priority"), choices=Priority.choices, default=Priority.NORMAL)
    assignee = models.ForeignKey(
        USER, on_delete=models.PROTECT, null=True, blank=True, related_name="tasks", verbose_name=_("assignee")
    )
    role = models.ForeignKey(
        ResponseRole,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="tasks",
        verbose_name=_("role"),
        help_text=_("Whoever holds the role has the task, and whoever takes the role over takes the task over."),
    )
    starts_at = models.DateTimeField(_("planned start"), null=True, blank=True)
    due_at = models.DateTimeField(_("due"), null=True, blank=True)
    needs_approval = models.BooleanField(_("needs approval"), default=False)
    approved_at = models.DateTimeField(_("approved"), null=True, blank=True)
    approved_by = models.ForeignKey(
        USER, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("approved by")
    )
    approval_note = models.CharField(_("reason of the approval"), max_length=240, blank=True)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    ended_at = models.DateTimeField(_("done or dropped"), null=True, blank=True)
    ended_by = models.ForeignKey(
        USER, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("done by")
    )
    said_in = models.ForeignKey(
        TimelineEvent,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("from the message"),
    )
    position = models.PositiveIntegerField(_("position"), default=0)
    created_by = models.ForeignKey(
        USER, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("created by")
    )
    created_at = models.DateTimeField(_("created"))
    history = HistoricalRecords()

    class Meta:
        ordering = ("incident", "position", "id")
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        constraints = (
            models.CheckConstraint(
                condition=models.Q(depth=1, parent=None) | models.Q(depth__range=(2, 3), parent__isnull=False),
                name="task_three_deep",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=("todo", "doing"), ended_at=None)
                | models.Q(state__in=("done", "dropped"), ended_at__isnull=False),
                name="task_ended_has_instant",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=("todo", "dropped"))
                | models.Q(needs_approval=False)
                | models.Q(approved_at__isnull=False),
                name="task_approved_before_begun",
            ),
        )
        indexes = (
            # The tasks of an incident in their order.
            models.Index(fields=("incident", "position", "id"), name="task_of_incident"),
            # What somebody has to do, the soonest first: workload and home.
            models.Index(
                fields=("assignee", "due_at"), name="task_open_of_person", condition=models.Q(ended_at__isnull=True)
            ),
        )

    def __str__(self) -> str:
        return self.title


class TaskWait(models.Model):
    """``task`` waits on ``waits_on``. Strict: it cannot be begun before; else whoever begins it is warned."""

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="waits", verbose_name=_("task"))
    waits_on = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="blocking", verbose_name=_("waits on"))
    strict = models.BooleanField(_("strict"), default=True)

    class Meta:
        ordering = ("id",)
        verbose_name = _("dependency")
        verbose_name_plural = _("dependencies")
        constraints = (
            models.UniqueConstraint(fields=("task", "waits_on"), name="task_wait_once"),
            models.CheckConstraint(condition=~models.Q(task=models.F("waits_on")), name="task_wait_of_two"),
        )

    def __str__(self) -> str:
        return f"{self.task} ← {self.waits_on}"


class TimeEntry(models.Model):
    """Time somebody spent on an incident, in minutes."""

    incident = models.ForeignKey(
        Incident, on_delete=models.PROTECT, related_name="time_entries", verbose_name=_("incident")
    )
    task = models.ForeignKey(
        Task, on_delete=models.PROTECT, null=True, blank=True, related_name="time_entries", verbose_name=_("task")
    )
    user = models.ForeignKey(USER, on_delete=models.PROTECT, related_name="time_entries", verbose_name=_("person"))
    minutes = models.PositiveIntegerField(_("minutes"))
    note = models.CharField(_("note"), max_length=200, blank=True)
    at = models.DateTimeField(_("at"))
    history = HistoricalRecords()

    class Meta:
        ordering = ("id",)
        verbose_name = _("time spent")
        verbose_name_plural = _("time spent")
        constraints = (
            models.CheckConstraint(condition=models.Q(minutes__range=(1, 1440)), name="time_entry_within_a_day"),
        )

    def __str__(self) -> str:
        return f"INC-{self.incident_id}: {self.minutes} min"


class PlanTemplate(models.Model):
    """An action plan to begin with (R006): objectives, sections, roles and tasks for a kind of trouble."""

    name = models.CharField(_("name"), max_length=120, unique=True)
    slug = models.SlugField(_("slug"), max_length=80, unique=True)
    description = models.TextField(_("description"), blank=True)
    categories = models.ManyToManyField(
        Category,
        blank=True,
        related_name="plan_templates",
        verbose_name=_("offered for"),
        help_text=_("None means all."),
    )
    body = models.JSONField(_("plan"), default=dict, help_text=_("Objectives, sections, roles and tasks."))
    active = models.BooleanField(_("active"), default=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ("name",)
        verbose_name = _("plan template")
        verbose_name_plural = _("plan templates")

    def __str__(self) -> str:
        return self.name

    @property
    def label(self) -> str:
        """Its name in the reader's language, where it is one of the first."""
        return plan_words(self.name)

    @property
    def about(self) -> str:
        """Its description, likewise."""
        return plan_words(self.description)


class ActionPlan(models.Model):
    """The live plan of one incident. Its header, roles and tasks are the incident's own; ``sections`` are texts."""

    incident = models.OneToOneField(Incident, on_delete=models.PROTECT, related_name="plan", verbose_name=_("incident"))
    template = models.ForeignKey(
        PlanTemplate, on_delete=models.PROTECT, null=True, blank=True, related_name="plans", verbose_name=_("template")
    )
    sections = models.JSONField(_("sections"), default=list, help_text=_("Each with title and text."))
    created_by = models.ForeignKey(
        USER, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("created by")
    )
    created_at = models.DateTimeField(_("created"))
    edited_at = models.DateTimeField(_("edited"))
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("action plan")
        verbose_name_plural = _("action plans")

    def __str__(self) -> str:
        return f"INC-{self.incident_id}"


class Objective(models.Model):
    """What is to be reached, in the order of its rank (R007)."""

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        MET = "met", _("Met")
        DROPPED = "dropped", _("Dropped")

    incident = models.ForeignKey(
        Incident, on_delete=models.PROTECT, related_name="objectives", verbose_name=_("incident")
    )
    text = models.CharField(_("objective"), max_length=240)
    rank = models.PositiveSmallIntegerField(_("rank"), default=1)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.OPEN)
    created_at = models.DateTimeField(_("created"))
    history = HistoricalRecords()

    class Meta:
        ordering = ("incident", "rank", "id")
        verbose_name = _("objective")
        verbose_name_plural = _("objectives")

    def __str__(self) -> str:
        return self.text

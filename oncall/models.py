"""People, teams and schedules: who belongs where, and who is on call when."""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from phonenumber_field.modelfields import PhoneNumberField
from simple_history.models import HistoricalRecords

from oncall.zones import validate_time_zone


class User(AbstractUser):
    """A person who signs in. The role says what they may do (DESIGN.md §8); memberships say for which teams."""

    class Role(models.TextChoices):
        REPORTER = "reporter", _("Support staff")
        RESPONDER = "responder", _("Responder")
        MANAGER = "manager", _("Manager")
        AUDITOR = "auditor", _("Auditor")
        ADMINISTRATOR = "administrator", _("Administrator")

    email = models.EmailField(_("e-mail address"), blank=True)
    role = models.CharField(_("role"), max_length=16, choices=Role.choices, default=Role.REPORTER)
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC", validators=[validate_time_zone])
    language = models.CharField(_("language"), max_length=8, choices=settings.LANGUAGES, default="en")
    phone = PhoneNumberField(_("telephone"), blank=True)
    manager = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="reports", verbose_name=_("manager")
    )
    region = models.CharField(_("region"), max_length=60, blank=True)
    # The password hash never enters the history: a history row cannot be taken back.
    history = HistoricalRecords(excluded_fields=["password", "last_login"])

    class Meta(AbstractUser.Meta):
        ordering = ("username",)
        constraints = (
            models.UniqueConstraint(
                Lower("username"), name="user_username_any_case", violation_error_message=_("This name is taken.")
            ),
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_any_case",
                condition=~models.Q(email=""),
                violation_error_message=_("Somebody else has this e-mail address."),
            ),
        )

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        # Only administrators reach the admin; the flag follows the role and is never set by hand.
        self.is_staff = self.role == self.Role.ADMINISTRATOR
        self.is_superuser = self.role == self.Role.ADMINISTRATOR
        # Signing in notes when, which is no change of the person: no row of history for it.
        if kwargs.get("update_fields") == ["last_login"]:
            self.skip_history_when_saving = True
        try:
            super().save(*args, **kwargs)
        finally:
            self.__dict__.pop("skip_history_when_saving", None)

    @property
    def name(self) -> str:
        """Full name, or the user name where none is known."""
        return self.get_full_name() or self.username

    @property
    def is_administrator(self) -> bool:
        return self.role == self.Role.ADMINISTRATOR

    @property
    def is_auditor(self) -> bool:
        return self.role == self.Role.AUDITOR

    @property
    def may_respond(self) -> bool:
        """Responders, managers and administrators act on incidents; auditors and support staff do not."""
        return self.role in (self.Role.RESPONDER, self.Role.MANAGER, self.Role.ADMINISTRATOR)

    @property
    def may_manage(self) -> bool:
        return self.role in (self.Role.MANAGER, self.Role.ADMINISTRATOR)


class Team(models.Model):
    """People who answer together. A sub-team names its parent."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    slug = models.SlugField(_("slug"), max_length=60, unique=True)
    description = models.TextField(_("description"), blank=True)
    parent = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="children", verbose_name=_("parent team")
    )
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC", validators=[validate_time_zone])
    members = models.ManyToManyField(User, through="Membership", related_name="teams", verbose_name=_("members"))
    history = HistoricalRecords()

    class Meta:
        ordering = ("name",)
        verbose_name = _("team")
        verbose_name_plural = _("teams")

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A person's place in a team."""

    class Role(models.TextChoices):
        MEMBER = "member", _("Member")
        LEAD = "lead", _("Lead")

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships", verbose_name=_("team"))
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships", verbose_name=_("person"))
    role = models.CharField(_("role"), max_length=8, choices=Role.choices, default=Role.MEMBER)
    history = HistoricalRecords()

    class Meta:
        ordering = ("team", "user")
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = (models.UniqueConstraint(fields=("team", "user"), name="membership_once"),)

    def __str__(self) -> str:
        return f"{self.user} · {self.team}"


class Schedule(models.Model):
    """Who is on call when. What it says is in its versions; this row only names it."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    slug = models.SlugField(_("slug"), max_length=60, unique=True)
    team = models.ForeignKey(
        Team, on_delete=models.PROTECT, null=True, blank=True, related_name="schedules", verbose_name=_("team")
    )
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC", validators=[validate_time_zone])
    history = HistoricalRecords()

    class Meta:
        ordering = ("name",)
        verbose_name = _("schedule")
        verbose_name_plural = _("schedules")

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("oncall:schedule", args=(self.slug,))


class ScheduleVersion(models.Model):
    """What a schedule said from an instant on. Never changed, so that "who was on call at T" is answerable for ever."""

    schedule = models.ForeignKey(
        Schedule, on_delete=models.PROTECT, related_name="versions", verbose_name=_("schedule")
    )
    number = models.PositiveIntegerField(_("version"))
    effective_from = models.DateTimeField(_("in force from"))
    definition = models.JSONField(_("definition"))
    author = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("author")
    )
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("created"))

    class Meta:
        ordering = ("schedule", "number")
        verbose_name = _("schedule version")
        verbose_name_plural = _("schedule versions")
        constraints = (models.UniqueConstraint(fields=("schedule", "number"), name="schedule_version_once"),)

    def __str__(self) -> str:
        return f"{self.schedule} v{self.number}"


class Override(models.Model):
    """Somebody takes a window of a schedule, in place of, or beside, whoever the rotation names."""

    class Kind(models.TextChoices):
        COVER = "cover", _("Covers")
        REPLACE = "replace", _("Replaces one person")
        ADD = "add", _("Joins")
        REMOVE = "remove", _("Is taken off")

    schedule = models.ForeignKey(
        Schedule, on_delete=models.CASCADE, related_name="overrides", verbose_name=_("schedule")
    )
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices, default=Kind.COVER)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="overrides", verbose_name=_("person"))
    replaces = models.ForeignKey(
        User, on_delete=models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("replaces")
    )
    start = models.DateTimeField(_("start"))
    end = models.DateTimeField(_("end"))
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    created_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("created by")
    )
    created_at = models.DateTimeField(_("created"))
    cancelled_at = models.DateTimeField(_("cancelled"), null=True, blank=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ("start", "id")
        verbose_name = _("override")
        verbose_name_plural = _("overrides")
        constraints = (
            models.CheckConstraint(
                condition=models.Q(start__lt=models.F("end")),
                name="override_start_before_end",
                violation_error_message=_("The end must come after the start."),
            ),
        )
        # Shifts of a range: the overrides of some schedules that touch it.
        indexes = (
            models.Index(fields=("schedule", "end"), name="override_touching", condition=models.Q(cancelled_at=None)),
        )

    def __str__(self) -> str:
        return f"{self.user} {self.get_kind_display()} {self.schedule}"


class ApiToken(models.Model):
    """A key that acts as its owner over the API. Shown once and stored as a SHA-256 digest."""

    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens", verbose_name=_("owner"))
    name = models.CharField(_("name"), max_length=80, help_text=_("What uses it, for example “deploy script”."))
    digest = models.CharField(_("digest"), max_length=64, unique=True, editable=False)
    hint = models.CharField(_("ends with"), max_length=4, editable=False)
    created_at = models.DateTimeField(_("created"))
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    class Meta:
        ordering = ("owner", "-created_at", "-id")
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")

    def __str__(self) -> str:
        return f"{self.name} (…{self.hint})"

"""People and teams: who belongs where, what they can do, and how much they may be asked to bear."""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _
from phonenumber_field.modelfields import PhoneNumberField
from simple_history.models import HistoricalRecords

from oncall.holiday_calendars import validate_holiday_calendar
from oncall.zones import validate_time_zone


class Skill(models.Model):
    """Something people know that a service may ask for: "postgresql", "payments core"."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    slug = models.SlugField(_("slug"), max_length=60, unique=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ("name",)
        verbose_name = _("skill")
        verbose_name_plural = _("skills")

    def __str__(self) -> str:
        return self.name


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
    holiday_calendar = models.CharField(
        _("public holidays"),
        max_length=12,
        blank=True,
        validators=[validate_holiday_calendar],
        help_text=_("A country, or a part of one, such as IT or DE-BY. Empty: none are kept."),
    )
    skills = models.ManyToManyField(Skill, blank=True, related_name="people", verbose_name=_("skills"))
    capacity_hours = models.PositiveSmallIntegerField(
        _("capacity, hours"),
        null=True,
        blank=True,
        help_text=_("Hours on call in four weeks above which this person counts as overloaded. Empty: no limit."),
    )
    capacity_pages = models.PositiveSmallIntegerField(
        _("capacity, pages"),
        null=True,
        blank=True,
        help_text=_("Pages in one shift after which the next person is asked. Empty: as the schedule says."),
    )
    capacity_incidents = models.PositiveSmallIntegerField(
        _("capacity, incidents"),
        null=True,
        blank=True,
        help_text=_("Open incidents this person carries at once. Empty: five."),
    )
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
    approves_absences = models.BooleanField(
        _("absences need a manager's word"), default=False, help_text=_("A planned absence counts once approved.")
    )
    approves_swaps = models.BooleanField(
        _("swaps need a manager's word"), default=False, help_text=_("An accepted swap counts once approved.")
    )
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

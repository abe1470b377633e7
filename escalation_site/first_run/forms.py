"""One small form for each step of the first run."""

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.utils.translation import gettext_lazy as _

from escalation_site.first_run.setup import Person
from oncall.models import Membership, Team, User

WEEKDAYS = tuple(
    enumerate((_("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday")))
)
ANSWERS = (
    (30, _("30 seconds, to try it out")),
    (120, _("2 minutes")),
    (300, _("5 minutes")),
    (600, _("10 minutes")),
    (900, _("15 minutes")),
)


def _zones() -> list[tuple[str, str]]:
    return [(name, name.replace("_", " ")) for name in sorted(available_timezones()) if "/" in name or name == "UTC"]


class ZoneField(forms.ChoiceField):
    def __init__(self, **options: Any) -> None:
        super().__init__(choices=_zones, **options)


class PersonForm(forms.Form):
    first_name = forms.CharField(label=_("First name"), max_length=150)
    last_name = forms.CharField(label=_("Last name"), max_length=150)
    email = forms.EmailField(label=_("E-mail address"), max_length=254, help_text=_("Pages go there."))
    time_zone = ZoneField(label=_("Time zone"), help_text=_("Times are shown in it."))

    def person(self) -> Person:
        data = self.cleaned_data
        return Person(data["first_name"], data["last_name"], data["email"], data["time_zone"])


class AdministratorForm(PersonForm):
    username = forms.CharField(label=_("User name"), max_length=150, validators=[UnicodeUsernameValidator()])
    password = forms.CharField(
        label=_("Password"),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        strip=False,
        help_text=_("At least 10 characters."),
    )
    field_order = ("first_name", "last_name", "email", "time_zone", "username", "password")

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if "password" in data:
            known = {name: data.get(name, "") for name in ("username", "first_name", "last_name", "email")}
            try:
                validate_password(data["password"], User(**known))
            except forms.ValidationError as error:
                self.add_error("password", error)
        return data


class TeamForm(PersonForm):
    """The team's own name and zone, and the second person."""

    name = forms.CharField(label=_("Name of the team"), max_length=60)
    zone = ZoneField(label=_("Time zone of the team"), help_text=_("Handoffs follow its clock."))
    field_order = ("name", "zone", "first_name", "last_name", "email", "time_zone")

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if Team.objects.filter(name=name).exists():
            raise forms.ValidationError(_("There is a team of that name."))
        return name

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"])
        if User.objects.filter(email__iexact=email).exists():
            raise forms.ValidationError(
                _("Somebody has this address already. The backup is another person, with another address.")
            )
        return email


class ScheduleForm(forms.Form):
    name = forms.CharField(label=_("Name of the schedule"), max_length=60)
    first = forms.ModelChoiceField(
        label=_("On call first, from now on"), queryset=User.objects.none(), empty_label=None
    )
    weekday = forms.TypedChoiceField(label=_("They change every"), choices=WEEKDAYS, coerce=int, initial=0)
    handoff = forms.TimeField(
        label=_("at"), initial="09:00", widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )

    def __init__(self, *args: Any, team: Team, **options: Any) -> None:
        super().__init__(*args, **options)
        members = Membership.objects.filter(team=team).values("user")
        field: Any = self.fields["first"]
        field.queryset = User.objects.filter(pk__in=members, is_active=True)


class PolicyForm(forms.Form):
    name = forms.CharField(label=_("Name of the policy"), max_length=60)
    answer = forms.TypedChoiceField(
        label=_("The backup is called when nobody has acknowledged after"), choices=ANSWERS, coerce=int, initial=300
    )


class ServiceForm(forms.Form):
    name = forms.CharField(
        label=_("Name of the service"), max_length=60, help_text=_("What can break: “Payments gateway”, “Website”.")
    )

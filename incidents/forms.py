"""The forms of the incident pages: they clean what was typed; the services decide."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from escalation_site.kernel.errors import DomainError
from incidents.models import Incident, Service, Stage
from oncall.models import Membership, User
from policies.severity import Severity

SEVERITY_MEANINGS = {
    Severity.SEV1: _("Everything stops, or people come to harm"),
    Severity.SEV2: _("Many customers cannot work, no way around"),
    Severity.SEV3: _("Some customers are hindered, or there is a way around"),
    Severity.SEV4: _("A nuisance, can wait for office hours"),
    Severity.SEV5: _("For information, nobody is disturbed at night"),
}
"""What each severity means to somebody who files an incident."""

SNOOZES = {
    "30": _("30 minutes"),
    "60": _("1 hour"),
    "240": _("4 hours"),
    "480": _("8 hours"),
}
"""Minutes a snooze may last when no time is given."""


def refuse(form: forms.BaseForm, error: DomainError) -> None:
    """Show a service's refusal at the field it names, or above the form."""
    form.add_error(error.field if error.field in form.fields else None, error.message)


def severity_cards(form: forms.BaseForm) -> list[dict[str, Any]]:
    """The severities as cards: shape, meaning, and whether it is chosen in the form's field ``severity``."""
    chosen = str(form["severity"].value() or "")
    return [
        {"rank": severity.value, "meaning": SEVERITY_MEANINGS[severity], "checked": chosen == str(severity.value)}
        for severity in Severity
    ]


class ServiceChoiceField(forms.ModelChoiceField[Service]):
    """Services with their owners: the same word may name two things in two teams."""

    def label_from_instance(self, service: Service) -> str:
        return f"{service.name} · {service.team.name}"


class FileForm(forms.Form):
    """Filing an incident, in five groups. Only title, description, service and severity stop anybody."""

    title = forms.CharField(label=_("What is wrong?"), max_length=200)
    summary = forms.CharField(
        label=_("What do people see?"),
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Since when, where, how many are hit."),
    )
    service = ServiceChoiceField(
        label=_("Affected service"),
        queryset=Service.objects.none(),
        empty_label=_("Choose a service"),
        to_field_name="slug",
        widget=forms.Select(attrs={"data-search": _("Search the services")}),
    )
    severity = forms.TypedChoiceField(
        label=_("Severity"), choices=Severity.choices, coerce=int, widget=forms.RadioSelect
    )
    detection = forms.ChoiceField(
        label=_("How was it noticed?"),
        choices=Incident.Detection.choices,
        initial=Incident.Detection.STAFF,
        required=False,
    )
    environment = forms.CharField(
        label=_("Environment"), max_length=40, required=False, help_text=_("Empty means the service’s own.")
    )
    evidence = forms.CharField(
        label=_("Links, error messages, what was tried"),
        max_length=10_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Becomes the first entry of the timeline."),
    )
    customer_impact = forms.CharField(
        label=_("What do customers notice?"), max_length=4_000, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    restricted = forms.BooleanField(
        label=_("Restricted"),
        required=False,
        help_text=_("Personal data or security: only its team, its responders, auditors and administrators see it."),
    )
    is_test = forms.BooleanField(
        label=_("Test"), required=False, help_text=_("Pages people like any other, and stays out of the figures.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        services = self.fields["service"]
        assert isinstance(services, forms.ModelChoiceField)  # noqa: S101  tells the type checker what was declared above
        services.queryset = Service.objects.select_related("team").order_by("name")

    def clean_detection(self) -> str:
        return self.cleaned_data["detection"] or str(Incident.Detection.STAFF)


class ActionForm(forms.Form):
    """What an action on an incident asks for. ``incident`` and ``at`` are known to all of them."""

    def __init__(self, *args: Any, incident: Incident, at: datetime, **kwargs: Any) -> None:
        self.incident = incident
        self.at = at
        super().__init__(*args, **kwargs)


class EscalateForm(ActionForm):
    reason = forms.CharField(
        label=_("Why now?"),
        max_length=1_000,
        widget=forms.Textarea(attrs={"rows": 3, "autofocus": True}),
        help_text=_("The next level reads this first."),
    )


class ReopenForm(ActionForm):
    reason = forms.CharField(
        label=_("What came back?"), max_length=1_000, widget=forms.Textarea(attrs={"rows": 3, "autofocus": True})
    )


class ResolveForm(ActionForm):
    resolution = forms.CharField(
        label=_("Cause and fix"),
        max_length=10_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "autofocus": True}),
        help_text=_("Two sentences help whoever meets it next."),
    )


class SnoozeForm(ActionForm):
    minutes = forms.ChoiceField(label=_("For how long?"), choices=list(SNOOZES.items()), required=False, initial="60")
    until = forms.DateTimeField(
        label=_("Or until"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=_("In your time zone. Wins over the span above."),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if "until" in self.errors:
            return cleaned
        if cleaned.get("until") is None:
            if not cleaned.get("minutes"):
                raise forms.ValidationError(_("Choose a span or a time."))
            cleaned["until"] = self.at + timedelta(minutes=int(cleaned["minutes"]))
        return cleaned


class ReassignForm(ActionForm):
    owner = forms.ModelChoiceField(
        label=_("Hand it to"), queryset=User.objects.none(), empty_label=_("Choose a person")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        owners = self.fields["owner"]
        assert isinstance(owners, forms.ModelChoiceField)  # noqa: S101  tells the type checker what was declared above
        owners.queryset = responders_for(self.incident)


def responders_for(incident: Incident) -> Any:
    """Who could own ``incident``: people who respond and may see it, its own team first."""
    own = Membership.objects.filter(user=OuterRef("pk"), team=incident.team_id)
    found = User.objects.filter(
        is_active=True, role__in=(User.Role.RESPONDER, User.Role.MANAGER, User.Role.ADMINISTRATOR)
    )
    found = found.annotate(in_team=Exists(own)).order_by("-in_team", "first_name", "last_name", "username")
    if incident.restricted:
        found = found.filter(
            Q(in_team=True) | Q(role=User.Role.ADMINISTRATOR) | Q(pages__incident=incident) | Q(pk=incident.owner_id)
        ).distinct()
    return found


class StageForm(ActionForm):
    stage = forms.ModelChoiceField(
        label=_("Stage"),
        queryset=Stage.objects.exclude(key__in=("resolved", "closed")),
        empty_label=None,
        to_field_name="key",
    )


class SeverityForm(ActionForm):
    """Another severity and why. ``seen`` is the one that was shown beside the choice."""

    severity = forms.TypedChoiceField(
        label=_("Severity"), choices=Severity.choices, coerce=int, widget=forms.RadioSelect
    )
    reason = forms.CharField(
        label=_("What makes it so?"),
        max_length=1_000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Everybody on the incident reads it in the timeline."),
    )
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, incident: Incident, **kwargs: Any) -> None:
        super().__init__(*args, incident=incident, **kwargs)
        self.initial.setdefault("severity", incident.severity)

    @property
    def cards(self) -> list[dict[str, Any]]:
        return severity_cards(self)

    def clean_severity(self) -> int:
        severity = int(self.cleaned_data["severity"])
        if severity == self.incident.severity:
            raise forms.ValidationError(_("It is of this severity already. Choose another."))
        return severity


class CommentForm(forms.Form):
    text = forms.CharField(
        label=_("Write an update"),
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": _("Write an update")}),
    )

"""What auditors are asked: an instant to go back to, what a pack is about, the name of a view."""

from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from django import forms
from django.utils.timezone import make_aware
from django.utils.translation import gettext_lazy as _

from incidents.models import Incident
from reports.audit.past import object_found
from reports.audit_forms import MomentField
from reports.ledger import subject_from

INCIDENT, PERIOD = "incident", "period"


class PastForm(forms.Form):
    """Which object, and at which instant, on the reader's clock; ``other`` is a second instant to compare with."""

    kind = forms.ChoiceField(
        label=_("What"),
        choices=[("incident", _("Incident")), ("schedule", _("Schedule")), ("policy", _("Policy"))],
    )
    ref = forms.CharField(
        label=_("Which"), max_length=100, help_text=_("INC-42, or the name of the schedule or the policy.")
    )
    moment = MomentField(label=_("As it was at"), seconds=True)
    other = MomentField(label=_("Compared with"), seconds=True)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if data.get("kind") and data.get("ref"):
            data["row"] = object_found(data["kind"], data["ref"])
            if data["row"] is None:
                self.add_error("ref", _("There is none of that name."))
        return data

    def instants(self, *, at: datetime, zone: tzinfo) -> tuple[datetime, datetime | None]:
        """The instants of the (validated) form read on the clock of ``zone``; without one it is ``at``."""
        moment, other = (self.cleaned_data.get(name) for name in ("moment", "other"))
        return (make_aware(moment, zone) if moment else at), (make_aware(other, zone) if other else None)


class PackForm(forms.Form):
    """What a pack is about: one incident, or whole days on the reader's clock."""

    about = forms.ChoiceField(
        label=_("About"),
        choices=[(INCIDENT, _("One incident")), (PERIOD, _("Everything in a period"))],
        initial=INCIDENT,
        widget=forms.RadioSelect,
    )
    incident = forms.CharField(label=_("Incident"), required=False, max_length=60, help_text=_("For example INC-2417."))
    first = forms.DateField(label=_("First day"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    last = forms.DateField(label=_("Last day"), required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if data.get("about") == INCIDENT:
            subject = subject_from(data.get("incident", "")).removeprefix("incident:")
            data["found"] = Incident.objects.filter(pk=int(subject)).first() if subject.isdecimal() else None
            if data["found"] is None:
                self.add_error("incident", _("There is no incident of that number."))
        elif data.get("about") == PERIOD:
            for name in ("first", "last"):
                if not data.get(name) and name not in self.errors:
                    self.add_error(name, _("Choose a day."))
            if data.get("first") and data.get("last") and data["last"] < data["first"]:
                self.add_error("last", _("The end must come after the start."))
        return data

    def scope(self, *, zone: tzinfo) -> dict[str, Any]:
        """What the (validated) form asks for, as ``pack_ask`` takes it."""
        data = self.cleaned_data
        if data["about"] == INCIDENT:
            return {"incident": data["found"]}
        return {"since": _midnight(data["first"], zone), "until": _midnight(data["last"] + timedelta(days=1), zone)}


def _midnight(day: date, zone: tzinfo) -> datetime:
    return make_aware(datetime(day.year, day.month, day.day), zone)  # noqa: DTZ001  the zone is given beside it


class KeepForm(forms.Form):
    """A view's name, and whether others see it."""

    name = forms.CharField(label=_("Name"), max_length=60)
    shared = forms.BooleanField(label=_("For everybody who reads the ledger"), required=False)
    query = forms.CharField(required=False, max_length=4000, widget=forms.HiddenInput)

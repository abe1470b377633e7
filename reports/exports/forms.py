"""The form of what is sent regularly."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from reports.models.exports import ExportSchedule, Format


class ExportScheduleForm(forms.Form):
    """``source`` and ``query`` come from the page whose rows are sent."""

    name = forms.CharField(label=_("Name"), max_length=80, help_text=_("The subject of the mail."))
    format = forms.ChoiceField(label=_("Format"), choices=Format.choices)
    cadence = forms.ChoiceField(label=_("How often"), choices=ExportSchedule.Cadence.choices)
    weekday = forms.TypedChoiceField(
        label=_("Weekday"),
        choices=ExportSchedule.Weekday.choices,
        coerce=int,
        required=False,
        help_text=_("For what comes every week."),
    )
    day = forms.IntegerField(
        label=_("Day of the month"),
        min_value=1,
        max_value=31,
        required=False,
        help_text=_("For what comes every month; 31 is the last day."),
    )
    send_at = forms.TimeField(
        label=_("Time"),
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        help_text=_("On your clock."),
    )
    active = forms.BooleanField(label=_("Send it"), required=False)
    source = forms.CharField(widget=forms.HiddenInput, max_length=20)
    query = forms.CharField(widget=forms.HiddenInput, required=False, max_length=4000)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        data["weekday"] = data.get("weekday") or 0
        data["day"] = data.get("day") or 1
        return data


def initial_of(schedule: ExportSchedule) -> dict[str, Any]:
    names = ("name", "format", "cadence", "weekday", "day", "send_at", "active", "source", "query")
    return {name: getattr(schedule, name) for name in names}

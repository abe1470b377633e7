"""What the simulator is asked: the facts, the instant, and who does what."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, cast

from django import forms
from django.utils.translation import gettext, gettext_lazy

from oncall.models import User
from policies.durations import duration_seconds
from policies.severity import Severity
from policies.simulation.walk import Act, Deed

Choices = list[tuple[str, str]]
ROWS = 4
MAX_AFTER = 7 * 86_400
UNREACHABLE = "unreachable"
LOCAL = "%Y-%m-%dT%H:%M"


class SimulationForm(forms.Form):
    """`versions`, `services` and `levels` are (value, label) choices; a service is named by its slug, a level by its number."""

    at = forms.DateTimeField(
        label=gettext_lazy("It starts"),
        input_formats=[LOCAL, "%Y-%m-%dT%H:%M:%S"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=LOCAL),
        help_text=gettext_lazy("On your clock."),
    )
    severity = forms.TypedChoiceField(label=gettext_lazy("Severity"), coerce=int, choices=Severity.choices)
    service = forms.ChoiceField(label=gettext_lazy("Service"), required=False)
    version = forms.ChoiceField(label=gettext_lazy("Version"))
    against = forms.ChoiceField(label=gettext_lazy("Compare with"), required=False)
    start_level = forms.TypedChoiceField(
        label=gettext_lazy("It begins at"),
        required=False,
        coerce=int,
        empty_value=None,
        help_text=gettext_lazy("As a routing rule may have it. Never below what the severity says."),
    )
    timers_percent = forms.IntegerField(
        label=gettext_lazy("Time people get, in per cent"),
        required=False,
        min_value=1,
        max_value=100,
        help_text=gettext_lazy("As a routing rule may have it. Empty: all of it."),
        widget=forms.NumberInput(attrs={"inputmode": "numeric", "placeholder": "100"}),
    )
    sla = forms.CharField(
        label=gettext_lazy("Its SLA ends after"),
        required=False,
        max_length=20,
        help_text=gettext_lazy("Such as 4h. Empty: as the SLA targets in force have it."),
    )

    def clean_sla(self) -> timedelta | None:
        return span_read(self.cleaned_data["sla"]) or None

    def __init__(self, *args: Any, versions: Choices, services: Choices, levels: Choices, **options: Any) -> None:
        super().__init__(*args, **options)
        _choices(self, "version", versions)
        _choices(self, "against", [("", gettext("Nothing")), *versions])
        _choices(self, "start_level", [("", gettext("The level that its severity says")), *levels])
        if services:
            _choices(self, "service", services)
        else:
            del self.fields["service"]


class ActForm(forms.Form):
    """One row: somebody does something, or cannot be reached. A row without a person says nothing."""

    who = forms.ChoiceField(label=gettext_lazy("Who"), required=False)
    does = forms.ChoiceField(
        label=gettext_lazy("does what"),
        required=False,
        choices=(
            (Deed.ACKNOWLEDGE.value, gettext_lazy("acknowledges")),
            (UNREACHABLE, gettext_lazy("cannot be reached")),
            (Deed.ESCALATE.value, gettext_lazy("calls the next level")),
            (Deed.MITIGATE.value, gettext_lazy("marks it mitigated")),
            (Deed.RESOLVE.value, gettext_lazy("resolves it")),
        ),
    )
    after = forms.CharField(label=gettext_lazy("after"), required=False, max_length=20)
    since = forms.ChoiceField(
        label=gettext_lazy("counted from"),
        required=False,
        choices=(("told", gettext_lazy("being told")), ("start", gettext_lazy("the start"))),
    )

    def __init__(self, *args: Any, people: Mapping[int, User], **options: Any) -> None:
        super().__init__(*args, **options)
        named = [(str(pk), user.name) for pk, user in people.items()]
        _choices(self, "who", [("", gettext("Nobody")), *named])

    def clean_after(self) -> timedelta:
        return span_read(self.cleaned_data["after"])

    @property
    def act(self) -> Act | None:
        values = self.cleaned_data
        if not values.get("who") or values.get("does") == UNREACHABLE:
            return None
        deed = Deed(values["does"] or Deed.ACKNOWLEDGE)
        return Act(deed, int(values["who"]), values["after"], from_start=values["since"] == "start")

    @property
    def unreachable(self) -> int | None:
        values = self.cleaned_data
        return int(values["who"]) if values.get("who") and values.get("does") == UNREACHABLE else None


def span_read(text: str) -> timedelta:
    """The time that somebody typed, nothing for nothing. Raises ValidationError."""
    if not text.strip():
        return timedelta(0)
    try:
        seconds = duration_seconds(text.strip())
    except ValueError as error:
        raise forms.ValidationError(gettext("Write a time such as 7m or 1h30m.")) from error
    if seconds > MAX_AFTER:
        raise forms.ValidationError(gettext("A week at most."))
    return timedelta(seconds=seconds)


def _choices(form: forms.Form, name: str, choices: Choices) -> None:
    cast(forms.ChoiceField, form.fields[name]).choices = choices

"""The answer to a checkpoint: which of the two, and what the person says to it."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from incidents.forms import severity_cards
from policies.severity import Severity

CONFIRM, DECLINE = "confirm", "decline"


class DecisionForm(forms.Form):
    """``verdict`` is the button that was pressed; ``severity`` is asked where an escalation waits, and may stay as it is."""

    verdict = forms.ChoiceField(
        choices=[(CONFIRM, CONFIRM), (DECLINE, DECLINE)],
        error_messages={
            "required": _("Choose one of the two answers."),
            "invalid_choice": _("Choose one of the two answers."),
        },
    )
    severity = forms.TypedChoiceField(
        label=_("Severity"),
        choices=Severity.choices,
        coerce=int,
        empty_value=None,
        required=False,
        widget=forms.RadioSelect,
    )
    note = forms.CharField(
        label=_("What decided it?"),
        required=False,
        max_length=1_000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Everybody on the incident reads it in the timeline."),
    )

    @property
    def cards(self) -> list[dict[str, Any]]:
        return severity_cards(self)

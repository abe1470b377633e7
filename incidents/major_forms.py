"""Why an incident is a major one, or none after all."""

from django import forms
from django.utils.translation import gettext_lazy as _

from incidents.forms import ActionForm


class MajorForm(ActionForm):
    reason = forms.CharField(
        label=_("What makes it a major incident?"),
        max_length=1_000,
        widget=forms.Textarea(attrs={"rows": 3, "autofocus": True}),
        help_text=_("Whoever oversees it reads this first."),
    )


class MajorEndForm(ActionForm):
    reason = forms.CharField(
        label=_("Why is it none after all?"),
        max_length=1_000,
        widget=forms.Textarea(attrs={"rows": 3, "autofocus": True}),
    )

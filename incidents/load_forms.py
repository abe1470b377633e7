"""The form of how many open incidents somebody carries."""

from django import forms
from django.utils.translation import gettext_lazy as _

from incidents.services.load_limits import MOST


class CarryForm(forms.Form):
    incidents = forms.IntegerField(
        label=_("Open incidents at once"),
        min_value=1,
        max_value=MOST,
        required=False,
        help_text=_("Above it the workload, the board and the choice of an owner warn. Empty: what everybody carries."),
    )

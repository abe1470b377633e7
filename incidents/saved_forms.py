"""The form of a saved view."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from incidents.models import SavedView
from oncall.models import Team, User


class SavedViewForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=60, widget=forms.TextInput(attrs={"autofocus": True}))
    shared = forms.ChoiceField(label=_("Who sees it"), choices=SavedView.Shared.choices)
    team = forms.ModelChoiceField(label=_("Team"), queryset=Team.objects.none(), required=False, to_field_name="slug")
    query = forms.CharField(widget=forms.HiddenInput, required=False)
    place = forms.ChoiceField(widget=forms.HiddenInput, choices=SavedView.Place.choices)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        every = user.role == User.Role.ADMINISTRATOR
        teams: Any = Team.objects.all() if every else Team.objects.filter(memberships__user=user)
        team: Any = self.fields["team"]
        team.queryset = teams.order_by("name")

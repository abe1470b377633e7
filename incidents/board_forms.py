"""The forms behind the board: what is asked before a card goes to another team, person or stage."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from escalation_site.kernel.errors import DomainError
from incidents.forms import SeenForm
from incidents.services.teams import team_clash
from oncall.models import Team


class TeamForm(SeenForm):
    """Another team, and why."""

    about = "team"
    team = forms.ModelChoiceField(
        label=_("Hand it over to"), queryset=Team.objects.none(), to_field_name="slug", empty_label=_("Choose a team")
    )
    reason = forms.CharField(
        label=_("Why?"),
        max_length=1_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("The other team reads this first."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        teams = self.fields["team"]
        assert isinstance(teams, forms.ModelChoiceField)  # noqa: S101  tells the type checker what was declared above
        teams.queryset = Team.objects.exclude(pk=self.incident.team_id)

    def standing(self) -> str:
        return self.incident.team.slug

    def clash(self, seen: str) -> DomainError | None:
        return team_clash(self.incident, seen)

"""The form that switches a digest on for a team."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from notifications.models import Destination
from oncall.editing.permissions import teams_of
from oncall.models import Team, User
from reports.models.digests import Digest


class DigestForm(forms.Form):
    kind = forms.ChoiceField(label=_("What"), choices=Digest.Kind.choices)
    team = forms.ModelChoiceField(
        label=_("Team"),
        queryset=Team.objects.none(),
        to_field_name="slug",
        required=False,
        empty_label=_("The whole house"),
    )
    send_at = forms.TimeField(
        label=_("Time"),
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        help_text=_("On the team’s clock: every morning, on Mondays, on the first of the month."),
    )
    time_zone = forms.CharField(
        label=_("Time zone"), required=False, max_length=64, help_text=_("Empty: the team’s own.")
    )
    destination = forms.ModelChoiceField(
        label=_("Chat channel"),
        queryset=Destination.objects.filter(kind=Destination.Kind.CHAT, enabled=True),
        to_field_name="slug",
        required=False,
        empty_label=_("none, by e-mail alone"),
        help_text=_("The stand-up is posted there too, without restricted incidents unless it carries them."),
    )
    active = forms.BooleanField(label=_("Send it"), required=False)

    def __init__(self, *args: Any, user: User, **options: Any) -> None:
        super().__init__(*args, **options)
        team: Any = self.fields["team"]
        team.queryset = Team.objects.filter(pk__in=[one.pk for one in teams_of(user)])
        if not user.is_administrator:
            team.required = True
            team.empty_label = None
            kinds: Any = self.fields["kind"]
            kinds.choices = [one for one in Digest.Kind.choices if one[0] != Digest.Kind.MONTH]


def initial_of(digest: Digest) -> dict[str, Any]:
    return {
        "kind": digest.kind,
        "team": digest.team.slug if digest.team else None,
        "send_at": digest.send_at,
        "time_zone": digest.time_zone,
        "active": digest.active,
        "destination": digest.destination.slug if digest.destination else None,
    }

"""The forms of a dashboard that somebody puts together: its name, whom it is shared with, a new card."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from incidents.custom_fields import label_of
from oncall.models import Team, User
from reports.cards import COUNTED, OWN, TOLD, CardInvalid, CardSpec, Drawn, card_parse
from reports.figures.counted import OTHERS
from reports.figures.definitions import METRICS
from reports.groupings import GROUP_TITLES
from reports.models import Dashboard
from reports.own_answers import own_dimensions
from reports.telling import TOLD as TOLD_TITLES

KINDS = (
    (Drawn.NUMBER, _("Number")),
    (Drawn.TIME, _("Time")),
    (Drawn.LINE, _("Line by week")),
    (Drawn.BAR, _("Bars")),
    (Drawn.PIE, _("Pie")),
    (Drawn.TABLE, _("Table")),
    (Drawn.HOURS, _("Hours of the week")),
    (Drawn.WORDS, _("Words")),
)
_REFUSED = {
    "kind": _("Choose how it is drawn."),
    "metric": _(
        "This cannot be drawn so. A time card shows a time; a pie shows a number of things or a share; late tasks have no line; "
        "summaries, updates and stand-ups are words."
    ),
    "dimension": _("Choose by what it is grouped; not everything can be grouped by everything."),
}


class BoardForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=60)
    shared = forms.ChoiceField(label=_("Who sees it"), choices=Dashboard.Shared.choices)
    team = forms.ModelChoiceField(label=_("Team"), queryset=Team.objects.none(), required=False, to_field_name="slug")

    def __init__(self, *args: Any, user: User, **options: Any) -> None:
        super().__init__(*args, **options)
        every = user.role == User.Role.ADMINISTRATOR
        teams: Any = Team.objects.all() if every else Team.objects.filter(memberships__user=user)
        team: Any = self.fields["team"]
        team.queryset = teams.order_by("name")


class CardForm(forms.Form):
    metric = forms.ChoiceField(
        label=_("What"),
        choices=[
            *((key, OTHERS[key].title) for key in COUNTED),
            *((key, metric.title) for key, metric in METRICS.items()),
            *((key, TOLD_TITLES[key]) for key in TOLD),
        ],
    )
    kind = forms.ChoiceField(label=_("Drawn as"), choices=KINDS)
    dimension = forms.ChoiceField(label=_("By"), required=False)
    wide = forms.BooleanField(label=_("Over the whole width"), required=False)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        dimension: Any = self.fields["dimension"]
        own = [(OWN + field.key, label_of(field)) for field in own_dimensions()]
        dimension.choices = [*GROUP_TITLES.items(), *own]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return data
        try:
            data["card"] = card_parse(data)
        except CardInvalid as error:
            self.add_error(error.field, _REFUSED[error.field])
        return data

    @property
    def card(self) -> CardSpec:
        """The card, once the form is valid."""
        card: CardSpec = self.cleaned_data["card"]
        return card

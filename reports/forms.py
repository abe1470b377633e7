"""The filters of the dashboard. What makes no sense is said beside its field; the report then shows the default
range.
"""

from datetime import datetime, tzinfo
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from oncall.models import Team, User
from policies.severity import Severity
from reports.period import DEFAULT, period_of
from reports.selectors import Scope

PERIODS = (
    ("28d", _("Last 28 days")),
    ("90d", _("Last 90 days")),
    ("12m", _("Last 12 months")),
    ("custom", _("From … to …")),
)
LONGEST_DAYS = 1830


class ReportFilters(forms.Form):
    period = forms.ChoiceField(label=_("Period"), choices=PERIODS, required=False)
    first = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    last = forms.DateField(
        label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    team = forms.ModelMultipleChoiceField(
        label=_("Teams"),
        queryset=Team.objects.all(),
        to_field_name="slug",
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    severity = forms.TypedMultipleChoiceField(
        label=_("Severity"), choices=Severity.choices, coerce=int, required=False, widget=forms.CheckboxSelectMultiple
    )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if data.get("period") != "custom":
            return data
        first, last = data.get("first"), data.get("last")
        for name, day in (("first", first), ("last", last)):
            if day is None and name not in self.errors:
                self.add_error(name, _("Give a day."))
        if first and last and last < first:
            self.add_error("last", _("The last day must not come before the first."))
        elif first and last and (last - first).days >= LONGEST_DAYS:
            self.add_error("last", _("At most five years at once."))
        return data

    def scope(self, user: User, *, at: datetime, zone: tzinfo) -> Scope:
        """What the (validated) form asks for; fields at fault count as not given."""
        data = self.cleaned_data
        custom = data.get("period") == "custom" and not self.errors
        period = period_of(
            data.get("period") or DEFAULT,
            at=at,
            zone=zone,
            first=data.get("first") if custom else None,
            last=data.get("last") if custom else None,
        )
        teams = [team.pk for team in data.get("team") or ()]
        return Scope(user, period, teams, list(data.get("severity") or ()))

"""What range, team and schedule the workload is asked for. What makes no sense is said beside its field; the page then
shows the default range."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils import dateformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from oncall.load.measure import DAY, Days
from oncall.load.reading import sub_teams
from oncall.models import Schedule, Team

DEFAULT = "last4"
CUSTOM = "custom"
LONGEST_DAYS = 732
MONTHS_BACK, MONTHS_AHEAD = 13, 2
WEEKS = {"last4": -4, "last12": -12, "last52": -52, "next4": 4, "next12": 12, "next52": 52}
BACK = (
    ("last4", gettext_lazy("Last 4 weeks")),
    ("last12", gettext_lazy("Last 12 weeks")),
    ("last52", gettext_lazy("Last 52 weeks")),
)
AHEAD = (
    ("next4", gettext_lazy("Next 4 weeks")),
    ("next12", gettext_lazy("Next 12 weeks")),
    ("next52", gettext_lazy("Next 52 weeks")),
)


@dataclass(frozen=True, slots=True)
class Scope:
    """The days and the schedules asked for; ``narrowed`` when these are not all there are."""

    days: Days
    schedules: tuple[Schedule, ...]
    narrowed: bool


class LoadFilters(forms.Form):
    first = forms.DateField(label=gettext_lazy("From"), required=False)
    last = forms.DateField(label=gettext_lazy("To"), required=False)
    team = forms.ModelChoiceField(
        label=gettext_lazy("Team"), queryset=Team.objects.all(), to_field_name="slug", required=False
    )
    schedule = forms.ModelChoiceField(
        label=gettext_lazy("Schedule"), queryset=Schedule.objects.all(), to_field_name="slug", required=False
    )

    def __init__(self, data: Any, *, today: date) -> None:
        super().__init__(data)
        self.today = today
        choices = [
            (_("Looking back"), BACK),
            (_("Looking ahead"), AHEAD),
            (_("One month"), [(f"{first:%Y-%m}", dateformat.format(first, "F Y")) for first in months(today)]),
            (CUSTOM, _("From … to …")),
        ]
        self.fields["range"] = forms.ChoiceField(label=_("Range"), choices=choices, required=False)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if data.get("range") == CUSTOM:
            self._check_days(data.get("first"), data.get("last"))
        team, schedule = data.get("team"), data.get("schedule")
        data["teams"] = sub_teams(team) if team else None
        if team and schedule and schedule.team_id not in data["teams"]:
            self.add_error("schedule", _("This schedule is not of that team."))
        return data

    def _check_days(self, first: date | None, last: date | None) -> None:
        if first is None and last is None and not self.errors:
            return  # Just chosen: the page offers the days to change.
        for name, day in (("first", first), ("last", last)):
            if day is None and name not in self.errors:
                self.add_error(name, _("Give a day."))
        if first and not 1970 <= first.year <= 2100:
            self.add_error("first", _("A day between 1970 and 2100."))
        elif first and last and last < first:
            self.add_error("last", _("The last day must not come before the first."))
        elif first and last and (last - first).days >= LONGEST_DAYS:
            self.add_error("last", _("At most two years at once."))

    def scope(self) -> Scope:
        """What the (validated) form asks for; fields at fault count as not given. One query."""
        data = self.cleaned_data
        chosen = list(Schedule.objects.select_related("team"))
        everything = len(chosen)
        if data.get("teams"):
            chosen = [one for one in chosen if one.team_id in data["teams"]]
        if data.get("schedule"):
            chosen = [one for one in chosen if one.pk == data["schedule"].pk]
        return Scope(self._days(data), tuple(chosen), len(chosen) < everything)

    def _days(self, data: dict[str, Any]) -> Days:
        key = data.get("range") or DEFAULT
        if key == CUSTOM and data.get("first") and data.get("last"):
            return Days(data["first"], data["last"])
        if key in WEEKS or key == CUSTOM:
            return weeks_around(self.today, WEEKS.get(key, WEEKS[DEFAULT]))
        return month_days(date.fromisoformat(f"{key}-01"))


def weeks_around(today: date, weeks: int) -> Days:
    """So many weeks from today on; those that ended yesterday where ``weeks`` is below zero."""
    if weeks < 0:
        return Days(today + timedelta(weeks=weeks), today - DAY)
    return Days(today, today + timedelta(weeks=weeks) - DAY)


def month_days(first: date) -> Days:
    return Days(first, (first.replace(day=28) + 4 * DAY).replace(day=1) - DAY)


def months(today: date) -> list[date]:
    """The first days of the months that can be picked, the latest first."""
    number = today.year * 12 + today.month - 1
    return [date(one // 12, one % 12 + 1, 1) for one in range(number + MONTHS_AHEAD, number - MONTHS_BACK, -1)]

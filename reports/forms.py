"""The filters of the dashboard. What makes no sense is said beside its field; the report then shows the default
range.
"""

from datetime import datetime, tzinfo
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from incidents.models import CustomField
from oncall.models import User
from oncall.rota.clock import zone_named
from oncall.zones import validate_time_zone
from policies.severity import Severity
from reports.names import TITLES, Names
from reports.own_filters import own_fields, own_packed, own_where
from reports.period import DEFAULT, Hour, period_of
from reports.selectors import Scope

PERIODS = (
    ("28d", _("Last 28 days")),
    ("90d", _("Last 90 days")),
    ("12m", _("Last 12 months")),
    ("custom", _("From … to …")),
)
CLOCKS = (("", _("all hours")), ("work", _("working hours only")))
_PICKED = tuple(name for name in TITLES if name not in ("team", "severity"))
LONGEST_DAYS = 1830


class ReportFilters(forms.Form):
    period = forms.ChoiceField(label=_("Period"), choices=PERIODS, required=False)
    first = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    last = forms.DateField(
        label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    zone = forms.CharField(
        label=_("Time zone"), required=False, validators=[validate_time_zone], widget=forms.HiddenInput
    )
    """Whose days they are, where they are not the reader's own: a digest counts those of its team."""
    clock = forms.ChoiceField(label=_("Times"), choices=CLOCKS, required=False)
    hour = forms.RegexField("^[0-6]-(1?[0-9]|2[0-3])$", label=_("Hour of the week"), required=False)
    team = forms.MultipleChoiceField(label=_("Teams"), required=False, widget=forms.CheckboxSelectMultiple)
    severity = forms.TypedMultipleChoiceField(
        label=_("Severity"), choices=Severity.choices, coerce=int, required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, names: Names | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self.names = names or Names()
        for dimension in _PICKED:
            self.fields[dimension] = forms.MultipleChoiceField(
                label=str(TITLES[dimension]), required=False, widget=forms.CheckboxSelectMultiple
            )
        for dimension in ("team", *_PICKED):
            self.fields[dimension].choices = self.names.choices(dimension)  # type: ignore[attr-defined]  # the form made these fields itself, as choice fields
        self.answers = list(CustomField.objects.filter(active=True).order_by("position", "key"))
        self._own = {name: one for field in self.answers for name, one in own_fields(field).items()}
        self.fields.update(self._own)

    @property
    def own(self) -> list[forms.BoundField]:
        """The filters by the house's own fields."""
        return [self[name] for name in self._own]

    @property
    def picked(self) -> list[forms.BoundField]:
        """The filters by the other dimensions that have any value to choose."""
        return [self[dimension] for dimension in _PICKED if self.names.of(dimension)]

    @property
    def chosen(self) -> int:
        """How many of the further filters are in force."""
        data = getattr(self, "cleaned_data", {})
        return sum(data.get(name) not in (None, "", []) for name in (*_PICKED, *self._own))

    @property
    def narrowed(self) -> str:
        """What it is narrowed to, in words: "Teams: Payments, Platform · Severity: SEV-1". A print has no other sign of it."""
        data = getattr(self, "cleaned_data", {})
        parts = []
        for name in ("team", "severity", *_PICKED, *self._own):
            given = data.get(name)
            if given in (None, "", []):
                continue
            field: Any = self.fields[name]
            labels = {str(value): str(label) for value, label in getattr(field, "choices", ())}
            values = given if isinstance(given, list) else [given]
            parts.append(f"{field.label}: {', '.join(labels.get(str(value), str(value)) for value in values)}")
        return " · ".join(parts)

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
        """What the (validated) form asks for, on the clock of ``zone`` unless it names another; fields at fault count as not given."""
        data = self.cleaned_data
        custom = data.get("period") == "custom" and not {"first", "last"} & set(self.errors)
        period = period_of(
            data.get("period") or DEFAULT,
            at=at,
            zone=zone_named(data["zone"]) if data.get("zone") else zone,
            first=data.get("first") if custom else None,
            last=data.get("last") if custom else None,
        )
        picked = {name: self.names.numbers(name, data.get(name) or ()) for name in ("team", *_PICKED)}
        return Scope(
            user,
            period,
            picked.pop("team"),
            list(data.get("severity") or ()),
            self._where(data),
            {name: numbers for name, numbers in picked.items() if numbers},
            work=data.get("clock") == "work",
            hour=_hour(data.get("hour") or ""),
            own=own_packed(self.answers, data),
        )

    def _where(self, data: dict[str, Any]) -> Q:
        found = Q()
        for field in self.answers:
            found &= own_where(field, data)
        return found


def _hour(text: str) -> Hour | None:
    """ "0-14" is Monday from 14:00 to 15:00."""
    if not text:
        return None
    weekday, hour = text.split("-")
    return int(weekday), int(hour)

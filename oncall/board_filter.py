"""What the overview is asked for: a team, and the instant at which it is seen."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from escalation_site.ui import moments
from oncall.models import Team
from oncall.rota.values import EARLIEST, LATEST

LOCAL = "%Y-%m-%dT%H:%M"


class OverviewFilter(forms.Form):
    """A team with its sub-teams, and an instant: a time on the reader's clock, or one with its offset."""

    team = forms.ModelChoiceField(
        label=_("Team"), queryset=Team.objects.all(), to_field_name="slug", required=False, empty_label=_("All teams")
    )
    at = forms.CharField(
        label=_("Who was, or will be, on call at"),
        required=False,
        max_length=40,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=LOCAL),
    )

    def __init__(self, *args: Any, zone: ZoneInfo, **options: Any) -> None:
        super().__init__(*args, **options)
        self.zone = zone

    def clean_at(self) -> datetime | None:
        text = self.cleaned_data["at"].strip()
        if not text:
            return None
        try:
            # A "+" that was not encoded arrives as a space; a space between day and time is no offset.
            found = parse_datetime(text.replace(" ", "+") if "T" in text else text)
        except ValueError:
            found = None
        if found is None:
            raise forms.ValidationError(_("Give a day and a time."))
        if not EARLIEST.year + 3 <= found.year < LATEST.year - 3:
            raise forms.ValidationError(_("That year is out of range."))
        # Where the clock shows a time twice, the first is meant; the page offers the other one.
        return found if found.tzinfo else found.replace(tzinfo=self.zone)

    @property
    def shown_at(self) -> str:
        """The instant as its field shows it, on the reader's clock."""
        at: datetime | None = self.cleaned_data.get("at")
        return f"{at.astimezone(self.zone):{LOCAL}}" if at else ""


def other_reading(at: datetime, zone: ZoneInfo) -> datetime | None:
    """The other instant at which the clock of ``zone`` shows the same; None but where it shows a time twice."""
    local = at.astimezone(zone)
    return local.replace(fold=1 - local.fold) if moments.shown_twice(local) else None

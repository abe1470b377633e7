"""The form of the on-call pages: take over for a while."""

from datetime import datetime, timedelta, tzinfo
from typing import Any

from django import forms
from django.utils.timezone import make_aware
from django.utils.translation import gettext_lazy as _

from oncall.models import Schedule
from oncall.selectors import schedules_load
from oncall.taking import roles_of
from oncall.wording import role_words

LENGTHS = {"1h": timedelta(hours=1), "2h": timedelta(hours=2), "4h": timedelta(hours=4), "12h": timedelta(hours=12)}
LONGEST = timedelta(days=31)


class TakeOverForm(forms.Form):
    """From now on, for a length, until the next handoff, or until an instant on the reader's clock."""

    role = forms.ChoiceField(label=_("Role"), required=False)
    length = forms.ChoiceField(
        label=_("For how long"),
        choices=[
            ("1h", _("1 hour")),
            ("2h", _("2 hours")),
            ("4h", _("4 hours")),
            ("12h", _("12 hours")),
            ("handoff", _("Until the next handoff")),
            ("until", _("Until …")),
        ],
        initial="1h",
    )
    until = forms.DateTimeField(
        label=_("Until"),
        required=False,
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=_("Only where “Until …” is chosen; on your clock."),
    )
    reason = forms.CharField(label=_("Reason"), required=False, max_length=200)

    def __init__(self, *args: Any, schedule: Schedule, at: datetime, zone: tzinfo, **options: Any) -> None:
        super().__init__(*args, **options)
        self.schedule, self.at, self.zone = schedule, at, zone
        if self.is_bound:
            # Without it the form takes the first role, and the page that shows it needs to read nothing.
            self.loaded = schedules_load([schedule], since=at)[schedule.pk]
            fields: dict[str, Any] = self.fields
            fields["role"].choices = [(role, role_words(role)) for role in roles_of(self.loaded, at)]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if "length" in data and "until" not in self.errors:
            data["end"] = self._end(data)
        return data

    def _end(self, data: dict[str, Any]) -> datetime | None:
        length = str(data["length"])
        if length in LENGTHS:
            return self.at + LENGTHS[length]
        if length == "handoff":
            return self._handoff()
        if not data.get("until"):
            self.add_error("until", _("Say until when."))
            return None
        end = make_aware(data["until"].replace(tzinfo=None), self.zone)
        if end <= self.at:
            self.add_error("until", _("That is over already."))
        elif end - self.at > LONGEST:
            self.add_error("until", _("At most 31 days; for longer, change the rotation."))
        return end

    def _handoff(self) -> datetime | None:
        handoff = self.loaded.next_handoff(self.at)
        if handoff is None:
            self.add_error("length", _("This schedule has no handoff to come. Choose a length."))
        return handoff.at if handoff else None

"""The forms of overrides, swaps and absences. Times are read on one wall clock that the form names, and become instants."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from oncall import permissions
from oncall.holiday_calendars import holiday_calendar_names
from oncall.models import Override, User
from oncall.rota.clock import first_instant
from oncall.selectors import Loaded
from oncall.taking import roles_of
from oncall.wording import role_words

LOCAL = "%Y-%m-%dT%H:%M"
LENGTHS = {hours: timedelta(hours=int(hours)) for hours in ("1", "2", "4", "8", "12", "24")}
LONGEST = timedelta(days=366)
FIRST_YEAR, LAST_YEAR = 2000, 2900


class WallTimeField(forms.Field):
    """A time on a wall clock, naive: which clock, the form knows. A time the clock shows twice means the first."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format=LOCAL)

    def to_python(self, value: Any) -> datetime | None:
        if value in self.empty_values:
            return None
        if isinstance(value, datetime):
            return value.replace(tzinfo=None, fold=0)
        try:
            found = parse_datetime(str(value).strip())
        except ValueError:
            found = None
        if found is None or not FIRST_YEAR <= found.year <= LAST_YEAR:
            raise forms.ValidationError(gettext("Give a day and a time."), code="invalid")
        return found.replace(tzinfo=None, fold=0, microsecond=0)


def local_text(instant: datetime, zone: ZoneInfo) -> str:
    """An instant as a ``datetime-local`` control shows it."""
    return f"{instant.astimezone(zone):{LOCAL}}"


class OverrideForm(forms.Form):
    """Who, what, when: from an instant for a length, until the next handoff, or until another instant."""

    kind = forms.ChoiceField(label=_("What"), choices=(), initial=Override.Kind.COVER)
    user = forms.ModelChoiceField(label=_("Who"), queryset=User.objects.none(), empty_label=_("—"))
    replaces = forms.ModelChoiceField(
        label=_("In whose place"),
        queryset=User.objects.none(),
        required=False,
        empty_label=_("—"),
        help_text=_("Only where one person is replaced."),
    )
    role = forms.ChoiceField(label=_("Role"), required=False)
    start = WallTimeField(label=_("From"))
    length = forms.ChoiceField(label=_("For how long"), choices=(), initial="1")
    end = WallTimeField(label=_("Until"), required=False, help_text=_("Only where “Until …” is chosen."))
    reason = forms.CharField(label=_("Reason"), required=False, max_length=200)
    accept_gaps = forms.BooleanField(label=_("I know that nobody is on call then"), required=False)

    def __init__(self, *args: Any, loaded: Loaded, planner: User, at: datetime, zone: ZoneInfo, **options: Any) -> None:
        super().__init__(*args, **options)
        self.loaded, self.planner, self.at, self.zone = loaded, planner, at, zone
        self._choices()

    def _choices(self) -> None:
        fields: dict[str, Any] = self.fields
        fields["kind"].choices = [
            (Override.Kind.COVER, gettext("Take the role alone, whoever is planned")),
            (Override.Kind.REPLACE, gettext("Replace one person")),
            (Override.Kind.ADD, gettext("Join those who are planned")),
            (Override.Kind.REMOVE, gettext("Be taken off")),
        ]
        fields["length"].choices = [
            ("1", gettext("1 hour")),
            *((hours, gettext("%(hours)s hours") % {"hours": hours}) for hours in LENGTHS if hours != "1"),
            ("handoff", gettext("Until the next handoff")),
            ("until", gettext("Until …")),
        ]
        roles = roles_of(self.loaded, self.at)
        fields["role"].choices = [("", gettext("The first one")), *((role, role_words(role)) for role in roles)]
        people = permissions.responders() if self.planner.may_manage else permissions.colleagues(self.loaded.schedule)
        fields["user"].queryset = people
        fields["replaces"].queryset = people

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if data.get("kind") == Override.Kind.REPLACE and not data.get("replaces"):
            self.add_error("replaces", gettext("Say whom it replaces."))
        if data.get("start") is None or "length" not in data:
            return data
        start = first_instant(data["start"], self.zone)
        # "From now" is a minute old by the time it is saved.
        data["starts_at"] = max(start, self.at) if start > self.at - timedelta(hours=1) else start
        if data["length"] in LENGTHS:
            data["ends_at"] = data["starts_at"] + LENGTHS[data["length"]]
        elif data["length"] == "handoff":
            data["ends_at"] = self._handoff(data["starts_at"])
        elif data.get("end") is None:
            if "end" not in self.errors:
                self.add_error("end", gettext("Say until when."))
        else:
            data["ends_at"] = first_instant(data["end"], self.zone)
        self._require_window(data)
        return data

    def _handoff(self, start: datetime) -> datetime | None:
        handoff = self.loaded.next_handoff(start)
        if handoff is None:
            self.add_error("length", gettext("This schedule has no handoff to come. Choose a length."))
        return handoff.at if handoff else None

    def _require_window(self, data: dict[str, Any]) -> None:
        start, end = data["starts_at"], data.get("ends_at")
        if end is None:
            return
        field = "end" if data["length"] == "until" else "start"
        if end <= self.at:
            self.add_error(field, gettext("That is over; the past is not rewritten."))
        elif end <= start:
            self.add_error(field, gettext("The end must come after the start."))
        elif end - start > LONGEST:
            self.add_error(field, gettext("At most a year; for longer, change the rotation."))


class SwapForm(forms.Form):
    """Which part of a shift, whom to ask, and what to take in return."""

    start = WallTimeField(label=_("Only from"), required=False, help_text=_("Empty: from the start of the shift."))
    end = WallTimeField(label=_("Only until"), required=False, help_text=_("Empty: to its end."))
    everyone = forms.BooleanField(label=_("Everybody below"), required=False)
    asked = forms.ModelMultipleChoiceField(
        label=_("Whom to ask"),
        queryset=User.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "check"}),
        help_text=_("Whoever accepts first gets it."),
    )
    back = forms.ChoiceField(
        label=_("In return I take"),
        required=False,
        help_text=_("A shift of theirs makes it an exchange: that person alone is asked."),
    )
    note = forms.CharField(label=_("A word with it"), required=False, max_length=200)

    def __init__(
        self,
        *args: Any,
        people: Sequence[User],
        theirs: Sequence[tuple[User, Sequence[tuple[str, str]]]],
        window: tuple[datetime, datetime],
        zone: ZoneInfo,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.people, self.window, self.zone = people, window, zone
        fields: dict[str, Any] = self.fields
        fields["asked"].queryset = User.objects.filter(pk__in=[user.pk for user in people]).order_by(
            "first_name", "last_name", "username"
        )
        fields["asked"].label_from_instance = lambda user: user.name
        fields["back"].choices = [
            ("", gettext("Nothing: it is a favour")),
            *((user.name, list(shifts)) for user, shifts in theirs if shifts),
        ]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        start, end = self.window
        data["starts_at"] = first_instant(data["start"], self.zone) if data.get("start") else start
        data["ends_at"] = first_instant(data["end"], self.zone) if data.get("end") else end
        people = list(self.people if data.get("everyone") else data.get("asked") or ())
        if data.get("back"):
            who, since, until = data["back"].split("|")
            data["return_start"], data["return_end"] = datetime.fromisoformat(since), datetime.fromisoformat(until)
            people = [user for user in self.people if user.pk == int(who)]
        if not people and "asked" not in self.errors:
            self.add_error("asked", gettext("Say whom to ask."))
        data["people"] = people
        return data


class AbsenceForm(forms.Form):
    """From a day to a day, whole days unless times are given, on the clock of whoever is away."""

    user = forms.ModelChoiceField(label=_("Who"), queryset=User.objects.none(), required=False, empty_label=None)
    first = forms.DateField(label=_("First day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    first_time = forms.TimeField(
        label=_("From, o’clock"), required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    last = forms.DateField(label=_("Last day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    last_time = forms.TimeField(
        label=_("Until, o’clock"), required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=200,
        help_text=_("Only you and the managers see it."),
    )
    accept_gaps = forms.BooleanField(label=_("I know that nobody is on call then"), required=False)

    def __init__(self, *args: Any, planner: User, at: datetime, **options: Any) -> None:
        super().__init__(*args, **options)
        self.planner, self.at = planner, at
        fields: dict[str, Any] = self.fields
        if planner.may_manage:
            fields["user"].queryset = permissions.responders()
            fields["user"].initial = planner.pk
            fields["user"].label_from_instance = lambda user: user.name
        else:
            del fields["user"]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        data["person"] = data.get("user") or self.planner
        if not data.get("first") or not data.get("last") or self.errors:
            return data
        if not all(FIRST_YEAR <= data[name].year <= LAST_YEAR for name in ("first", "last")):
            self.add_error("first", gettext("That year is out of range."))
            return data
        zone = ZoneInfo(data["person"].time_zone)
        data["starts_at"] = first_instant(datetime.combine(data["first"], data.get("first_time") or time()), zone)
        if data.get("last_time"):
            data["ends_at"] = first_instant(datetime.combine(data["last"], data["last_time"]), zone)
        else:
            data["ends_at"] = first_instant(datetime.combine(data["last"] + timedelta(days=1), time()), zone)
        if data["ends_at"] <= self.at:
            self.add_error("last", gettext("That is over; the past is not rewritten."))
        elif data["ends_at"] <= data["starts_at"]:
            self.add_error("last", gettext("The end must come after the start."))
        return data


class HolidayForm(forms.Form):
    """The calendar of public holidays that a person keeps."""

    calendar = forms.CharField(
        label=_("Public holidays of"),
        required=False,
        max_length=12,
        help_text=_("A country, or a part of one: IT, DE-BY. Empty: none are kept."),
        widget=forms.TextInput(attrs={"list": "holiday-calendars", "autocapitalize": "characters", "size": "10"}),
    )

    def clean_calendar(self) -> str:
        value = str(self.cleaned_data["calendar"]).strip().upper()
        if value and value not in holiday_calendar_names():
            raise forms.ValidationError(gettext("No such calendar is known. Try IT or DE-BY."))
        return value

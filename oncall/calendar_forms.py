"""The forms of the calendars page: make a feed, have a calendar read, read a file once."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from oncall.calendars.reading import MOST_BYTES
from oncall.models import Schedule, User

MINE = "me"


class FeedForm(forms.Form):
    """Empty: one's own shifts on every schedule."""

    schedule: forms.ModelChoiceField[Schedule] = forms.ModelChoiceField(
        queryset=Schedule.objects.order_by("name"),
        required=False,
        label=gettext_lazy("What it shows"),
        empty_label=gettext_lazy("My own shifts, on every schedule"),
    )


class TargetForm(forms.Form):
    """``target`` is what the calendar is read for: oneself, or one of the schedules one manages."""

    target = forms.ChoiceField(label=gettext_lazy("What it says"))

    def __init__(self, *args: Any, user: User, led: Sequence[Schedule], **options: Any) -> None:
        super().__init__(*args, **options)
        self._user, self._led = user, {str(schedule.pk): schedule for schedule in led}
        field: Any = self.fields["target"]
        field.choices = [
            (MINE, _("When I am away")),
            *((str(schedule.pk), _("Who stands in on %(schedule)s") % {"schedule": schedule.name}) for schedule in led),
        ]
        if not led:
            field.widget = forms.HiddenInput()
            field.initial = MINE

    def owner(self) -> dict[str, Any]:
        """As the services take it: ``user`` or ``schedule``."""
        chosen = self.cleaned_data["target"]
        return {"user": self._user} if chosen == MINE else {"schedule": self._led[chosen]}


class SourceForm(TargetForm):
    url = forms.CharField(
        label=gettext_lazy("Address of the calendar"),
        max_length=1000,
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off", "spellcheck": "false"}),
        help_text=gettext_lazy("The secret iCalendar address your calendar program gives; https:// or webcal://."),
    )
    field_order = ("target", "url")


class UploadForm(TargetForm):
    file = forms.FileField(
        label=gettext_lazy("iCalendar file"),
        widget=forms.FileInput(attrs={"accept": ".ics,text/calendar"}),
        help_text=gettext_lazy("An .ics file of 1 MB at most."),
    )
    field_order = ("target", "file")

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MOST_BYTES:
            raise forms.ValidationError(_("It is larger than %(most)d kB.") % {"most": MOST_BYTES // 1000})
        return file

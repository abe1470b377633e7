"""The draft as Django's form fields, for labels, help and errors. The reader of documents decides what is right."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.forms.utils import ErrorDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from oncall.models import ScheduleVersion
from oncall.rota import Every, HandoverPage, HolidayRule, ScheduleKind, WhenAbsent
from oncall.rota_document.load import LONGEST_NAME, LONGEST_ROLE

Choices = Sequence[tuple[str, str | Promise]]

KINDS: Choices = (
    (ScheduleKind.LAYERS.value, _("People take turns, in layers")),
    (ScheduleKind.EVERYONE.value, _("Everyone of a team or a list, all the time")),
    (ScheduleKind.FOLLOW.value, _("Whoever another schedule says")),
)
ROTATIONS: Choices = (
    (Every.HOURLY.value, _("Hours")),
    (Every.DAILY.value, _("Days")),
    (Every.WEEKLY.value, _("Weeks")),
    (Every.MONTHLY.value, _("Months")),
    (Every.FIXED.value, _("A list of shifts")),
)
WEEKDAY_NAMES: Choices = (
    ("mon", _("Monday")),
    ("tue", _("Tuesday")),
    ("wed", _("Wednesday")),
    ("thu", _("Thursday")),
    ("fri", _("Friday")),
    ("sat", _("Saturday")),
    ("sun", _("Sunday")),
)
WHEN_ABSENT: Choices = (
    (WhenAbsent.NEXT.value, _("The next in turn who is there")),
    (WhenAbsent.NOBODY.value, _("Nobody of this layer")),
)
HOLIDAYS: Choices = (
    (HolidayRule.COVER.value, _("The next in turn who works that day covers")),
    (HolidayRule.WORK.value, _("Turns are served as on any day")),
)
HANDOVER_PAGES: Choices = (
    (HandoverPage.BOTH.value, _("Both the outgoing and the incoming person")),
    (HandoverPage.UNTIL_ACCEPTED.value, _("Both, until the incoming person has accepted the handoff")),
    (HandoverPage.INCOMING.value, _("The incoming person alone")),
)
IN_FORCE: Choices = (("now", _("As soon as it is saved")), ("at", _("From a date and time")))


def _local_input() -> forms.TextInput:
    # A value with seconds stays valid: the step of the input counts from it.
    return forms.TextInput(attrs={"type": "datetime-local"})


class Shown(forms.Form):
    """A form that shows what was typed and what is wrong with it, and decides nothing."""

    def full_clean(self) -> None:
        self._errors = ErrorDict()
        self.cleaned_data = {}


class ScheduleFields(Shown):
    """Of the schedule itself, of the moment the edit takes effect and of the reason."""

    name = forms.CharField(label=_("Name"), max_length=100)
    team = forms.ChoiceField(
        label=_("Team"), required=False, help_text=_("Its managers may change the schedule; its people take over.")
    )
    time_zone = forms.CharField(
        label=_("Time zone"),
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Handoffs are read on its clock, also when summer time begins or ends."),
    )
    kind = forms.ChoiceField(label=_("Who is on call"), required=False, choices=KINDS, widget=forms.RadioSelect)
    follow = forms.ChoiceField(label=_("Schedule to follow"))
    everyone_team = forms.ChoiceField(
        label=_("Everybody of"),
        required=False,
        help_text=_("Whoever joins or leaves the team joins or leaves here too."),
    )
    holidays = forms.ChoiceField(
        label=_("On a public holiday of whoever’s turn it is"), required=False, choices=HOLIDAYS
    )
    limit_pages = forms.CharField(
        label=_("Pages in one shift"),
        required=False,
        widget=forms.NumberInput(attrs={"min": "1", "inputmode": "numeric"}),
        help_text=_("After that many the next person is paged. Empty: no limit."),
    )
    limit_consecutive = forms.CharField(
        label=_("Longest time without a break"), required=False, help_text=_("Such as 7d or 36h. Empty: no limit.")
    )
    limit_rest = forms.CharField(
        label=_("Shortest rest between two shifts"), required=False, help_text=_("Such as 11h. Empty: no limit.")
    )
    handover_minutes = forms.CharField(
        label=_("Minutes after a handoff"),
        required=False,
        widget=forms.NumberInput(attrs={"min": "1", "max": "1440", "inputmode": "numeric"}),
        help_text=_("Empty: from the handoff on the incoming person alone is paged."),
    )
    handover_page = forms.ChoiceField(label=_("Then paged is"), required=False, choices=HANDOVER_PAGES)
    in_force = forms.ChoiceField(label=_("In force"), required=False, choices=IN_FORCE, widget=forms.RadioSelect)
    effective_from = forms.CharField(
        label=_("From"), required=False, widget=_local_input(), help_text=_("On the clock of the schedule.")
    )
    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=ScheduleVersion._meta.get_field("reason").max_length,
        help_text=_("Why it changes. It stands in the history and in the ledger."),
    )

    def __init__(self, *, data: Mapping[str, Any], teams: Choices, every_team: Choices, schedules: Choices) -> None:
        super().__init__(data=data)
        self._choose("team", teams)
        self._choose("everyone_team", every_team)
        self._choose("follow", schedules)

    def _choose(self, name: str, choices: Choices) -> None:
        chosen: Any = self.fields[name]
        chosen.choices = choices


class LayerFields(Shown):
    """Of one layer, but for its people, hours and listed shifts, which are rows of their own."""

    name = forms.CharField(label=_("Name of the layer"), max_length=LONGEST_NAME)
    role = forms.CharField(
        label=_("Role"),
        max_length=LONGEST_ROLE,
        widget=forms.TextInput(attrs={"list": "roles", "autocomplete": "off"}),
        help_text=_("Policies call people by it: primary, secondary."),
    )
    rotation = forms.ChoiceField(
        label=_("Counted in"), required=False, choices=ROTATIONS, widget=forms.Select(attrs={"data-rotation": ""})
    )
    every = forms.CharField(
        label=_("A turn lasts"),
        required=False,
        widget=forms.NumberInput(attrs={"min": "1", "max": "1000", "inputmode": "numeric"}),
    )
    handoff_weekday = forms.ChoiceField(
        label=_("Handoff on"), required=False, choices=(("", _("The day it begins")), *WEEKDAY_NAMES)
    )
    handoff_day = forms.CharField(
        label=_("Handoff on day"),
        required=False,
        widget=forms.NumberInput(attrs={"min": "1", "max": "31", "inputmode": "numeric"}),
        help_text=_("In shorter months the last day."),
    )
    handoff_time = forms.CharField(
        label=_("Handoff at"), required=False, widget=forms.TextInput(attrs={"type": "time"})
    )
    start = forms.CharField(label=_("Begins"), widget=_local_input(), help_text=_("The first turn begins then."))
    end = forms.CharField(
        label=_("Ends"), required=False, widget=_local_input(), help_text=_("Empty: it goes on for ever.")
    )
    time_zone = forms.CharField(
        label=_("Time zone of the layer"),
        required=False,
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Empty: that of the schedule."),
    )
    when_absent = forms.ChoiceField(label=_("When all of a turn are away"), required=False, choices=WHEN_ABSENT)
    advance = forms.BooleanField(
        label=_("A turn that falls wholly into closed hours still counts as a turn"),
        required=False,
        help_text=_("Without it nobody loses a turn to a weekend or a night in which the layer is closed."),
    )


def mend(form: Shown, name: str, message: str) -> bool:
    """Note what is wrong beside its field; False where the form has no such field."""
    if name not in form.fields:
        return False
    form.errors.setdefault(name, form.error_class()).append(message)
    return True

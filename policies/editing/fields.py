"""The draft as Django's form fields, for labels, help and errors. The reader of documents decides what is right."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.forms.utils import ErrorDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from notifications.channels import kind_choices
from policies.definition import (
    MAX_CYCLES,
    MAX_DUTY_LENGTH,
    MAX_NAME_LENGTH,
    MAX_REPEATS,
    OWN,
    AckMode,
    Hours,
    IfUnreachable,
    MeasuredFrom,
    severity_name,
)
from policies.editing.draft import NAMED, SEVERITIES, TIMINGS
from policies.models import PolicyVersion
from policies.sentences import channels_words
from policies.ways import KINDS

Choices = Sequence[tuple[str, str | Promise]]

ACK_MODES: Choices = (
    (AckMode.ANY.value, gettext_lazy("Any one of them")),
    (AckMode.ALL.value, gettext_lazy("Everybody who is told")),
)
TOLD_BY: Choices = (
    ("", gettext_lazy("Choose how")),
    (OWN, gettext_lazy("As each person chose")),
    (NAMED, gettext_lazy("By these channels")),
)
IF_UNREACHABLE: Choices = (
    (IfUnreachable.NEXT_LEVEL.value, gettext_lazy("Tell the next level at once")),
    (IfUnreachable.WAIT.value, gettext_lazy("Wait until the time of this level is over")),
)
ENTRY_FROM: Choices = (
    (MeasuredFrom.PREVIOUS.value, gettext_lazy("after the level before")),
    (MeasuredFrom.START.value, gettext_lazy("after the start of the incident")),
    (MeasuredFrom.BEFORE_SLA.value, gettext_lazy("before the SLA ends")),
)
TIMEOUT_FROM: Choices = (
    (MeasuredFrom.LEVEL.value, gettext_lazy("after the level is told")),
    (MeasuredFrom.START.value, gettext_lazy("after the start of the incident")),
    (MeasuredFrom.BEFORE_SLA.value, gettext_lazy("before the SLA ends")),
)
HOURS: Choices = (
    (Hours.ALL.value, gettext_lazy("Around the clock")),
    (Hours.BUSINESS.value, gettext_lazy("Business hours only")),
)
TIMING_LABELS = {
    "delay": gettext_lazy("Wait before telling them"),
    "ack": gettext_lazy("Time to acknowledge"),
    "resolve": gettext_lazy("Time to resolve"),
}
_TIMING_HELP = {
    "delay": gettext_lazy("Empty: at once."),
    "ack": gettext_lazy("Such as 5m, 90s or 1h30m. Then the next level is told."),
    "resolve": gettext_lazy("Then the next level is told, acknowledged or not. Empty: no limit."),
}
FROM_LABEL = gettext_lazy("Measured")
HOURS_LABEL = gettext_lazy("Which time counts")
OTHERWISE_LABEL = gettext_lazy("Where there is no SLA")


def severity_choices() -> list[tuple[str, str]]:
    return [(severity_name(severity), severity_name(severity)) for severity in SEVERITIES]


def channels_help() -> str:
    """Every kind may be named, also one that reaches nobody here: a policy may be written before its channel is set up."""
    here = dict(kind_choices())
    said = _("Whoever has none of these is told by the contact methods they chose.")
    missing = [kind for kind in KINDS if kind not in here]
    unsent = _("Not set up here: %(channels)s.") % {"channels": channels_words(missing)}
    return f"{said} {unsent}" if missing else said


def _number(most: int) -> forms.NumberInput:
    return forms.NumberInput(attrs={"min": "1", "max": str(most), "inputmode": "numeric"})


def _duration() -> forms.TextInput:
    return forms.TextInput(attrs={"spellcheck": "false", "autocapitalize": "off", "placeholder": "15m"})


class Shown(forms.Form):
    """A form that shows what was typed and what is wrong with it, and decides nothing."""

    def full_clean(self) -> None:
        self._errors = ErrorDict()
        self.cleaned_data = {}

    def offer(self, name: str, choices: Choices) -> None:
        chosen: Any = self.fields[name]
        chosen.choices = choices


class PolicyFields(Shown):
    """Of the policy itself and of its end, and the reason."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    team = forms.ChoiceField(
        label=gettext_lazy("Team"), required=False, help_text=gettext_lazy("Its managers may change the policy.")
    )
    description = forms.CharField(
        label=gettext_lazy("When to use it"), required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    cycles = forms.CharField(
        label=gettext_lazy("How often the levels are gone through"), required=False, widget=_number(MAX_CYCLES)
    )
    cycle_severities = forms.MultipleChoiceField(
        label=gettext_lazy("More than once for"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("None chosen: for every severity."),
    )
    mitigated = forms.BooleanField(
        label=gettext_lazy("While an incident is mitigated, the time to resolve stands still"), required=False
    )
    ack_expires = forms.CharField(
        label=gettext_lazy("An acknowledgement holds for"),
        required=False,
        widget=_duration(),
        help_text=gettext_lazy("Such as 4h; then its level is told again. Empty: until it is resolved."),
    )
    inform_skipped = forms.BooleanField(
        label=gettext_lazy("Levels that a severity passes over are informed, not paged"), required=False
    )
    final_every = forms.CharField(label=gettext_lazy("Told again every"), required=False, widget=_duration())
    final_times = forms.CharField(label=gettext_lazy("At most how often"), required=False, widget=_number(MAX_REPEATS))
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        required=False,
        max_length=PolicyVersion._meta.get_field("reason").max_length,
        help_text=gettext_lazy("Why it changes. It stands in the history and in the ledger."),
    )
    start_sev1 = forms.ChoiceField(label="SEV-1", required=False)
    start_sev2 = forms.ChoiceField(label="SEV-2", required=False)
    start_sev3 = forms.ChoiceField(label="SEV-3", required=False)
    start_sev4 = forms.ChoiceField(label="SEV-4", required=False)
    start_sev5 = forms.ChoiceField(label="SEV-5", required=False)

    def __init__(self, *, data: Mapping[str, Any], teams: Choices, levels: Choices) -> None:
        super().__init__(data=data)
        self.offer("team", teams)
        self.offer("cycle_severities", severity_choices())
        for severity in SEVERITIES:
            self.offer(f"start_sev{severity}", levels)


class LevelFields(Shown):
    """Of one level, but for whom it names. The finer fields of its three times are added below."""

    name = forms.CharField(label=gettext_lazy("Name of the level"), max_length=MAX_NAME_LENGTH)
    duty = forms.CharField(
        label=gettext_lazy("What is expected of them"),
        required=False,
        max_length=MAX_DUTY_LENGTH,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    told_by = forms.ChoiceField(label=gettext_lazy("Over which channels they are told"), choices=TOLD_BY)
    channels = forms.MultipleChoiceField(
        label=gettext_lazy("Their channels"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    ack_mode = forms.ChoiceField(label=gettext_lazy("Whose answer is enough"), required=False, choices=ACK_MODES)
    if_unreachable = forms.ChoiceField(
        label=gettext_lazy("When none of them can be reached"), required=False, choices=IF_UNREACHABLE
    )
    major = forms.BooleanField(
        label=gettext_lazy("An incident that gets as far as this is declared a major incident"), required=False
    )
    repeat_every = forms.CharField(label=gettext_lazy("Tell them again every"), widget=_duration())
    repeat_times = forms.CharField(
        label=gettext_lazy("How often"),
        required=False,
        widget=_number(MAX_REPEATS),
        help_text=gettext_lazy("Empty: until somebody answers."),
    )
    repeat_severities = forms.MultipleChoiceField(
        label=gettext_lazy("For incidents of"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *, data: Mapping[str, Any], prefix: str) -> None:
        super().__init__(data=data, prefix=prefix)
        self.offer("repeat_severities", severity_choices())
        self.offer("channels", [(kind, channels_words([kind])) for kind in KINDS])
        self.fields["channels"].help_text = channels_help()
        for timing in TIMINGS:
            for name, field in _timing_fields(timing).items():
                self.fields[name] = field


def _timing_fields(timing: str) -> dict[str, forms.Field]:
    origins = ENTRY_FROM if timing == "delay" else TIMEOUT_FROM
    return {
        timing: forms.CharField(
            label=TIMING_LABELS[timing], required=False, help_text=_TIMING_HELP[timing], widget=_duration()
        ),
        f"{timing}_from": forms.ChoiceField(label=FROM_LABEL, required=False, choices=origins),
        f"{timing}_hours": forms.ChoiceField(label=HOURS_LABEL, required=False, choices=HOURS),
        f"{timing}_otherwise": forms.CharField(label=OTHERWISE_LABEL, required=False, widget=_duration()),
        **{
            f"{timing}_sev{severity}": forms.CharField(
                label=severity_name(severity), required=False, widget=_duration()
            )
            for severity in SEVERITIES
        },
    }


def mend(form: Shown, name: str, message: str) -> bool:
    """Note what is wrong beside its field; False where the form has no such field."""
    if name not in form.fields:
        return False
    form.errors.setdefault(name, form.error_class()).append(message)
    return True

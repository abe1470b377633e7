"""The forms of the handoff pages: a note for the next person, and whether the brief was enough."""

from django import forms
from django.utils.translation import gettext_lazy as _

from oncall.handoffs import LONGEST_NOTE, LONGEST_REMARK
from oncall.models import Schedule

YES, NO = "yes", "no"


class NoteForm(forms.Form):
    """What the next person should know; a watch item stays until somebody ticks it off."""

    text = forms.CharField(
        label=_("What should the next person know?"),
        max_length=LONGEST_NOTE,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": _("Write what the next person should know.")},
    )
    watch = forms.BooleanField(
        label=_("Keep an eye on it"),
        required=False,
        help_text=_("It stays in every brief until it is ticked off."),
    )


class RateForm(forms.Form):
    """Whether the brief was complete, and what was missing."""

    complete = forms.ChoiceField(
        label=_("Was everything there that you needed?"),
        choices=[(YES, _("Yes, it was complete")), (NO, _("No, something was missing"))],
        widget=forms.RadioSelect,
    )
    remark = forms.CharField(
        label=_("What was missing"),
        required=False,
        max_length=LONGEST_REMARK,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Whoever handed over reads it, and managers do."),
    )


class FilterForm(forms.Form):
    """Which handoffs the list shows."""

    schedule = forms.ModelChoiceField(
        label=_("Schedule"),
        queryset=Schedule.objects.order_by("name"),
        to_field_name="slug",
        required=False,
        empty_label=_("All schedules"),
    )
    show = forms.ChoiceField(
        label=_("Show"),
        required=False,
        choices=[
            ("", _("All handoffs")),
            ("unaccepted", _("Not accepted")),
            ("incomplete", _("Something was missing")),
        ],
    )

"""The form of an incident's review."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from incidents.services.reviews import MAX_TEXT, TEXTS


def _area(label: Any, hint: Any, rows: int) -> forms.CharField:
    return forms.CharField(
        label=label, help_text=hint, max_length=MAX_TEXT, required=False, widget=forms.Textarea(attrs={"rows": rows})
    )


class ReviewForm(forms.Form):
    """The four texts; ``seen`` is when the text shown was saved, empty where there was none."""

    root_cause = _area(_("Root cause"), _("What made it possible, in two or three sentences. Markdown is fine."), 5)
    mitigation = _area(_("What was done"), _("What stopped the harm, step by step."), 5)
    follow_up = _area(_("What follows"), _("What is still to be done, by whom and until when."), 5)
    lessons = _area(_("What we learnt"), _("What went well, what did not, where luck helped."), 4)
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean_seen(self) -> datetime | None:
        try:
            found = parse_datetime(self.cleaned_data["seen"])
        except ValueError:
            return None
        return found if found is not None and found.tzinfo is not None else None

    @property
    def texts(self) -> dict[str, str]:
        return {name: self.cleaned_data[name] for name in TEXTS}

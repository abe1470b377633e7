"""The forms of reviews."""

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from policies.models import EscalationPolicy, PolicyReview


class ReviewCloseForm(forms.Form):
    """What came of it, and why."""

    outcome = forms.ChoiceField(label=_("What came of it"), choices=(), widget=forms.RadioSelect)
    note = forms.CharField(
        label=_("Why"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Auditors and the next review read it."),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        fields: dict[str, Any] = self.fields
        fields["outcome"].choices = [
            (PolicyReview.Outcome.KEPT, gettext("It stays as it is")),
            (PolicyReview.Outcome.CHANGED, gettext("It was changed")),
        ]


class ReviewOpenForm(forms.Form):
    """Ask for a review by hand."""

    policy = forms.ModelChoiceField(
        label=_("Policy"), queryset=EscalationPolicy.objects.exclude(current_version=None), empty_label=_("—")
    )

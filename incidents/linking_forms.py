"""What merging, splitting and linking ask for."""

from typing import Any

from django import forms
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from incidents.filters import reference_number
from incidents.forms import ActionForm
from incidents.models import Alert, IncidentLink, TimelineEvent
from incidents.services.linking import BY_HAND
from policies.severity import Severity

MOST_COMMENTS = 100
_BOXES = forms.CheckboxSelectMultiple(attrs={"class": "check"})


class ReferenceField(forms.CharField):
    """ "INC-2417" or "2417", cleaned to the number."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.TextInput(attrs={"autofocus": True, "placeholder": "INC-", "autocomplete": "off"})
        super().__init__(max_length=20, widget=widget, **kwargs)

    def clean(self, value: Any) -> Any:
        number = reference_number(super().clean(value))
        if number is None:
            raise forms.ValidationError(_("Write its reference, for example INC-2417."), code="invalid")
        return number


class CommentsField(forms.ModelMultipleChoiceField[TimelineEvent]):
    """Lines of a timeline, each as who said what."""

    def label_from_instance(self, event: TimelineEvent) -> str:
        who = event.actor.name if event.actor else ""
        return f"{who}: {Truncator(event.text).chars(90)}"


class LinkForm(ActionForm):
    kind = forms.ChoiceField(
        label=_("This incident"),
        choices=[(kind.value, kind.label) for kind in BY_HAND],
        initial=IncidentLink.Kind.RELATED,
    )
    other = ReferenceField(label=_("Other incident"))


class MergeForm(ActionForm):
    other = ReferenceField(
        label=_("Merge it into"), help_text=_("That one keeps everything, and its escalation runs on.")
    )
    reason = forms.CharField(
        label=_("Why?"), max_length=1_000, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )


class UnmergeForm(ActionForm):
    reason = forms.CharField(
        label=_("Why?"), max_length=1_000, required=False, widget=forms.Textarea(attrs={"rows": 2, "autofocus": True})
    )


class SplitForm(ActionForm):
    """``alerts`` and ``comments`` are those that may go; the alert that opened the incident stays."""

    title = forms.CharField(label=_("Title of the new incident"), max_length=200)
    severity = forms.TypedChoiceField(label=_("Severity"), choices=Severity.choices, coerce=int)
    alerts = forms.ModelMultipleChoiceField(
        label=_("Alerts that belong to it"), queryset=Alert.objects.none(), required=False, widget=_BOXES
    )
    comments = CommentsField(
        label=_("Comments to repeat there"), queryset=TimelineEvent.objects.none(), required=False, widget=_BOXES
    )
    keep = forms.BooleanField(
        label=_("I have it: call nobody"),
        required=False,
        widget=forms.CheckboxInput(attrs={"class": "check"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        incident = self.incident
        self.fields["severity"].initial = incident.severity
        alerts, comments = self.fields["alerts"], self.fields["comments"]
        assert isinstance(alerts, forms.ModelMultipleChoiceField)  # noqa: S101  tells the type checker what was declared
        assert isinstance(comments, forms.ModelMultipleChoiceField)  # noqa: S101  tells mypy the type
        own = {"integration": incident.integration_id, "dedup_key": incident.dedup_key}
        alerts.queryset = incident.alerts.exclude(**own) if incident.integration_id else incident.alerts.all()
        said = TimelineEvent.objects.filter(incident=incident, kind="incident.comment").select_related("actor")
        comments.queryset = said.order_by("-at", "-pk")
        self._leave_out_empty()

    def _leave_out_empty(self) -> None:
        for name in ("alerts", "comments"):
            field: Any = self.fields[name]
            if not field.queryset.exists():
                del self.fields[name]

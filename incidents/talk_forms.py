"""The forms of what is said on an incident and of what it is about: they clean what was typed; the services decide."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from escalation_site.kernel.errors import DomainError
from incidents.forms import ActionForm, CommentForm, SeenForm
from incidents.models import Incident
from incidents.services.describing import TEXTS, Clash, bridge_clash, seen_of
from oncall.models import Team, User

QUICK_REPLIES = (_("I am looking into it."), _("I need help here."), _("Found the cause."), _("A fix is on its way."))
"""What people say in a hurry, one tap each."""


class TalkForm(CommentForm):
    """A message, who reads it, and whether it is a decision."""

    public = forms.BooleanField(label=_("For the requester too"), required=False)
    decision = forms.BooleanField(label=_("A decision"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["text"].widget.attrs |= {
            "data-mentions": "",
            "aria-autocomplete": "list",
            "aria-controls": "mention-list",
            "aria-expanded": "false",
            "role": "combobox",
        }


class CorrectForm(forms.Form):
    """What was meant. The first words stay in the timeline."""

    text = forms.CharField(
        label=_("What it should say"),
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 4, "autofocus": True}),
        help_text=_("What you wrote first stays readable below it."),
    )


class BridgeForm(SeenForm):
    about = "url"
    url = forms.CharField(
        label=_("Address of the call"),
        max_length=200,
        required=False,
        widget=forms.URLInput(attrs={"autofocus": True, "placeholder": "https://"}),
        help_text=_("A meeting or a chat room. Empty takes it away."),
    )

    def __init__(self, *args: Any, incident: Incident, **kwargs: Any) -> None:
        super().__init__(*args, incident=incident, **kwargs)
        self.initial.setdefault("url", incident.bridge_url or incident.service.bridge_url)

    def standing(self) -> str:
        return self.incident.bridge_url

    def clash(self, seen: str) -> DomainError | None:
        return bridge_clash(self.incident, seen)


class HelpForm(ActionForm):
    """Whom to call in and why. A person comes before a team where both are chosen."""

    user = forms.ModelChoiceField(
        label=_("A person"), queryset=User.objects.none(), required=False, empty_label=_("Choose a person")
    )
    team = forms.ModelChoiceField(
        label=_("Or a team"),
        queryset=Team.objects.none(),
        required=False,
        to_field_name="slug",
        empty_label=_("Choose a team"),
        help_text=_("Whoever is on call there."),
    )
    page = forms.ChoiceField(
        label=_("How"),
        choices=[("page", _("Page them: it rings now")), ("tell", _("Only tell them"))],
        initial="page",
        widget=forms.RadioSelect,
        required=False,
    )
    reason = forms.CharField(
        label=_("What are they needed for?"),
        max_length=1_000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("They read it first."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        users, teams = self.fields["user"], self.fields["team"]
        assert isinstance(users, forms.ModelChoiceField)  # noqa: S101  tells the type checker what was declared above
        assert isinstance(teams, forms.ModelChoiceField)  # noqa: S101  as above
        users.queryset = User.objects.filter(
            is_active=True, role__in=(User.Role.RESPONDER, User.Role.MANAGER, User.Role.ADMINISTRATOR)
        ).order_by("first_name", "last_name", "username")
        teams.queryset = Team.objects.order_by("name")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors and cleaned.get("user") is None and cleaned.get("team") is None:
            self.add_error("user", _("Choose a person or a team."))
        if cleaned.get("user") is not None:
            cleaned["team"] = None
        return cleaned


class DescribeForm(forms.Form):
    """What it is about, in words; its type and customer have a form of their own. ``seen_…`` are marks of what stood in each field when the
    form was drawn; ``take_…`` says whose words
    of a field that two people changed are kept."""

    title = forms.CharField(label=_("Title"), max_length=200)
    summary = forms.CharField(
        label=_("What people see"), max_length=20_000, required=False, widget=forms.Textarea(attrs={"rows": 4})
    )
    customer_impact = forms.CharField(
        label=_("What customers notice"), max_length=20_000, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    environment = forms.CharField(label=_("Environment"), max_length=40, required=False)

    def __init__(self, *args: Any, incident: Incident, clashes: tuple[Clash, ...] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.incident = incident
        self.clashes = clashes
        for name in TEXTS:
            self.initial.setdefault(name, getattr(incident, name))

    @property
    def marks(self) -> dict[str, str]:
        """What is to be sent back: the marks of the incident as it is now."""
        return {f"seen_{name}": mark for name, mark in seen_of(self.incident).items() if name in TEXTS}

    def seen(self) -> dict[str, str]:
        """The marks that came with the form."""
        return {name: self.data[f"seen_{name}"] for name in TEXTS if f"seen_{name}" in self.data}

    def chosen(self) -> dict[str, Any]:
        """The values to write: of a field that two people changed, only where the person chose their own."""
        return {name: value for name, value in self.cleaned_data.items() if self.data.get(f"take_{name}") != "theirs"}

"""The forms of the incident pages: they clean what was typed; the services decide."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.db.models import Exists, OuterRef
from django.forms.utils import ErrorDict
from django.utils.translation import gettext_lazy as _

from escalation_site.kernel.errors import DomainError
from incidents.causes import Cause
from incidents.models import Incident, Service
from incidents.people_fields import CarryingField, admit_asked, admit_checked
from incidents.selectors.insiders import insiders
from incidents.services.assess import MAX_WHY, Judged, judged, service_facts
from oncall.models import Membership, User
from policies.books import Reading
from policies.criteria import CriteriaDef, Proposal, propose
from policies.criteria.form import AnswersForm, answers_sent
from policies.severity import Severity

SEVERITY_MEANINGS = {
    Severity.SEV1: _("Everything stops, or people come to harm"),
    Severity.SEV2: _("Many customers cannot work, no way around"),
    Severity.SEV3: _("Some customers are hindered, or there is a way around"),
    Severity.SEV4: _("A nuisance, can wait for office hours"),
    Severity.SEV5: _("For information, nobody is disturbed at night"),
}
"""What each severity means to somebody who files an incident."""

SNOOZES = {
    "30": _("30 minutes"),
    "60": _("1 hour"),
    "240": _("4 hours"),
    "480": _("8 hours"),
}
"""Minutes a snooze may last when no time is given."""


def refuse(form: forms.BaseForm, error: DomainError) -> None:
    """Show a service's refusal at the field it names, or above the form."""
    form.add_error(error.field if error.field in form.fields else None, error.message)


def severity_cards(form: forms.BaseForm) -> list[dict[str, Any]]:
    """The severities as cards: shape, meaning, and whether it is chosen in the form's field ``severity``."""
    chosen = str(form["severity"].value() or "")
    return [
        {"rank": severity.value, "meaning": SEVERITY_MEANINGS[severity], "checked": chosen == str(severity.value)}
        for severity in Severity
    ]


class ServiceChoiceField(forms.ModelChoiceField[Service]):
    """Services with their owners: the same word may name two things in two teams."""

    def label_from_instance(self, service: Service) -> str:
        return f"{service.name} · {service.team.name}"


PROPOSE = "propose"
"""The button that shows what is proposed and files nothing."""


def severity_sent(text: str) -> int | None:
    """The severity that a form's field means; None where none is chosen."""
    return int(text) if text in {str(value) for value in Severity.values} else None


class JudgeForm(AnswersForm):
    """The criteria's questions, the severity that is chosen, and why it is milder than the proposed one.

    After ``is_valid`` ``judged`` is what follows from them.
    """

    severity = forms.TypedChoiceField(
        label=_("Severity"),
        choices=Severity.choices,
        coerce=int,
        empty_value=None,
        widget=forms.RadioSelect,
        required=False,
    )
    why = forms.CharField(
        label=_("Why another severity than the proposed one?"),
        max_length=MAX_WHY,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Needed for a milder one. Everybody on the incident can read it."),
    )

    def __init__(self, *args: Any, reading: Reading[CriteriaDef], **options: Any) -> None:
        super().__init__(*args, criteria=reading.value, **options)
        self.reading = reading
        self.judged: Judged | None = None

    @property
    def proposes_only(self) -> bool:
        """Whether the button was pressed that only shows the proposal: nothing is checked then."""
        return self.is_bound and self.data.get("do") == PROPOSE

    def full_clean(self) -> None:
        if not self.proposes_only:
            super().full_clean()
            return
        self._errors = ErrorDict()
        self.cleaned_data = {}

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if not {"severity", "service", *self.asked_names} & set(self.errors):
            try:
                self.judged = judged(
                    self.reading,
                    propose(
                        self.criteria, self.answers, service_facts(self.service_meant()), rest_no=bool(data.get("rest"))
                    ),
                    chosen=data.get("severity"),
                    why=data.get("why", ""),
                    otherwise=self.nothing_chosen(),
                )
            except DomainError as error:
                refuse(self, error)
        return data

    def service_meant(self) -> Service | None:
        """The service whose flags count."""
        return self.cleaned_data.get("service")

    def nothing_chosen(self) -> int | None:
        """The severity where nothing is answered and none is chosen; None where that stops whoever sends it."""
        return None

    @property
    def chosen(self) -> int | None:
        """The severity as it stands in the form."""
        return severity_sent(str(self["severity"].value() or ""))

    @property
    def cards(self) -> list[dict[str, Any]]:
        return severity_cards(self)

    def proposed(self, service: Service | None) -> Proposal:
        """What follows from the answers as they stand in the form, those that make no sense left out."""
        return proposal_sent(self.criteria, self.data if self.is_bound else self.initial, service)


def proposal_sent(criteria: CriteriaDef, data: Any, service: Service | None) -> Proposal:
    """What is proposed for the answers that a form sent, right or half typed."""
    return propose(criteria, answers_sent(criteria, data), service_facts(service), rest_no=bool(data.get("rest", "")))


class AssessForm(JudgeForm):
    """Assessing an incident in triage. ``seen`` is the severity that was shown beside the questions."""

    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, incident: Incident, **options: Any) -> None:
        super().__init__(*args, **options)
        self.incident = incident
        self.initial.setdefault("seen", incident.severity)

    def service_meant(self) -> Service | None:
        return self.incident.service

    def nothing_chosen(self) -> int | None:
        return self.incident.severity


class ActionForm(forms.Form):
    """What an action on an incident asks for. ``incident`` and ``at`` are known to all of them."""

    def __init__(self, *args: Any, incident: Incident, at: datetime, **kwargs: Any) -> None:
        self.incident = incident
        self.at = at
        super().__init__(*args, **kwargs)


class SeenForm(ActionForm):
    """An action that puts one thing in the place of another. ``seen`` is what stood there when the form was drawn: where somebody else
    changed it since, whoever sends the form is told, keeps what they typed, and decides by sending it again.

    ``about`` names the field at fault. The service asks once more, with the incident locked.
    """

    seen = forms.CharField(required=False, widget=forms.HiddenInput)
    about = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("seen", self.standing())

    def standing(self) -> str:
        """What stands there now, as ``seen`` says it."""
        raise NotImplementedError

    def clash(self, seen: str) -> DomainError | None:
        """What to say to whoever saw ``seen``; None where that still stands."""
        raise NotImplementedError

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        # Who sends none asks for nothing; an empty one is a value: there was no bridge.
        cleaned["seen"] = cleaned.get("seen", "") if "seen" in self.data else None
        clash = self.clash(cleaned["seen"]) if cleaned["seen"] is not None else None
        if clash is None or cleaned.get(self.about) == self.standing():
            return cleaned
        again: Any = self.data.copy()  # type: ignore[attr-defined]  # a QueryDict
        again["seen"] = self.standing()
        self.data = again
        # That the choice is none any more follows from what is said.
        self.errors.pop(self.about, None)
        self.add_error(self.about, clash.message)
        return cleaned


class EscalateForm(ActionForm):
    reason = forms.CharField(
        label=_("Why now?"),
        max_length=1_000,
        widget=forms.Textarea(attrs={"rows": 3, "autofocus": True}),
        help_text=_("The next level reads this first."),
    )
    cause = forms.ChoiceField(
        label=_("What is it needed for?"), choices=Cause.choices, initial=Cause.OTHER, required=False
    )

    def clean_cause(self) -> str:
        return self.cleaned_data["cause"] or Cause.OTHER


class ReopenForm(ActionForm):
    reason = forms.CharField(
        label=_("What came back?"), max_length=1_000, widget=forms.Textarea(attrs={"rows": 3, "autofocus": True})
    )


class ResolveForm(ActionForm):
    resolution = forms.CharField(
        label=_("Cause and fix"),
        max_length=10_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "autofocus": True}),
        help_text=_("Two sentences help whoever meets it next."),
    )


class SnoozeForm(ActionForm):
    minutes = forms.ChoiceField(label=_("For how long?"), choices=list(SNOOZES.items()), required=False, initial="60")
    until = forms.DateTimeField(
        label=_("Or until"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=_("In your time zone. Wins over the span above."),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if "until" in self.errors:
            return cleaned
        if cleaned.get("until") is None:
            if not cleaned.get("minutes"):
                raise forms.ValidationError(_("Choose a span or a time."))
            cleaned["until"] = self.at + timedelta(minutes=int(cleaned["minutes"]))
        return cleaned


class ReassignForm(ActionForm):
    """Who gets it. ``seen`` is the number of who had it when the form was drawn, 0 for nobody."""

    owner = CarryingField(label=_("Hand it to"), empty_label=_("Choose a person"))
    note = forms.CharField(
        label=_("What should they know?"),
        max_length=2_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("They are told at once, with a link to the brief."),
    )
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        owners = self.fields["owner"]
        assert isinstance(owners, CarryingField)  # noqa: S101  tells the type checker what was declared above
        owners.of(self.incident, User.objects.none())
        owners.people(responders_for(self.incident), at=self.at)
        admit_asked(self, "owner")
        self.initial.setdefault("seen", self.incident.owner_id or 0)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        admit_checked(self, "owner")
        has_it, seen, chosen = self.incident.owner, cleaned.get("seen"), cleaned.get("owner")
        if has_it is not None and chosen not in (None, has_it) and seen not in (None, has_it.pk):
            # Two people hand it on at once: the second learns of the first.
            again: Any = self.data.copy()  # type: ignore[attr-defined]  # a QueryDict
            again["seen"] = str(has_it.pk)
            self.data = again
            self.add_error("owner", _("%(name)s has it by now. Send it again to hand it on.") % {"name": has_it.name})
        return cleaned


def responders_for(incident: Incident) -> Any:
    """Who could have a part in ``incident``: people who respond, its own team first."""
    own = Membership.objects.filter(user=OuterRef("pk"), team=incident.team_id)
    found = User.objects.filter(
        is_active=True, role__in=(User.Role.RESPONDER, User.Role.MANAGER, User.Role.ADMINISTRATOR)
    )
    return found.annotate(in_team=Exists(own)).order_by("-in_team", "first_name", "last_name", "username")


def responders_inside(incident: Incident) -> Any:
    """Those of ``responders_for`` who see it."""
    found = responders_for(incident)
    return found.filter(pk__in=insiders(incident)) if incident.restricted else found


class SeverityForm(ActionForm):
    """Another severity and why. ``seen`` is the one that was shown beside the choice."""

    severity = forms.TypedChoiceField(
        label=_("Severity"), choices=Severity.choices, coerce=int, widget=forms.RadioSelect
    )
    reason = forms.CharField(
        label=_("What makes it so?"),
        max_length=1_000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Everybody on the incident reads it in the timeline."),
    )
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, incident: Incident, **kwargs: Any) -> None:
        super().__init__(*args, incident=incident, **kwargs)
        self.initial.setdefault("severity", incident.severity)

    @property
    def cards(self) -> list[dict[str, Any]]:
        return severity_cards(self)

    def clean_severity(self) -> int:
        severity = int(self.cleaned_data["severity"])
        if severity == self.incident.severity:
            raise forms.ValidationError(_("It is of this severity already. Choose another."))
        return severity


class CommentForm(forms.Form):
    text = forms.CharField(
        label=_("Write an update"),
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": _("Write an update")}),
    )

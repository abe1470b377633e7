"""The form by which people file an incident, and those of whoever waits for its end. They clean what was typed; services decide."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from escalation_site.kernel.errors import DomainError
from incidents.custom_fields import (
    Question,
    answers_clean,
    answers_half,
    answers_sent,
    fields_asked,
    fields_for,
    form_fields,
    known_of,
)
from incidents.files import MAX_AT_ONCE
from incidents.forms import JudgeForm, ServiceChoiceField, refuse, responders_inside
from incidents.models import Category, Customer, CustomField, Incident, Service
from incidents.services.complaints import MAX_TEXT
from incidents.services.filing import MAX_WHY
from incidents.services.surveys import MAX_TEXT as MAX_REMARK
from incidents.services.surveys import SCORES
from oncall.models import User

ANSWER_WITHIN = timedelta(days=5)
"""By when a complaint is to be answered where nobody says otherwise."""


class FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Any number of files, also none."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=FilesInput(attrs={"multiple": True}), required=False, **options)

    def clean(self, data: Any, initial: Any = None) -> Any:
        given = data if isinstance(data, list | tuple) else [data] if data else []
        if len(given) > MAX_AT_ONCE:
            raise forms.ValidationError(_("At most %(most)d files at a time.") % {"most": MAX_AT_ONCE})
        return [one for one in given if isinstance(one, UploadedFile)]


class CategoryChoiceField(forms.ModelChoiceField[Category]):
    """Categories with what they are part of: "Security / Data breach". Each comes after its parent."""

    def __init__(self, **options: Any) -> None:
        super().__init__(Category.objects.none(), to_field_name="slug", required=False, **options)

    def tree(self) -> bool:
        """Offer what is in use; returns whether there is anything. One query."""
        branches = categories_in_use()
        self.queryset = Category.objects.filter(active=True)
        self.choices = [("", self.empty_label), *branches]
        return bool(branches)


def categories_in_use() -> list[tuple[str, str]]:
    """Slug and path of each, as the tree has them. One query."""
    rows = list(Category.objects.filter(active=True).order_by("position", "name"))
    known = {row.pk for row in rows}
    below: dict[int | None, list[Category]] = {}
    for row in rows:
        below.setdefault(row.parent_id if row.parent_id in known else None, []).append(row)
    return _branches(below, None, "")


def _branches(below: Mapping[int | None, Sequence[Category]], parent: int | None, path: str) -> list[tuple[str, str]]:
    found = []
    for row in below.get(parent, ()):
        label = f"{path} / {row.name}" if path else row.name
        found += [(row.slug, label), *_branches(below, row.pk, label)]
    return found


class CustomerField(forms.CharField):
    """A customer by name, completed while one types; None for nobody. There may be thousands, so that it is no list to choose from."""

    def clean(self, value: Any) -> Any:
        name = super().clean(value).strip()
        if not name:
            return None
        found = Customer.objects.filter(active=True, name__iexact=name).first()
        found = found or Customer.objects.filter(active=True, slug=name).first()
        if found is None:
            raise forms.ValidationError(_("No customer has that name. Choose one that is proposed."))
        return found


class FileForm(JudgeForm):
    """Filing an incident, in five groups. Only title, description, service, type, and a severity or answers stop anybody."""

    title = forms.CharField(label=_("What is wrong?"), max_length=200)
    summary = forms.CharField(
        label=_("What do people see?"),
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Since when, where, how many are hit."),
    )
    service = ServiceChoiceField(
        label=_("Affected service"),
        queryset=Service.objects.none(),
        empty_label=_("Choose a service"),
        to_field_name="slug",
        widget=forms.Select(attrs={"data-search": _("Search the services")}),
    )
    category = CategoryChoiceField(
        label=_("Type"),
        empty_label=_("Choose a type"),
        widget=forms.Select(attrs={"data-search": _("Search the types")}),
    )
    detection = forms.ChoiceField(
        label=_("How was it noticed?"),
        choices=Incident.Detection.choices,
        initial=Incident.Detection.STAFF,
        required=False,
    )
    environment = forms.CharField(
        label=_("Environment"), max_length=40, required=False, help_text=_("Empty means the service’s own.")
    )
    evidence = forms.CharField(
        label=_("Links, error messages, what was tried"),
        max_length=10_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Becomes the first entry of the timeline."),
    )
    customer = CustomerField(
        label=_("Customer"),
        max_length=120,
        required=False,
        widget=forms.TextInput(attrs={"list": "customers", "autocomplete": "off"}),
    )
    customer_tier = forms.TypedChoiceField(
        label=_("SLA tier"),
        choices=[("", _("As by contract")), ("1", "1"), ("2", "2"), ("3", "3")],
        coerce=int,
        empty_value=None,
        required=False,
    )
    tier_reason = forms.CharField(label=_("Why another SLA tier?"), max_length=MAX_WHY, required=False)
    customer_impact = forms.CharField(
        label=_("What do customers notice?"), max_length=4_000, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    restricted = forms.BooleanField(
        label=_("Restricted"),
        required=False,
        help_text=_("Personal data or security: only its team, its responders, auditors and administrators see it."),
    )
    is_test = forms.BooleanField(
        label=_("Test"), required=False, help_text=_("Pages people like any other, and stays out of the figures.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        services: Any = self.fields["service"]
        services.queryset = Service.objects.select_related("team").order_by("name")
        types: Any = self.fields["category"]
        types.required = types.tree()
        self.has_types = types.required
        # Not declared above: a form's attribute of that name is what was sent with it.
        self.fields["files"] = FilesField(label=_("Logs and screenshots"))
        self.fields |= form_fields(self.questions)

    @property
    def said(self) -> Mapping[str, Any]:
        """What was sent, or what the form begins with."""
        return self.data if self.is_bound else self.initial

    @cached_property
    def questions(self) -> list[Question]:
        """The house's own questions that are asked, by what is answered so far."""
        said = self.said
        category = _by_slug(Category.objects.select_related("parent"), said.get("category"))
        half = answers_half(asked := [Question(field) for field in fields_asked(category)], answers_sent(asked, said))
        known = known_of(
            service=_by_slug(Service.objects.select_related("team"), said.get("service")),
            category=category,
            customer=Customer.objects.filter(name__iexact=said.get("customer") or "").first(),
            custom=half,
            severity=int(said["severity"]) if str(said.get("severity", "")).isdigit() else None,
            environment=said.get("environment"),
        )
        return fields_for(category, known=known)

    @property
    def own(self) -> dict[str, list[forms.BoundField]]:
        """The house's own questions in the groups of the form."""
        groups: dict[str, list[forms.BoundField]] = {group: [] for group in CustomField.Group.values}
        for question in self.questions:
            groups[question.group].append(self[question.name])
        return groups

    @property
    def asked_mark(self) -> str:
        """Tells whether other questions are asked than those that are shown."""
        return " ".join(f"{question.key}{'!' if question.required else ''}" for question in self.questions)

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if not {question.name for question in self.questions} & set(self.errors):
            try:
                data["custom"] = answers_clean(self.questions, answers_sent(self.questions, data))
            except DomainError as error:
                refuse(self, error)
        return data

    def clean_detection(self) -> str:
        return self.cleaned_data["detection"] or str(Incident.Detection.STAFF)


def _by_slug(rows: Any, slug: Any) -> Any:
    return rows.filter(slug=slug).first() if slug else None


def form_values(sent: QueryDict) -> dict[str, list[str]]:
    """What a filing form sent, by field, without what is no answer: for the draft."""
    return {
        name: sent.getlist(name)
        for name in sent
        if name not in ("csrfmiddlewaretoken", "files", "do", "asked", "fresh")
    }


class SayForm(forms.Form):
    """Whoever filed it adds something."""

    text = forms.CharField(
        label=_("Add something"),
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": _("Add something, or answer a question")}),
    )


class BackForm(forms.Form):
    """Whoever filed it says that it is not over."""

    reason = forms.CharField(
        label=_("What is wrong still?"), max_length=1_000, widget=forms.Textarea(attrs={"rows": 2})
    )


class GatherForm(forms.Form):
    """When whoever follows it hears of it."""

    AT_ONCE, GATHERED = "at_once", "gathered"
    news = forms.ChoiceField(choices=[(AT_ONCE, _("at once")), (GATHERED, _("gathered, every ten minutes"))])

    @property
    def gathered(self) -> bool:
        return bool(self.cleaned_data["news"] == self.GATHERED)


class SurveyForm(forms.Form):
    score = forms.TypedChoiceField(
        label=_("How did it go?"),
        choices=[(str(score), str(score)) for score in SCORES],
        coerce=int,
        widget=forms.RadioSelect,
    )
    text = forms.CharField(
        label=_("What should be better, what was good?"),
        max_length=MAX_REMARK,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class DueField(forms.DateTimeField):
    def __init__(self, **options: Any) -> None:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
        super().__init__(widget=widget, help_text=_("In your time zone."), **options)


class ComplaintForm(forms.Form):
    """Logging a customer's complaint about ``incident``."""

    text = forms.CharField(
        label=_("What do they complain about?"), max_length=MAX_TEXT, widget=forms.Textarea(attrs={"rows": 4})
    )
    complainant = forms.CharField(label=_("Who complains?"), max_length=160, required=False)
    customer = CustomerField(
        label=_("Customer"),
        max_length=120,
        required=False,
        help_text=_("Empty means the incident’s own."),
        widget=forms.TextInput(attrs={"list": "customers", "autocomplete": "off"}),
    )
    received_at = DueField(label=_("When did it come?"))
    owner = forms.ModelChoiceField(
        label=_("Who answers?"), queryset=User.objects.none(), required=False, empty_label=_("Nobody yet")
    )
    due_at = DueField(label=_("To be answered by"), required=False)

    def __init__(self, *args: Any, incident: Incident, at: datetime, **options: Any) -> None:
        super().__init__(*args, **options)
        answerers: Any = self.fields["owner"]
        answerers.queryset = responders_inside(incident)
        self.initial = {"received_at": at, "due_at": at + ANSWER_WITHIN, "owner": incident.owner_id, **self.initial}


class AssignForm(forms.Form):
    """Who answers a complaint, and by when."""

    owner = forms.ModelChoiceField(
        label=_("Who answers?"), queryset=User.objects.none(), required=False, empty_label=_("Nobody yet")
    )
    due_at = DueField(label=_("To be answered by"), required=False)

    def __init__(self, *args: Any, incident: Incident, **options: Any) -> None:
        super().__init__(*args, **options)
        answerers: Any = self.fields["owner"]
        answerers.queryset = responders_inside(incident)


class ComplaintAnswerForm(forms.Form):
    answer = forms.CharField(
        label=_("What was answered?"), max_length=MAX_TEXT, widget=forms.Textarea(attrs={"rows": 4})
    )

"""The forms of the work on an incident: they clean what was typed; the services decide."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from incidents.forms import responders_for
from incidents.models import Incident, PlanTemplate, ResponseRole, Task
from incidents.people_fields import PersonField, admit_asked, admit_checked

_WHEN = "%Y-%m-%dT%H:%M"


def _when() -> forms.DateTimeInput:
    return forms.DateTimeInput(attrs={"type": "datetime-local"}, format=_WHEN)


class RoleField(forms.ModelChoiceField[ResponseRole]):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(ResponseRole.objects.filter(active=True), *args, **options)

    def label_from_instance(self, role: ResponseRole) -> str:
        return role.label


class TaskForm(forms.Form):
    """A task. ``seen`` is the state of its history that was shown; ``parent`` what it becomes part of."""

    title = forms.CharField(label=_("What is to be done?"), max_length=200)
    details = forms.CharField(
        label=_("Details"), required=False, max_length=10_000, widget=forms.Textarea(attrs={"rows": 3})
    )
    kind = forms.ChoiceField(label=_("Kind"), choices=Task.Kind.choices, initial=Task.Kind.TASK, required=False)
    priority = forms.TypedChoiceField(
        label=_("Priority"), choices=Task.Priority.choices, coerce=int, initial=Task.Priority.NORMAL, empty_value=None,
        required=False,
    )  # fmt: skip
    role = RoleField(
        label=_("Role"), required=False, empty_label=_("No role"), help_text=_("Whoever holds the role has the task.")
    )
    assignee = PersonField(
        label=_("Person"), required=False, empty_label=_("Nobody yet"), help_text=_("Where no role is chosen.")
    )
    starts_at = forms.DateTimeField(label=_("Planned start"), required=False, widget=_when())
    due_at = forms.DateTimeField(label=_("Due"), required=False, widget=_when())
    needs_approval = forms.BooleanField(
        label=_("Needs approval"), required=False, help_text=_("It cannot be begun before level 3 approves it.")
    )
    parent = forms.IntegerField(required=False, widget=forms.HiddenInput)
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, incident: Incident, **options: Any) -> None:
        super().__init__(*args, **options)
        person = self.fields["assignee"]
        assert isinstance(person, PersonField)  # noqa: S101  tells the type checker what was declared above
        person.of(incident, responders_for(incident))
        admit_asked(self, "assignee")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("role") is None:
            admit_checked(self, "assignee")
        return cleaned

    def clean_kind(self) -> str:
        return self.cleaned_data["kind"] or str(Task.Kind.TASK)

    def clean_priority(self) -> int:
        return self.cleaned_data["priority"] or int(Task.Priority.NORMAL)

    @property
    def values(self) -> dict[str, Any]:
        """What was typed, as the services take it."""
        return {name: value for name, value in self.cleaned_data.items() if name not in ("parent", "seen", "admit")}

    @property
    def admits(self) -> bool:
        """Whether a restricted incident is to be shown to whoever gets the task."""
        return bool(self.cleaned_data.get("admit"))


class RoleForm(forms.Form):
    """Who gets a role. ``seen`` is the number of the holder who was shown."""

    user = PersonField(label=_("Who takes it?"), empty_label=_("Choose a person"), required=False)
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, incident: Incident, **options: Any) -> None:
        super().__init__(*args, **options)
        person = self.fields["user"]
        assert isinstance(person, PersonField)  # noqa: S101  tells mypy the type
        person.of(incident, responders_for(incident))
        admit_asked(self, "user")


class ApproveForm(forms.Form):
    reason = forms.CharField(
        label=_("Why may it be done?"), max_length=240, help_text=_("Kept with your name and the time.")
    )


class WaitForm(forms.Form):
    """Another task that comes first."""

    waits_on = forms.TypedChoiceField(label=_("Waits on"), coerce=int, empty_value=None)
    strict = forms.BooleanField(
        label=_("Strictly"), required=False, initial=True, help_text=_("Otherwise whoever begins it is only warned.")
    )

    def __init__(self, *args: Any, others: list[tuple[int, str]], **options: Any) -> None:
        super().__init__(*args, **options)
        field = self.fields["waits_on"]
        assert isinstance(field, forms.TypedChoiceField)  # noqa: S101  tells mypy the type
        field.choices = [("", _("Choose a task")), *others]


class TimeForm(forms.Form):
    minutes = forms.IntegerField(label=_("Minutes"), min_value=1, max_value=1440)
    note = forms.CharField(label=_("What for"), max_length=200, required=False)
    task = forms.IntegerField(required=False, widget=forms.HiddenInput)


class PostForm(forms.Form):
    text = forms.CharField(
        label=_("To all teams"),
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_(
            "Whoever is on call in each team that works on it gets it at once, and so does everybody with a role or a task."
        ),
    )


class VendorForm(forms.Form):
    reason = forms.CharField(
        label=_("What is needed?"),
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("The vendor reads it. Write nothing that must stay in the house."),
    )


class TemplateField(forms.ModelChoiceField[PlanTemplate]):
    def label_from_instance(self, template: PlanTemplate) -> str:
        return template.label


class ApplyForm(forms.Form):
    template = TemplateField(
        label=_("Plan template"),
        queryset=PlanTemplate.objects.filter(active=True),
        to_field_name="slug",
        empty_label=_("Choose a plan"),
    )


class ObjectiveForm(forms.Form):
    text = forms.CharField(label=_("Objective"), max_length=240)


class SectionForm(forms.Form):
    """A section of the plan. ``seen`` is the mark of the text that was shown, ``number`` its place."""

    title = forms.CharField(label=_("Title"), max_length=200)
    text = forms.CharField(label=_("Text"), required=False, max_length=10_000, widget=forms.Textarea(attrs={"rows": 6}))
    number = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)
    seen = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

"""The forms with which administrators build the filing form, the categories and the workflow."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.utils.text import slugify
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from incidents.custom_fields import options_of
from incidents.filing_forms import categories_in_use
from incidents.models import Category, CustomField, Stage, StageGuard
from incidents.services.workflow import Guard, Workflow
from incidents.stages import ENDS
from policies.conditions import ALWAYS, Condition, condition_dump, condition_parse
from policies.conditions_form import ConditionField, ConditionForm, Offers
from policies.reading import DefinitionInvalid
from policies.severity import Severity


class LinesField(forms.CharField):
    """Several short texts, one a line."""

    widget = forms.Textarea(attrs={"rows": 5})

    def to_python(self, value: Any) -> Any:
        return [line.strip() for line in str(value or "").splitlines() if line.strip()]

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def validate(self, value: Any) -> None:
        """What must be there depends on the kind: the service says."""

    def run_validators(self, value: Any) -> None:
        """The service knows the lengths."""


class FieldForm(ConditionForm):
    """One of the house's own fields. Key and kind are asked once, when it is made."""

    label = forms.CharField(label=_("Question"), max_length=120, help_text=_("As it stands beside the field."))
    key = forms.SlugField(
        label=_("Key"),
        max_length=40,
        required=False,
        help_text=_("What rules, filters and the API call it. Empty: made from the question. It stays for ever."),
    )
    kind = forms.ChoiceField(label=_("Kind"), choices=CustomField.Kind.choices, help_text=_("It stays for ever."))
    options = LinesField(label=_("List to choose from"), required=False, help_text=_("One entry a line."))
    group = forms.ChoiceField(label=_("Group of the form"), choices=CustomField.Group.choices)
    help_text = forms.CharField(label=_("Help"), max_length=240, required=False)
    required = forms.BooleanField(
        label=_("Must be answered"),
        required=False,
        help_text=_("Without it, it must be answered only where a rule in force depends on it."),
    )
    categories = forms.ModelMultipleChoiceField(
        label=_("Only for these categories"),
        queryset=Category.objects.filter(active=True),
        to_field_name="slug",
        required=False,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "check"}),
        help_text=_("And what is part of them. None: for all."),
    )
    shown_if = ConditionField(label=_("Asked only if"), required=False)

    def __init__(
        self, *args: Any, field: CustomField | None = None, offers: Offers | None = None, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.field = field
        categories = self.fields["categories"]
        assert isinstance(categories, forms.ModelMultipleChoiceField)  # noqa: S101  tells the type checker what was declared above
        categories.choices = categories_in_use()
        condition = self.fields["shown_if"]
        assert isinstance(condition, ConditionField)  # noqa: S101  tells the type checker what was declared above
        condition.widget.offers = offers or {}
        for language, name in settings.LANGUAGES:
            if language != settings.LANGUAGE_CODE.partition("-")[0]:
                self.fields[f"label_{language}"] = forms.CharField(
                    label=_now("Question in %(language)s") % {"language": _now(str(name))},
                    max_length=120,
                    required=False,
                )
        if field is not None:
            del self.fields["key"], self.fields["kind"]
            if not field.options:
                del self.fields["options"]

    @property
    def languages(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name.startswith("label_")]

    @property
    def values(self) -> dict[str, Any]:
        """As `field_set` takes them; the categories go beside."""
        data = self.cleaned_data
        plain = ("label", "group", "help_text", "required")
        values: dict[str, Any] = {name: data[name] for name in plain}
        values["labels"] = {
            name.removeprefix("label_"): text
            for name, text in data.items()
            if name.startswith("label_") and text.strip()
        }
        values["shown_if"] = _document(data["shown_if"])
        if self.field is None:
            values |= {
                "key": data["key"] or slugify(data["label"]).replace("-", "_")[:40].strip("_"),
                "kind": data["kind"],
            }
        if "options" in data:
            values["options"] = data["options"]
        return values


def _document(condition: Condition) -> Any:
    return None if condition == ALWAYS else condition_dump(condition)


def field_initial(field: CustomField) -> dict[str, Any]:
    """A stored field as its form shows it."""
    try:
        condition = condition_parse(field.shown_if) if field.shown_if else ALWAYS
    except DefinitionInvalid:
        condition = ALWAYS
    return {
        "label": field.label,
        "options": options_of(field),
        "group": field.group,
        "help_text": field.help_text,
        "required": field.required,
        "categories": list(field.categories.values_list("slug", flat=True)),
        "shown_if": condition,
        **{f"label_{language}": text for language, text in (field.labels or {}).items()},
    }


class CategoryForm(forms.Form):
    """A category. Its slug is made from its name, once."""

    name = forms.CharField(label=_("Name"), max_length=80)
    parent = forms.ModelChoiceField(
        label=_("Part of"),
        queryset=Category.objects.filter(active=True),
        to_field_name="slug",
        required=False,
        empty_label=_("Nothing: it stands at the top"),
    )
    position = forms.IntegerField(
        label=_("Place among its neighbours"), min_value=0, max_value=9_999, required=False, initial=0
    )
    active = forms.BooleanField(
        label=_("In use"), required=False, initial=True, help_text=_("Others stay on old incidents only.")
    )

    def clean_position(self) -> int:
        return self.cleaned_data["position"] or 0


class StageNameForm(forms.Form):
    """A stage that an administrator adds or renames."""

    name = forms.CharField(label=_("Name of the stage"), max_length=60)


def workflow_sent(data: Mapping[str, Any]) -> Workflow:
    """The ways and guards that the page's boxes and choices say; what makes no sense is left to the service."""
    stages = list(Stage.objects.values_list("key", flat=True))
    ways = frozenset(
        (before, after)
        for before in stages
        for after in stages
        if before != after and not {before, after} & set(ENDS) and f"way-{before}-{after}" in data
    )
    guards = frozenset(
        Guard(stage, kind, int(chosen))
        for stage in stages
        for kind in StageGuard.Kind.values
        if (chosen := str(data.get(f"guard-{stage}-{kind}", ""))) in {str(value) for value in Severity.values}
    )
    return Workflow(ways, guards)

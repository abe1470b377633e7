"""Moving an incident to another stage, and closing it: what the dialogs ask for."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from escalation_site.kernel.errors import DomainError
from incidents.forms import ActionForm, SeenForm
from incidents.models import Stage, StageGuard
from incidents.services.guards import guards_missing
from incidents.services.stages import stage_clash, stages_ahead
from incidents.stages import CLOSED

_WHY = _("Managers and administrators may pass over what is missing. Everybody on the incident reads the reason.")


class StageForm(SeenForm):
    """The stages that a way leads to. ``override`` is asked for once something was missing."""

    about = "stage"
    stage = forms.ModelChoiceField(
        label=_("Stage"), queryset=Stage.objects.none(), empty_label=None, to_field_name="key"
    )
    override = forms.CharField(
        label=_("Move it all the same, because"),
        max_length=1_000,
        required=False,
        help_text=_WHY,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        ahead = [stage.pk for stage in stages_ahead(self.incident)]
        field = self.fields["stage"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101  tells the type checker what was declared above
        field.queryset = Stage.objects.filter(pk__in=ahead)
        if not StageGuard.objects.filter(stage__in=ahead, severity__gte=self.incident.severity).exists():
            del self.fields["override"]

    def standing(self) -> str:
        return self.incident.stage.key

    def clash(self, seen: str) -> DomainError | None:
        return stage_clash(self.incident, seen)


class CloseForm(ActionForm):
    """Asks for nothing, unless something is missing that must be there."""

    override = forms.CharField(
        label=_("Close it all the same, because"),
        max_length=1_000,
        required=False,
        help_text=_WHY,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        closed = Stage.objects.filter(key=CLOSED).first()
        self.missing = guards_missing(self.incident, closed) if closed is not None else []
        if not self.missing:
            del self.fields["override"]

    @property
    def wants_review(self) -> bool:
        return any(guard.kind == StageGuard.Kind.REVIEW for guard in self.missing)

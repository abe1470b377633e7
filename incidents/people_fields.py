"""Choices of people: what each of them carries already, and who would see a restricted incident only by being chosen."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from incidents.models import Incident
from incidents.selectors.insiders import insiders
from incidents.selectors.load import Load, load_words, loads_of
from oncall.models import User


class PersonField(forms.ModelChoiceField[User]):
    """People who could have a part in an incident. Give ``of`` before it is drawn: those who do not see it yet are marked."""

    insiders: Collection[int] | None = None

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(User.objects.none(), *args, **options)

    def of(self, incident: Incident, found: Any) -> None:
        self.queryset = found
        self.insiders = insiders(incident) if incident.restricted else None

    def is_outside(self, user: User) -> bool:
        """Whether choosing ``user`` shows them what they do not see yet."""
        return self.insiders is not None and user.pk not in self.insiders

    def label_from_instance(self, user: User) -> str:
        return self._marked(user, user.name)

    def _marked(self, user: User, words: str) -> str:
        return _("%(person)s · does not see it yet") % {"person": words} if self.is_outside(user) else words


class CarryingField(PersonField):
    """People with what they carry beside their names. Give ``people`` before it is drawn."""

    loads: Mapping[int, Load] = {}

    def people(self, found: Any, *, at: datetime) -> None:
        """Offer ``found``. Restricted incidents are left out of the figures: not everybody who chooses may know of them."""
        self.queryset = found
        people: Iterable[User] = found
        self.loads = loads_of(people, visible=Incident.objects.filter(restricted=False), at=at)

    def label_from_instance(self, user: User) -> str:
        load = self.loads.get(user.pk)
        return self._marked(user, f"{user.name} · {load_words(load)}" if load else user.name)


class AdmitField(forms.BooleanField):
    """That whoever is chosen is to see a restricted incident from now on."""

    def __init__(self) -> None:
        super().__init__(
            label=gettext_lazy("Show it to them"),
            required=False,
            help_text=gettext_lazy(
                "It is restricted. Whoever does not see it yet does once they have a part in it; the timeline says so."
            ),
        )


def admit_asked(form: forms.Form, name: str) -> None:
    """Ask in ``form`` whether whoever is chosen in its field ``name`` may see the incident, where it is restricted."""
    field = form.fields[name]
    if isinstance(field, PersonField) and field.insiders is not None:
        form.fields["admit"] = AdmitField()


def admit_checked(form: forms.Form, name: str) -> None:
    """Refuse, at the field that asks, a person who would see it only by being chosen and whom nobody meant to show it to."""
    field, person = form.fields[name], form.cleaned_data.get(name)
    if person is None or form.cleaned_data.get("admit"):
        return
    if isinstance(field, PersonField) and field.is_outside(person):
        form.add_error(
            "admit", _("%(name)s does not see it yet. Tick this to show it to them.") % {"name": person.name}
        )

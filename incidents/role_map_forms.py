"""The form of a role map: one choice for each role."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from incidents.models import ResponseRole
from incidents.roles import role_label
from incidents.services.role_map_edit import Takes, map_mark, map_of
from oncall.models import Schedule
from oncall.permissions import responders
from oncall.selectors import schedules_load
from oncall.taking import roles_of
from oncall.wording import role_words
from policies.models import EscalationPolicy

PREFIX = "role_"


class RoleMapForm(forms.Form):
    """Nobody by itself, a person, or whoever is on call in a schedule, for every role in use. ``seen`` marks what stood there."""

    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, policy: EscalationPolicy | None, at: datetime, **options: Any) -> None:
        super().__init__(*args, **options)
        self._takes: dict[str, Takes] = {"": Takes()}
        stands, otherwise = map_of(policy), map_of(None) if policy is not None else {}
        offered = self._offered(at)
        self.initial.setdefault("seen", map_mark(policy))
        for role in ResponseRole.objects.filter(active=True):
            had = stands.get(role.key, Takes())
            choices = [("", _nobody(otherwise.get(role.key), policy)), *offered]
            if had.key not in self._takes:
                # Somebody who left, or a role the schedule has no more: it stands there until it is changed.
                self._takes[had.key] = had
                choices.append((had.key, str(had.user or had.schedule)))
            self.initial.setdefault(PREFIX + role.key, had.key)
            self.fields[PREFIX + role.key] = forms.ChoiceField(
                label=role.label, help_text=role_label(role.duty), choices=choices, required=False
            )

    def _offered(self, at: datetime) -> list[Any]:
        """Schedules with their roles, then people, each under a heading."""
        schedules = list(Schedule.objects.order_by("name"))
        loaded = schedules_load(schedules, since=at)
        duty = []
        for schedule in schedules:
            roles = roles_of(loaded[schedule.pk], at) if schedule.pk in loaded else ()
            for role in ("", *(roles if len(roles) > 1 else ())):
                name = f"{schedule.name} · {role_words(role)}" if role else schedule.name
                duty.append(self._choice(Takes(schedule=schedule, schedule_role=role), name))
        people = [self._choice(Takes(user=user), user.name) for user in responders()]
        return [(_("Whoever is on call in"), duty), (_("A person"), people)]

    def _choice(self, takes: Takes, name: str) -> tuple[str, str]:
        self._takes[takes.key] = takes
        return takes.key, name

    @property
    def wanted(self) -> dict[str, Takes]:
        """What was chosen, by the key of the role."""
        return {
            name.removeprefix(PREFIX): self._takes[value]
            for name, value in self.cleaned_data.items()
            if name.startswith(PREFIX)
        }


def takes_words(takes: Takes) -> str:
    """Who takes it, in words."""
    if takes.user is not None:
        return takes.user.name
    if takes.schedule is None:
        return _("Nobody by itself")
    if takes.schedule_role:
        places = {"schedule": takes.schedule.name, "role": role_words(takes.schedule_role)}
        return _("Whoever is on call in %(schedule)s, %(role)s") % places
    return _("Whoever is on call in %(schedule)s") % {"schedule": takes.schedule.name}


def _nobody(house: Takes | None, policy: EscalationPolicy | None) -> str:
    if policy is None:
        return _("Nobody by itself")
    return _("As in the whole house: %(who)s") % {"who": takes_words(house or Takes())}

"""What the dimensions of the figures are called: teams, services and the rest, all with one query."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import CharField, F, Value
from django.db.models.functions import Concat, Trim
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from incidents.custom_filters import UNKNOWN
from incidents.models import Category, Customer, Incident, Integration, Service
from oncall.models import Team, User
from policies.models import EscalationPolicy
from policies.severity import Severity
from reports.figures.definitions import BUSINESS, NO, OFF, OPEN, SLEEP, YES
from reports.figures.gathering import DETECTIONS, SOURCES

TITLES: dict[str, str | Promise] = {
    "team": gettext_lazy("Team"),
    "service": gettext_lazy("Service"),
    "policy": gettext_lazy("Policy"),
    "severity": gettext_lazy("Severity"),
    "priority": gettext_lazy("Priority"),
    "category": gettext_lazy("Category"),
    "customer": gettext_lazy("Customer"),
    "integration": gettext_lazy("Integration"),
    "source": gettext_lazy("Source"),
    "detection": gettext_lazy("How it was noticed"),
}
"""The dimensions people filter and group by, in the order of the menus."""
PERSON = "person"
"""Whoever is paged: named, and no dimension of incidents."""
STATE = "state"
"""Where an incident stands: named, and not stored with its figures."""
STATES = tuple(Incident.State.values)
ESCALATED = "escalated"
"""Whether an incident went past level 1: a share, by whose answer the others may be told apart."""
HOURS = "hours"
"""When a page came, on the clock of whoever it was for."""
NOBODY = 0
"""The number of "none" in every dimension."""
OPTIONAL = ("policy", "priority", "category", "customer", "integration")
"""What an incident may have none of: nought among the figures, ``UNKNOWN`` in an address, as in the incident list."""
_STORED = {
    "team": Team,
    "service": Service,
    "policy": EscalationPolicy,
    "category": Category,
    "customer": Customer,
    "integration": Integration,
}


@dataclass(frozen=True, slots=True)
class Name:
    """One value of a dimension: its number in the figures, how an address calls it, what people call it."""

    number: int
    slug: str
    label: str


class Names:
    """Every value of every dimension. One query."""

    def __init__(self) -> None:
        self._all: dict[str, list[Name]] = {dimension: [] for dimension in TITLES}
        parts = [
            model._default_manager.order_by().values_list(
                Value(dimension, output_field=CharField()), F("pk"), F("slug"), F("name")
            )
            for dimension, model in _STORED.items()
        ]
        full = Trim(Concat("first_name", Value(" "), "last_name"))
        parts.append(
            User.objects.order_by().values_list(Value(PERSON, output_field=CharField()), F("pk"), F("username"), full)
        )
        self._all[PERSON] = []
        for dimension, pk, slug, name in parts[0].union(*parts[1:], all=True):
            self._all[dimension].append(Name(pk, slug, name or slug))
        for values in self._all.values():
            values.sort(key=lambda one: (one.label.casefold(), one.number))
        self._all["severity"] = [Name(rank, str(rank), str(label)) for rank, label in Severity.choices]
        self._all["priority"] = [Name(rank, str(rank), f"P{rank}") for rank in range(1, 6)]
        for dimension, words, labels in (
            ("source", SOURCES, Incident.Source),
            ("detection", DETECTIONS, Incident.Detection),
        ):
            self._all[dimension] = [
                Name(number, word, str(labels(word).label)) for number, word in enumerate(words, start=1)
            ]
        self._all[STATE] = [
            Name(number, word, str(Incident.State(word).label)) for number, word in enumerate(STATES, start=1)
        ]
        self._all[ESCALATED] = [
            Name(YES, "yes", _("yes")),
            Name(NO, "no", _("no")),
            Name(OPEN, "open", _("not known yet")),
        ]
        self._all[HOURS] = [
            Name(BUSINESS, "business", _("working hours")),
            Name(OFF, "off", _("outside working hours")),
            Name(SLEEP, "sleep", _("sleeping hours")),
        ]
        self._known = {dimension: {name.number: name for name in values} for dimension, values in self._all.items()}

    def of(self, dimension: str) -> Sequence[Name]:
        """In the order of a menu."""
        return self._all[dimension]

    def choices(self, dimension: str) -> list[tuple[str, str]]:
        """For a form, by how the address calls them; what there may be none of ends with that."""
        found = [(name.slug, name.label) for name in self._all[dimension]]
        return [*found, (UNKNOWN, _("none"))] if dimension in OPTIONAL and found else found

    def numbers(self, dimension: str, slugs: Sequence[str]) -> list[int]:
        wanted = set(slugs)
        found = [name.number for name in self._all[dimension] if name.slug in wanted]
        return [*found, NOBODY] if UNKNOWN in wanted and dimension in OPTIONAL else found

    def name(self, dimension: str, number: int) -> Name:
        """Nought is "none"; what is gone since has its number for a name, and no address."""
        found = self._known[dimension].get(number)
        if found is not None:
            return found
        if number == NOBODY:
            return Name(number, UNKNOWN if dimension in OPTIONAL else "", _("none"))
        return Name(number, "", _("no longer there (%(number)d)") % {"number": number})

    def learn(self, dimension: str, values: Sequence[Name]) -> None:
        """The values of a dimension of the house's own (a custom field)."""
        self._all[dimension] = list(values)
        self._known[dimension] = {name.number: name for name in values}

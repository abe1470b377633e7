"""The simulator's page: what was asked, and what would happen."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from oncall.models import User
from policies.definition import PolicyDef
from policies.escalation import WHOLE
from policies.models import EscalationPolicy, PolicyVersion
from policies.services import version_definition
from policies.simulation.comparing import compared
from policies.simulation.forms import ROWS, ActForm, SimulationForm
from policies.simulation.gathering import Question, simulate
from policies.simulation.presets import Preset, presets_of
from policies.simulation.serving import Promise, Served, promise_of, served_by
from policies.simulation.walk import Simulation
from policies.simulation.words import PairText, StepText, end_text, pairs_text, steps_text

DRAFT = "draft"


@dataclass(frozen=True, slots=True)
class Shown:
    """A simulation in words."""

    label: str
    simulation: Simulation
    steps: tuple[StepText, ...]
    end: str


@dataclass(frozen=True, slots=True)
class SimulatorPage:
    form: SimulationForm
    acts: tuple[ActForm, ...]
    presets: tuple[Preset, ...]
    shown: Shown | None = None
    against: Shown | None = None
    pairs: tuple[PairText, ...] = ()
    valid: bool = True
    promise: Promise | None = None

    @property
    def more_is_open(self) -> bool:
        """Whether something was said in the part that is folded at first."""
        names = ("start_level", "timers_percent", "sla")
        return any(self.form.data.get(name) or self.form.errors.get(name) for name in names)

    @property
    def differences(self) -> int:
        return sum(not pair.same for pair in self.pairs)


def simulator_page(
    policy: EscalationPolicy, data: QueryDict, *, at: datetime, draft: PolicyDef | None = None
) -> SimulatorPage | None:
    """What the page shows for what was sent (nothing at first: the policy in force, now, nobody answers). A ``draft``
    stands beside the versions. None where the policy says nothing yet."""
    versions = {str(one.number): one for one in policy.versions.order_by("-number")}
    definitions = {number: version_definition(one) for number, one in versions.items()}
    labels = [(number, _("Version %(number)d") % {"number": one.number}) for number, one in versions.items()]
    if draft is not None:
        definitions[DRAFT] = draft
        labels.insert(0, (DRAFT, _("The draft")))
    if not labels:
        return None
    current = _current(policy, versions, draft)
    services = [(one.slug, one.name) for one in policy.services.order_by("name")]
    people = people_acting()
    sent = _filled(data, at=at, version=current, services=services)
    tried = definitions.get(sent.get("version") or "", definitions[current])
    form = SimulationForm(sent, versions=labels, services=services, levels=_levels(tried))
    acts = tuple(ActForm(sent, people=people, prefix=f"act{row}") for row in range(ROWS))
    presets = tuple(presets_of(definitions[current], at=at, zone=timezone.get_current_timezone_name()))
    page = SimulatorPage(form, acts, presets)
    if not all([form.is_valid(), *(one.is_valid() for one in acts)]):
        return replace(page, valid=False)
    return _answered(page, policy, definitions, dict(labels), {pk: user.name for pk, user in people.items()})


def _answered(
    page: SimulatorPage,
    policy: EscalationPolicy,
    definitions: Mapping[str, PolicyDef],
    labels: Mapping[str, str],
    names: Mapping[int, str],
) -> SimulatorPage:
    """The page with what follows from its forms, which are valid."""
    values = page.form.cleaned_data
    service = served_by(policy, values.get("service") or "")
    promise = promise_of(service, severity=values["severity"], at=values["at"], lasts=values["sla"])
    question = Question(
        at=values["at"],
        severity=values["severity"],
        team=service.team,
        skills=service.skills,
        acts=tuple(act for one in page.acts if (act := one.act) is not None),
        unreachable=frozenset(pk for one in page.acts if (pk := one.unreachable) is not None),
        sla_due_at=promise.due_at if promise else None,
        first_level=values["start_level"] - 1 if values["start_level"] else None,
        timers_percent=values["timers_percent"] or WHOLE,
        facts=service.facts,
    )

    def shown_as(number: str) -> Shown:
        return _shown(labels[number], definitions[number], question, service, names)

    shown = shown_as(values["version"])
    page = replace(page, shown=shown, promise=promise)
    if not values["against"]:
        return page
    against = shown_as(values["against"])
    pairs = compared(shown.simulation, against.simulation)
    return replace(page, against=against, pairs=pairs_text(pairs, shown.simulation, against.simulation, names))


def _levels(definition: PolicyDef) -> list[tuple[str, str]]:
    return [
        (str(number), _("%(number)d. %(name)s") % {"number": number, "name": level.name})
        for number, level in enumerate(definition.levels, 1)
    ]


def people_acting() -> dict[int, User]:
    """Whoever may answer an incident, by name."""
    active = User.objects.filter(is_active=True).exclude(role__in=(User.Role.REPORTER, User.Role.AUDITOR))
    return {user.pk: user for user in active.order_by("first_name", "last_name", "username")}


def _current(policy: EscalationPolicy, versions: Mapping[str, PolicyVersion], draft: PolicyDef | None) -> str:
    if draft is not None:
        return DRAFT
    current = policy.current_version
    return str(current.number) if current is not None else next(iter(versions))


def _shown(label: str, definition: PolicyDef, question: Question, service: Served, names: Mapping[int, str]) -> Shown:
    simulation = simulate(definition, question.on(service.calendar_for(definition)))
    return Shown(label, simulation, steps_text(simulation, names), end_text(simulation))


def _filled(data: QueryDict, *, at: datetime, version: str, services: list[tuple[str, str]]) -> QueryDict:
    """What was sent, with what a first look takes for what was not."""
    sent = data.copy()
    first: dict[str, Any] = {
        "at": timezone.localtime(at).strftime("%Y-%m-%dT%H:%M"),
        "severity": "1",
        "version": version,
        "service": services[0][0] if services else "",
    }
    for name, value in first.items():
        if name not in sent:
            sent[name] = value
    return sent

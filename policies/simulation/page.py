"""The simulator's page: what was asked, and what would happen."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from oncall.models import Team, User
from policies.definition import PolicyDef
from policies.models import EscalationPolicy, PolicyVersion
from policies.services import version_definition
from policies.simulation.comparing import compared
from policies.simulation.forms import ROWS, ActForm, SimulationForm
from policies.simulation.gathering import Question, simulate
from policies.simulation.presets import Preset, presets_of
from policies.simulation.walk import Simulation
from policies.simulation.words import PairText, StepText, end_text, pairs_text, steps_text
from policies.targets import NO_SKILLS, Skills

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
    form = SimulationForm(sent, versions=labels, services=services)
    acts = tuple(ActForm(sent, people=people, prefix=f"act{row}") for row in range(ROWS))
    presets = tuple(presets_of(definitions[current], at=at, zone=timezone.get_current_timezone_name()))
    if not all([form.is_valid(), *(one.is_valid() for one in acts)]):
        return SimulatorPage(form, acts, presets, valid=False)
    values = form.cleaned_data
    team, skills = service_facts(policy, values.get("service") or "")
    question = Question(
        at=values["at"],
        severity=values["severity"],
        team=team,
        skills=skills,
        acts=tuple(act for one in acts if (act := one.act) is not None),
        unreachable=frozenset(pk for one in acts if (pk := one.unreachable) is not None),
    )
    names = {pk: user.name for pk, user in people.items()}
    words = dict(labels)
    shown = _shown(words[values["version"]], definitions[values["version"]], question, names)
    if not values["against"]:
        return SimulatorPage(form, acts, presets, shown)
    against = _shown(words[values["against"]], definitions[values["against"]], question, names)
    pairs = compared(shown.simulation, against.simulation)
    texts = pairs_text(pairs, shown.simulation, against.simulation, names)
    return SimulatorPage(form, acts, presets, shown, against, texts)


def people_acting() -> dict[int, User]:
    """Whoever may answer an incident, by name."""
    active = User.objects.filter(is_active=True).exclude(role__in=(User.Role.REPORTER, User.Role.AUDITOR))
    return {user.pk: user for user in active.order_by("first_name", "last_name", "username")}


def service_facts(policy: EscalationPolicy, slug: str) -> tuple[Team, Skills]:
    """The team that owns the service and the skills it asks for; of no service, the policy's own team and none."""
    services = policy.services.select_related("team").order_by("name")
    service = services.filter(slug=slug).first() if slug else services.first()
    if service is None:
        return policy.team or Team(), NO_SKILLS
    return service.team, frozenset(service.required_skills.values_list("slug", flat=True))


def _current(policy: EscalationPolicy, versions: Mapping[str, PolicyVersion], draft: PolicyDef | None) -> str:
    if draft is not None:
        return DRAFT
    current = policy.current_version
    return str(current.number) if current is not None else next(iter(versions))


def _shown(label: str, definition: PolicyDef, question: Question, names: Mapping[int, str]) -> Shown:
    simulation = simulate(definition, question)
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

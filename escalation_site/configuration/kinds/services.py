"""Services: what can break, whose it is, and which policy it follows."""

from collections.abc import Mapping
from typing import Any

from escalation_site.configuration.fields import Flag, Reference, References, SeverityField, Text, Whole
from escalation_site.configuration.kind import Fields, Kind, Writing
from escalation_site.configuration.kinds.calendars import KIND as CALENDARS
from escalation_site.configuration.kinds.policies import KIND as POLICIES
from escalation_site.configuration.kinds.skills import KIND as SKILLS
from escalation_site.configuration.kinds.teams import KIND as TEAMS
from incidents.models import Service
from incidents.services.catalogue import service_set
from oncall.skills import skills_set
from policies.severity import Severity

_PLAIN = (
    "name",
    "description",
    "tier",
    "region",
    "environment",
    "revenue_flow",
    "high_risk",
    "regulated",
    "default_severity",
    "runbook_url",
)


class Services(Kind):
    section = "services"
    help = "Services, by slug."
    model = Service
    name_length = 80
    after = ("teams", "policies", "skills", "calendars")
    fields = (
        Text("name", "Name, unique among services.", required=True, most=120),
        Text("description", "What it does, for somebody who never heard of it.", most=5000),
        Reference("team", "The team that answers for it.", required=True, section="teams"),
        Reference("policy", "The escalation policy of its incidents; without one nobody is paged.", section="policies"),
        Reference(
            "calendar",
            "The business calendar by which its times are counted; the default one unless said.",
            section="calendars",
        ),
        Whole("tier", "1 critical, 2 important, 3 normal.", empty=3, least=1, most=3),
        Text("region", "Where it runs.", most=60),
        Text("environment", "production, staging …; production unless said.", empty="production", most=40),
        Flag("revenue_flow", "Money flows through it."),
        Flag("high_risk", "A mistake here does great harm."),
        Flag("regulated", "Rules from outside apply to it."),
        SeverityField(
            "default_severity",
            "The severity of a signal that names none; SEV-3 unless said.",
            empty=Severity.SEV3.value,
        ),
        References(
            "required_skills",
            "Skills that whoever is paged beyond the first level must have; replaces what was there.",
            section="skills",
        ),
        Text("runbook_url", "Address of its runbook.", most=200, pattern=r"https?://\S+"),
    )

    def current(self) -> dict[str, Fields]:
        return {
            service.slug: {
                **{name: getattr(service, name) for name in _PLAIN},
                "team": service.team.slug,
                "policy": service.policy.slug if service.policy else None,
                "calendar": service.calendar.slug if service.calendar else None,
                "required_skills": sorted(skill.slug for skill in service.required_skills.all()),
            }
            for service in Service.objects.select_related("team", "policy", "calendar").prefetch_related(
                "required_skills"
            )
        }

    def write(self, writing: Writing, name: str, wanted: Fields, changed: Mapping[str, Any]) -> Service:
        service = Service.objects.filter(slug=name).first() or Service(slug=name)
        values = {field: changed[field] for field in _PLAIN if field in changed}
        if "team" in changed:
            values["team"] = writing.row(TEAMS, changed["team"])
        if "policy" in changed:
            values["policy"] = writing.row(POLICIES, changed["policy"])
        if "calendar" in changed:
            values["calendar"] = writing.row(CALENDARS, changed["calendar"])
        service_set(service=service, values=values, actor=writing.user, at=writing.at)
        if "required_skills" in changed:
            skills_set(
                row=service,
                manager=service.required_skills,
                skills=[writing.row(SKILLS, slug) for slug in changed["required_skills"]],
                noun="service",
                at=writing.at,
                actor=writing.actor,
            )
        return service


KIND = Services()

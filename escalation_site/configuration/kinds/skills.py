"""Skills: what people know that a service may ask for."""

from collections.abc import Mapping
from typing import Any

from audit.rows import row_set
from escalation_site.configuration.fields import Text
from escalation_site.configuration.kind import Fields, Kind, Writing
from oncall.models import Skill


class Skills(Kind):
    section = "skills"
    help = "What people know that a service may ask for, by slug."
    model = Skill
    fields = (Text("name", "Name, unique among skills.", required=True, most=80),)

    def current(self) -> dict[str, Fields]:
        return {skill.slug: {"name": skill.name} for skill in Skill.objects.all()}

    def write(self, writing: Writing, name: str, wanted: Fields, changed: Mapping[str, Any]) -> Skill:
        skill = Skill.objects.filter(slug=name).first() or Skill(slug=name)
        row_set(skill, dict(changed), noun="skill", at=writing.at, actor=writing.actor, user=writing.user)
        return skill


KIND = Skills()

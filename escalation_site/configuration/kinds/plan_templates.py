"""Plan templates: what an action plan begins with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from escalation_site.configuration.document import Item
from escalation_site.configuration.fields import UNUSABLE, Field, Flag, Scope, Text
from escalation_site.configuration.kind import Fields, Kind, Writing
from escalation_site.kernel.errors import DomainError
from incidents.models import PlanTemplate
from incidents.plan_body import SCHEMA, plan_parse
from incidents.services.plans import template_set

_PLAIN = ("name", "description", "body", "active")


@dataclass(frozen=True, slots=True)
class Body(Field):
    """Objectives, sections, roles and tasks, read by the plan's own reader."""

    empty: Any = field(default_factory=dict)

    def schema(self) -> dict[str, Any]:
        return {name: part for name, part in SCHEMA.items() if name not in ("$schema", "title")}

    def value(self, item: Item, scope: Scope) -> Any:
        try:
            plan = plan_parse(item.data)
        except DomainError as error:
            item.wrong(str(error))
            return UNUSABLE
        unknown = sorted(key for key in plan.all_roles if not scope.knows("response_roles", key))
        if unknown:
            item.wrong(
                _("“%(name)s” is not among the %(section)s.") % {"name": unknown[0], "section": "response_roles"}
            )
            return UNUSABLE
        return item.data


class PlanTemplates(Kind):
    section = "plan_templates"
    help = "What an action plan begins with, by slug."
    model = PlanTemplate
    name_length = 80
    after = ("response_roles",)
    fields = (
        Text("name", "Name, unique among templates.", required=True, most=120),
        Text("description", "When to use it.", most=5000),
        Body("body", "Objectives, sections, roles and tasks.", required=True),
        Flag("active", "Whether it is still offered.", empty=True),
    )

    def current(self) -> dict[str, Fields]:
        return {
            template.slug: {name: getattr(template, name) for name in _PLAIN} for template in PlanTemplate.objects.all()
        }

    def write(self, writing: Writing, name: str, wanted: Fields, changed: Mapping[str, Any]) -> PlanTemplate:
        template = PlanTemplate.objects.filter(slug=name).first() or PlanTemplate(slug=name)
        return template_set(template=template, values=dict(changed), actor=writing.user, at=writing.at)


KIND = PlanTemplates()

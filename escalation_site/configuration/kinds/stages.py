"""Stages of the life cycle: what there is besides the first ones, and what they are called."""

from collections.abc import Mapping
from typing import Any

from escalation_site.configuration.fields import Text
from escalation_site.configuration.kind import Fields, Kind, Writing
from incidents.models import Stage
from incidents.services.workflow import stage_set


class Stages(Kind):
    section = "stages"
    help = "Stages of an incident, by key. A new one comes before “resolved”; their order is in “workflow”."
    model = Stage
    name_field = "key"
    name_length = 30
    fields = (Text("name", "What it is called.", required=True, most=60),)

    def current(self) -> dict[str, Fields]:
        return {stage.key: {"name": stage.name} for stage in Stage.objects.all()}

    def write(self, writing: Writing, name: str, wanted: Fields, changed: Mapping[str, Any]) -> Stage:
        stage = Stage.objects.filter(key=name).first()
        values = {"name": changed["name"]} if stage else {"key": name, "name": changed["name"]}
        return stage_set(stage=stage or Stage(), values=values, actor=writing.user, at=writing.at)


KIND = Stages()

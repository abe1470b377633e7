"""Response roles: the parts people play on an incident."""

from collections.abc import Mapping
from typing import Any

from audit.rows import row_set
from escalation_site.configuration.fields import Flag, SeverityField, Text, Whole
from escalation_site.configuration.kind import Fields, Kind, Writing
from incidents.models import ResponseRole

_PLAIN = ("name", "duty", "needed_from", "position", "active")


class ResponseRoles(Kind):
    section = "response_roles"
    help = "The parts people play on an incident, by key: commander, communications …"
    model = ResponseRole
    name_field = "key"
    name_length = 30
    fields = (
        Text("name", "Name.", required=True, most=60),
        Text("duty", "What whoever has it does.", most=240),
        SeverityField(
            "needed_from", "It shows as vacant from this severity on; empty: on major incidents only.", empty=None
        ),
        Whole("position", "Its place in the list.", empty=0, least=0, most=1000),
        Flag("active", "Whether it is still used.", empty=True),
    )

    def current(self) -> dict[str, Fields]:
        return {role.key: {name: getattr(role, name) for name in _PLAIN} for role in ResponseRole.objects.all()}

    def write(self, writing: Writing, name: str, wanted: Fields, changed: Mapping[str, Any]) -> ResponseRole:
        role = ResponseRole.objects.filter(key=name).first() or ResponseRole(key=name)
        row_set(role, dict(changed), noun="response_role", at=writing.at, actor=writing.actor, user=writing.user)
        return role


KIND = ResponseRoles()

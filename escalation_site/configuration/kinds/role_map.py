"""The role map of the house: who takes a role when an incident opens. A policy's own entries are made in the admin."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from audit.rows import row_set
from escalation_site.configuration.document import Item
from escalation_site.configuration.fields import Reference, Scope, Text
from escalation_site.configuration.kind import Fields, Kind, Writing
from escalation_site.configuration.kinds.response_roles import KIND as ROLES
from escalation_site.configuration.kinds.schedules import KIND as SCHEDULES
from escalation_site.configuration.kinds.users import KIND as USERS
from incidents.models import ResponseRole, RoleDuty


class RoleMap(Kind):
    section = "role_map"
    help = "Who takes a role when an incident opens, by the role's key: a person, or whoever is on call in a schedule."
    model = ResponseRole
    name_field = "key"
    name_length = 30
    after = ("response_roles", "users", "schedules")
    fields = (
        Reference("user", "A person. Leave it out where a schedule is named.", section="users"),
        Reference("schedule", "Whoever is on call in this schedule.", section="schedules"),
        Text("schedule_role", "In this role of the schedule; in any, unless said.", most=20),
    )

    def names(self) -> set[str]:
        return set(RoleDuty.objects.filter(policy=None).values_list("role__key", flat=True))

    def read(self, item: Item, scope: Scope, *, exists: bool) -> Fields:
        given = super().read(item, scope, exists=exists)
        name = str(item.keys[-1])
        if not scope.knows("response_roles", name):
            item.wrong(_("“%(name)s” is not among the %(section)s.") % {"name": name, "section": "response_roles"})
        if bool(item.data.get("user")) == bool(item.data.get("schedule")):
            item.wrong(_("name a person or a schedule, one of the two"))
            return given
        # One of the two: what is named takes the place of the other.
        return {"user": None, "schedule": None, "schedule_role": "", **given}

    def current(self) -> dict[str, Fields]:
        rows = RoleDuty.objects.filter(policy=None).select_related("role", "user", "schedule")
        return {
            duty.role.key: {
                "user": duty.user.username if duty.user else None,
                "schedule": duty.schedule.slug if duty.schedule else None,
                "schedule_role": duty.schedule_role,
            }
            for duty in rows
        }

    def write(self, writing: Writing, name: str, wanted: Fields, changed: Mapping[str, Any]) -> RoleDuty:
        role = writing.row(ROLES, name)
        duty = RoleDuty.objects.filter(policy=None, role=role).first() or RoleDuty(role=role)
        values = {
            "user": writing.row(USERS, wanted.get("user")),
            "schedule": writing.row(SCHEDULES, wanted.get("schedule")),
            "schedule_role": wanted.get("schedule_role", ""),
        }
        row_set(duty, values, noun="role_duty", at=writing.at, actor=writing.actor, user=writing.user)
        return duty


KIND = RoleMap()

"""The demo's worst open incident under a plan: roles held and vacant, tasks three deep, time spent, a vendor on its way.

Written through the services at the demo's present; the notices it makes are called off, for nobody of them is there.
"""

from datetime import datetime, timedelta
from typing import Any

from incidents.models import Incident, PlanTemplate, ResponseRole, Task, Vendor
from incidents.services.plans import objective_add, plan_apply
from incidents.services.roles import role_give, role_take
from incidents.services.tasks import task_create, task_state
from incidents.services.time import time_log
from incidents.services.vendors import vendor_answered, vendor_call
from notifications.models import Message
from notifications.services import messages_cancel
from oncall.models import User

__all__ = ["command_write"]

SERVICE = "orders-database"
REASON = "demo"


def command_write(*, until: datetime) -> None:
    """Put the open incident of the orders database under command; does nothing where it is not open."""
    incident = Incident.objects.open().filter(service__slug=SERVICE).order_by("severity", "pk").first()
    if incident is None:
        return
    last = Message.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    _Command(incident, until).write()
    fresh = Message.objects.filter(pk__gt=last, state=Message.State.PENDING).values_list("pk", flat=True)
    messages_cancel(message_ids=list(fresh), reason=REASON, at=until)


class _Command:
    def __init__(self, incident: Incident, at: datetime) -> None:
        self.at = at
        self.asked: dict[str, Any] = {"incident_id": incident.pk, "at": at}
        people = User.objects.in_bulk(["tomas", "owen", "lena", "katrin"], field_name="username")
        self.tomas, self.owen, self.lena, self.katrin = (people[name] for name in ("tomas", "owen", "lena", "katrin"))

    def write(self) -> None:
        roles = {role.key: role for role in ResponseRole.objects.all()}
        role_take(**self.asked, role=roles["commander"], actor=self.katrin)
        role_give(**self.asked, role=roles["mitigation"], user=self.tomas, actor=self.katrin)
        template = PlanTemplate.objects.get(slug="outage")
        plan_apply(**self.asked, template=template, actor=self.katrin)
        objective_add(**self.asked, text="No order is lost or charged twice", actor=self.katrin)
        self._tasks(roles)
        time_log(**self.asked, minutes=95, note="Shards 3 and 7", actor=self.tomas)
        time_log(**self.asked, minutes=40, note="Backups", actor=self.lena)
        halden = Vendor.objects.get(slug="halden-hosting")
        case = vendor_call(**self.asked, vendor=halden, reason="Power of hall B: when is it back?", actor=self.katrin)
        vendor_answered(case_id=case.pk, reference="HH-88213", actor=self.katrin, at=self.at)

    def _tasks(self, roles: dict[str, ResponseRole]) -> None:
        known = {task.title: task for task in Task.objects.filter(incident=self.asked["incident_id"])}
        back = known["Bring the service back"]
        done = known["Say what is hit and how badly"]
        task_state(task_id=done.pk, state="done", actor=self.tomas, at=self.at)
        common: dict[str, Any] = {**self.asked, "actor": self.katrin}
        shards = task_create(
            **common,
            title="Make shards 3 and 7 take writes",
            parent_id=back.pk,
            role=roles["mitigation"],
            priority=Task.Priority.URGENT,
            due_at=self.at + timedelta(minutes=40),
        )
        for title, who in (("Compare the write-ahead logs", self.lena), ("Promote the replica in Zurich", self.owen)):
            part = task_create(**common, title=title, parent_id=shards.pk, assignee=who)
            task_state(task_id=part.pk, state="doing", actor=who, at=self.at)

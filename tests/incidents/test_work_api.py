"""The work on an incident over the API: what a page refuses is refused here, with the same codes."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from incidents.models import Document, Incident, PlanTemplate, Task, Vendor
from incidents.services.plans import plan_apply
from oncall.tokens import token_create
from tests.incidents.asking import filed
from tests.world.harness import World

MOST_QUERIES = {"": 15, "panel": 15, "page": 15}
"""Seven of them are the frame's and the session's; a fragment has two."""


class Caller:
    """Somebody with a token."""

    def __init__(self, world: World, username: str) -> None:
        owner = world.cast.people[username]
        self.plain = token_create(owner=owner, name="script", actor=owner, at=world.now)[1]
        self.client = Client()

    def __call__(self, method: str, path: str, **data: Any) -> Any:
        options: dict[str, Any] = {"headers": {"Authorization": f"Bearer {self.plain}"}}
        if method != "get":
            options |= {"data": data, "content_type": "application/json"}
        return getattr(self.client, method)(f"/api/v1/{path}", **options)


@pytest.fixture
def incident(world: World) -> Incident:
    return filed(world)


def test_tasks_roles_plan_vendors_and_time_are_worked_with_and_refused_as_on_the_pages(
    world: World, incident: Incident
) -> None:
    marta, amara, sofie = Caller(world, "marta"), Caller(world, "amara"), Caller(world, "sofie")
    base = f"incidents/{incident.pk}"
    made = marta("post", f"{base}/tasks/", title="Restart", assignee="jonas", priority=1)
    assert made.status_code == 201, made.content
    task = made.json()
    assert (task["assignee"]["username"], task["priority"], task["seen"] > 0) == ("jonas", 1, True)
    later = marta("post", f"{base}/tasks/", title="Tell").json()
    assert marta("post", f"{base}/tasks/{later['id']}/waits/", waits_on=task["id"]).json()["waits_on"] == [task["id"]]
    blocked = marta("post", f"{base}/tasks/{later['id']}/state/", state="doing")
    assert (blocked.status_code, blocked.json()["error"]["code"]) == (409, "blocked")
    assert marta("patch", f"{base}/tasks/{task['id']}/", title="Restart all", seen=task["seen"]).status_code == 200
    clash = marta("patch", f"{base}/tasks/{task['id']}/", title="Restart none", seen=task["seen"])
    assert clash.status_code == 409
    assert marta("post", f"{base}/tasks/{task['id']}/state/", state="done").json()["state"] == "done"

    roles = marta("post", f"{base}/roles/", role="commander", user="marta").json()
    assert next(one for one in roles if one["role"] == "commander")["holder"]["username"] == "marta"
    plan = marta("post", f"{base}/plan/", template="outage").json()
    assert plan["objectives"][0]["rank"] == 1
    Vendor.objects.create(name="Cardlink", slug="cardlink", contract="CL-2291")
    case = marta("post", f"{base}/vendor-cases/", vendor="cardlink", reason="Down").json()[0]
    assert (case["contract"], case["told_state"]) == ("CL-2291", "by hand")
    answered = marta("patch", f"{base}/vendor-cases/", id=case["id"], do="answered", reference="7").json()[0]
    assert answered["reference"] == "7"
    assert marta("post", f"{base}/time/", minutes=5).json()[0]["minutes"] == 5
    assert marta("post", f"{base}/teams-post/", text="Hold").status_code == 200

    assert amara("get", f"{base}/tasks/").status_code == 200
    assert amara("post", f"{base}/tasks/", title="No").status_code == 403
    assert sofie("get", f"{base}/tasks/").status_code == 403
    assert marta("get", f"{base}/tasks/999999/").status_code == 404
    assert sofie("get", "vendors/").status_code == 403
    Document.objects.create(title="Restart it", slug="restart", text="Off and on.")
    assert [one["slug"] for one in marta("get", "documents/?q=off").json()["results"]] == ["restart"]
    assert sofie("get", "documents/").json()["results"] == []
    world.settle()
    world.notices()


def test_however_long_a_plan_is_its_pages_ask_the_database_as_often(world: World, incident: Incident) -> None:
    template = PlanTemplate.objects.get(slug="data-breach")
    plan_apply(incident_id=incident.pk, template=template, actor=world.cast.marta, at=world.now)
    client = Client()
    client.force_login(world.cast.marta, backend="django.contrib.auth.backends.ModelBackend")
    number = Task.objects.filter(incident=incident).latest("pk").pk
    for path, kind in (
        ("work/", "panel"),
        ("work/", "page"),
        ("plan/", "page"),
        (f"tasks/{number}/", "page"),
        ("", ""),
    ):
        headers = {"HX-Request": "true"} if kind == "panel" else {}
        client.get(f"/incidents/{incident.pk}/{path}", headers=headers)
        with CaptureQueriesContext(connection) as queries:
            client.get(f"/incidents/{incident.pk}/{path}", headers=headers)
        assert len(queries) <= MOST_QUERIES[kind], (path, [query["sql"][:100] for query in queries.captured_queries])
    world.settle()
    world.notices()

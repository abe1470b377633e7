"""Exports, regular exports, digests and dashboards over the API: what the pages do, for the same people."""

import json
from datetime import time
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from audit.models import LedgerEntry
from incidents.models import Incident
from incidents.services.lifecycle import incident_open
from notifications.models import Destination
from reports.boards import dashboard_change, dashboard_create
from reports.cards import FIRST
from reports.digests.services import digest_set
from reports.exports.services import export_make, export_request
from reports.models import Dashboard, Digest, DigestReader, ExportFile, ExportSchedule
from tests.world.harness import World

API = "/api/v1/"
EXPORTS, REGULAR, DIGESTS, BOARDS = (
    f"{API}{name}/" for name in ("exports", "regular-exports", "digests", "dashboards")
)


@pytest.fixture(autouse=True)
def files_of_this_test(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


class Caller:
    """Somebody's program: bodies are JSON."""

    def __init__(self, world: World, username: str) -> None:
        self.client = Client()
        self.client.force_login(world.cast.people[username])

    def get(self, address: str) -> Any:
        return self.client.get(address)

    def send(self, method: str, address: str, **body: Any) -> Any:
        return self.client.generic(method, address, json.dumps(body), content_type="application/json")

    def post(self, address: str, **body: Any) -> Any:
        return self.send("POST", address, **body)

    def patch(self, address: str, **body: Any) -> Any:
        return self.send("PATCH", address, **body)


@pytest.fixture
def elena(world: World) -> Caller:
    return Caller(world, "elena")


def opened(world: World, title: str = "Card payments failing", **more: Any) -> Incident:
    values: dict[str, Any] = {"summary": "", "severity": 2, "service": world.cast.gateway, "reporter": world.cast.sofie}
    return incident_open(title=title, at=world.now, **{**values, **more})


def refused(answer: Any) -> tuple[int, str, str]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["field"]


# --- exports


@pytest.mark.requirement("R252")
def test_when_a_program_takes_a_report_out_then_its_rows_are_streamed_and_it_is_on_record(
    world: World, elena: Caller
) -> None:
    opened(world, severity=1)
    opened(world, "Mild", severity=4)
    answer = elena.post(f"{EXPORTS}take/", source="report", query="?period=28d&severity=1&page=2", format="csv")
    head, *lines = b"".join(answer.streaming_content).decode().splitlines()
    assert head.startswith("reference,title,severity")
    assert [line.split(",")[1] for line in lines] == ["Card payments failing"]
    assert answer["Content-Disposition"].endswith('.csv"')
    entry = LedgerEntry.objects.get(action="data_export.take")
    assert entry.data is not None
    assert (entry.actor_label, entry.data["filters"], entry.data["count"]) == (
        "Elena Conti",
        "period=28d&severity=1",
        1,
    )


def test_when_a_workbook_is_asked_for_then_it_is_made_meanwhile_and_fetched_when_ready(
    world: World, elena: Caller
) -> None:
    opened(world)
    answer = elena.post(EXPORTS, source="report", query="period=28d", format="xlsx")
    made = answer.json()
    assert (answer.status_code, made["state"], made["content"]) == (202, "waiting", None)
    assert refused(elena.get(f"{EXPORTS}{made['id']}/content/")) == (409, "conflict", "")
    export_make(export_id=made["id"], at=world.now)
    ready = elena.get(f"{EXPORTS}{made['id']}/").json()
    assert (ready["state"], ready["rows"]) == ("ready", 1)
    assert b"".join(elena.get(ready["content"]).streaming_content).startswith(b"PK")
    ExportFile.objects.update(state="gone", file="")
    assert elena.get(f"{EXPORTS}{made['id']}/content/").status_code == 404


def test_when_a_file_is_somebody_elses_then_it_is_not_there(world: World, elena: Caller) -> None:
    row = export_request(user=world.cast.hugo, source="report", query="", format="csv", at=world.now)
    export_make(export_id=row.pk, at=world.now)
    assert elena.get(EXPORTS).json()["results"] == []
    assert elena.get(f"{EXPORTS}{row.pk}/").status_code == 404
    assert elena.get(f"{EXPORTS}{row.pk}/content/").status_code == 404


def test_when_a_role_does_not_see_a_report_then_it_is_not_offered_and_refused(world: World, elena: Caller) -> None:
    marta, sofie = Caller(world, "marta"), Caller(world, "sofie")
    assert "report" in [one["key"] for one in elena.get(f"{EXPORTS}sources/").json()]
    assert [one["key"] for one in marta.get(f"{EXPORTS}sources/").json()] == ["incidents", "hours"]
    assert [one["key"] for one in sofie.get(f"{EXPORTS}sources/").json()] == ["incidents"]
    for address in (EXPORTS, f"{EXPORTS}take/"):
        assert refused(marta.post(address, source="report", format="csv")) == (403, "not_allowed", "source")
        assert refused(elena.post(address, source="nonsense", format="csv")) == (400, "refused", "source")
        assert refused(elena.post(address, source="report", format="exe"))[::2] == (400, "format")
    assert not ExportFile.objects.exists()
    assert not LedgerEntry.objects.filter(action="data_export.take").exists()
    assert Client().get(EXPORTS).status_code == 401


@pytest.mark.requirement("R252")
def test_when_a_program_keeps_a_regular_export_then_it_is_changed_by_field_and_ended(
    world: World, elena: Caller
) -> None:
    answer = elena.post(REGULAR, name="Monday", source="report", cadence="weekly", send_at="07:30", query="period=28d")
    assert answer.status_code == 201, answer.json()
    kept = answer.json()
    assert (kept["format"], kept["active"], kept["next_due_at"]) == ("xlsx", True, "2026-11-23T07:30:00+01:00")
    changed = elena.patch(f"{REGULAR}{kept['id']}/", cadence="monthly", day=31).json()
    assert (changed["name"], changed["query"], changed["send_at"]) == ("Monday", "period=28d", "07:30:00")
    assert changed["next_due_at"] == "2026-11-30T07:30:00+01:00"
    assert elena.patch(f"{REGULAR}{kept['id']}/", active=False).json()["next_due_at"] is None
    assert elena.send("DELETE", f"{REGULAR}{kept['id']}/").status_code == 204
    actions = LedgerEntry.objects.filter(object_type="export_schedule").order_by("id").values_list("action", flat=True)
    assert [action.partition(".")[2] for action in actions] == ["create", "change", "change", "delete"]


def test_when_a_regular_export_is_anothers_or_wrong_then_it_is_refused_and_the_field_named(
    world: World, elena: Caller
) -> None:
    given = {"name": "Monday", "source": "report", "cadence": "weekly", "send_at": "07:30"}
    pk = elena.post(REGULAR, **given).json()["id"]
    hugo = Caller(world, "hugo")
    assert hugo.get(REGULAR).json()["results"] == []
    assert hugo.patch(f"{REGULAR}{pk}/", active=False).status_code == 404
    assert hugo.send("DELETE", f"{REGULAR}{pk}/").status_code == 404
    assert refused(elena.post(REGULAR, **given)) == (400, "refused", "name")
    assert refused(elena.patch(f"{REGULAR}{pk}/", day=32))[::2] == (400, "day")
    assert refused(Caller(world, "marta").post(REGULAR, **given)) == (403, "not_allowed", "source")
    assert ExportSchedule.objects.get().active


# --- digests


@pytest.mark.requirement("R162")
def test_when_a_manager_switches_a_digest_on_then_it_is_changed_by_field_and_read_as_the_reader_would_get_it(
    world: World, elena: Caller
) -> None:
    Destination.objects.create(name="Production", slug="production", kind="chat", host="chat.example")
    answer = elena.post(DIGESTS, kind="standup", team="payments", send_at="08:00", destination="production")
    assert answer.status_code == 201, answer.json()
    made = answer.json()
    assert (made["zone"], made["destination"], made["mine"]) == ("Europe/Rome", "production", True)
    assert made["next_due_at"] == "2026-11-22T08:00:00+01:00"
    changed = elena.patch(f"{DIGESTS}{made['id']}/", send_at="09:15").json()
    assert (changed["send_at"], changed["destination"]) == ("09:15:00", "production")
    incident = opened(world, "Payroll leak", restricted=True)
    said = elena.get(f"{DIGESTS}{made['id']}/content/").json()
    assert said["title"] == "Stand-up: Payments"
    assert [line["link"] for line in said["sections"][0]["lines"]] == [f"/incidents/{incident.pk}/"]
    assert "Payroll leak" not in str(Caller(world, "tomas").get(f"{DIGESTS}{made['id']}/content/").json())


def test_when_somebody_does_not_want_it_then_their_word_counts_and_nobody_elses(world: World) -> None:
    digest = digest_set(kind="standup", team=world.cast.payments, send_at=time(8), actor=world.cast.elena, at=world.now)
    marta = Caller(world, "marta")
    assert marta.get(f"{DIGESTS}{digest.pk}/").json()["mine"] is True
    assert marta.post(f"{DIGESTS}{digest.pk}/mine/", wanted=False).json()["mine"] is False
    assert [(one.user, one.wanted) for one in DigestReader.objects.all()] == [(world.cast.marta, False)]


def test_when_a_role_or_a_team_does_not_allow_it_then_no_digest_is_set_or_read(world: World, elena: Caller) -> None:
    month = digest_set(kind="month", team=None, send_at=time(8), actor=world.cast.hugo, at=world.now)
    marta = Caller(world, "marta")
    given = {"kind": "standup", "team": "payments", "send_at": "08:00"}
    assert Caller(world, "sofie").get(DIGESTS).status_code == 403
    assert marta.get(DIGESTS).json()["results"] == []
    assert marta.get(f"{DIGESTS}{month.pk}/content/").status_code == 404
    assert refused(marta.post(DIGESTS, **given)) == (403, "not_allowed", "")
    assert refused(Caller(world, "amara").patch(f"{DIGESTS}{month.pk}/", active=False)) == (403, "not_allowed", "")
    assert refused(elena.post(DIGESTS, **{**given, "team": "platform"})) == (403, "not_allowed", "")
    assert refused(elena.post(DIGESTS, **{**given, "team": "nowhere"}))[::2] == (400, "team")
    assert refused(elena.post(DIGESTS, **given, time_zone="Mars/Olympus"))[::2] == (400, "time_zone")
    assert [one.kind for one in Digest.objects.all()] == ["month"]


# --- dashboards


@pytest.mark.requirement("R263")
def test_when_a_program_keeps_a_dashboard_then_its_cards_are_read_changed_and_shared(
    world: World, elena: Caller
) -> None:
    card = {"kind": "bar", "metric": "acknowledge", "dimension": "service", "wide": True}
    answer = elena.post(BOARDS, name="Nights", query="severity=1&page=3", cards=[card], shared="team", team="payments")
    assert answer.status_code == 201, answer.json()
    board = answer.json()
    assert (board["query"], board["cards"], board["team"]) == ("severity=1", [card], "payments")
    assert len(elena.post(BOARDS, name="Usual").json()["cards"]) == len(FIRST)
    changed = elena.patch(f"{BOARDS}{board['id']}/", cards=[{"kind": "number", "metric": "pages"}], name="Days").json()
    assert (changed["name"], changed["shared"]) == ("Days", "team")
    assert [one["metric"] for one in changed["cards"]] == ["pages"]
    assert elena.send("DELETE", f"{BOARDS}{board['id']}/").status_code == 204
    assert [one["name"] for one in elena.get(BOARDS).json()["results"]] == ["Usual"]


def test_when_a_dashboard_is_shared_then_others_read_it_and_only_whoever_made_it_changes_it(
    world: World, elena: Caller
) -> None:
    board = dashboard_create(owner=world.cast.elena, name="Nights", at=world.now)
    amara = Caller(world, "amara")
    assert amara.get(f"{BOARDS}{board.pk}/").status_code == 404
    dashboard_change(board=board, actor=world.cast.elena, shared="everybody", at=world.now)
    assert amara.get(f"{BOARDS}{board.pk}/").json()["owner"]["username"] == "elena"
    assert refused(amara.patch(f"{BOARDS}{board.pk}/", name="Mine")) == (403, "not_allowed", "")
    assert refused(amara.send("DELETE", f"{BOARDS}{board.pk}/")) == (403, "not_allowed", "")
    assert Caller(world, "marta").get(BOARDS).status_code == 403
    assert Caller(world, "sofie").post(BOARDS, name="Mine").status_code == 403
    assert Dashboard.objects.get().name == "Nights"


def test_when_a_card_cannot_be_drawn_or_a_team_is_anothers_then_nothing_is_kept(world: World, elena: Caller) -> None:
    good, bad = {"kind": "number", "metric": "pages"}, {"kind": "pie", "metric": "resolve", "dimension": "team"}
    assert refused(elena.post(BOARDS, name="A", cards=[good, bad])) == (400, "refused", "cards[1].metric")
    assert refused(elena.post(BOARDS, name="A", shared="team", team="platform")) == (403, "not_allowed", "team")
    assert refused(elena.post(BOARDS, name="A", shared="team")) == (400, "refused", "team")
    assert not Dashboard.objects.exists()

"""The pages of exports: a list with its formats, what is sent regularly, one's own files only."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from audit.models import LedgerEntry
from incidents.models import Incident
from incidents.services.lifecycle import incident_open
from reports.exports import views
from reports.exports.services import export_make, export_request
from reports.models import ExportFile, ExportSchedule
from tests.world.harness import World

PAGE = "/reports/exports/"
TAKE = f"{PAGE}take/?of=report&period=28d"


@pytest.fixture(autouse=True)
def files_of_this_test(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


def at_browser(world: World, username: str) -> Client:
    client = Client()
    client.force_login(world.cast.people[username])
    return client


def shown(response: Any) -> str:
    return str(response.content.decode())


def opened(world: World, title: str = "Card payments failing", **more: Any) -> Incident:
    values: dict[str, Any] = {"summary": "", "severity": 2, "service": world.cast.gateway, "reporter": world.cast.sofie}
    return incident_open(title=title, at=world.now, **{**values, **more})


@pytest.mark.requirement("R252")
@pytest.mark.parametrize(
    ("format", "begins"), [("csv", b"reference,"), ("json", b"[\n{"), ("xlsx", b"PK"), ("pdf", b"%PDF-")]
)
def test_when_a_report_is_taken_out_then_every_format_has_its_rows_and_it_is_on_record(
    world: World, format: str, begins: bytes
) -> None:
    opened(world)
    answer = at_browser(world, "elena").post(TAKE, {"format": format})
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]
    assert body.startswith(begins)
    assert answer["Content-Disposition"].endswith(f'.{format}"')
    entry = LedgerEntry.objects.get(action="data_export.take")
    assert entry.data is not None
    assert (entry.actor_label, entry.data["count"], entry.data["format"]) == ("Elena Conti", 1, format)


def test_when_the_page_is_opened_then_it_says_how_many_rows_by_which_filters_and_takes_nothing_out(
    world: World,
) -> None:
    opened(world)
    opened(world, "Mild", severity=4)
    page = shown(at_browser(world, "elena").get(f"{TAKE}&severity=2"))
    assert "1 row" in page
    assert "severity: 2" in page
    assert not LedgerEntry.objects.filter(action="data_export.take").exists()


def test_when_a_workbook_is_long_then_it_is_made_meanwhile(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "AT_ONCE", 1)
    opened(world)
    opened(world)
    answer = at_browser(world, "elena").post(TAKE, {"format": "xlsx"})
    assert (answer.status_code, answer["Location"]) == (303, PAGE)
    assert ExportFile.objects.get().state == "waiting"


def test_when_a_file_is_somebody_elses_then_nobody_else_gets_it(world: World) -> None:
    asked = export_request(user=world.cast.elena, source="report", query="", format="csv", at=world.now)
    export_make(export_id=asked.pk, at=world.now)
    address = f"{PAGE}files/{asked.pk}/"
    assert b"".join(at_browser(world, "elena").get(address).streaming_content).startswith(b"reference,")  # type: ignore[attr-defined]
    for name in ("hugo", "amara", "marta"):
        assert at_browser(world, name).get(address).status_code == 404


def test_when_a_role_does_not_see_a_report_then_the_page_refuses_it_in_words(world: World) -> None:
    answer = at_browser(world, "marta").get(TAKE)
    assert (answer.status_code, "Your role does not see this report." in shown(answer)) == (403, True)
    assert at_browser(world, "sofie").get(f"{PAGE}take/?of=incidents").status_code == 200
    assert at_browser(world, "elena").post(TAKE, {"format": "exe"}).status_code == 422


def test_when_a_report_is_to_come_regularly_then_it_is_kept_changed_and_ended_on_the_page(world: World) -> None:
    client = at_browser(world, "elena")
    assert 'value="period=28d"' in shown(client.get(f"{PAGE}regular/new/?of=report&period=28d"))
    given = {
        "name": "Monday", "source": "report", "query": "period=28d", "format": "pdf", "cadence": "weekly", "weekday": "0",
        "day": "1", "send_at": "07:30", "active": "on",
    }  # fmt: skip
    assert client.post(f"{PAGE}regular/new/", given)["Location"] == PAGE
    row = ExportSchedule.objects.get()
    assert "Monday" in shown(client.get(PAGE))
    # Half past seven in Rome on the Monday after this Sunday night.
    assert row.next_due_at.isoformat() == "2026-11-23T06:30:00+00:00"
    client.post(f"{PAGE}regular/{row.pk}/", {**given, "cadence": "monthly", "day": "31"})
    row.refresh_from_db()
    assert row.next_due_at.isoformat() == "2026-11-30T06:30:00+00:00"
    assert client.post(f"{PAGE}regular/new/", given).status_code == 422
    assert at_browser(world, "hugo").get(f"{PAGE}regular/{row.pk}/").status_code == 404
    client.post(f"{PAGE}regular/{row.pk}/delete/")
    assert not ExportSchedule.objects.exists()

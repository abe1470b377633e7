"""Exports: the same filters and rights as the page, put on record, made and sent once."""

import csv
from datetime import time, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import LedgerEntry
from escalation_site.kernel.errors import DomainError, NotAllowed
from incidents.models import Incident
from incidents.services.lifecycle import incident_acknowledge, incident_open, incident_resolve
from incidents.services.tasks import task_create
from notifications.channels.base import Outgoing
from notifications.channels.email.build import email_build
from notifications.channels.email.transport import _files
from notifications.models import Message
from oncall.models import User
from reports.exports import services
from reports.exports.services import (
    KEPT,
    export_make,
    export_request,
    export_schedule_delete,
    export_schedule_set,
    exports_check,
)
from reports.exports.sources import table_of
from reports.exports.text import csv_of
from reports.figures.keeping import figures_follow_all
from reports.models import ExportFile, ExportSchedule
from tests.world.harness import World

State = ExportFile.State


@pytest.fixture(autouse=True)
def files_of_this_test(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


def opened(world: World, title: str = "Card payments failing", **more: Any) -> Incident:
    values: dict[str, Any] = {"summary": "", "severity": 2, "service": world.cast.gateway, "reporter": world.cast.sofie}
    return incident_open(title=title, at=world.now, **{**values, **more})


def lines(world: World, user: User, source: str, query: str = "") -> list[dict[str, str]]:
    table = table_of(source, user=user, query=query, at=world.now, words=False)
    return list(csv.DictReader(StringIO("".join(csv_of(table)))))


def weekly(world: World, **more: Any) -> ExportSchedule:
    """Elena's report, every Monday at seven on her clock; it is Sunday night."""
    values: dict[str, Any] = {
        "owner": world.cast.elena, "name": "My week", "source": "report", "query": "period=28d&severity=2", "format": "csv",
        "cadence": "weekly", "send_at": time(7), "weekday": 0, "at": world.now,
    }  # fmt: skip
    return export_schedule_set(**{**values, **more})


def fall_due(world: World, schedule: ExportSchedule) -> ExportFile:
    """Its next due instant is over; the minute's task asks for the file, and the cluster makes it."""
    world.jump_to(schedule.next_due_at + timedelta(seconds=5))
    exports_check(at=world.now)
    export_make(export_id=ExportFile.objects.get(schedule=schedule, due_at=schedule.next_due_at).pk, at=world.now)
    return ExportFile.objects.get(schedule=schedule, due_at=schedule.next_due_at)


def mails(world: World) -> list[Message]:
    """What Elena is told, besides pages."""
    return list(Message.objects.filter(recipient=world.cast.elena, kind="notice").order_by("pk"))


# --- what is in it


@pytest.mark.requirement("R252")
def test_when_a_list_is_taken_out_then_it_holds_what_the_filters_show_and_nothing_else(world: World) -> None:
    opened(world, "Card payments failing", severity=1)
    opened(world, "Mail is slow", severity=3)
    found = lines(world, world.cast.marta, "incidents", "severity=1&source=person")
    assert [(row["title"], row["severity"], row["service"]) for row in found] == [
        ("Card payments failing", "SEV1", "payments-gateway")
    ]
    assert lines(world, world.cast.marta, "incidents", "severity=1&source=monitoring") == []


def test_when_an_incident_is_restricted_to_another_team_then_no_export_of_a_stranger_has_it(world: World) -> None:
    hidden = opened(world, "Payroll leak", restricted=True)
    Incident.objects.filter(pk=hidden.pk).update(team=world.cast.platform)
    for source in ("incidents", "report", "events", "pages"):
        assert "Payroll leak" not in str(lines(world, world.cast.elena, source))
        assert hidden.reference not in str(lines(world, world.cast.elena, source))
    assert [row["title"] for row in lines(world, world.cast.amara, "report")] == ["Payroll leak"]


@pytest.mark.requirement("R267")
def test_when_the_report_of_some_days_is_run_then_each_incident_has_its_full_detail(world: World) -> None:
    world.alert()
    world.advance(minutes=6)
    world.expect_page("marta", level=1)
    world.expect_page("jonas", level=2)
    incident_acknowledge(incident_id=world.incident.pk, actor=world.cast.marta, at=world.now)
    incident_resolve(
        incident_id=world.incident.pk,
        actor=world.cast.marta,
        at=world.now + timedelta(minutes=54),
        resolution="Restarted.",
    )
    # In Rome it was Sunday already, in UTC too; the Saturday before has nothing.
    day = "period=custom&first=2026-11-22&last=2026-11-22"
    (row,) = lines(world, world.cast.elena, "report", day)
    assert (row["seconds_to_acknowledge"], row["seconds_to_resolve"]) == ("360", "3600")
    assert (row["levels_called"], row["pages"], row["people_paged"]) == ("2", "2", "2")
    assert (row["resolution"], row["owner"], row["unanswered_on_every_level"]) == ("Restarted.", "marta", "no")
    assert lines(world, world.cast.elena, "report", day.replace("11-22", "11-21")) == []
    told = [line["what"] for line in lines(world, world.cast.elena, "events", day)]
    assert "Marta Ferri acknowledged" in told
    assert [page["person"] for page in lines(world, world.cast.elena, "pages", day)] == ["marta", "jonas"]


@pytest.mark.requirement("R190")
def test_when_tasks_are_taken_out_then_each_says_who_has_it_and_whether_it_is_overdue(world: World) -> None:
    incident = opened(world)
    given: dict[str, Any] = {"incident_id": incident.pk, "actor": world.cast.elena, "at": world.now}
    due = world.now + timedelta(hours=1)
    task_create(title="Write to the bank", assignee=world.cast.jonas, due_at=due, **given)
    task_create(title="Look again", **given)
    world.jump(hours=2)
    found = lines(world, world.cast.elena, "tasks")
    assert [(row["reference"], row["task"], row["assignee"], row["state"], row["overdue"]) for row in found] == [
        (incident.reference, "Write to the bank", "jonas", "todo", "yes"),
        (incident.reference, "Look again", "", "todo", "no"),
    ]
    Incident.objects.filter(pk=incident.pk).update(team=world.cast.platform, restricted=True)
    assert lines(world, world.cast.elena, "tasks") == []


def test_when_the_day_is_another_one_where_the_reader_lives_then_their_clock_decides(world: World) -> None:
    world.cast.elena.time_zone = "America/New_York"  # where it is still Saturday evening
    opened(world)
    assert lines(world, world.cast.elena, "report", "period=custom&first=2026-11-22&last=2026-11-22") == []
    assert len(lines(world, world.cast.elena, "report", "period=custom&first=2026-11-21&last=2026-11-21")) == 1


def test_when_there_are_three_times_as_many_incidents_then_no_more_queries_are_needed(world: World) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            lines(world, world.cast.elena, "report")
        return len(captured)

    opened(world)
    figures_follow_all(at=world.now)
    before = queries()
    for number in range(3):
        opened(world, f"Trouble {number}")
    figures_follow_all(at=world.now)
    assert queries() == before


def test_when_a_role_does_not_see_a_report_then_it_cannot_be_taken_out(world: World) -> None:
    with pytest.raises(NotAllowed):
        table_of("report", user=world.cast.marta, query="", at=world.now, words=False)
    with pytest.raises(DomainError):
        table_of("nonsense", user=world.cast.elena, query="", at=world.now, words=False)


# --- made meanwhile


def test_when_a_file_is_asked_for_then_it_is_made_once_put_on_record_and_its_owner_told(world: World) -> None:
    opened(world)
    asked = export_request(user=world.cast.elena, source="report", query="period=28d", format="xlsx", at=world.now)
    made = export_make(export_id=asked.pk, at=world.now)
    assert made is not None
    assert (made.state, made.rows) == (State.READY, 1)
    assert made.file.read(2) == b"PK"
    assert export_make(export_id=asked.pk, at=world.now) is None
    entry = LedgerEntry.objects.get(action="data_export.take")
    assert entry.data is not None
    assert (entry.actor_label, entry.data["count"], entry.data["filters"]) == ("Elena Conti", 1, "period=28d")
    (mail,) = mails(world)
    assert mail.link.endswith(f"/reports/exports/files/{asked.pk}/")


def test_when_making_it_dies_then_it_is_tried_again_and_given_up_after_three_times(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_given: object) -> object:
        raise RuntimeError("disk full")

    asked = export_request(user=world.cast.elena, source="report", query="", format="xlsx", at=world.now)
    monkeypatch.setattr(services, "file_made", broken)
    for _try in range(3):
        with pytest.raises(RuntimeError):
            export_make(export_id=asked.pk, at=world.now)
        world.jump(minutes=16)
    asked.refresh_from_db()
    assert (asked.state, asked.reason, asked.tries) == (State.FAILED, "RuntimeError", 3)
    assert [mail.subject for mail in mails(world)] == ["Incident report could not be made"]


def test_when_the_week_is_over_then_the_file_is_deleted_and_the_row_stays(world: World, tmp_path: Path) -> None:
    asked = export_request(user=world.cast.elena, source="report", query="", format="csv", at=world.now)
    export_make(export_id=asked.pk, at=world.now)
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1
    exports_check(at=world.now + KEPT)
    asked.refresh_from_db()
    assert (asked.state, bool(asked.file)) == (State.GONE, False)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


# --- sent regularly


@pytest.mark.requirement("R252")
def test_when_a_regular_export_is_due_then_it_is_mailed_once_with_the_rights_of_that_moment(world: World) -> None:
    incident = opened(world)
    schedule = weekly(world)
    Incident.objects.filter(pk=incident.pk).update(team=world.cast.platform, restricted=True)
    opened(world, "Refunds are slow")
    made = fall_due(world, schedule)
    exports_check(at=world.now)
    assert ExportFile.objects.count() == 1
    text = made.file.read().decode()
    assert "Refunds are slow" in text
    assert "Card payments failing" not in text
    assert [mail.subject for mail in mails(world)] == ["My week is ready"]
    schedule.refresh_from_db()
    assert made.due_at is not None
    assert schedule.next_due_at - made.due_at == timedelta(days=7)


def test_when_it_is_small_then_it_travels_with_the_mail_and_else_a_link_does(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(world)
    fall_due(world, weekly(world))
    small = email_of(mails(world)[0])
    (file,) = small.iter_attachments()
    assert file.get_filename().startswith("incident-report-")
    assert "Card payments failing" in file.get_content()
    monkeypatch.setattr(services, "ATTACHED", 10)
    fall_due(world, weekly(world, name="Another", at=world.now))
    large = email_of(mails(world)[1])
    assert list(large.iter_attachments()) == []
    assert "/reports/exports/files/" in large.get_body(("plain",)).get_content()


def email_of(message: Message) -> Any:
    outgoing = Outgoing(
        address="elena@brightquay.example", subject=message.subject, body=message.body, body_html="", link=message.link,
        kind=message.kind, urgency=message.urgency, idempotency_key=message.idempotency_key, created_at=message.created_at,
        context=message.context,
    )  # fmt: skip
    return email_build(outgoing, sender="watchbell@brightquay.example", files=_files(outgoing))


def test_when_the_owner_lost_the_role_then_nothing_is_sent_but_the_reason(world: World) -> None:
    schedule = weekly(world)
    User.objects.filter(pk=world.cast.elena.pk).update(role="responder")
    made = fall_due(world, schedule)
    assert (made.state, made.reason) == (State.FAILED, "Your role does not see this report.")
    assert not made.file
    assert [mail.subject for mail in mails(world)] == ["My week could not be made"]


def test_when_nobody_looked_for_weeks_then_one_file_is_made_and_the_next_is_due_in_time(world: World) -> None:
    schedule = weekly(world)
    world.jump(days=30)
    assert exports_check(at=world.now)["asked"] == 1
    assert exports_check(at=world.now)["asked"] == 0
    schedule.refresh_from_db()
    assert world.now < schedule.next_due_at <= world.now + timedelta(days=7)


def test_when_a_regular_export_is_stopped_then_the_ledger_says_so_and_others_may_not(world: World) -> None:
    schedule = weekly(world)
    with pytest.raises(NotAllowed):
        export_schedule_delete(schedule=schedule, actor=world.cast.hugo, at=world.now)
    with pytest.raises(DomainError, match="already"):
        weekly(world)
    export_schedule_delete(schedule=schedule, actor=world.cast.elena, at=world.now)
    actions = LedgerEntry.objects.filter(object_type="export_schedule").order_by("id").values_list("action", flat=True)
    assert list(actions) == ["export_schedule.create", "export_schedule.delete"]

"""A signal that cannot be read is set aside with its error; the others of its batch, and the engine, go on."""

from typing import Any

import pytest
from django.db import OperationalError

from escalation_site.kernel.failures import is_passing
from incidents.intake import door
from incidents.models import InboxSignal, Incident
from incidents.services import intake
from incidents.services.intake import inbox_process
from tests.world.cast import ALERTMANAGER_KEY
from tests.world.harness import World

WEBHOOK = f"/integrations/alertmanager/{ALERTMANAGER_KEY}/"


def poisoned(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Opening an incident called "Poison" raises."""
    open_ = intake._incident

    def raises(news: Any, new: Any) -> Any:
        if "Poison" in news.value.summary:
            raise error
        return open_(news, new)

    monkeypatch.setattr(intake, "_incident", raises)


def test_when_one_signal_of_a_batch_raises_then_it_is_set_aside_with_its_error_and_the_others_go_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    poisoned(monkeypatch, ZeroDivisionError("no such number"))
    for name in ("One", "Poison", "Two"):
        world.alert(name)
    world.settle()

    assert sorted(Incident.objects.values_list("title", flat=True)) == ["One is bad", "Two is bad"]
    aside = InboxSignal.objects.get(set_aside_at__isnull=False)
    assert (aside.error, aside.processed_at) == ("ZeroDivisionError: no such number", None)
    for _incident in range(2):
        world.expect_page("marta", level=1)


def test_when_a_stored_signal_cannot_be_read_any_more_then_it_is_set_aside_and_the_others_go_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.alert("One")
    InboxSignal.objects.create(integration=world.cast.alertmanager, received_at=world.now, body=b"{")
    InboxSignal.objects.create(integration=world.cast.pagerduty, received_at=world.now, body=b"{}")
    world.alert("Two")
    world.settle()

    assert Incident.objects.count() == 2
    errors = list(InboxSignal.objects.exclude(error="").order_by("pk").values_list("error", flat=True))
    assert errors[0].startswith("body: no JSON")
    assert errors[1].startswith("'routing_key' is missing")
    for _incident in range(2):
        world.expect_page("marta", level=1)


def test_when_an_integration_s_kind_is_no_longer_known_then_its_signals_are_set_aside_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.event("trigger", "disk-full")
    world.alert()
    monkeypatch.delitem(door.PARSERS, "pagerduty")
    world.settle()

    world.expect_page("marta", level=1)
    assert InboxSignal.objects.get(set_aside_at__isnull=False).integration == world.cast.pagerduty


def test_when_the_database_chose_a_victim_then_no_signal_is_set_aside_for_it_and_the_next_turn_reads_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.alert("Poison")
    poisoned(monkeypatch, OperationalError("deadlock detected"))
    with pytest.raises(OperationalError):
        inbox_process(at=world.now)
    assert InboxSignal.objects.filter(processed_at=None, set_aside_at=None).count() == 1

    monkeypatch.undo()
    world.settle()
    world.expect_page("marta", level=1)


@pytest.mark.parametrize(
    ("name", "state", "passing"),
    [
        ("SQLITE_BUSY", None, True),
        ("SQLITE_BUSY_SNAPSHOT", None, True),
        ("SQLITE_FULL", None, True),
        ("SQLITE_ERROR", None, False),
        (None, "40P01", True),
        (None, "57P01", True),
        (None, "57014", False),
        (None, "54000", False),
        (None, None, True),
    ],
)
def test_only_a_database_in_trouble_is_waited_for(name: str | None, state: str | None, passing: bool) -> None:
    class Cause(Exception):
        sqlite_errorname = name
        sqlstate = state

    error = OperationalError("it failed")
    error.__cause__ = Cause()
    assert is_passing(error) is passing
    assert not is_passing(ValueError())


def test_when_details_hold_nul_bytes_then_the_alert_pages_all_the_same(world: World) -> None:
    world.event("trigger", "disk\x00full", summary="Disk\x00 full", custom_details={"a\x00": ["\x00b"]})
    world.settle()

    world.expect_page("marta", level=1)
    assert (world.incident.title, world.incident.dedup_key) == ("Disk full", "diskfull")


def test_when_a_summary_has_several_lines_then_the_page_goes_out(world: World) -> None:
    world.event("trigger", "k", summary="Disk full\r\nBcc: everybody@brightquay.example\n")
    world.settle()

    assert "\n" not in world.expect_page("marta", level=1).subject

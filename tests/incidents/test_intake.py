"""From stored signals to incidents: whose turn it is, batches that hold everything at once, people and monitors about one alert."""

from typing import Any

import pytest

from audit.models import LedgerEntry
from incidents.models import Alert, InboxSignal, Incident, Integration
from incidents.services import intake
from incidents.services.claiming import signals_next
from incidents.services.inbox import signals_accept
from incidents.services.intake import inbox_process
from incidents.services.lifecycle import incident_acknowledge, incident_reopen, incident_resolve
from policies.severity import Severity
from tests.world.cast import ALERTMANAGER_KEY
from tests.world.harness import World

WEBHOOK = f"/integrations/alertmanager/{ALERTMANAGER_KEY}/"


def states() -> list[str]:
    return list(Incident.objects.order_by("pk").values_list("state", flat=True))


# --- whose turn it is


def test_when_one_monitor_floods_its_door_then_the_next_batch_has_the_signal_of_another_all_the_same(
    world: World,
) -> None:
    for number in range(9):
        world.alert(f"Flood{number}")
    world.event("trigger", "payments-down")

    assert inbox_process(at=world.now, limit=4) == 4

    titles = list(Incident.objects.order_by("pk").values_list("title", flat=True))
    assert titles == ["Flood0 is bad", "Flood1 is bad", "Flood2 is bad", "payments-down"]
    world.settle()
    for _incident in range(10):
        world.expect_page("marta", level=1)


@pytest.mark.parametrize("limit", [1, 2, 5, 7])
def test_whoever_s_turn_it_is_the_signals_of_one_integration_are_read_in_their_order(world: World, limit: int) -> None:
    third = {"name": "Third", "slug": "third", "kind": "pagerduty", "key_digest": "third", "created_at": world.now}
    doors = [*Integration.objects.order_by("pk")[:2], Integration.objects.create(service=world.cast.gateway, **third)]
    came = [0] * 12 + [1] * 3 + [0] * 4 + [2, 1, 0, 2]
    signals_accept(signals=[(doors[door].pk, b"{}") for door in came], at=world.now)
    everything = list(InboxSignal.objects.order_by("pk"))

    batches: list[list[InboxSignal]] = []
    while batch := signals_next(limit):
        batches.append(batch)
        InboxSignal.objects.filter(pk__in=[signal.pk for signal in batch]).update(processed_at=world.now)

    read = [signal for batch in batches for signal in batch]
    assert sorted(signal.pk for signal in read) == [signal.pk for signal in everything]
    for one in doors:
        own = [signal.pk for signal in read if signal.integration_id == one.pk]
        assert own == sorted(own)
    if limit > 2:
        assert {signal.integration_id for signal in batches[0]} == {one.pk for one in doors}


def test_while_one_batch_holds_all_that_waits_it_takes_one_query_to_find_it(
    world: World, django_assert_num_queries: Any
) -> None:
    for number in range(3):
        world.alert(f"Number{number}")

    with django_assert_num_queries(1):
        assert len(signals_next(4)) == 3
    with django_assert_num_queries(2):
        assert len(signals_next(3)) == 3


# --- one batch


def test_when_one_key_fires_recovers_and_fires_again_in_one_batch_then_there_are_two_incidents(world: World) -> None:
    for action in ("trigger", "resolve", "trigger"):
        world.event(action, "disk-full")
    world.settle()

    assert states() == ["resolved", "triggered"]
    assert Alert.objects.filter(resolved_at=None).count() == 1
    # The first is over before its page could go out.
    world.expect_page("marta", level=1)
    first = Incident.objects.earliest("pk")
    assert first.pages.get().state == "cancelled"


def test_when_one_key_comes_many_times_in_one_message_then_it_is_one_incident_with_the_last_word(world: World) -> None:
    alerts = [
        {"status": "firing", "fingerprint": "f1", "labels": {"n": str(n)}, "annotations": {"summary": f"Word {n}"}}
        for n in range(5)
    ]
    world.post(WEBHOOK, {"alerts": alerts})
    world.settle()

    world.expect_page("marta", level=1)
    assert (world.incident.title, world.incident.alert_count) == ("Word 4", 5)
    assert Alert.objects.get().count == 5


def test_when_a_batch_mixes_keys_and_actions_then_each_key_s_order_is_kept(world: World) -> None:
    steps = [("a", "trigger"), ("b", "resolve"), ("a", "resolve"), ("b", "trigger"), ("c", "trigger"), ("c", "trigger")]
    for key, action in steps:
        world.event(action, key)
    world.settle()

    found = dict(Incident.objects.values_list("dedup_key", "state"))
    assert found == {"a": "resolved", "b": "triggered", "c": "triggered"}
    world.expect_page("marta", level=1)
    world.expect_page("marta", level=1)


def test_when_the_same_key_comes_by_two_doors_then_there_are_two_incidents(world: World) -> None:
    world.event("trigger", "f1")
    world.post(WEBHOOK, {"alerts": [{"status": "firing", "fingerprint": "f1"}]})
    world.settle()

    assert states() == ["triggered", "triggered"]
    for _incident in range(2):
        world.expect_page("marta", level=1)


@pytest.mark.parametrize("action", ["resolve", "acknowledge"])
def test_when_what_does_not_fire_recovers_or_is_acknowledged_then_it_is_accepted_and_dropped(
    world: World, action: str
) -> None:
    assert world.event(action, "nobody-knows").status_code == 202
    world.settle()

    assert not Incident.objects.exists()
    assert InboxSignal.objects.get().processed_at == world.now


def test_when_it_is_acknowledged_at_the_source_then_nobody_is_paged_further_and_the_ledger_names_the_door(
    world: World,
) -> None:
    world.event("trigger", "disk-full")
    world.settle()
    world.expect_page("marta", level=1)
    world.event("acknowledge", "disk-full")
    world.advance(days=1)

    assert (world.incident.state, world.incident.owner) == ("acknowledged", None)
    entry = LedgerEntry.objects.get(action="incident.acknowledge")
    assert (entry.actor_kind, entry.actor_label) == ("integration", "Payments gateway pagerduty")
    world.event("trigger", "disk-full")
    world.advance(hours=1)  # more of the same stays silent


def test_when_a_message_says_alerts_were_cut_then_those_missing_are_not_resolved(world: World) -> None:
    world.alert("One")
    world.alert("Two")
    world.settle()
    world.post(WEBHOOK, {"alerts": [{"status": "firing", "fingerprint": "other"}], "truncatedAlerts": 2})
    world.settle()

    assert states() == ["triggered"] * 3
    for _incident in range(3):
        world.expect_page("marta", level=1)


# --- a person and a monitor about the same alert


def test_when_a_person_reopened_it_and_it_fires_again_then_the_alert_returns_to_it_and_its_recovery_resolves_it(
    world: World,
) -> None:
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    incident_resolve(incident_id=world.incident.pk, actor=world.cast.marta, at=world.now)
    incident_reopen(incident_id=world.incident.pk, actor=world.cast.marta, reason="Too early", at=world.now)
    world.settle()
    world.expect_page("marta", level=1)

    world.alert()
    world.settle()

    assert (world.incident.state, world.incident.alert_count) == ("triggered", 2)
    assert not InboxSignal.objects.filter(set_aside_at__isnull=False).exists()
    world.recover()
    world.settle()
    assert world.incident.state == "resolved"


def test_when_a_person_resolves_it_while_a_repeat_is_read_then_the_repeat_opens_a_new_incident(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    look = intake._firing

    def resolved_meanwhile(keys: Any) -> Any:
        found = look(keys)
        incident_resolve(incident_id=world.incident.pk, actor=world.cast.marta, at=world.now)
        return found

    world.alert()
    monkeypatch.setattr(intake, "_firing", resolved_meanwhile)
    inbox_process(at=world.now)
    monkeypatch.undo()
    world.settle()

    assert states() == ["resolved", "triggered"]
    world.expect_page("marta", level=1)
    assert InboxSignal.objects.filter(processed_at=None).count() == 0


def test_when_a_recovery_comes_for_an_acknowledged_incident_then_it_is_resolved_whoever_has_it(world: World) -> None:
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    incident_acknowledge(incident_id=world.incident.pk, actor=world.cast.marta, at=world.now)
    world.recover()
    world.settle()

    assert (world.incident.state, world.incident.resolved_by, world.incident.owner) == (
        "resolved",
        None,
        world.cast.marta,
    )


# --- how bad it is


def severity_of(world: World, word: str | None) -> int:
    labels = {} if word is None else {"severity": word}
    world.post(WEBHOOK, {"alerts": [{"status": "firing", "fingerprint": "f1", "labels": labels}]})
    inbox_process(at=world.now)
    severity = Incident.objects.latest("pk").severity
    world.post(WEBHOOK, {"alerts": [{"status": "resolved", "fingerprint": "f1"}]})
    inbox_process(at=world.now)
    return severity


@pytest.fixture
def silent(world: World) -> World:
    """The payments gateway without a policy, so that nobody is paged."""
    world.cast.gateway.policy = None
    world.cast.gateway.default_severity = Severity.SEV4
    world.cast.gateway.save()
    return world


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        ("critical", 1),
        ("CRITICAL ", 1),
        ("page", 1),
        ("error", 2),
        ("warning", 4),
        ("info", 5),
        ("P2", 2),
        ("sev-3", 3),
        (None, 4),
        ("", 4),
        ("dreadful", 4),
    ],
)
def test_the_source_s_word_says_how_bad_it_is_and_an_unknown_one_gives_the_service_s_severity(
    silent: World, word: str | None, severity: int
) -> None:
    assert severity_of(silent, word) == severity


def test_an_integration_s_own_words_come_before_the_common_ones(silent: World) -> None:
    Integration.objects.filter(pk=silent.cast.alertmanager.pk).update(severity_map={"Dreadful": 1, "critical": 3})

    assert [severity_of(silent, word) for word in ("dreadful", "critical", "warning")] == [1, 3, 4]


@pytest.mark.parametrize("table", [{"critical": 9}, {"critical": "x"}, {"critical": None}, ["critical"], 5])
def test_when_an_integration_s_own_words_make_no_sense_then_the_common_ones_still_count(
    silent: World, table: Any
) -> None:
    Integration.objects.filter(pk=silent.cast.alertmanager.pk).update(severity_map=table)

    assert severity_of(silent, "critical") == 1
    assert not InboxSignal.objects.filter(set_aside_at__isnull=False).exists()

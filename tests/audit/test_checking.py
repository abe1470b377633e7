"""The ledger is verified by itself each hour and each night, in slices that a task can hold, and what is wrong is told."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core import mail
from django.db import connection
from django.test import Client

from audit import checking, sealing
from audit.checking import entry_states, ledger_check, ledger_health, seal_and_tell
from audit.findings import SEAL
from audit.leaves import ENTRIES
from audit.models import Keeper, LedgerCheck, LedgerEntry, LedgerSeal
from audit.sealing import ledger_seal
from audit.verifying import ledger_verify
from incidents.engine.beats import beat
from incidents.models import Alarm
from incidents.services.alarms import house_check
from tests.audit.tampering import tamper
from tests.audit.writing import MINUTE, NOON, write
from tests.world.harness import World

HOUR = timedelta(hours=1)
NIGHT = NOON + 14 * HOUR
"""Two o'clock of the next night, in UTC."""

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_key(settings: LazySettings, tmp_path: Path) -> None:
    settings.DATA_DIR, settings.TIME_ZONE = tmp_path, "UTC"


def checks() -> list[tuple[str, int, bool]]:
    """Scope, findings, and whether it ended, in order."""
    return [(one.scope, one.found, one.ended_at is not None) for one in LedgerCheck.objects.all()]


def broken_entry() -> int:
    (victim, *_others) = write(5)
    ledger_seal(at=NOON)
    tamper(ENTRIES, f"UPDATE {ENTRIES} SET action = 'x' WHERE id = %s", victim)  # noqa: S608  own names, values are parameters
    return victim


@pytest.mark.requirement("R299")
def test_the_whole_is_verified_first_then_each_hour_what_came_and_each_night_the_whole_again() -> None:
    assert ledger_check(at=NOON) == 0, "nothing is sealed"
    write(3)
    ledger_seal(at=NOON)
    whole = ledger_check(at=NOON)
    assert ledger_check(at=NOON + 5 * MINUTE) == 0
    write(2)
    ledger_seal(at=NOON + MINUTE)
    assert ledger_check(at=NOON + HOUR) == 2
    assert ledger_check(at=NOON + 2 * HOUR) == 0, "nothing came"
    assert ledger_check(at=NIGHT - MINUTE) == 0
    assert ledger_check(at=NIGHT + MINUTE) == whole + 2
    assert checks() == [("whole", 0, True), ("recent", 0, True), ("whole", 0, True)]
    assert ledger_health().verified_size == whole + 2


def test_a_long_verification_goes_on_where_the_task_before_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audit.batches._TOGETHER", 1)
    for minute in range(3):
        write(2)
        ledger_seal(at=NOON + minute * MINUTE)
    first = ledger_check(at=NOON, seconds=-1)
    assert checks() == [("whole", 0, False)]
    assert 0 < first < LedgerSeal.objects.order_by("-begins")[0].size
    while not LedgerCheck.objects.get().ended_at:
        ledger_check(at=NOON + 5 * MINUTE, seconds=-1)
    assert LedgerCheck.objects.get().reached == LedgerSeal.objects.order_by("-begins")[0].size


def test_what_is_found_stands_until_the_whole_is_found_in_order_again() -> None:
    victim = broken_entry()
    ledger_check(at=NOON)
    health = ledger_health()
    assert health.broken is not None
    assert health.broken.findings[0]["row"] == victim
    assert health.verified_size == 0
    assert LedgerEntry.objects.filter(action="ledger.find_broken").count() == 1
    tamper(ENTRIES, f"UPDATE {ENTRIES} SET action = 'incident.comment' WHERE id = %s", victim)  # noqa: S608  own names, values are parameters
    ledger_seal(at=NOON + MINUTE)
    ledger_check(at=NOON + HOUR)
    assert ledger_health().broken is not None, "what came last is in order, and says nothing of the rest"
    ledger_check(at=NIGHT + MINUTE)
    assert ledger_health().broken is None


@pytest.mark.requirement("R261")
def test_each_entry_says_whether_it_waits_is_sealed_was_verified_or_is_broken(world: World, client: Client) -> None:
    (old,) = write(1)
    ledger_seal(at=NOON)
    ledger_check(at=NOON)
    (young,) = write(1)
    ledger_seal(at=NOON + MINUTE)
    (new,) = write(1)
    states = entry_states({old, young, new}, health=ledger_health())
    assert (states.verified, states.waiting, states.broken) == ({old}, {new}, set())
    client.force_login(world.cast.amara)
    assert "Verified" in client.get(f"/audit/{old}/").content.decode()
    ledger_check(at=NOON + HOUR)
    assert entry_states({old, young, new}, health=ledger_health()).verified == {old, young}
    tamper(ENTRIES, f"UPDATE {ENTRIES} SET action = 'x' WHERE id = %s", old)  # noqa: S608  own names, values are parameters
    ledger_check(at=NIGHT + MINUTE)
    states = entry_states({old, young, new}, health=ledger_health())
    assert (states.verified, states.waiting, states.broken) == (set(), {new}, {old})
    assert "Broken" in client.get(f"/audit/?subject=incident:42&entry={old}").content.decode()


def test_when_a_verified_entry_is_changed_then_its_page_says_so_before_the_next_verification(
    world: World, client: Client
) -> None:
    changed, moved = write(2)
    ledger_seal(at=NOON)
    ledger_check(at=NOON)
    tamper(ENTRIES, f"UPDATE {ENTRIES} SET action = 'x' WHERE id = %s", changed)  # noqa: S608  own names, values are parameters
    tamper(ENTRIES, f"UPDATE {ENTRIES} SET subject = 'incident:77' WHERE id = %s", moved)  # noqa: S608  own names, values are parameters
    client.force_login(world.cast.amara)
    for number, words in ((changed, "Broken"), (moved, "leads to no leaf of the tree")):
        for page in (f"/audit/{number}/", f"/audit/?entry={number}"):
            assert words in client.get(page).content.decode(), page


@pytest.mark.requirement("R299")
def test_when_the_ledger_is_broken_then_administrators_get_a_mail_that_needs_no_engine(world: World) -> None:
    at = world.now
    broken_entry()
    ledger_check(at=at)
    beat("engine", at=at, started_at=at, info={})
    for minute in (0, 1):
        house_check(at=at + minute * MINUTE, by="cluster")
    assert "ledger_broken" in {alarm.code for alarm in Alarm.objects.filter(gone_at=None)}
    assert [message.to for message in mail.outbox] == [["hugo@brightquay.example"]]
    assert "not as it was sealed: 1 finding" in mail.outbox[0].body


def test_when_nothing_seals_for_five_minutes_then_it_is_an_alarm(world: World) -> None:
    at = world.now
    seal_and_tell(at=at)
    assert "ledger_seal_late" not in {one.code for one in house_check(at=at + 5 * MINUTE, by="engine")}
    assert "ledger_seal_late" in {one.code for one in house_check(at=at + 6 * MINUTE, by="engine")}


def test_when_there_is_much_to_seal_then_it_is_done_in_portions_minute_by_minute_until_its_time_is_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = world.now
    seal_and_tell(at=at)
    monkeypatch.setitem(sealing.MOST, connection.vendor, 3)
    write(7)
    seconds = iter(range(0, 1000, 15))

    sealed = [seal_and_tell(at=at + minute * MINUTE, clock=lambda: next(seconds)) for minute in (1, 2)]

    assert sealed == [6, 1]
    health = ledger_health()
    assert health.sealer is not None
    assert (health.sealer.at, health.sealer.error) == (at + 2 * MINUTE, "")


def test_when_sealing_fails_then_it_is_an_alarm_at_once_and_over_when_it_works_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_options: object) -> int:
        raise OSError("the key cannot be read")

    at = world.now
    with monkeypatch.context() as broken:
        broken.setattr(checking, "ledger_seal", fail)
        with pytest.raises(OSError, match="key"):
            seal_and_tell(at=at)
    assert "ledger_seal_failed" in {one.code for one in house_check(at=at, by="engine")}
    assert ledger_health().sealer is not None
    seal_and_tell(at=at + MINUTE)
    assert "ledger_seal_failed" not in {one.code for one in house_check(at=at + MINUTE, by="engine")}


def test_when_a_keeper_fails_again_and_again_then_it_is_an_alarm(world: World) -> None:
    keeper = Keeper.objects.create(slug="notary", name="Notary", kind="email", address="a@brightquay.example")
    Keeper.objects.filter(pk=keeper.pk).update(failures=2)
    assert "ledger_unkept" not in {one.code for one in house_check(at=world.now, by="engine")}
    Keeper.objects.filter(pk=keeper.pk).update(failures=3)
    assert "ledger_unkept" in {one.code for one in house_check(at=world.now, by="engine")}


def test_when_it_is_sealed_on_while_the_whole_is_verified_then_no_seal_is_missing() -> None:
    write(3)
    ledger_seal(at=NOON)

    def goes_on(done: int, _all: int) -> None:
        write(2)
        ledger_seal(at=NOON + done * MINUTE)

    assert ledger_verify(progress=goes_on).findings == ()


def test_when_it_is_sealed_on_while_the_whole_is_verified_then_a_seal_that_is_gone_is_found_all_the_same() -> None:
    write(3)
    ledger_seal(at=NOON)

    def goes_on(done: int, _all: int) -> None:
        for number in range(2):
            write(2)
            ledger_seal(at=NOON + (done + number) * MINUTE)
        newest = LedgerSeal.objects.order_by("-begins")[0]
        tamper("audit_ledgerseal", "DELETE FROM audit_ledgerseal WHERE id = %s", newest.pk)

    assert SEAL in {one.kind for one in ledger_verify(progress=goes_on).findings}

"""Calendars that are read: absences of a person, overrides of a schedule; again and again without doing anything twice."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from audit.models import LedgerEntry
from escalation_site.kernel.errors import Conflict, DomainError, NotAllowed
from oncall.absences import absence_cancel
from oncall.calendars.sources import (
    EVERY,
    LONGEST_WAIT,
    source_add,
    source_read,
    source_remove,
    source_upload,
    sources_check,
)
from oncall.models import Absence, CalendarSource, Override, User
from oncall.selectors import holders_at
from oncall.services import override_cancel
from tests.oncall.test_calendars_reading import document
from tests.world.harness import World

pytestmark = pytest.mark.django_db


class Server:
    """Serves ``events`` as a calendar, or ``status``; counts what was asked."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.content: bytes | None = None
        self.status = 200
        self.asked: list[dict[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append({name.lower(): value for name, value in self.headers.items()})
                content = document(*outer.events) if outer.content is None else outer.content
                etag = f'"{hash(content)}"'
                unchanged = outer.asked[-1].get("if-none-match") == etag
                self.send_response(304 if unchanged else outer.status)
                self.send_header("ETag", etag)
                self.send_header("Content-Length", "0" if unchanged else str(len(content)))
                self.end_headers()
                if not unchanged:
                    self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/secret/basic.ics"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server(settings: Any) -> Iterator[Server]:
    settings.OUTBOUND_ALLOWED = ("127.0.0.0/8",)
    serving = Server()
    yield serving
    serving.close()


def event(uid: str, start: str, end: str, summary: str = "Away", more: str = "") -> str:
    return f"UID:{uid}\nDTSTART:{start}\nDTEND:{end}\nSUMMARY:{summary}\n{more}"


CHRISTMAS = event("1", "20261224T000000Z", "20261227T000000Z", "Christmas")
TRIP = event("2", "20261201T080000Z", "20261203T080000Z", "Trip")


def of_marta(world: World, server: Server) -> CalendarSource:
    return source_add(url=server.url, actor=world.cast.marta, at=world.now, user=world.cast.marta)


def of_schedule(world: World, server: Server) -> CalendarSource:
    return source_add(url=server.url, actor=world.cast.elena, at=world.now, schedule=world.cast.schedule)


def standing() -> list[tuple[str, datetime, datetime, str]]:
    found = Absence.objects.filter(state="approved").order_by("start")
    return [(one.user.username, one.start, one.end, one.reason) for one in found]


def again(source: CalendarSource, at: datetime) -> Any:
    source.refresh_from_db()
    return source_read(source=source, at=at)


def test_events_become_absences_and_the_rota_follows(world: World, server: Server) -> None:
    server.events = [CHRISTMAS, TRIP]
    synced = source_read(source=of_marta(world, server), at=world.now)
    assert synced is not None
    assert (synced.made, synced.ended, synced.problems) == (2, 0, ())
    assert standing() == [
        ("marta", datetime(2026, 12, 1, 8, tzinfo=UTC), datetime(2026, 12, 3, 8, tzinfo=UTC), "Trip"),
        ("marta", datetime(2026, 12, 24, tzinfo=UTC), datetime(2026, 12, 27, tzinfo=UTC), "Christmas"),
    ]
    held = holders_at(schedules=[world.cast.schedule], at=datetime(2026, 12, 2, tzinfo=UTC))
    assert "primary" not in {holder.role for holder in held[world.cast.schedule.pk]}


def test_when_read_again_then_nothing_is_made_twice_and_an_unchanged_calendar_is_not_sent(
    world: World, server: Server
) -> None:
    server.events = [CHRISTMAS, TRIP]
    source = of_marta(world, server)
    source_read(source=source, at=world.now)
    before = standing()
    assert again(source, world.now + EVERY) is None  # 304
    assert server.asked[-1]["if-none-match"]
    # The next day it is asked for in full: the range has moved on.
    synced = again(source, world.now + timedelta(days=1))
    assert "if-none-match" not in server.asked[-1]
    assert (synced.made, synced.ended) == (0, 0)
    assert standing() == before
    assert LedgerEntry.objects.filter(action="absence.create").count() == 2


def test_what_the_calendar_no_longer_says_is_taken_back_and_may_come_again(world: World, server: Server) -> None:
    server.events = [CHRISTMAS, TRIP]
    source = of_marta(world, server)
    source_read(source=source, at=world.now)
    server.events = [CHRISTMAS]
    assert (again(source, world.now + EVERY).made, len(standing())) == (0, 1)
    server.events = [CHRISTMAS, TRIP]
    assert (again(source, world.now + 2 * EVERY).made, len(standing())) == (1, 2)


def test_when_an_event_moves_then_the_old_window_goes_and_the_new_one_comes(world: World, server: Server) -> None:
    server.events = [TRIP]
    source = of_marta(world, server)
    source_read(source=source, at=world.now)
    server.events = [event("2", "20261205T080000Z", "20261206T080000Z", "Trip")]
    again(source, world.now + EVERY)
    assert [start.day for _user, start, _end, _reason in standing()] == [5]


def test_what_has_begun_is_ended_or_goes_on_and_what_was_stays(world: World, server: Server) -> None:
    server.events = [event("1", "20261120T000000Z", "20261125T000000Z", "Flu")]
    source = of_marta(world, server)
    source_read(source=source, at=world.now)
    begun = world.now
    assert standing()[0][1:3] == (begun, datetime(2026, 11, 25, tzinfo=UTC))  # never into the past
    later = world.now + timedelta(hours=5)
    assert again(source, later) is None
    assert len(standing()) == 1
    server.events = [event("1", "20261120T000000Z", "20261128T000000Z", "Flu")]
    again(source, later)
    assert [one[1:3] for one in standing()] == [(begun, later), (later, datetime(2026, 11, 28, tzinfo=UTC))]
    server.events = []
    end = later + timedelta(days=1)
    again(source, end)
    assert [one[1:3] for one in standing()] == [(begun, later), (later, end)]
    assert again(source, end + timedelta(days=3)) is not None
    assert len(standing()) == 2


@pytest.mark.parametrize("begun", [False, True])
def test_what_somebody_took_back_by_hand_is_not_made_again(world: World, server: Server, begun: bool) -> None:
    server.events = [event("1", "20261120T000000Z", "20261125T000000Z") if begun else TRIP]
    source = of_marta(world, server)
    source_read(source=source, at=world.now)
    later = world.now + timedelta(hours=1)
    absence_cancel(absence=Absence.objects.get(), actor=world.cast.marta, at=later)
    synced = again(source, later + timedelta(days=1))
    assert synced is not None
    assert synced.made == 0
    assert Absence.objects.count() == 1


def test_a_team_that_wants_a_managers_word_is_asked(world: World, server: Server) -> None:
    world.cast.payments.approves_absences = True
    world.cast.payments.save()
    server.events = [TRIP]
    source = of_marta(world, server)
    source_read(source=source, at=world.now)
    assert Absence.objects.get().state == Absence.State.PENDING
    assert again(source, world.now + timedelta(days=1)).made == 0
    assert Absence.objects.count() == 1


def test_a_schedules_calendar_names_who_stands_in_by_any_name_and_unknown_ones_are_told(
    world: World, server: Server
) -> None:
    server.events = [
        event("1", "20261201T080000Z", "20261201T100000Z", "Jonas de Wit"),
        event("2", "20261202T080000Z", "20261202T100000Z", "elena"),
        event("3", "20261203T080000Z", "20261203T100000Z", "TOMAS@brightquay.example"),
        event("4", "20261204T080000Z", "20261204T100000Z", "Night duty", "ATTENDEE:mailto:nils@brightquay.example"),
        event("5", "20261205T080000Z", "20261205T100000Z", "Maria"),
        event("6", "20261206T080000Z", "20261206T100000Z", "sofie"),
    ]
    source = of_schedule(world, server)
    synced = source_read(source=source, at=world.now)
    assert synced is not None
    assert [
        (one.user.username, one.kind, one.reason) for one in Override.objects.select_related("user").order_by("start")
    ] == [
        ("jonas", "cover", "Jonas de Wit"),
        ("elena", "cover", "elena"),
        ("tomas", "cover", "TOMAS@brightquay.example"),
        ("nils", "cover", "Night duty"),
    ]
    assert synced.problems == ("“Maria” (5 Dec) is nobody here.", "“sofie” (6 Dec) is nobody here.")
    source.refresh_from_db()
    assert "“Maria” (5 Dec) is nobody here." in source.problem
    held = holders_at(schedules=[world.cast.schedule], at=datetime(2026, 12, 4, 9, tzinfo=UTC))
    assert [h.user.username for h in held[world.cast.schedule.pk] if h.role == "primary"] == ["nils"]


def test_when_a_name_is_shared_then_it_is_not_guessed(world: World, server: Server) -> None:
    User.objects.filter(username="nils").update(first_name="Jonas", last_name="de Wit")
    server.events = [event("1", "20261201T080000Z", "20261201T100000Z", "Jonas de Wit")]
    source_read(source=of_schedule(world, server), at=world.now)
    assert not Override.objects.exists()


def test_when_the_person_of_an_event_changes_then_the_override_changes_hands(world: World, server: Server) -> None:
    server.events = [event("1", "20261201T080000Z", "20261201T100000Z", "jonas")]
    source = of_schedule(world, server)
    source_read(source=source, at=world.now)
    server.events = [event("1", "20261201T080000Z", "20261201T100000Z", "nils")]
    again(source, world.now + EVERY)
    assert [one.user.username for one in Override.objects.filter(cancelled_at=None)] == ["nils"]
    override_cancel(override=Override.objects.get(cancelled_at=None), actor=world.cast.elena, at=world.now + 2 * EVERY)
    again(source, world.now + timedelta(days=1))
    assert not Override.objects.filter(cancelled_at=None).exists()


@pytest.mark.parametrize(
    ("status", "content", "said"),
    [
        (404, None, "answers 404"),
        (200, b"<html>Sign in</html>", "no calendar"),
        (200, b"x" * 1_000_100, "larger than"),
    ],
)
def test_when_reading_fails_then_the_page_can_say_why_and_what_was_read_stays(
    world: World, server: Server, status: int, content: bytes | None, said: str
) -> None:
    server.events = [TRIP]
    source = of_marta(world, server)
    source_read(source=source, at=world.now)
    server.status, server.content = status, content if content is not None else b"gone"
    assert again(source, world.now + EVERY) is None
    source.refresh_from_db()
    assert said in source.problem
    assert len(standing()) == 1
    server.status, server.content = 200, None
    assert again(source, world.now + 2 * EVERY) is not None
    source.refresh_from_db()
    assert source.problem == ""


def test_when_reading_goes_on_failing_then_it_waits_longer_and_longer(world: World, server: Server) -> None:
    server.status = 500
    source = of_marta(world, server)
    at, waits = world.now, []
    for _turn in range(8):
        sources_check(at=at)
        source.refresh_from_db()
        assert source.read_next_at is not None
        waits.append(source.read_next_at - at)
        at = source.read_next_at
    assert waits[0] == EVERY
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_WAIT
    assert len(server.asked) == 8


def test_the_task_reads_what_is_due_and_one_that_breaks_holds_up_no_other(
    world: World, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.events = [TRIP]
    broken = of_marta(world, server)
    CalendarSource.objects.filter(pk=broken.pk).update(schedule=None, url="http://127.0.0.1:1/x")
    good = source_add(url=server.url, actor=world.cast.jonas, at=world.now, user=world.cast.jonas)
    off = source_add(url=server.url, actor=world.cast.nils, at=world.now, user=world.cast.nils)
    CalendarSource.objects.filter(pk=off.pk).update(enabled=False)
    assert sources_check(at=world.now) == 2
    good.refresh_from_db()
    broken.refresh_from_db()
    assert (good.read_at, good.problem) == (world.now, "")
    assert "Nobody answers there" in broken.problem
    assert sources_check(at=world.now + timedelta(minutes=14)) == 0
    assert sources_check(at=world.now + timedelta(minutes=15)) == 2


def test_when_an_address_is_inside_or_known_or_one_too_many_then_it_is_refused(world: World, server: Server) -> None:
    marta = world.cast.marta
    for url in ("http://10.0.0.5/x.ics", "file:///etc/passwd", "nonsense"):
        with pytest.raises(DomainError) as caught:
            source_add(url=url, actor=marta, at=world.now, user=marta)
        assert caught.value.field == "url"
    of_marta(world, server)
    with pytest.raises(Conflict):
        of_marta(world, server)
    for number in range(4):
        source_add(url=f"webcal://cal.example.org/{number}", actor=marta, at=world.now, user=marta)
    assert CalendarSource.objects.filter(url="https://cal.example.org/3").exists()
    with pytest.raises(DomainError, match="remove one first"):
        source_add(url="https://cal.example.org/x", actor=marta, at=world.now, user=marta)


def test_nobody_adds_a_calendar_that_is_not_theirs_to_add(world: World) -> None:
    cast = world.cast
    url = "https://cal.example.org/x"
    for actor, owner in (
        (cast.jonas, {"user": cast.marta}),
        (cast.marta, {"schedule": cast.schedule}),
        (cast.jonas, {"schedule": cast.schedule}),
        (cast.sofie, {"user": cast.sofie}),
        (cast.amara, {"user": cast.amara}),
    ):
        with pytest.raises(NotAllowed):
            source_add(url=url, actor=actor, at=world.now, **owner)
    source_add(url=url, actor=cast.elena, at=world.now, schedule=cast.schedule)
    source = source_add(url=url, actor=cast.elena, at=world.now, user=cast.marta)  # manages
    with pytest.raises(NotAllowed):
        source_remove(source=source, actor=cast.jonas, at=world.now)


def test_when_a_calendar_is_removed_then_its_time_to_come_is_taken_back(world: World, server: Server) -> None:
    server.events = [TRIP, event("1", "20261120T000000Z", "20261125T000000Z", "Flu")]
    source = of_marta(world, server)
    source_read(source=source, at=world.now)
    later = world.now + timedelta(hours=2)
    assert source_remove(source=source, actor=world.cast.marta, at=later) == 2
    assert [one[1:3] for one in standing()] == [(world.now, later)]
    assert not CalendarSource.objects.exists()
    words = str(list(LedgerEntry.objects.filter(object_type="calendar_source").values_list("action", "data")))
    assert "calendar_source.remove" in words
    assert "secret" not in words  # the address stays out of the ledger


def test_a_file_adds_and_takes_nothing_back(world: World) -> None:
    marta = world.cast.marta
    first, synced = source_upload(content=document(TRIP), actor=marta, at=world.now, user=marta)
    assert synced.made == 1
    second, synced = source_upload(content=document(CHRISTMAS, TRIP), actor=marta, at=world.now, user=marta)
    assert (first.pk, synced.made, synced.ended) == (second.pk, 1, 0)
    _source, synced = source_upload(content=document(CHRISTMAS), actor=marta, at=world.now, user=marta)
    assert (synced.made, len(standing())) == (0, 2)
    assert sources_check(at=world.now + timedelta(days=1)) == 0

"""The duty life over the API: the same answers, services and refusals as on the pages."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from oncall.calendars.feeds import feed_create
from oncall.models import Absence, GapAcceptance, Override, Schedule, ScheduleVersion, Swap, Team
from oncall.services import override_create, schedule_publish
from oncall.swaps import swap_create
from tests.world.harness import World

pytestmark = pytest.mark.django_db

API = "/api/v1/"


class Caller:
    """A program that is signed in as somebody."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def get(self, path: str, **query: Any) -> Any:
        return self._client.get(API + path, query)

    def send(self, method: str, path: str, **body: Any) -> Any:
        return getattr(self._client, method)(API + path, body, content_type="application/json")

    def post(self, path: str, **body: Any) -> Any:
        return self.send("post", path, **body)


@pytest.fixture
def caller(world: World) -> Callable[[str], Caller]:
    def make(username: str) -> Caller:
        client = Client()
        client.force_login(world.cast.people[username])
        return Caller(client)

    return make


def refusal(response: Any) -> tuple[int, str, str]:
    error = response.json()["error"]
    assert error["message"]
    return response.status_code, error["code"], error["field"]


def text(instant: datetime) -> str:
    return instant.isoformat()


def weekly(*people: Any, **more: Any) -> dict[str, Any]:
    layer = {"name": "Week", "start": "2026-11-16T09:00", "rotation": "weekly", "participants": list(people), **more}
    return {"time_zone": "Europe/Rome", "layers": [layer]}


# --- schedules


def test_a_manager_makes_a_schedule_and_changes_what_it_says(world: World, caller: Callable[[str], Caller]) -> None:
    elena = caller("elena")
    made = elena.post("schedules/", name="Nights", team="payments", definition=weekly("marta", ["jonas", "elena"]))
    assert made.status_code == 201
    assert made.json()["slug"] == "nights"
    assert made.json()["version"] == 1
    assert made.json()["definition"]["layers"][0]["participants"] == ["marta", ["jonas", "elena"]]
    later = world.now + timedelta(days=7)
    changed = elena.send(
        "put", "schedules/nights/", definition=weekly("jonas"), effective_from=text(later), reason="Marta moves"
    )
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    renamed = elena.send("patch", "schedules/nights/", name="Night duty")
    assert (renamed.json()["name"], renamed.json()["version"]) == ("Night duty", 2)
    versions = elena.get("schedules/nights/versions/").json()["results"]
    assert [(one["number"], one["reason"], one["author"]["username"]) for one in versions] == [
        (2, "Marta moves", "elena"),
        (1, "", "elena"),
    ]
    assert datetime.fromisoformat(versions[0]["effective_from"]) == later


def test_when_the_definition_is_wrong_then_every_field_at_fault_is_named(
    world: World, caller: Callable[[str], Caller]
) -> None:
    definition = weekly("nobody", rotation="sometimes")
    response = caller("elena").post("schedules/", name="", definition=definition)
    fields = {error["field"] for error in response.json()["errors"]}
    assert response.status_code == 400
    assert {"name", "definition.layers[0].rotation", "definition.layers[0].participants[0]"} <= fields
    unknown = caller("elena").post("schedules/", name="X", definition=weekly(999_999))
    assert refusal(unknown)[0] == 400
    assert not Schedule.objects.exclude(slug="payments").exists()


@pytest.mark.parametrize("username", ["marta", "amara", "sofie"])
def test_when_somebody_does_not_manage_then_they_write_no_schedule(
    world: World, caller: Callable[[str], Caller], username: str
) -> None:
    program = caller(username)
    assert program.post("schedules/", name="X", definition=weekly("marta")).status_code == 403
    assert program.send("patch", "schedules/payments/", name="X").status_code == 403


def test_when_the_team_is_not_the_managers_then_it_is_refused(world: World, caller: Callable[[str], Caller]) -> None:
    elena = caller("elena")
    made = elena.post("schedules/", name="X", team="platform", definition=weekly("tomas"))
    assert refusal(made)[:2] == (403, "not_allowed")
    assert elena.send("patch", "schedules/payments/", team="platform").status_code == 403


@pytest.mark.requirement("R004")
def test_when_a_change_opens_a_gap_then_it_is_named_and_saved_once_accepted(
    world: World, caller: Callable[[str], Caller]
) -> None:
    elena = caller("elena")
    office = weekly("marta", restrictions=[{"days": "mon-fri", "start": "09:00", "end": "18:00"}])
    office["layers"][0]["role"] = "primary"
    refused = elena.send("patch", "schedules/payments/", definition=office)
    assert refusal(refused) == (400, "gaps_opened", "accept_gaps")
    assert refused.json()["gaps"][0]["role"]
    accepted = elena.send("patch", "schedules/payments/", definition=office, accept_gaps=True, reason="Trial")
    assert accepted.status_code == 200
    assert GapAcceptance.objects.exists()


def test_when_somebody_saved_meanwhile_then_it_is_a_conflict(world: World, caller: Callable[[str], Caller]) -> None:
    elena = caller("elena")
    elena.post("schedules/", name="Nights", team="payments", definition=weekly("marta"))
    elena.send("patch", "schedules/nights/", definition=weekly("jonas"), base=1)
    late = elena.send("patch", "schedules/nights/", definition=weekly("elena"), base=1)
    assert refusal(late)[:2] == (409, "edited_meanwhile")


@pytest.mark.requirement("R034")
def test_questions_about_a_schedule_are_answered_with_reasons(world: World, caller: Callable[[str], Caller]) -> None:
    cast, marta = world.cast, caller("marta")
    start = world.now + timedelta(hours=1)
    override_create(
        schedule=cast.schedule, user=cast.jonas, kind="replace", replaces=cast.marta, start=start,
        end=start + timedelta(hours=1), actor=cast.elena, at=world.now, role="primary",
    )  # fmt: skip
    shifts = marta.get("schedules/payments/shifts/").json()
    standing_in = next(one for one in shifts if one["why"] == "override")
    assert (standing_in["person"]["username"], standing_in["instead_of"]["username"]) == ("jonas", "marta")
    assert {one["layer"] for one in shifts} == {"primary", "secondary"}
    overlap = marta.get("schedules/payments/overlaps/").json()
    assert [(one["kind"], [p["username"] for p in one["people"]]) for one in overlap] == [("same_person", ["jonas"])]
    handoff = marta.get("schedules/payments/handoff/").json()
    assert datetime.fromisoformat(handoff["at"]) == start
    assert handoff["incoming"] == [{"person": {"username": "jonas", "name": "Jonas de Wit"}, "role": "primary"}]
    coverage = marta.get("schedules/payments/coverage/").json()
    assert {one["role"]: one["ratio"] for one in coverage} == {"primary": 1.0, "secondary": 1.0}
    assert marta.get("schedules/payments/gaps/").json() == []
    override_create(
        schedule=cast.schedule, user=cast.marta, kind="remove", start=start + timedelta(hours=3),
        end=start + timedelta(hours=4), actor=cast.elena, at=world.now,
    )  # fmt: skip
    assert [(one["role"], one["cause"]) for one in marta.get("schedules/payments/gaps/").json()] == [
        ("primary", "removed")
    ]


@pytest.mark.parametrize("question", ["shifts", "gaps", "overlaps", "coverage"])
def test_when_the_range_makes_no_sense_then_it_is_refused(
    world: World, caller: Callable[[str], Caller], question: str
) -> None:
    marta = caller("marta")
    assert refusal(marta.get(f"schedules/payments/{question}/", since="yesterday")) == (400, "refused", "since")
    assert refusal(
        marta.get(f"schedules/payments/{question}/", since="2026-01-01T00:00Z", until="2027-01-01T00:00Z")
    ) == (400, "refused", "until")


# --- overrides


def test_a_responder_plans_an_override_for_themselves_and_takes_it_back(
    world: World, caller: Callable[[str], Caller]
) -> None:
    jonas, start = caller("jonas"), world.now + timedelta(days=1)
    body = {"schedule": "payments", "person": "jonas", "start": text(start), "end": text(start + timedelta(hours=2))}
    made = jonas.post("overrides/", **body, role="primary", reason="Train")
    assert made.status_code == 201
    assert (made.json()["kind"], made.json()["role"], made.json()["created_by"]["username"]) == (
        "cover",
        "primary",
        "jonas",
    )
    listed = jonas.get("overrides/", schedule="payments", since=text(start), person="jonas").json()
    assert listed["count"] == 1
    assert jonas.get("overrides/", until=text(start - timedelta(hours=1))).json()["count"] == 0
    taken_back = jonas.post(f"overrides/{made.json()['id']}/cancel/")
    assert taken_back.json()["cancelled_at"]
    assert refusal(jonas.post(f"overrides/{made.json()['id']}/cancel/"))[:2] == (409, "conflict")


def test_overrides_of_others_bad_windows_and_gaps_are_refused(world: World, caller: Callable[[str], Caller]) -> None:
    start = world.now + timedelta(days=1)
    body = {"schedule": "payments", "start": text(start), "end": text(start + timedelta(hours=2))}
    assert refusal(caller("jonas").post("overrides/", **body, person="marta"))[0] == 403
    assert refusal(caller("amara").post("overrides/", **body, person="jonas"))[0] == 403
    elena = caller("elena")
    assert refusal(elena.post("overrides/", **{**body, "end": text(start)}, person="marta")) == (400, "refused", "end")
    assert refusal(elena.post("overrides/", **body, person="nobody"))[2] == "person"
    removing = {**body, "person": "marta", "kind": "remove"}
    refused = elena.post("overrides/", **removing)
    assert refusal(refused) == (400, "gaps_opened", "accept_gaps")
    assert [gap["role"] for gap in refused.json()["gaps"]] == ["primary"]
    assert elena.post("overrides/", **removing, accept_gaps=True).status_code == 201
    assert GapAcceptance.objects.count() == 1
    assert Override.objects.count() == 1


# --- absences


def test_an_absence_is_planned_approved_and_taken_back(world: World, caller: Callable[[str], Caller]) -> None:
    Team.objects.filter(slug="payments").update(approves_absences=True)
    marta, elena = caller("marta"), caller("elena")
    start = world.now + timedelta(days=3)
    made = marta.post("absences/", start=text(start), end=text(start + timedelta(days=1)), reason="Wedding")
    assert (made.status_code, made.json()["state"]) == (201, "pending")
    pk = made.json()["id"]
    assert refusal(marta.post(f"absences/{pk}/approve/"))[0] == 403
    assert caller("jonas").get(f"absences/{pk}/").status_code == 404
    assert caller("jonas").get("absences/").json()["count"] == 0
    assert elena.get("absences/", state="pending", person="marta").json()["count"] == 1
    assert elena.post(f"absences/{pk}/approve/").json()["state"] == "approved"
    assert refusal(elena.post(f"absences/{pk}/decline/"))[:2] == (409, "conflict")
    assert marta.post(f"absences/{pk}/cancel/").json()["state"] == "cancelled"
    assert refusal(marta.post("absences/", person="jonas", start=text(start), end=text(start + timedelta(days=1)))) == (
        403,
        "not_allowed",
        "person",
    )
    assert elena.post(
        "absences/", person="jonas", start=text(start), end=text(start + timedelta(days=1))
    ).json()["state"] == "approved"  # fmt: skip
    assert Absence.objects.count() == 2


# --- swaps


def test_a_swap_is_offered_accepted_and_the_shift_moves(world: World, caller: Callable[[str], Caller]) -> None:
    marta, jonas = caller("marta"), caller("jonas")
    start = world.now + timedelta(days=2)
    window = {"start": text(start), "end": text(start + timedelta(hours=4))}
    made = marta.post("swaps/", schedule="payments", role="primary", asked=["jonas", "elena"], **window)
    assert (made.status_code, made.json()["state"]) == (201, "open")
    pk = made.json()["id"]
    assert [one["person"]["username"] for one in made.json()["asks"]] == ["jonas", "elena"]
    assert caller("nils").get(f"swaps/{pk}/").status_code == 404
    assert refusal(marta.post(f"swaps/{pk}/accept/"))[0] == 403
    assert jonas.post(f"swaps/{pk}/accept/").json()["state"] == "done"
    assert refusal(caller("elena").post(f"swaps/{pk}/accept/"))[:2] == (409, "conflict")
    held = marta.get("on-call/", at=text(start)).json()[0]["holders"]
    assert {one["role"]: one["person"]["username"] for one in held}["primary"] == "jonas"


def test_a_swap_is_refused_cancelled_or_decided_by_a_manager(world: World, caller: Callable[[str], Caller]) -> None:
    Team.objects.filter(slug="payments").update(approves_swaps=True)
    marta, jonas, elena = caller("marta"), caller("jonas"), caller("elena")

    def offered(days: int) -> int:
        start = world.now + timedelta(days=days)
        made = marta.post(
            "swaps/", schedule="payments", role="primary", asked=["jonas"], start=text(start),
            end=text(start + timedelta(hours=4)),
        )  # fmt: skip
        return int(made.json()["id"])

    first, second, third = offered(1), offered(2), offered(3)
    assert jonas.post(f"swaps/{first}/refuse/").json()["asks"][0]["answer"] == "declined"
    assert marta.post(f"swaps/{second}/cancel/").json()["state"] == "cancelled"
    assert jonas.post(f"swaps/{third}/accept/").json()["state"] == "waiting"
    assert refusal(jonas.post(f"swaps/{third}/approve/"))[0] == 403
    assert elena.post(f"swaps/{third}/decline/").json()["state"] == "declined"
    assert Swap.objects.filter(state="done").count() == 0


# --- feeds, workload


def test_a_feed_is_made_with_its_address_once_and_revoked(world: World, caller: Callable[[str], Caller]) -> None:
    marta = caller("marta")
    made = marta.post("calendar-feeds/", schedule="payments")
    assert made.status_code == 201
    assert "no-store" in made["Cache-Control"]
    url = made.json()["url"]
    path = url.partition("8000")[2]
    assert Client().get(path).status_code == 200
    pk = made.json()["id"]
    assert "url" not in marta.get(f"calendar-feeds/{pk}/").json()
    assert caller("jonas").post(f"calendar-feeds/{pk}/revoke/").status_code == 404
    assert marta.post(f"calendar-feeds/{pk}/revoke/").json()["revoked_at"]
    assert Client().get(path).status_code == 404
    assert caller("sofie").post("calendar-feeds/").status_code == 403


@pytest.mark.requirement("R198")
def test_the_workload_is_that_of_the_page_and_ones_own_for_responders(
    world: World, caller: Callable[[str], Caller]
) -> None:
    everybody = caller("elena").get("workload/", range="next4").json()
    assert {one["person"]["username"] for one in everybody["people"]} >= {"marta", "jonas"}
    marta = next(one for one in everybody["people"] if one["person"]["username"] == "marta")
    assert marta["hours"] > 600
    own = caller("marta").get("workload/", range="next4").json()
    assert own["people"] == [marta]
    assert refusal(caller("marta").get("workload/", range="custom", first="2026-11-10", last="2026-11-01"))[2] == "last"


# --- cost


def test_lists_cost_the_same_queries_however_long_they_are(
    world: World, caller: Callable[[str], Caller], django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    cast, elena = world.cast, caller("elena")
    for number in range(6):
        start = world.now + timedelta(days=number + 1)
        end = start + timedelta(hours=3)
        override_create(schedule=cast.schedule, user=cast.jonas, start=start, end=end, actor=cast.elena, at=world.now)
        Absence.objects.create(user=cast.nils, start=start, end=end, created_at=world.now, created_by=cast.nils)
        feed_create(owner=cast.elena, schedule=cast.schedule, actor=cast.elena, at=world.now)
        schedule_publish(
            schedule=cast.schedule, definition=cast.schedule.versions.latest("number").definition, author=cast.hugo,
            at=world.now,
        )  # fmt: skip
        swap_create(
            schedule=cast.schedule, role="secondary", requester=cast.jonas, start=start, end=end,
            asked=[cast.marta, cast.elena], at=world.now,
        )  # fmt: skip
    for path in ("overrides/", "absences/", "swaps/", "calendar-feeds/", "schedules/", "schedules/payments/versions/"):
        with django_assert_max_num_queries(9):
            assert elena.get(path).json()["results"]
    for path in ("shifts", "gaps", "overlaps", "coverage", "handoff"):
        with django_assert_max_num_queries(9):
            assert elena.get(f"schedules/payments/{path}/").status_code == 200
    assert ScheduleVersion.objects.count() == 1


def test_the_document_leaves_nothing_to_guess(tmp_path: Path) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", file=str(tmp_path / "schema.yml"))


def test_the_document_describes_what_there_is(world: World) -> None:
    text_of = Client().get("/api/v1/schema/").content.decode()
    for path in ("overrides/{id}/cancel/", "swaps/{id}/accept/", "absences/{id}/approve/", "workload/", "coverage/"):
        assert path in text_of

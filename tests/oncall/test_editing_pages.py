"""Creating and changing a rotation on its page: preview, saving, gaps, conflicts, history."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.html import escape
from pytest_django import DjangoAssertNumQueries

from audit.models import LedgerEntry
from oncall.editing.documents import draft_of
from oncall.editing.draft import Draft, WindowDraft, sent_of
from oncall.models import Absence, GapAcceptance, Membership, Schedule, ScheduleVersion, Team
from oncall.selectors import definition_spec, holders_at
from oncall.services import schedule_publish
from tests.world.harness import World

NEW = "/oncall/new/"
EDIT = "/oncall/payments/edit/"
PREVIEW = "/oncall/payments/edit/preview/"
HISTORY = "/oncall/payments/history/"


@pytest.fixture
def elena(world: World, client: Client) -> Client:
    """The browser of the manager, who is in the team."""
    client.force_login(world.cast.elena)
    return client


def shown(response: Any) -> str:
    return re.sub(r"\s+", " ", str(response.content.decode()))


def draft_now(world: World, slug: str = "payments") -> Draft:
    """The form as it opens on a schedule."""
    schedule = Schedule.objects.get(slug=slug)
    version = schedule.versions.latest("number")
    return draft_of(definition_spec(version.definition), name=schedule.name, team=str(schedule.team_id or ""))


def typed(draft: Draft, *, do: str = "save", base: int = 1, **more: str) -> Mapping[str, Any]:
    return {**sent_of(draft), "do": do, "base": str(base), "in_force": "now", **more}


def on_call(world: World, at: datetime, role: str = "primary", slug: str = "payments") -> list[str]:
    schedule = Schedule.objects.get(slug=slug)
    return [
        holder.user.username for holder in holders_at(schedules=[schedule], at=at)[schedule.pk] if holder.role == role
    ]


def office_hours(world: World) -> Draft:
    """As it is, but the primary's layer open on weekdays from 9 to 18 only."""
    draft = draft_now(world)
    draft.layers[0].windows.append(WindowDraft(["mon", "tue", "wed", "thu", "fri"], "09:00", "18:00"))
    return draft


# --- what the page shows


def test_the_form_opens_on_the_schedule_as_it_is_and_says_that_nothing_changes(elena: Client) -> None:
    page = shown(elena.get(EDIT))
    assert 'value="2025-01-06T09:00"' in page
    assert "Nobody’s shifts change within eight weeks." in page
    assert "It opens no gap." in page


def test_a_new_schedule_is_filled_in_with_the_people_of_the_managers_team(elena: Client) -> None:
    page = shown(elena.get(NEW))
    assert "Marta Ferri" in page
    assert 'value="2026-11-16T09:00"' in page
    assert "Tomás Oliveira" not in page


def test_when_people_of_other_teams_are_asked_for_then_they_can_be_chosen(world: World, elena: Client) -> None:
    page = shown(elena.post(EDIT, typed(draft_now(world), do="offer-all")))
    assert "Tomás Oliveira" in page


# --- saving


@pytest.mark.requirement("R293")
def test_when_a_weekend_layer_is_added_then_on_saturday_and_sunday_its_people_are_called(
    world: World, elena: Client
) -> None:
    """Nils takes weekends from Saturday midnight to Monday midnight, Marta everything else."""
    draft = draft_now(world)
    data = {
        **typed(draft),
        "layer-2-name": "Weekend",
        "layer-2-role": "primary",
        "layer-2-start": "2026-11-01T00:00",
        "layer-2-rotation": "weekly",
        "layer-2-every": "1",
        "layer-2-turn-0": str(world.cast.nils.pk),
        "layer-2-window-0-days": ["sat"],
        "layer-2-window-0-start": "00:00",
        "layer-2-window-0-end": "00:00",
        "layer-2-window-0-end_day": "mon",
        "layer-2-advance": "on",
    }
    assert elena.post(EDIT, data).status_code == 302
    for text, who in (
        ("2026-11-27 22:59:59", "marta"),  # Friday 23:59:59 in Rome
        ("2026-11-27 23:00", "nils"),
        ("2026-11-28 12:00", "nils"),
        ("2026-11-29 22:59:59", "nils"),
        ("2026-11-29 23:00", "marta"),
    ):
        assert on_call(world, datetime.fromisoformat(text).replace(tzinfo=UTC)) == [who], text


def test_when_a_change_is_saved_then_a_version_with_author_and_reason_is_in_force_and_in_the_ledger(
    world: World, elena: Client
) -> None:
    draft = draft_now(world)
    draft.layers[0].turns = [[str(world.cast.jonas.pk)]]
    response = elena.post(EDIT, typed(draft, reason="Marta moves to Platform"))
    assert response.status_code == 302
    assert on_call(world, world.now) == ["jonas"]
    version = world.cast.schedule.versions.latest("number")
    assert (version.number, version.author, version.reason) == (2, world.cast.elena, "Marta moves to Platform")
    entry = LedgerEntry.objects.filter(action="schedule.publish").latest("id")
    assert (entry.actor_label, entry.object_label) == ("Elena Conti", "Payments v2")


def test_when_a_change_is_planned_then_it_takes_effect_at_that_instant_on_the_schedules_clock(
    world: World, elena: Client
) -> None:
    draft = draft_now(world)
    draft.layers[0].turns = [[str(world.cast.jonas.pk)]]
    elena.post(EDIT, {**typed(draft), "in_force": "at", "effective_from": "2026-12-01T09:00"})
    begins = datetime(2026, 12, 1, 8, tzinfo=UTC)
    assert on_call(world, begins - timedelta(seconds=1)) == ["marta"]
    assert on_call(world, begins) == ["jonas"]
    page = shown(elena.get(EDIT))
    assert 'value="2026-12-01T09:00"' in page
    assert elena.post(EDIT, typed(draft_now(world), base=2, reason="Needed at once")).status_code == 302
    assert on_call(world, world.now) == ["jonas"]


def test_when_a_schedule_is_created_then_it_answers_and_is_in_the_ledger(world: World, elena: Client) -> None:
    draft = draft_now(world)
    draft.name, draft.team = "Payments data", str(world.cast.payments.pk)
    response = elena.post(NEW, typed(draft, base=0))
    assert response.headers["Location"] == "/oncall/payments-data/"
    assert on_call(world, world.now, slug="payments-data") == ["marta"]
    created = LedgerEntry.objects.filter(action="schedule.create").latest("id")
    assert (created.actor_label, created.object_label) == ("Elena Conti", "Payments data")


@pytest.mark.parametrize("name", ["New", "Workload", "Clashes"])
def test_when_the_name_is_the_address_of_another_page_then_the_schedule_gets_one_of_its_own(
    world: World, elena: Client, name: str
) -> None:
    draft = draft_now(world)
    draft.name = name
    location = elena.post(NEW, typed(draft, base=0)).headers["Location"]
    assert location == f"/oncall/{name.lower()}-2/"
    assert elena.get(location).status_code == 200


def test_when_the_name_is_taken_then_the_name_is_at_fault_and_what_was_typed_is_kept(
    world: World, elena: Client
) -> None:
    response = elena.post(NEW, typed(draft_now(world), base=0, reason="kept words"))
    assert response.status_code == 422
    page = shown(response)
    assert 'href="#id_name"' in page
    assert "kept words" in page
    assert Schedule.objects.count() == 1


def test_when_the_schedule_is_renamed_only_then_no_version_is_added(world: World, elena: Client) -> None:
    draft = draft_now(world)
    draft.name = "Payments on call"
    assert elena.post(EDIT, typed(draft)).status_code == 302
    world.cast.schedule.refresh_from_db()
    assert world.cast.schedule.name == "Payments on call"
    assert world.cast.schedule.versions.count() == 1
    assert LedgerEntry.objects.filter(action="schedule.change").count() == 1


@pytest.mark.parametrize(
    ("change", "target"),
    [
        ({"name": ""}, "id_name"),
        ({"time_zone": "Europe/Nowhere"}, "id_time_zone"),
        ({"layer-0-start": "soon"}, "id_layer-0-start"),
        ({"layer-1-every": "often"}, "id_layer-1-every"),
        ({"layer-0-turn-0": "999999"}, "layer-0-turn-0-0"),
        ({"in_force": "at", "effective_from": ""}, "id_effective_from"),
        ({"in_force": "at", "effective_from": "2026-11-01T09:00"}, "id_effective_from"),
        ({"in_force": "at", "effective_from": "2036-11-01T09:00"}, "id_effective_from"),
        ({"team": "2"}, "id_team"),
        ({"team": "9" * 30}, "id_team"),
        ({"kind": "follow", "follow": "nowhere"}, "id_follow"),
        ({"kind": "follow", "follow": "payments"}, "id_follow"),
        ({"reason": "x" * 201}, "id_reason"),
        ({"name": "Pay\x00ments"}, "id_name"),
        ({"reason": "be\x00cause"}, "id_reason"),
        ({"layer-0-turn-0": "9" * 30}, "layer-0-turn-0-0"),
        ({"kind": "everyone", "member": "9" * 30}, "member-0"),
        ({"kind": "everyone", "everyone_team": "999"}, "id_everyone_team"),
    ],
)
def test_when_something_makes_no_sense_then_nothing_is_saved_and_the_page_leads_to_the_field(
    world: World, elena: Client, change: dict[str, str], target: str
) -> None:
    if change.get("team") == "2":
        change = {"team": str(world.cast.platform.pk)}
    response = elena.post(EDIT, {**typed(draft_now(world)), **change})
    assert response.status_code == 422
    page = shown(response)
    assert f'href="#{target}"' in page
    assert f'id="{target}"' in page
    assert ScheduleVersion.objects.count() == 1


# --- buttons without scripts


def test_when_a_turn_is_added_without_scripts_then_the_page_comes_back_with_it_and_nothing_is_saved(
    world: World, elena: Client
) -> None:
    response = elena.post(EDIT, typed(draft_now(world), do="layer-0-turn-add"))
    assert response.status_code == 200
    page = shown(response)
    assert re.search(r'<select[^>]*id="layer-0-turn-1-0"[^>]*autofocus', page)
    assert ScheduleVersion.objects.count() == 1


def test_when_htmx_asks_then_only_the_form_comes_back(world: World, elena: Client) -> None:
    data = typed(draft_now(world), do="layer-add")
    page = shown(elena.post(EDIT, data, headers={"HX-Request": "true"}))
    assert "<html" not in page
    assert 'value="Layer 3"' in page


# --- the preview


def test_the_preview_says_who_gains_and_who_loses_which_shifts(world: World, elena: Client) -> None:
    draft = draft_now(world)
    draft.layers[0].turns.append([str(world.cast.elena.pk)])
    page = shown(elena.post(PREVIEW, typed(draft, do="")))
    assert "It changes the shifts of 2 people within eight weeks." in page
    assert re.search(r"Elena Conti</b>.*?gains 28 d", page)
    assert re.search(r"Marta Ferri</b>.*?loses 28 d", page)
    assert "Mon 23 Nov, 09:00" in page or "Mon 30 Nov, 09:00" in page


def test_when_the_form_makes_no_sense_yet_then_the_preview_says_what_to_mend(world: World, elena: Client) -> None:
    draft = draft_now(world)
    draft.layers[0].start = ""
    page = shown(elena.post(PREVIEW, typed(draft, do="")))
    assert "The preview comes back once this is mended:" in page
    assert "primary: Begins: must not be empty" in page


@pytest.mark.requirement("R266")
def test_when_the_change_puts_somebody_on_two_schedules_at_once_then_the_clash_is_shown_before_and_after_saving(
    world: World, elena: Client
) -> None:
    platform = Schedule.objects.create(
        name="Platform", slug="platform", team=world.cast.platform, time_zone="Europe/Lisbon"
    )
    always = {
        "time_zone": "Europe/Lisbon",
        "layers": [{"name": "Week", "start": "2026-01-05T09:00", "participants": [world.cast.nils.pk]}],
    }
    schedule_publish(schedule=platform, definition=always, author=world.cast.hugo, at=world.now)
    draft = draft_now(world)
    assert "Nils Aaker would" not in shown(elena.post(PREVIEW, typed(draft, do="")))
    draft.layers[0].turns = [[str(world.cast.nils.pk)]]
    told = escape("Nils Aaker would be on call for Payments and Platform at once")
    assert told in shown(elena.post(PREVIEW, typed(draft, do="")))
    assert told in shown(elena.post(EDIT, typed(draft), follow=True))


# --- gaps


@pytest.mark.requirement("R004")
def test_when_a_change_opens_a_gap_on_a_path_in_use_then_it_is_named_with_its_services_and_not_saved(
    world: World, elena: Client
) -> None:
    response = elena.post(EDIT, typed(office_hours(world)))
    assert response.status_code == 422
    page = shown(response)
    assert "No primary for" in page
    assert "every layer is closed then" in page
    assert "Mon 23 Nov, 18:00" in page
    assert "Critical payments</b>: Payments gateway" in page
    assert "I accept these gaps" in page
    assert ScheduleVersion.objects.count() == 1


@pytest.mark.requirement("R004")
def test_when_the_gaps_are_accepted_with_a_reason_then_it_is_saved_and_kept_who_accepted_them(
    world: World, elena: Client
) -> None:
    page = shown(elena.post(PREVIEW, typed(office_hours(world), do="")))
    found = re.search(r'name="accept_gaps" id="id_accept_gaps" value="([^"]+)"', page)
    assert found
    world.jump(minutes=3)
    without_reason = elena.post(EDIT, typed(office_hours(world), accept_gaps=found[1]))
    assert without_reason.status_code == 422
    assert 'href="#id_reason"' in shown(without_reason)
    data = typed(office_hours(world), accept_gaps=found[1], reason="The office answers by telephone at night")
    assert elena.post(EDIT, data).status_code == 302
    assert world.cast.schedule.versions.count() == 2
    acceptance = GapAcceptance.objects.filter(role="primary").first()
    assert acceptance is not None
    assert acceptance.accepted_by == world.cast.elena
    assert acceptance.reason == "The office answers by telephone at night"


@pytest.mark.requirement("R004")
def test_when_other_gaps_were_accepted_then_these_are_not(world: World, elena: Client) -> None:
    page = shown(elena.post(PREVIEW, typed(office_hours(world), do="")))
    found = re.search(r'name="accept_gaps" id="id_accept_gaps" value="([^"]+)"', page)
    assert found
    worse = office_hours(world)
    worse.layers[0].windows[0].days = ["mon"]
    assert elena.post(EDIT, typed(worse, accept_gaps=found[1])).status_code == 422


def test_when_no_policy_leads_to_the_schedule_then_its_gaps_are_shown_and_need_no_word(
    world: World, elena: Client
) -> None:
    draft = office_hours(world)
    draft.name = "Unused"
    elena.post(NEW, typed(draft, base=0))
    draft = draft_now(world, "unused")
    draft.layers[0].windows[0].days = ["mon"]
    page = shown(elena.post("/oncall/unused/edit/preview/", typed(draft, do="")))
    assert "No policy leads to this schedule" in page
    assert elena.post("/oncall/unused/edit/", typed(draft)).status_code == 302


@pytest.mark.requirement("R004")
def test_when_the_only_person_of_the_new_rotation_is_away_then_that_gap_is_named(world: World, elena: Client) -> None:
    Absence.objects.create(
        user=world.cast.nils,
        start=world.now + timedelta(days=7),
        end=world.now + timedelta(days=9),
        state=Absence.State.APPROVED,
        kind=Absence.Kind.AWAY,
        created_at=world.now,
    )
    draft = draft_now(world)
    draft.layers[0].turns = [[str(world.cast.nils.pk)]]
    response = elena.post(EDIT, typed(draft))
    assert response.status_code == 422
    assert "No primary for 2 d" in shown(response)


@pytest.mark.requirement("R004")
def test_when_a_role_is_dropped_that_somebody_held_then_that_is_a_gap(world: World, elena: Client) -> None:
    draft = draft_now(world)
    del draft.layers[1]
    response = elena.post(EDIT, typed(draft))
    assert response.status_code == 422
    assert "No backup for" in shown(response)


# --- two editors


def test_when_somebody_else_saved_meanwhile_then_theirs_is_shown_mine_is_kept_and_a_second_save_goes_through(
    world: World, elena: Client
) -> None:
    mine = draft_now(world)
    mine.layers[0].turns = [[str(world.cast.jonas.pk)]]
    theirs = {**world.cast.schedule.versions.get().definition, "holidays": "work"}
    schedule_publish(schedule=world.cast.schedule, definition=theirs, author=world.cast.hugo, at=world.now)
    response = elena.post(EDIT, typed(mine, base=1, reason="kept words"))
    assert response.status_code == 409
    page = shown(response)
    assert "Hugo Brandt saved version 2 after you began." in page
    assert "Turns are served as on any day" in page
    assert "kept words" in page
    assert 'name="base" value="2"' in page
    assert on_call(world, world.now) == ["marta"]
    assert elena.post(EDIT, typed(mine, base=2)).status_code == 302
    assert on_call(world, world.now) == ["jonas"]


# --- history


def test_the_history_names_author_reason_and_what_changed_and_an_older_version_is_restored_by_saving_it(
    world: World, elena: Client
) -> None:
    draft = draft_now(world)
    draft.layers[0].turns = [[str(world.cast.jonas.pk)]]
    elena.post(EDIT, typed(draft, reason="Marta moves to Platform"))
    page = shown(elena.get(HISTORY))
    assert "Marta moves to Platform" in page
    assert "<del>Marta Ferri</del>" in page
    assert "<ins>Jonas de Wit</ins>" in page
    assert 'href="/oncall/payments/edit/?version=1"' in page
    form = shown(elena.get(f"{EDIT}?version=1"))
    assert 'value="Version 1 again"' in form
    assert 'name="base" value="2"' in form
    assert re.search(r"Marta Ferri</b>.*?gains", form)
    assert elena.get(f"{EDIT}?version=9").status_code == 404
    assert elena.get(f"{EDIT}?version=x").status_code == 404


# --- who may


@pytest.mark.parametrize(
    ("username", "status"),
    [("elena", 200), ("hugo", 200), ("marta", 403), ("jonas", 403), ("tomas", 403), ("amara", 403), ("sofie", 403)],
)
@pytest.mark.parametrize("path", [EDIT, NEW])
def test_managers_of_the_team_and_administrators_write(
    world: World, client: Client, path: str, username: str, status: int
) -> None:
    client.force_login(world.cast.people[username])
    assert client.get(path).status_code == status


def test_when_a_manager_is_of_another_team_then_they_cannot_change_it_and_the_team_above_can(
    world: World, elena: Client
) -> None:
    Membership.objects.filter(user=world.cast.elena).update(team=world.cast.platform)
    for path in (EDIT, PREVIEW):
        assert elena.post(path, typed(draft_now(world))).status_code == 403
    assert EDIT not in shown(elena.get(HISTORY))
    engineering = Team.objects.create(name="Engineering", slug="engineering")
    Membership.objects.filter(user=world.cast.elena).update(team=engineering)
    Team.objects.filter(slug="payments").update(parent=engineering)
    assert elena.get(EDIT).status_code == 200


@pytest.mark.parametrize(("username", "status"), [("marta", 200), ("amara", 200), ("sofie", 403)])
def test_staff_read_the_history(world: World, client: Client, username: str, status: int) -> None:
    client.force_login(world.cast.people[username])
    assert client.get(HISTORY).status_code == status


@pytest.mark.parametrize(("method", "path"), [("put", EDIT), ("get", PREVIEW), ("post", HISTORY)])
def test_the_wrong_method_is_refused(elena: Client, method: str, path: str) -> None:
    assert getattr(elena, method)(path).status_code == 405


# --- queries


@pytest.mark.parametrize("path", [EDIT, NEW, HISTORY])
def test_the_pages_ask_no_more_of_the_database_with_more_schedules_people_and_versions(
    world: World, elena: Client, path: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(60) as few:
        elena.get(path)
        asked = len(few)
    for number in range(5):
        draft = draft_now(world)
        draft.layers[0].every = str(number + 2)
        elena.post(EDIT, typed(draft, base=number + 1))
        draft.name = f"Other {number}"
        elena.post(NEW, typed(draft, base=0))
    elena.get(path)  # shows what saving said
    with django_assert_max_num_queries(asked):
        elena.get(path)

"""Creating and changing a policy on its page: preview, findings, saving, conflicts, history."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from audit.models import LedgerEntry
from oncall.models import Schedule
from policies.definition import Role, TargetDef, TargetKind
from policies.editing.acts import act
from policies.editing.draft import Draft, sent_of, target_text
from policies.editing.editor import draft_at
from policies.models import EscalationPolicy, PolicyVersion
from policies.services import policy_publish
from tests.world.cast import levels, person
from tests.world.harness import World

NEW = "/policies/new/"
POLICY = "/policies/critical-payments/"
EDIT = f"{POLICY}edit/"
PREVIEW = f"{POLICY}edit/preview/"
HISTORY = f"{POLICY}history/"


@pytest.fixture
def elena(world: World, client: Client) -> Client:
    """The browser of the manager, who is in the team."""
    client.force_login(world.cast.elena)
    return client


def shown(response: Any) -> str:
    return re.sub(r"\s+", " ", str(response.content.decode()))


def draft_now(world: World) -> Draft:
    """The form as it opens on the policy."""
    policy = EscalationPolicy.objects.get(pk=world.cast.policy.pk)
    return draft_at(policy, policy.current_version)


def typed(draft: Draft, *, do: str = "save", base: int = 1, **more: str) -> Mapping[str, Any]:
    return {**sent_of(draft), "do": do, "base": str(base), **more}


# --- what the page shows


def test_the_form_opens_on_the_policy_as_it_is_with_its_ladder_in_sentences_beside_it(elena: Client) -> None:
    page = shown(elena.get(EDIT))
    assert 'value="Backup and senior"' in page
    assert "At once, tell the primary on Payments." in page
    assert '<option value="schedule|payments|primary||all" selected>Payments: the primary</option>' in page


def test_a_new_policy_begins_with_a_choice_of_the_ready_examples(elena: Client) -> None:
    page = shown(elena.get(NEW))
    for name in ("Up the chain", "Across teams", "By the clock", "By impact", "Several at once", "All of it together"):
        assert name in page
    form = shown(elena.get(f"{NEW}?from=hybrid"))
    assert 'value="All of it together"' in form
    assert "the primary on Payments" in form
    assert "An empty policy" in page
    assert 'value="Level 1"' in shown(elena.get(f"{NEW}?from=nothing"))
    assert elena.get(f"{NEW}?from=elsewhere").status_code == 404


@pytest.mark.django_db
def test_when_there_is_no_schedule_yet_then_an_example_leaves_open_whom_to_tell(client: Client) -> None:
    client.force_login(person("hugo"))
    page = shown(client.get(f"{NEW}?from=hierarchical"))
    assert "Choose whom" in page
    assert "|-|" not in page


def test_when_people_of_other_teams_are_asked_for_then_they_can_be_chosen(world: World, elena: Client) -> None:
    assert "Tomás Oliveira" not in shown(elena.get(EDIT))
    assert "Tomás Oliveira" in shown(elena.post(EDIT, typed(draft_now(world), do="offer-all")))


# --- saving


def test_when_a_change_is_saved_then_a_version_with_author_and_reason_is_in_force_and_in_the_ledger(
    world: World, elena: Client
) -> None:
    draft = draft_now(world)
    draft.levels[0].texts["ack"] = "90s"
    response = elena.post(EDIT, typed(draft, reason="Five minutes were too long"))
    assert response.headers["Location"] == POLICY
    version = PolicyVersion.objects.latest("number")
    assert (version.number, version.author, version.reason) == (2, world.cast.elena, "Five minutes were too long")
    assert version.definition["levels"][0]["ack_timeout"]["after"] == "1m30s"
    world.cast.policy.refresh_from_db()
    assert world.cast.policy.current_version == version
    entry = LedgerEntry.objects.filter(action="policy.publish").latest("id")
    assert (entry.actor_label, entry.object_label) == ("Elena Conti", "Critical payments v2")


def test_when_an_escalation_is_under_way_then_it_keeps_its_version_and_the_next_incident_gets_the_new_one(
    world: World, elena: Client
) -> None:
    world.alert()
    world.advance(seconds=1)
    world.expect_page("marta")
    draft = draft_now(world)
    draft.levels[0].lists["target"] = [target_text(TargetDef(TargetKind.USER, "nils"))]
    assert elena.post(EDIT, typed(draft)).status_code == 302
    assert "1 open incident is on version 1 and stays there" in shown(elena.get(f"{POLICY}?version=1"))


@pytest.mark.requirement("R130")
@pytest.mark.parametrize(
    ("lacks", "said"),
    [
        ("whom it tells", "needs at least one entry"),
        ("how long they have", "needs an acknowledgement timeout or a resolution timeout"),
    ],
)
def test_when_a_level_is_saved_without_whom_it_tells_or_how_long_they_have_then_it_is_refused(
    world: World, elena: Client, lacks: str, said: str
) -> None:
    draft = draft_now(world)
    if lacks == "whom it tells":
        draft.levels[0].lists["target"] = []
    else:
        draft.levels[0].texts["ack"] = draft.levels[0].texts["resolve"] = ""

    response = elena.post(EDIT, typed(draft))

    assert response.status_code == 422
    assert "Not saved: one thing needs mending." in shown(response)
    assert said in shown(response)
    assert world.cast.policy.versions.count() == 1


@pytest.mark.requirement("R336")
def test_when_people_would_be_told_again_where_nothing_is_critical_then_the_form_warns_and_it_may_be_saved(
    world: World, elena: Client
) -> None:
    draft = draft_now(world)
    act(draft, "level-0-repeat-add")
    draft.levels[0].texts["repeat_every"] = "2m"
    warning = "tells people again where nothing is critical"
    draft.levels[0].repeat_severities = ["SEV-1"]
    assert warning not in shown(elena.post(PREVIEW, typed(draft, do="")))

    draft.levels[0].repeat_severities = ["SEV-1", "SEV-4"]
    assert warning in shown(elena.post(PREVIEW, typed(draft, do="")))

    assert elena.post(EDIT, typed(draft)).status_code == 302


@pytest.mark.requirement("R292")
def test_when_responsible_and_accountable_people_are_named_then_the_page_of_the_policy_names_them(
    world: World, elena: Client
) -> None:
    draft = draft_now(world)
    act(draft, "level-0-raci-add")
    draft.levels[0].lists["accountable"] = [target_text(TargetDef(TargetKind.USER, "elena"))]
    draft.levels[0].lists["informed"] = [target_text(TargetDef(TargetKind.SCHEDULE, "payments", Role.SECONDARY))]
    assert elena.post(EDIT, typed(draft)).status_code == 302
    page = shown(elena.get(POLICY))
    assert "Responsible for the work: the primary on Payments." in page
    assert "Accountable for it: Elena Conti." in page
    assert "To be informed: the backup on Payments." in page


@pytest.mark.requirement("R292")
def test_when_nobody_or_several_would_be_accountable_then_that_field_is_at_fault(world: World, elena: Client) -> None:
    draft = draft_now(world)
    act(draft, "level-0-raci-add")
    for text in ("", target_text(TargetDef(TargetKind.TEAM, "payments"))):
        draft.levels[0].lists["accountable"] = [text]
        response = elena.post(EDIT, typed(draft))
        assert response.status_code == 422
        assert 'href="#level-0-accountable-0"' in shown(response)


def test_when_a_policy_is_created_from_an_example_then_it_has_its_first_version(world: World, elena: Client) -> None:
    found = dict(re.findall(r'name="([^"]+)"[^>]*value="([^"]*)"', shown(elena.get(f"{NEW}?from=hierarchical"))))
    assert found["level-2-name"] == "Manager"
    draft = draft_now(world)
    draft.texts["name"] = "Payments data"
    response = elena.post(NEW, typed(draft, base=0))
    assert response.headers["Location"] == "/policies/payments-data/"
    assert EscalationPolicy.objects.get(slug="payments-data").current_version.number == 1  # type: ignore[union-attr]


def test_when_the_name_is_the_address_of_another_page_then_the_policy_gets_one_of_its_own(
    world: World, elena: Client
) -> None:
    draft = draft_now(world)
    draft.texts["name"] = "New"
    assert elena.post(NEW, typed(draft, base=0)).headers["Location"] == "/policies/new-2/"


def test_when_only_the_row_changes_then_no_version_is_added(world: World, elena: Client) -> None:
    draft = draft_now(world)
    draft.texts |= {"name": "Payments, critical", "description": "For all that moves money."}
    draft.guidelines = [("Runbook", "https://docs.brightquay.example/runbook"), ("", "")]
    assert elena.post(EDIT, typed(draft)).status_code == 302
    assert PolicyVersion.objects.count() == 1
    page = shown(elena.get(POLICY))
    assert "Payments, critical" in page
    assert "For all that moves money." in page
    assert 'href="https://docs.brightquay.example/runbook"' in page
    assert LedgerEntry.objects.filter(action="policy.guidelines").count() == 1
    elena.post(EDIT, typed(draft))
    assert LedgerEntry.objects.filter(action="policy.guidelines").count() == 1


@pytest.mark.parametrize(
    ("change", "target"),
    [
        ({"name": ""}, "id_name"),
        ({"name": "Pay\x00ments"}, "id_name"),
        ({"reason": "x" * 201}, "id_reason"),
        ({"team": "platform"}, "id_team"),
        ({"team": "9" * 30}, "id_team"),
        ({"cycles": "0"}, "id_cycles"),
        ({"level-0-ack": "soon"}, "id_level-0-ack"),
        ({"level-1-name": ""}, "id_level-1-name"),
        ({"level-0-target-0": ""}, "level-0-target-0"),
        ({"level-0-target-0": "user|nobody-like-this||"}, "level-0-target-0"),
        ({"level-0-target-0": "policy|critical-payments|||all"}, "level-0-target-0"),
        ({"level-1-target-1": "schedule|gone|primary||all"}, "level-1-target-1"),
        ({"final-0": "user|elena|||all", "final_every": ""}, "id_final_every"),
        ({"guideline-0-title": "Runbook", "guideline-0-url": "javascript:alert(1)"}, "guideline-0-url"),
        ({"guideline-0-title": "", "guideline-0-url": "https://docs.brightquay.example/"}, "guideline-0-title"),
    ],
)
def test_when_something_makes_no_sense_then_nothing_is_saved_and_the_page_leads_to_the_field(
    world: World, elena: Client, change: dict[str, str], target: str
) -> None:
    if change.get("team") == "platform":
        change = {"team": str(world.cast.platform.pk)}
    response = elena.post(EDIT, {**typed(draft_now(world)), **change})
    assert response.status_code == 422
    page = shown(response)
    assert f'href="#{target}"' in page
    assert f'id="{target}"' in page
    assert PolicyVersion.objects.count() == 1


def test_when_every_level_is_removed_then_it_is_not_saved(world: World, elena: Client) -> None:
    draft = draft_now(world)
    draft.levels.clear()
    response = elena.post(EDIT, typed(draft))
    assert response.status_code == 422
    assert 'href="#level-add"' in shown(response)


# --- buttons and preview


def test_when_a_level_is_added_without_scripts_then_the_page_comes_back_with_it_and_nothing_is_saved(
    world: World, elena: Client
) -> None:
    response = elena.post(EDIT, typed(draft_now(world), do="level-add"))
    assert response.status_code == 200
    page = shown(response)
    assert "<html" in page
    assert re.search(r'<input[^>]*value="Level 4"[^>]*autofocus', page)
    assert PolicyVersion.objects.count() == 1


def test_when_htmx_asks_then_only_the_form_comes_back(world: World, elena: Client) -> None:
    page = shown(elena.post(EDIT, typed(draft_now(world), do="level-0-finer-add"), headers={"HX-Request": "true"}))
    assert "<html" not in page
    assert 'name="level-0-ack_sev1"' in page


def test_the_preview_draws_what_is_typed_as_a_ladder(world: World, elena: Client) -> None:
    draft = draft_now(world)
    draft.levels[0].texts["ack"] = "7m"
    page = shown(elena.post(PREVIEW, typed(draft, do="")))
    assert "after 7 minutes" in page
    assert "Time to acknowledge: 7 minutes." in page
    assert "<html" not in page


def test_when_the_form_makes_no_sense_yet_then_the_preview_says_what_to_mend(world: World, elena: Client) -> None:
    draft = draft_now(world)
    draft.levels[1].texts["ack"] = "later"
    page = shown(elena.post(PREVIEW, typed(draft, do="")))
    assert "The preview comes back once this is mended:" in page
    assert "Backup and senior: Time to acknowledge: must be a duration" in page


@pytest.mark.requirement("R186")
def test_while_editing_the_linter_says_where_nobody_would_be_told_and_leads_there(world: World, elena: Client) -> None:
    empty = Schedule.objects.create(name="Night", slug="night", team=world.cast.payments)
    draft = draft_now(world)
    draft.levels[0].lists["target"] = [target_text(TargetDef(TargetKind.SCHEDULE, empty.slug))]
    page = shown(elena.post(PREVIEW, typed(draft, do="")))
    findings = page.split("What may let somebody down")[1]
    assert 'href="#' in findings
    assert "Primary on call" in findings


# --- two editors


def test_when_somebody_else_saved_meanwhile_then_theirs_is_shown_mine_is_kept_and_a_second_save_goes_through(
    world: World, elena: Client
) -> None:
    mine = draft_now(world)
    mine.levels[0].texts["ack"] = "3m"
    policy_publish(
        policy=world.cast.policy, definition=levels(ack=("5m", "9m", "5m")), author=world.cast.hugo, at=world.now
    )
    response = elena.post(EDIT, typed(mine, base=1, reason="kept words"))
    assert response.status_code == 409
    page = shown(response)
    assert "Hugo Brandt saved version 2 after you began." in page
    assert "<ins>Time to acknowledge: 9 minutes.</ins>" in page
    assert "kept words" in page
    assert 'name="base" value="2"' in page
    assert elena.post(EDIT, typed(mine, base=2)).status_code == 302
    assert PolicyVersion.objects.count() == 3


# --- history


def test_the_history_names_author_reason_and_what_changed_and_an_older_version_is_restored_by_saving_it(
    world: World, elena: Client
) -> None:
    draft = draft_now(world)
    draft.levels[0].texts["ack"] = "90s"
    elena.post(EDIT, typed(draft, reason="Five minutes were too long"))
    page = shown(elena.get(HISTORY))
    assert "Five minutes were too long" in page
    assert "<del>Time to acknowledge: 5 minutes.</del>" in page
    assert "<ins>Time to acknowledge: 90 seconds.</ins>" in page
    assert f'href="{EDIT}?version=1"' in page
    form = shown(elena.get(f"{EDIT}?version=1"))
    assert 'value="Version 1 again"' in form
    assert 'name="base" value="2"' in form
    again = draft_now(world)
    again.levels[0].texts["ack"] = "5m"
    elena.post(EDIT, typed(again, base=2, reason="Version 1 again"))
    first, last = PolicyVersion.objects.get(number=1), PolicyVersion.objects.get(number=3)
    assert first.definition == last.definition
    assert elena.get(f"{EDIT}?version=9").status_code == 404
    assert elena.get(f"{EDIT}?version=x").status_code == 404


def test_two_versions_are_laid_beside_each_other(world: World, elena: Client) -> None:
    for wait in ("90s", "7m"):
        definition = levels(ack=(wait, "5m", "5m"))
        policy_publish(policy=world.cast.policy, definition=definition, author=world.cast.elena, at=world.now)
    page = shown(elena.get(f"{HISTORY}?from=1&to=3")).split("Version 1 and version 3")[1].split("<ol")[0]
    assert "<del>Time to acknowledge: 5 minutes.</del>" in page
    assert "<ins>Time to acknowledge: 7 minutes.</ins>" in page
    assert "90 seconds" not in page
    assert "They say the same." in shown(elena.get(f"{HISTORY}?from=2&to=2"))
    assert elena.get(f"{HISTORY}?from=1&to=9").status_code == 404


# --- who may


@pytest.mark.parametrize("path", [EDIT, NEW])
@pytest.mark.parametrize(
    ("username", "status"), [("elena", 200), ("hugo", 200), ("marta", 403), ("amara", 403), ("sofie", 403)]
)
def test_managers_of_the_team_and_administrators_write_policies(
    world: World, client: Client, path: str, username: str, status: int
) -> None:
    client.force_login(world.cast.people[username])
    assert client.get(path).status_code == status
    assert client.post(path, {}).status_code == (422 if status == 200 else 403) or status == 200
    assert PolicyVersion.objects.count() == 1


def test_a_manager_of_another_team_reads_and_does_not_write(world: World, elena: Client) -> None:
    EscalationPolicy.objects.filter(pk=world.cast.policy.pk).update(team=world.cast.platform)
    draft = draft_now(world)
    assert elena.get(HISTORY).status_code == 200
    assert "/edit/" not in shown(elena.get(HISTORY)) + shown(elena.get(POLICY))
    assert elena.get(EDIT).status_code == 403
    assert elena.post(EDIT, typed(draft)).status_code == 403
    assert elena.post(PREVIEW, typed(draft)).status_code == 403


@pytest.mark.parametrize(("username", "status"), [("marta", 200), ("amara", 200), ("sofie", 403)])
def test_staff_read_the_history(world: World, client: Client, username: str, status: int) -> None:
    client.force_login(world.cast.people[username])
    assert client.get(HISTORY).status_code == status


# --- cost


def test_the_history_takes_as_many_queries_for_ten_versions_as_for_two(
    world: World, elena: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for minutes in range(6, 16):
        definition = levels(ack=(f"{minutes}m", "5m", "5m"))
        policy_publish(policy=world.cast.policy, definition=definition, author=world.cast.elena, at=world.now)
    with django_assert_max_num_queries(14):
        assert elena.get(HISTORY).status_code == 200


def test_the_form_takes_no_more_queries_for_more_levels(
    world: World, elena: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    def queries(draft: Draft) -> int:
        with CaptureQueriesContext(connection) as found:
            assert elena.post(EDIT, typed(draft, do="preview")).status_code == 200
        return len(found)

    few, many = draft_now(world), draft_now(world)
    for _time in range(9):
        act(many, "level-add")
        many.levels[-1].lists["target"] = [target_text(TargetDef(TargetKind.SCHEDULE, "payments", Role.PRIMARY))]
    # What every page remembers for a moment is read by the first one.
    queries(few)
    assert queries(many) <= queries(few)
    with django_assert_max_num_queries(45):
        elena.post(EDIT, typed(many, do="preview"))

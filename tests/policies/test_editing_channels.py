"""The level editor wants to be told over which channels (R130); what it saves is said wherever a policy is read."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
from django.test import Client

from escalation_site.configuration.applying import configuration_apply
from policies.definition import OWN
from policies.editing.acts import act
from policies.editing.draft import NAMED, Draft, sent_of
from policies.editing.editor import draft_at
from policies.models import EscalationPolicy, PolicyVersion
from tests.world.harness import World

POLICY = "/policies/critical-payments/"
EDIT = f"{POLICY}edit/"
PREVIEW = f"{POLICY}edit/preview/"
API = "/api/v1/policies/critical-payments/"
BY_SMS = (
    "People are told by SMS and chat; whoever has no such contact method, by those they chose. One answer is enough."
)
AS_CHOSEN = "Each person is reached by the contact methods they chose, one after the other. One answer is enough."


@pytest.fixture
def elena(world: World, client: Client) -> Client:
    client.force_login(world.cast.elena)
    return client


def shown(response: Any) -> str:
    return re.sub(r"\s+", " ", str(response.content.decode()))


def draft_now(world: World) -> Draft:
    policy = EscalationPolicy.objects.get(pk=world.cast.policy.pk)
    return draft_at(policy, policy.current_version)


def told_by(world: World, told: str, *channels: str, level: int = 0) -> Draft:
    draft = draft_now(world)
    draft.levels[level].texts["told_by"], draft.levels[level].channels = told, list(channels)
    return draft


def typed(draft: Draft, *, do: str = "save") -> Mapping[str, Any]:
    return {**sent_of(draft), "do": do, "base": "1"}


@pytest.mark.requirement("R130")
@pytest.mark.parametrize(
    ("told", "field", "said"),
    [
        ("", "id_level-0-told_by", "Over which channels they are told: must be chosen"),
        ("somehow", "id_level-0-told_by", "Over which channels they are told: must be chosen"),
        (NAMED, "id_level-0-channels", "needs at least one entry"),
    ],
)
def test_when_a_level_is_saved_without_its_channels_then_it_is_refused_and_the_field_is_named(
    world: World, elena: Client, told: str, field: str, said: str
) -> None:
    response = elena.post(EDIT, typed(told_by(world, told)))

    assert response.status_code == 422
    page = shown(response)
    assert "Not saved: one thing needs mending." in page
    assert f'href="#{field}"' in page
    assert f'id="{field}"' in page
    assert said in page
    assert world.cast.policy.versions.count() == 1


def test_when_a_browser_sends_nothing_of_channels_at_all_then_it_is_refused(world: World, elena: Client) -> None:
    sent = {name: value for name, value in typed(draft_now(world)).items() if not name.endswith("-told_by")}

    assert elena.post(EDIT, sent).status_code == 422


@pytest.mark.requirement("R130")
def test_when_channels_are_saved_then_the_version_the_page_the_file_and_the_history_say_so(
    world: World, elena: Client
) -> None:
    assert elena.post(EDIT, typed(told_by(world, NAMED, "chat", "sms"))).status_code == 302

    version = PolicyVersion.objects.latest("number")
    assert [level.get("channels") for level in version.definition["levels"]] == [["sms", "chat"], None, None]
    assert BY_SMS in shown(elena.get(POLICY))
    assert BY_SMS in shown(elena.get(f"{POLICY}policy.md"))
    history = shown(elena.get(f"{POLICY}history/?from=1&to=2"))
    assert BY_SMS in history
    assert AS_CHOSEN in history


def test_when_a_policy_of_earlier_releases_is_opened_and_saved_then_it_stays_as_it_is(
    world: World, elena: Client
) -> None:
    page = shown(elena.get(EDIT))
    assert page.count('<option value="own" selected>As each person chose</option>') == 3

    assert elena.post(EDIT, typed(draft_now(world))).status_code == 302
    assert world.cast.policy.versions.count() == 1


def test_when_a_level_is_added_then_each_person_is_told_as_they_chose_until_something_else_is_said(
    world: World, elena: Client
) -> None:
    draft = draft_now(world)
    act(draft, "level-add")

    assert draft.levels[3].text("told_by") == OWN
    assert shown(elena.post(EDIT, typed(draft_now(world), do="level-add"))).count('value="own" selected') == 4


def test_when_channels_are_put_away_for_now_then_the_form_keeps_them_and_the_policy_does_not(
    world: World, elena: Client
) -> None:
    page = shown(elena.post(EDIT, typed(told_by(world, OWN, "sms"), do="preview")))

    assert re.search(r'name="level-0-channels" value="sms"[^>]* checked', page)
    assert BY_SMS not in page


@pytest.mark.requirement("R130")
def test_while_somebody_types_then_the_sentences_and_the_linter_follow(world: World, elena: Client) -> None:
    page = shown(elena.post(PREVIEW, typed(told_by(world, NAMED, "sms", "chat"), do="")))

    assert BY_SMS in page
    # Everybody is reached by e-mail alone, and neither of the two is set up here.
    assert "Level 1, Primary on call, tells people by SMS and chat, and nothing sends by that here" in page
    assert 'href="#id_level-0-channels"' in page


@pytest.mark.requirement("R130")
def test_channels_over_the_api_are_checked_stored_and_may_be_left_out(world: World, elena: Client) -> None:
    definition = PolicyVersion.objects.get().definition

    def patch(channels: object, base: int) -> Any:
        definition["levels"][0]["channels"] = channels
        body = {"definition": definition, "base": base, "reason": "Louder"}
        return elena.patch(API, body, content_type="application/json")

    refused = patch(["pigeon"], 1)
    assert refused.status_code == 400
    assert "levels[0].channels[0]" in refused.content.decode()

    assert patch(["sms"], 1).json()["definition"]["levels"][0]["channels"] == ["sms"]
    assert "channels" not in patch("own", 2).json()["definition"]["levels"][0]


FILE = """
policies:
  nights:
    name: Nights
    levels:
      - {name: First, targets: [{kind: user, ref: marta}], channels: [chat, sms], ack_timeout: 5m}
      - {name: Second, targets: [{kind: user, ref: elena}], ack_timeout: 5m}
"""


def test_channels_are_applied_once_from_a_file_which_may_leave_them_out(world: World) -> None:
    def apply() -> set[str]:
        plan = configuration_apply(FILE, source="house.yaml", at=world.now, environ={})
        return {str(change.step.value) for change in plan.changes}

    apply()

    assert [level.get("channels") for level in PolicyVersion.objects.latest("id").definition["levels"]] == [
        ["sms", "chat"],
        None,
    ]
    assert apply() == {"unchanged"}

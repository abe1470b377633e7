"""The policy pages: the list, one policy in words, its versions, and whom it would tell now."""

import re
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from oncall.models import Schedule
from policies.books import ROUTING, book_publish
from policies.models import EscalationPolicy, Guideline
from policies.services import policy_publish
from tests.world.cast import levels
from tests.world.harness import World

PAGE = "/policies/"
POLICY = "/policies/critical-payments/"
NOW = "/policies/critical-payments/now/"


@pytest.fixture
def elena(world: World, client: Client) -> Client:
    """The manager's browser."""
    client.force_login(world.cast.elena)
    return client


def shown(response: Any) -> str:
    return str(response.content.decode())


def test_the_list_names_each_policy_its_levels_and_when_each_is_reached(elena: Client) -> None:
    page = shown(elena.get(PAGE))
    assert "Critical payments" in page
    assert "used by 1 service" in page
    assert "Backup and senior" in page
    assert "after 5 minutes" in page
    assert "after 10 minutes" in page


@pytest.mark.requirement("R038")
def test_the_page_of_a_policy_answers_who_when_and_how_for_each_level_in_words(elena: Client) -> None:
    page = shown(elena.get(POLICY))
    assert "At once, tell the primary on Payments." in page
    assert "If nobody at level 1 acknowledges in time, tell the backup on Payments and the lead of" in page
    assert page.count("Time to acknowledge: 5 minutes.") == 3
    assert page.count("reached by") >= 3
    assert "Payments gateway" in page


@pytest.mark.requirement("R095")
def test_the_page_lists_who_answers_for_what_at_each_level_and_reports_empty_cells(world: World, elena: Client) -> None:
    raci = {"responsible": [{"kind": "user", "ref": "jonas"}], "accountable": {"kind": "user", "ref": "elena"}}
    definition = levels()
    definition["levels"][0] |= {"duty": "Answer and look first", "raci": raci}
    policy_publish(policy=world.cast.policy, definition=definition, author=world.cast.elena, at=world.now)

    response = elena.get(POLICY)

    first, second, third = response.context["page"].duties
    assert (first.told, first.duty) == ("the primary on Payments", "Answer and look first")
    assert (first.responsible, first.accountable, first.consulted) == ("Jonas de Wit", "Elena Conti", "")
    assert (second.responsible, second.accountable) == ("", "")
    assert third.told
    page = shown(response)
    assert "<td>Answer and look first</td>" in page
    empty = sum(not cell for one in (first, second, third) for cell in one.cells)
    assert f"{empty} cells are empty" in page
    assert page.count("</svg>empty</span>") == empty


@pytest.mark.requirement("R329")
def test_the_page_of_a_path_says_which_severity_and_impact_lead_there_and_when_and_who_is_responsible(
    world: World, elena: Client
) -> None:
    when = {
        "all": [
            {"fact": "severity", "operator": "at_least", "value": "SEV-2"},
            {"fact": "impact", "operator": "at_least", "value": 2},
        ]
    }
    then = {"policy": "critical-payments"}
    rules = [
        {"key": "heavy", "name": "What is heavy", "when": when, "then": then},
        {"key": "off", "name": "Not in use", "when": when, "then": then, "enabled": False},
        {"key": "other", "name": "Another way", "when": when, "then": {"policy": "elsewhere"}},
    ]
    book_publish(shape=ROUTING, definition={"rules": rules}, author=world.cast.elena, at=world.now)

    page = shown(elena.get(POLICY))

    here = page.partition("What leads here")[2].partition("</section>")[0]
    assert "What is heavy" in here
    assert "The severity is SEV-1 or SEV-2, and the impact is 1 (highest) or 2 (high)." in here
    assert "Not in use" not in here
    assert "Another way" not in here
    assert "Time to acknowledge: 5 minutes." in page
    assert "tell the primary on Payments" in page


@pytest.mark.requirement("R140")
def test_the_words_of_the_timeouts_are_explained_where_one_hovers(world: World, elena: Client) -> None:
    page = shown(elena.get(POLICY))

    found = re.findall(r'<dfn tabindex="0" title="([^"]*)">([^<]*)</dfn>', page)
    means = {word: meaning for meaning, word in found}
    assert means["Acknowledgement timeout"].startswith("The time the people of a level have to confirm that they saw")
    assert "does not stop the resolution timeout" in means["Acknowledgement timeout"]
    assert means["Resolution timeout"].startswith("The time to resolve or mitigate the incident before the next")


@pytest.mark.requirement("R140")
def test_the_clock_that_runs_on_an_incident_says_what_it_measures(world: World, elena: Client) -> None:
    world.alert()
    world.settle()
    world.expect_page("marta")

    page = shown(elena.get(world.incident.get_absolute_url()))

    assert re.search(
        r'<dfn [^>]*title="The time the people of a level have to confirm[^"]*">Time to answer</dfn>', page
    )


def test_whom_each_level_would_tell_now_is_looked_up_as_the_engine_would(elena: Client) -> None:
    page = shown(elena.get(NOW))
    assert "Marta Ferri" in page
    assert "Jonas de Wit" in page
    assert "Elena Conti" in page


def test_when_a_level_has_nobody_then_it_says_that_it_would_be_skipped(world: World, elena: Client) -> None:
    definition = levels()
    definition["levels"][0]["targets"] = [{"kind": "schedule", "ref": "no-such-schedule"}]
    policy_publish(policy=world.cast.policy, definition=definition, author=world.cast.elena, at=world.now)
    assert "nobody: the level would be skipped" in shown(elena.get(NOW))


def test_when_a_policy_belongs_to_no_team_then_the_first_services_team_stands_for_it(
    world: World, elena: Client
) -> None:
    EscalationPolicy.objects.filter(pk=world.cast.policy.pk).update(team=None)
    page = shown(elena.get(NOW))
    assert "Elena Conti" in page
    assert "“The service’s team” is Payments here." in page


def test_when_an_older_version_is_asked_for_then_it_is_shown_as_not_in_force(world: World, elena: Client) -> None:
    policy_publish(
        policy=world.cast.policy,
        definition=levels(ack=("90s", "5m", "5m")),
        author=world.cast.elena,
        at=world.now,
        reason="Five minutes were too long",
    )
    page = shown(elena.get(POLICY))
    assert "In force, version 2" in page
    assert "Five minutes were too long" in page
    assert "Time to acknowledge: 90 seconds." in page
    older = shown(elena.get(f"{POLICY}?version=1"))
    assert "Version 1, not in force" in older
    assert "Time to acknowledge: 90 seconds." not in older


def test_when_an_incident_is_open_on_a_version_then_the_page_says_that_it_stays_there(
    world: World, elena: Client
) -> None:
    world.alert()
    world.advance(seconds=1)
    world.expect_page("marta")
    assert "1 open incident is on version 1 and stays there" in shown(elena.get(POLICY))


def test_when_a_policy_has_no_version_then_the_pages_say_what_that_means(world: World, elena: Client) -> None:
    EscalationPolicy.objects.create(name="Empty", slug="empty")
    assert "No version is published" in shown(elena.get(PAGE))
    assert "No version is published" in shown(elena.get("/policies/empty/"))
    assert elena.get("/policies/empty/now/").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/policies/none/",
        f"{POLICY}policy.md?version=9",
        f"{POLICY}?version=9",
        f"{POLICY}?version=x",
        f"{NOW}?version=9",
    ],
)
def test_what_is_not_there_is_not_found(elena: Client, path: str) -> None:
    assert elena.get(path).status_code == 404


@pytest.mark.parametrize("path", [PAGE, POLICY, NOW])
@pytest.mark.parametrize(("username", "status"), [("marta", 200), ("amara", 200), ("hugo", 200), ("sofie", 403)])
def test_staff_read_policies(world: World, client: Client, path: str, username: str, status: int) -> None:
    client.force_login(world.cast.people[username])
    assert client.get(path).status_code == status


@pytest.mark.parametrize("path", [PAGE, POLICY, NOW])
def test_policies_are_read_here_and_never_posted_to(elena: Client, path: str) -> None:
    assert elena.post(path).status_code == 405


@pytest.mark.parametrize("path", [PAGE, POLICY, NOW])
def test_the_policy_pages_take_at_most_twenty_queries(
    world: World, elena: Client, path: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    """Also where a policy names several schedules."""
    for number in range(3):
        Schedule.objects.create(name=f"Other {number}", slug=f"other-{number}")
    definition = levels()
    definition["levels"][1]["targets"] += [{"kind": "schedule", "ref": f"other-{number}"} for number in range(3)]
    policy_publish(policy=world.cast.policy, definition=definition, author=world.cast.elena, at=world.now)
    with django_assert_max_num_queries(20):
        assert elena.get(path).status_code == 200


# --- to read, to print and to take along


@pytest.fixture
def runbook(world: World) -> Guideline:
    return Guideline.objects.create(
        policy=world.cast.policy, title="What to say to banks", url="https://docs.brightquay.example/banks"
    )


@pytest.mark.requirement("R139")
def test_the_page_is_stamped_with_its_version_and_links_the_documents_to_read_with_it(
    elena: Client, runbook: Guideline
) -> None:
    page = shown(elena.get(POLICY))
    assert f'href="{runbook.url}"' in page
    assert "What to say to banks" in page
    assert "Version 1 of Critical payments, in force, saved" in page
    assert "by Elena Conti" in page


def test_the_policy_can_be_taken_along_as_markdown_in_the_words_of_its_page(elena: Client, runbook: Guideline) -> None:
    response = elena.get(f"{POLICY}policy.md")
    assert response["Content-Type"] == "text/markdown; charset=utf-8"
    assert response["Content-Disposition"] == 'attachment; filename="critical-payments-v1.md"'
    text = shown(response)
    assert text.startswith("# Critical payments\n\n*Version 1 of Critical payments, in force, saved ")
    assert "## 2. Backup and senior (after 5 minutes)" in text
    assert "At once, tell the primary on Payments." in text
    assert f"- [What to say to banks](<{runbook.url}>)" in text
    assert "Payments gateway" in text


@pytest.mark.requirement("R102")
def test_when_the_policy_changes_then_page_and_document_say_so_with_the_new_version(
    world: World, elena: Client
) -> None:
    definition = levels(ack=("90s", "5m", "5m"))
    policy_publish(policy=world.cast.policy, definition=definition, author=world.cast.elena, at=world.now)
    for path in (POLICY, f"{POLICY}policy.md"):
        text = shown(elena.get(path))
        assert "Time to acknowledge: 90 seconds." in text
        assert "Version 2 of Critical payments, in force" in text
        older = shown(elena.get(f"{path}?version=1"))
        assert "Time to acknowledge: 90 seconds." not in older
        assert "Version 1 of Critical payments, not in force" in older


@pytest.mark.requirement("R108")
def test_when_an_incident_uses_the_policy_then_its_guideline_document_is_one_click_away(
    world: World, elena: Client, runbook: Guideline
) -> None:
    world.alert()
    world.advance(seconds=1)
    world.expect_page("marta")
    page = shown(elena.get(world.incident.get_absolute_url()))
    assert f'href="{runbook.url}"' in page
    assert runbook.title in page


def test_what_people_wrote_is_no_markup_in_the_document(world: World, elena: Client) -> None:
    definition = levels()
    definition["levels"][0] |= {"name": "# [Primary](x)", "duty": "Run `make`\n\n# now"}
    policy_publish(policy=world.cast.policy, definition=definition, author=world.cast.elena, at=world.now)
    text = shown(elena.get(f"{POLICY}policy.md"))
    assert r"## 1. \# \[Primary\](x)" in text
    assert r"What is expected: Run \`make\` \# now" in text
    assert elena.get(f"{POLICY}policy.md?version=7").status_code == 404


def test_whoever_may_change_a_policy_finds_the_way(world: World, client: Client) -> None:
    for username, offered in (("elena", True), ("hugo", True), ("marta", False), ("amara", False)):
        client.force_login(world.cast.people[username])
        assert ("/edit/" in shown(client.get(POLICY))) is offered
        assert ("/policies/new/" in shown(client.get(PAGE))) is offered

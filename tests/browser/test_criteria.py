"""The severity criteria in a browser with scripts: the proposal follows each answer, and the editor is swapped in place."""

import os
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from escalation_site.env import BASE_DIR
from tests.browser.conftest import Windows
from tests.browser.pages import PageOf

FILE = PageOf("file", "/incidents/new/?service=payments-gateway", "sofie")
EDIT = PageOf("criteria-edit", "/policies/tools/criteria/", "elena")
ASSESS = PageOf("assess", "/incidents/{ringing}/assess/", "marta")
pytestmark = [pytest.mark.browser, pytest.mark.slow]

PHONE: Any = {"width": 390, "height": 844}


def picture(page: Page, name: str) -> None:
    if os.environ.get("SCREENSHOTS"):
        page.screenshot(path=BASE_DIR / "build" / "screenshots" / f"{name}.png", full_page=True)


def answer(page: Page, question: str, words: str) -> None:
    page.get_by_role("radiogroup", name=question).get_by_label(words, exact=True).check()


@pytest.mark.requirement("R080")
def test_when_questions_are_answered_then_the_proposal_follows_and_a_milder_choice_asks_why(windows: Windows) -> None:
    visited = windows.open(FILE)
    page = visited.page
    page.locator("summary", has_text="How severe is it?").click()
    answer(page, "Is a service down?", "Yes")
    proposal = page.locator("#proposal")
    expect(proposal).to_contain_text("SEV-2 is proposed. A service is down.")
    answer(page, "Are people stuck, without a way around?", "Yes")
    expect(proposal).to_contain_text("SEV-1 is proposed. A critical service is down, and there is no way around.")
    picture(page, "filing-proposed-desktop")
    page.get_by_label("SEV-4").check()
    expect(proposal.get_by_label("Why another severity than the proposed one?")).to_be_visible()
    page.set_viewport_size(PHONE)
    page.emulate_media(color_scheme="dark")
    picture(page, "filing-proposed-phone")
    assert visited.complaints == []


def test_when_the_answers_leave_it_open_then_the_form_says_who_is_asked(windows: Windows) -> None:
    page = windows.open(FILE).page
    page.locator("summary", has_text="How severe is it?").click()
    answer(page, "Is a service down?", "Not known")
    expect(page.locator("#proposal")).to_contain_text("It is open as long as these are not answered")
    expect(page.locator("#will-page")).to_have_text("Asks a person first how severe it is")
    picture(page, "filing-unclear-desktop")
    page.get_by_label("No to every question I left open").check()
    answer(page, "Is a service down?", "No")
    expect(page.locator("#will-page")).to_have_text("Pages nobody: it meets no criterion")


def test_when_an_incident_is_assessed_then_the_proposal_shows_against_what_it_is(windows: Windows) -> None:
    page = windows.open(ASSESS).page
    answer(page, "Does signing in fail?", "Yes")
    expect(page.locator("#proposal")).to_contain_text("SEV-2 is proposed. People cannot sign in.")
    expect(page.locator("#proposal")).to_contain_text("It is SEV-1 now; choose no other, and it gets milder.")
    picture(page, "assess-proposed-desktop")


def test_when_a_criterion_is_added_then_the_editor_is_swapped_in_place_and_can_be_tried(windows: Windows) -> None:
    visited = windows.open(EDIT)
    page = visited.page
    page.locator("#severity-add").click()
    row = page.locator("details.q-row[id^=severity-]").last
    expect(row).to_have_attribute("open", "")
    page.locator("summary", has_text="7. How many customers").click()
    page.locator("summary", has_text="Answer the questions as the draft asks them").click()
    answer(page, "Do payments fail?", "Yes")
    expect(page.locator("#tried")).to_contain_text("SEV-2 is proposed. Payments fail.")
    picture(page, "criteria-editing-desktop")
    row.locator("button", has_text="Remove this criterion").click()
    expect(page.locator("#severity-add")).to_be_focused()
    expect(page.locator("details.q-row[id^=severity-]")).to_have_count(15)
    assert visited.complaints == []

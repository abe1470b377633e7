"""The builder of conditions in Chromium: rows come and go in place, the focus follows, and no click is lost."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Windows

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def page(windows: Windows) -> Page:
    """The workbench, as a manager opens it."""
    opened = windows.blank("elena").page
    opened.goto(f"{windows.site.address}/policies/tools/conditions/")
    opened.wait_for_load_state("networkidle")
    return opened


def test_when_a_fact_is_chosen_then_its_operators_come_and_the_focus_stays(page: Page) -> None:
    page.focus("#when-0-fact")
    page.select_option("#when-0-fact", "time")

    expect(page.locator("#when-0-operator")).to_contain_text("is outside")
    expect(page.locator("#when-0-fact")).to_be_focused()


def test_when_a_row_is_added_then_it_has_the_focus_and_nothing_typed_is_lost(page: Page) -> None:
    page.fill("#when-1-1-value", "7")
    page.click("#when-1-add-check")

    expect(page.locator("#when-1-2-fact")).to_be_focused()
    expect(page.locator("#when-1-1-value")).to_have_value("7")
    expect(page.locator("#when-words")).to_contain_text("is 7 or more within 1 day, or the severity is SEV-1")


def test_when_something_is_typed_then_the_sentence_follows_and_the_fields_stay(page: Page) -> None:
    page.fill("#when-1-1-value", "12")

    expect(page.locator("#when-words")).to_contain_text("is 12 or more within 1 day")
    expect(page.locator("#when-1-1-value")).to_be_focused()


def test_when_it_is_all_done_by_keyboard_then_a_row_can_be_removed_and_the_condition_tried(page: Page) -> None:
    page.focus("#when-1-remove")
    page.keyboard.press("Enter")
    expect(page.locator("#when-0-remove")).to_be_focused()

    page.focus("button[value=try]")
    page.keyboard.press("Enter")
    expect(page.locator("#outcome")).to_contain_text("It does not hold")

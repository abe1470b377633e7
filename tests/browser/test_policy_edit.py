"""Writing a policy on a phone, with its ladder in sentences following every change; and by keyboard alone."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visited, Windows

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def opened(windows: Windows, path: str, width: int = 390) -> Visited:
    """The page in the manager's window, on a phone."""
    visited = windows.blank("elena")
    visited.page.set_viewport_size({"width": width, "height": 844})
    visited.page.goto(f"{windows.site.address}{path}")
    visited.page.wait_for_load_state("networkidle")
    return visited


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def test_when_a_manager_writes_a_policy_on_a_phone_then_its_sentences_follow_and_it_is_saved(windows: Windows) -> None:
    visited = opened(windows, "/policies/new/?from=hybrid")
    page = visited.page
    page.locator("#id_name").fill("Night shift")
    page.locator("#level-0-target-add").click()
    # A row that is added has the focus, though the form came anew.
    expect(page.locator("#level-0-target-1")).to_be_focused()
    page.locator("#level-0-target-1").select_option(label="Elena Conti")
    expect(page.locator("#policy-preview")).to_contain_text("tell the primary on Payments and Elena Conti.")
    assert fits(page)
    page.locator("#level-2-up").click()
    expect(page.locator("#level-1-down, #level-1-up").first).to_be_visible()
    expect(page.locator("#id_level-1-name")).to_have_value("Senior and manager")
    assert fits(page)
    page.locator("#id_reason").fill("Nights have a ladder of their own")
    page.locator("button[value=save]").last.click()
    page.wait_for_url("**/policies/night-shift/")
    page.goto(f"{windows.site.address}/policies/night-shift/history/")
    expect(page.locator("main")).to_contain_text("Nights have a ladder of their own")
    assert fits(page)
    assert visited.complaints == []


def test_a_policy_is_changed_by_keyboard_alone(windows: Windows) -> None:
    visited = opened(windows, "/policies/critical-payments/edit/", width=1440)
    page = visited.page
    page.locator("#id_level-0-ack").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("soon")
    # The Enter key looks and saves nothing.
    page.keyboard.press("Enter")
    expect(page.locator("[data-first-error]")).to_contain_text("Primary on call: Time to acknowledge")
    page.locator("#id_level-0-ack").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("4m")
    expect(page.locator("#policy-preview")).to_contain_text("after 4 minutes")
    page.locator("#level-add").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#id_level-3-name")).to_be_focused()
    page.locator("#level-3-remove").focus()
    page.keyboard.press("Space")
    expect(page.locator("#level-2-remove")).to_be_focused()
    page.locator("button[value=save]").last.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/policies/critical-payments/")
    expect(page.locator("main")).to_contain_text("Time to acknowledge: 4 minutes.")
    assert visited.complaints == []

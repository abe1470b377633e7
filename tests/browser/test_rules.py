"""Writing the routing rules on a phone with scripts, without scripts, and by keyboard; and trying the draft."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visited, Windows

pytestmark = [pytest.mark.browser, pytest.mark.slow]

EDIT = "/policies/rules/edit/"


def opened(windows: Windows, path: str, width: int = 390, **options: object) -> Visited:
    """The page in the manager's window, on a phone."""
    visited = windows.blank("elena", **options)
    visited.page.set_viewport_size({"width": width, "height": 844})
    visited.page.goto(f"{windows.site.address}{path}")
    visited.page.wait_for_load_state("networkidle")
    return visited


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def test_when_a_manager_adds_a_ready_rule_on_a_phone_then_it_is_tried_and_published(windows: Windows) -> None:
    visited = opened(windows, EDIT)
    page = visited.page
    page.locator("#id_example").select_option("security")
    page.locator("#rule-example").click()
    # The rule that opened has the focus, though the form came anew.
    expect(page.locator("#id_rule-name")).to_be_focused()
    page.locator("#tell-add").click()
    expect(page.locator("#tell-0")).to_be_focused()
    page.locator("#tell-0").select_option(label="Elena Conti")
    assert fits(page)
    page.locator("button[value=close]").click()
    expect(page.locator("main")).to_contain_text("Also inform Elena Conti.")
    assert fits(page)
    page.locator("button[value=draft]").click()
    page.locator("#id_facts-security").select_option("yes")
    page.locator("#try-form button[type=submit]").last.click()
    expect(page.locator("main")).to_contain_text("by the rule “Security goes to specialists”")
    assert fits(page)
    assert visited.complaints == []


def test_the_rules_are_moved_and_changed_by_keyboard_alone(windows: Windows) -> None:
    visited = opened(windows, EDIT, width=1440)
    page = visited.page
    names = page.locator(".rules.editing > li h2")
    first = names.first.inner_text()
    page.locator("#rule-0-down").focus()
    page.keyboard.press("Enter")
    expect(names.nth(1)).to_have_text(first.replace("1", "2", 1))
    expect(page.locator("#rule-1-up")).to_be_focused()
    page.keyboard.press("Space")
    expect(names.first).to_have_text(first)
    # The answer is in its place only when it has given the focus to a button: a key pressed before goes there.
    expect(page.locator("#rule-0-down")).to_be_focused()
    page.locator("#rule-0-open").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#id_rule-name")).to_be_focused()
    # The Enter key in a field looks and keeps nothing.
    page.keyboard.press("Control+A")
    page.keyboard.press("Delete")
    page.keyboard.press("Enter")
    page.wait_for_load_state("networkidle")
    expect(page.locator("#id_rule-name")).to_have_value("")
    page.locator("button[value=close]").click()
    expect(page.locator("[data-first-error]")).to_contain_text("Name of the rule")
    page.locator("button[value=discard]").click()
    expect(names.first).to_have_text(first)
    assert [one for one in visited.complaints if "422" not in one] == []


def test_without_scripts_a_rule_is_written_and_kept(windows: Windows) -> None:
    visited = opened(windows, EDIT, java_script_enabled=False)
    page = visited.page
    page.locator("#rule-new").click()
    page.locator("#id_rule-name").fill("Serious ones are faster")
    page.locator("#id_rule-timers_percent").fill("50")
    page.locator("#rule-when-add-check").click()
    assert page.locator("#id_rule-name").input_value() == "Serious ones are faster"
    page.locator("button[value=close]").click()
    assert "Timers run for 50 % of their time." in page.locator("main").inner_text()
    assert fits(page)

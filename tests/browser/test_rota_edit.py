"""Changing a rotation on a phone, with the preview following every change; and by keyboard alone."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visited, Windows

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PHONE = {"width": 390, "height": 844}


def opened(windows: Windows, path: str) -> Visited:
    """The page in the manager's window, on a phone."""
    visited = windows.blank("elena")
    visited.page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    visited.page.goto(f"{windows.site.address}{path}")
    visited.page.wait_for_load_state("networkidle")
    return visited


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


@pytest.mark.requirement("R272")
def test_when_a_manager_changes_the_rotation_on_a_phone_then_the_preview_follows_it_is_saved_and_audited(
    windows: Windows,
) -> None:
    visited = opened(windows, "/oncall/payments/edit/")
    page = visited.page
    page.locator("#layer-0-turn-add").click()
    # A row that is added has the focus, though the form came anew.
    expect(page.locator("#layer-0-turn-1-0")).to_be_focused()
    page.locator("#layer-0-turn-1-0").select_option(label="Elena Conti")
    expect(page.locator("#rota-preview")).to_contain_text("It changes the shifts of 2 people")
    expect(page.locator("#rota-preview .moves")).to_contain_text("Elena Conti")
    assert fits(page)
    page.locator("#layer-0-turn-1-up").click()
    expect(page.locator("#layer-0-turn-0-down")).to_be_focused()
    page.locator("#id_reason").fill("Changed on the train")
    page.locator("button[value=save]").last.click()
    page.wait_for_url("**/oncall/payments/")
    page.goto(f"{windows.site.address}/oncall/payments/history/")
    expect(page.locator("main")).to_contain_text("Changed on the train")
    assert fits(page)
    auditor = windows.blank("amara").page
    auditor.goto(f"{windows.site.address}/audit/?q=Payments+v2")
    expect(auditor.locator("main")).to_contain_text("Payments v2")
    assert visited.complaints == []


def test_when_a_gap_opens_on_a_phone_then_it_is_named_and_accepted_there(windows: Windows) -> None:
    visited = opened(windows, "/oncall/payments/edit/")
    page = visited.page
    page.locator("#layer-1-window-add").click()
    expect(page.locator("#layer-1-window-0-start")).to_be_focused()
    expect(page.locator("#rota-preview")).to_contain_text("No backup for")
    expect(page.locator("#rota-preview")).to_contain_text("Payments gateway")
    page.locator("button[value=save]").last.click()
    expect(page.locator("#wrong")).to_be_visible()
    page.locator("#id_accept_gaps").check()
    # The preview comes again with what was ticked.
    page.wait_for_load_state("networkidle")
    expect(page.locator("#id_accept_gaps")).to_be_checked()
    assert fits(page)
    assert [text for text in visited.complaints if "422" not in text] == []


def test_when_enter_is_pressed_in_a_field_then_the_form_is_looked_at_and_nothing_is_removed_or_saved(
    windows: Windows,
) -> None:
    visited = opened(windows, "/oncall/payments/edit/")
    page = visited.page
    first_layer = page.locator("#layer-0 .people select[name*=turn]")
    turns = first_layer.count()
    page.locator("#id_reason").fill("Not yet")
    with page.expect_navigation(wait_until="networkidle"):
        page.locator("#id_reason").press("Enter")
    assert page.url.endswith("/edit/")
    expect(page.locator("#id_reason")).to_have_value("Not yet")
    expect(first_layer).to_have_count(turns)
    # Adding a turn by key alone, and choosing who serves it.
    page.locator("#layer-0-turn-add").focus()
    page.keyboard.press("Enter")
    expect(page.locator(f"#layer-0-turn-{turns}-0")).to_be_focused()
    page.keyboard.type("Jonas")
    expect(page.locator("#rota-preview .moves")).to_contain_text("Jonas de Wit")
    assert visited.complaints == []

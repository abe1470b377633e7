"""On a telephone: taking on-call and giving it back, and an override that is seen before it is saved."""

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.browser import clock
from tests.browser.conftest import Windows

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def phone(windows: Windows, username: str, path: str) -> Page:
    page = windows.blank(username).page
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{windows.site.address}{path}")
    return page


@pytest.mark.requirement("R270")
def test_when_take_on_call_is_pressed_then_it_moves_at_once_and_can_be_given_back(windows: Windows) -> None:
    page = phone(windows, "jonas", "/oncall/mine/")
    now = page.get_by_role("region", name="Now", exact=True)
    expect(now.get_by_text("backup")).to_be_visible()
    page.get_by_role("button", name="Take on-call now").click()
    expect(now.get_by_text("primary", exact=True)).to_be_visible()
    now.get_by_role("button", name="Give it back").click()
    expect(now.get_by_role("button", name="Give it back")).to_have_count(0)
    expect(now.get_by_text("primary", exact=True)).to_have_count(0)


@pytest.mark.requirement("R271")
def test_when_an_override_is_planned_then_its_result_is_seen_and_then_saved(windows: Windows) -> None:
    page = phone(windows, "jonas", "/oncall/payments/override/")
    day = clock.now() + timedelta(days=6)
    page.get_by_label("From").fill(f"{day:%Y-%m-%dT10:00}")
    page.get_by_label("For how long").select_option("4")
    page.get_by_role("button", name="Preview").click()
    result = page.get_by_role("region", name="What changes")
    expect(result.get_by_role("heading")).to_be_focused()
    # Another test may have changed the rotation: whoever it was, it becomes Jonas.
    expect(result.get_by_role("listitem").filter(has_text="Jonas de Wit")).to_be_visible()
    result.get_by_role("button", name="Save the override").click()
    overrides = page.get_by_role("region", name="Overrides")
    mine = overrides.get_by_role("listitem").filter(has_text="Jonas de Wit")
    expect(mine).to_have_count(1)
    mine.get_by_role("button", name="Remove").click()
    expect(overrides.get_by_role("listitem").filter(has_text="Jonas de Wit")).to_have_count(0)

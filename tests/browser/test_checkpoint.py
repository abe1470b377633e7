"""A decision on a phone: everything in sight, both answers by thumb, and without scripts."""

import pytest
from playwright.sync_api import ViewportSize, expect

from tests.browser.conftest import Windows

pytestmark = pytest.mark.browser

PHONE: ViewportSize = {"width": 390, "height": 844}


def test_on_a_phone_a_decision_fits_and_is_taken_without_scripts(windows: Windows) -> None:
    page = windows.blank("elena", java_script_enabled=False).page
    page.set_viewport_size(PHONE)
    page.goto(f"{windows.site.address}/incidents/{windows.places['asking_too']}/")
    page.get_by_role("link", name="Decide").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Should people be paged for it?")
    for name in ("Page people", "Page nobody"):
        box = page.get_by_role("button", name=name).bounding_box()
        assert box is not None
        assert box["height"] >= 44
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= PHONE["width"]
    page.get_by_label("What decided it?").fill("It is the weekly test.")
    page.get_by_role("button", name="Page nobody").click()

    expect(page.get_by_text("by decision").first).to_be_visible()
    expect(page.get_by_text("It is the weekly test.").first).to_be_attached()

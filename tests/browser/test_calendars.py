"""The calendars page on a phone: an address is made and works, a file that is none is refused at its field."""

import os
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from escalation_site.env import BASE_DIR
from tests.browser.conftest import Windows

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.requirement("R034")
def test_on_a_phone_an_address_is_made_and_a_calendar_program_gets_the_shifts(windows: Windows) -> None:
    visited = windows.blank("marta")
    page = visited.page
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{windows.site.address}/oncall/calendars/")
    page.get_by_label("What it shows").select_option(label="Payments")
    page.get_by_role("button", name="Make an address").press("Enter")
    address = page.locator("#address")
    expect(address).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    if os.environ.get("SCREENSHOTS"):
        page.screenshot(path=BASE_DIR / "build" / "screenshots" / "calendars-made-phone-light.png", full_page=True)
    path = "/calendar/" + (address.text_content() or "").partition("/calendar/")[2]
    answer = httpx.get(f"{windows.site.address}{path}")
    assert answer.status_code == 200
    assert "SUMMARY:Marta Ferri on call: Payments (primary)" in answer.text
    page.goto(f"{windows.site.address}/oncall/calendars/")
    assert path not in page.content()
    assert visited.complaints == []


def test_when_a_file_is_no_calendar_then_the_form_says_so_at_its_field(windows: Windows) -> None:
    page = windows.blank("marta").page
    page.goto(f"{windows.site.address}/oncall/calendars/")
    file: Any = {"name": "photo.ics", "mimeType": "text/calendar", "buffer": b"JFIF"}
    page.get_by_label("iCalendar file").set_input_files(file)
    page.get_by_role("button", name="Read this file").click()
    field = page.get_by_label("iCalendar file")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text("It is no calendar: it does not begin with BEGIN:VCALENDAR.")).to_be_visible()

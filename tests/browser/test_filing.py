"""A reporter files an incident from the sign-in page, at a desk and on a telephone, and what was typed survives."""

import re
from base64 import b64decode
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.conftest import Windows
from tests.browser.looks import SIZES
from tests.world.cast import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MOST = 12
PICTURE = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


@dataclass
class Hand:
    """Counts what a person does: a field filled, a choice made, a button pressed."""

    page: Page
    done: list[str] = field(default_factory=list)

    def fill(self, label: str, text: str) -> None:
        self.page.get_by_label(label, exact=True).fill(text)
        self.done.append(f"fill {label}")

    def choose(self, label: str, value: str) -> None:
        self.page.get_by_label(label).select_option(value)
        self.done.append(f"choose {label}")

    def press(self, what: Locator, name: str) -> None:
        what.click()
        self.done.append(f"press {name}")


@pytest.mark.requirement("R121", "R258")
@pytest.mark.parametrize("size", SIZES)
def test_when_a_reporter_files_from_the_sign_in_page_then_twelve_steps_are_enough(windows: Windows, size: str) -> None:
    visited = windows.blank()
    page, hand = visited.page, Hand(visited.page)
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    page.goto(f"{windows.site.address}/accounts/login/?next=/incidents/new/")
    page.locator("input[name=login]").fill("sofie")
    page.locator("input[name=password]").fill(PASSWORD)
    hand.done += ["fill name", "fill password"]
    hand.press(page.locator("form[action*=login] button[type=submit]").first, "sign in")
    expect(page).to_have_url(re.compile("/incidents/new/"))
    hand.fill("What is wrong? required", f"Labels do not print on the {size}")
    hand.fill("What do people see? required", "Since two o’clock every label comes out blank.")
    hand.choose("Affected service", "payments-gateway")
    hand.choose("Type", "security")
    hand.press(page.locator("label:has(input[name=severity][value='3'])"), "SEV-3")
    # The type brings a question of the house's own.
    hand.fill("Records affected required", "40")
    expect(page.locator("#will-page")).to_contain_text("Marta Ferri")
    hand.press(page.get_by_role("button", name="File incident"), "file")
    expect(page.get_by_role("heading", name=f"Labels do not print on the {size}")).to_be_visible()
    assert len(hand.done) <= MOST, hand.done
    assert visited.complaints == []


def test_when_the_session_ends_while_somebody_types_then_nothing_is_lost(windows: Windows) -> None:
    """The draft is kept on the server; what comes after the session ended is kept in the window, and is back after signing in."""
    visited = windows.blank("tomas")
    page = visited.page
    page.goto(f"{windows.site.address}/incidents/new/")
    page.get_by_label("What is wrong? required", exact=True).fill("Half a thought")
    expect(page.locator("#draft-state")).to_contain_text("Draft kept")
    page.locator("#id_files").set_input_files({"name": "till.png", "mimeType": "image/png", "buffer": PICTURE})
    expect(page.get_by_role("link", name="till.png")).to_be_visible()
    page.context.clear_cookies()
    page.get_by_label("What do people see? required", exact=True).fill("A whole one")
    expect(page.locator("#draft-state")).to_contain_text("You are signed out")
    # Here and above the form, wherever somebody looks, the same way leads on.
    ways = page.get_by_role("link", name="Sign in and go on")
    expect(ways).to_have_count(2)
    there = [ways.nth(number).get_attribute("href") for number in range(2)]
    assert [str(one).replace("%2F", "/") for one in there] == [
        "/accounts/login/?next=/incidents/new/%3Fdraft%3Dtake"
    ] * 2
    page.locator("#draft-state").get_by_role("link").click()
    page.locator("input[name=login]").fill("tomas")
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("form[action*=login] button[type=submit]").first.click()
    expect(page.get_by_label("What is wrong? required", exact=True)).to_have_value("Half a thought")
    expect(page.get_by_label("What do people see? required", exact=True)).to_have_value("A whole one")
    expect(page.get_by_role("link", name="till.png")).to_be_visible()
    # Dropped on the page and pasted: it goes where files go.
    page.get_by_role("button", name="Remove till.png").click()
    expect(page.get_by_role("link", name="till.png")).to_have_count(0)
    page.evaluate(
        """() => {
            const brought = new DataTransfer();
            brought.items.add(new File(["carrier answered 503"], "gateway.log", { type: "text/plain" }));
            const form = document.getElementById("file-form");
            form.dispatchEvent(new DragEvent("drop", { dataTransfer: brought, bubbles: true, cancelable: true }));
        }"""
    )
    expect(page.get_by_role("link", name="gateway.log")).to_be_visible()


def test_when_somebody_types_before_the_scripts_are_there_then_what_is_known_shows_all_the_same(
    windows: Windows,
) -> None:
    visited = windows.blank("sofie")
    page = visited.page
    waiting: list[Route] = []
    page.route("**/htmx*", lambda route: waiting.append(route))
    page.goto(f"{windows.site.address}/incidents/new/", wait_until="commit")
    page.get_by_label("What is wrong? required", exact=True).fill("Parcel tracking shows no dates")
    page.get_by_label("Affected service").select_option("payments-gateway")
    for script in waiting:
        script.continue_()
    known = page.locator("#filing-similar .simc").filter(has_text="Parcel tracking shows no dates")
    expect(known.get_by_role("button", name="It is this one: follow it")).to_be_visible()
    expect(page.locator("#will-page")).to_contain_text("Marta Ferri")

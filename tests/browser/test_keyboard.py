"""Without a mouse: sign in, file an incident, find it in the list, open it, take it."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Windows
from tests.world.cast import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MOST_STEPS = 80
# What a screen reader is given, also the same words a second time.
HEAR = """() => new MutationObserver(() => window.heard.push(document.getElementById("announce").innerText))
    .observe(document.getElementById("announce"), { childList: true })"""


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the element has the focus, and see that the focus shows."""
    for _step in range(MOST_STEPS):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            shown = page.evaluate(
                "() => { const style = getComputedStyle(document.activeElement);"
                " return style.outlineStyle !== 'none' || style.boxShadow !== 'none'; }"
            )
            assert shown, f"nobody sees that {selector} has the focus"
            return
    raise AssertionError(f"{selector} cannot be reached with Tab")


def test_when_somebody_has_no_mouse_then_they_sign_in_file_open_and_acknowledge(windows: Windows) -> None:
    visited = windows.blank()
    page = visited.page
    page.goto(f"{windows.site.address}/accounts/login/")
    if not page.evaluate("document.activeElement.name === 'login'"):
        tab_to(page, "[name=login]")
    page.keyboard.type("marta")
    tab_to(page, "[name=password]")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{windows.site.address}/")
    page.wait_for_load_state("networkidle")

    page.keyboard.press("c")
    page.wait_for_url("**/incidents/new/")
    page.wait_for_load_state("networkidle")
    tab_to(page, "[name=title]")
    page.keyboard.type("Filed without a mouse")
    tab_to(page, "[name=summary]")
    page.keyboard.type("Cards are declined.")
    tab_to(page, "[name=service]")
    page.keyboard.type("Payments")
    tab_to(page, "[name=category]")
    page.keyboard.type("Outage")
    tab_to(page, "[name=severity]")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    tab_to(page, "#file-form [type=submit]")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/incidents/\d+/$"))
    number = page.url.rstrip("/").rsplit("/", 1)[1]

    page.goto(f"{windows.site.address}/incidents/?q=without+a+mouse")
    page.wait_for_load_state("networkidle")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/incidents/{number}/")
    page.wait_for_load_state("networkidle")
    page.keyboard.press("a")
    page.locator("#incident-head .state.acked").wait_for()
    assert "Marta Ferri" in page.locator("#incident-head").inner_text()
    assert visited.complaints == []


def test_when_a_page_is_opened_then_the_first_tab_leads_past_the_navigation(windows: Windows) -> None:
    visited = windows.blank("marta")
    visited.page.goto(f"{windows.site.address}/incidents/")
    visited.page.keyboard.press("Tab")
    assert visited.page.evaluate("document.activeElement.className") == "skip"
    visited.page.keyboard.press("Enter")
    assert visited.page.evaluate("location.hash") == "#content"


def test_when_the_calendar_is_turned_by_keys_then_the_range_follows_and_is_announced(windows: Windows) -> None:
    visited = windows.blank("marta")
    page = visited.page
    page.goto(f"{windows.site.address}/oncall/payments/")
    page.wait_for_load_state("networkidle")
    page.evaluate(HEAR)
    for key, address in {
        "ArrowRight": r"view=fortnight&from=",
        "m": r"view=month&from=",
        "ArrowLeft": r"view=month&from=",
        "d": r"view=day",
        "w": r"view=fortnight",
        "t": r"view=fortnight$",
    }.items():
        page.evaluate("window.heard = []")
        page.keyboard.press(key)
        page.wait_for_url(re.compile(address))
        # The range may be the one before: today's fortnight after a fortnight that begins today.
        page.wait_for_function(
            "() => window.heard.some(told => told.startsWith(document.querySelector('.range-title').innerText))"
        )
    tab_to(page, "#cal-later")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("view=fortnight&from="))
    assert page.evaluate("document.activeElement.id") == "cal-later"
    assert visited.complaints == []


@pytest.mark.requirement("R264")
def test_when_an_incident_was_opened_from_a_filtered_list_then_keys_lead_to_its_neighbours_and_back(
    windows: Windows,
) -> None:
    visited = windows.blank("marta")
    page, address = visited.page, f"{windows.site.address}/incidents/?severity=1&severity=3"
    page.goto(address)
    page.wait_for_load_state("networkidle")
    links = page.locator("#incident-list [data-row-link]")
    paths = [link.get_attribute("href") for link in links.all()]
    assert len(paths) > 3
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    for key, path in (("j", paths[1]), ("j", paths[2]), ("k", paths[1])):
        expect(page.locator(f"a[data-key={key}]").filter(visible=True)).to_have_attribute("href", str(path))
        page.keyboard.press(key)
        page.wait_for_url(f"**{path}")
    expect(page.locator("[data-place]").filter(visible=True)).to_have_text(f"2 of {len(paths)}")
    page.keyboard.press("?")
    expect(page.locator("[data-keys-list]")).to_contain_text("Next incident of the list")
    page.keyboard.press("Escape")
    # Not while somebody writes.
    page.locator("#composer [name=text]").press_sequentially("jk u")
    assert page.url.endswith(str(paths[1]))
    page.locator("#composer [name=text]").fill("")
    page.locator("h1").click()
    page.keyboard.press("u")
    page.wait_for_url(address)
    expect(page.locator(".row.cursor [data-row-link]")).to_have_attribute("href", str(paths[1]))
    # A tab of its own has no memory of the list, but says where it was opened.
    with page.context.expect_page() as opened:
        links.nth(1).click(modifiers=["ControlOrMeta"])
    expect(opened.value.locator("[data-place]").filter(visible=True)).to_have_text(f"2 of {len(paths)}")
    assert visited.complaints == []

"""Two people on one incident: what one says the other reads at once, and what both write is lost for neither."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import Visited, Windows
from tests.browser.looks import SIZES
from tests.browser.test_live import shown
from tests.world.cast import PASSWORD

__all__ = ["shown"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.requirement("R192", "R306")
def test_when_two_people_work_on_one_incident_then_they_see_each_other_and_lose_nothing(
    windows: Windows, shown: Callable[[str, str], Visited]
) -> None:
    path = f"/incidents/{windows.places['major']}/"
    marta, jonas = shown("marta", path), shown("jonas", path)
    jonas.page.locator("[data-presence]", has_text="Marta Ferri").wait_for()
    # Her face is the one that stands beside her name; a screen reader is given the name alone.
    face = jonas.page.locator("[data-presence] .av")
    expect(face).to_have_text("MF")
    expect(face).to_have_attribute("aria-hidden", "true")
    look = str(jonas.page.locator(".who .av", has_text="MF").first.get_attribute("class"))
    assert set(str(face.get_attribute("class")).split()) == set(look.split())

    # A name is completed by keyboard; what is said shows on the other's page while he types.
    jonas.page.fill("#composer [name=text]", "I was about to say")
    composer = marta.page.locator("#composer [name=text]")
    composer.press_sequentially("The **queue** is full, @jon")
    marta.page.locator("#mention-list [role=option]").first.wait_for()
    composer.press("Enter")
    assert composer.input_value() == "The **queue** is full, @jonas "
    composer.press("Control+Enter")
    line = jonas.page.locator("#incident-timeline .say", has_text="The queue is full, Jonas de Wit")
    line.wait_for()
    assert line.locator("strong").inner_text() == "queue"
    assert jonas.page.input_value("#composer [name=text]") == "I was about to say", "what he types stays"

    # Both edit the description: what only one touched is saved, and both versions of the rest are shown.
    for one in (marta, jonas):
        one.page.keyboard.press("Escape")
        one.page.evaluate("document.activeElement.blur()")
        one.page.keyboard.press("d")
        one.page.locator("#act-body [name=title]").wait_for()
    marta.page.fill("#act-body [name=title]", "Cards fail in Italy")
    marta.page.click("#act-body [type=submit]")
    marta.page.locator("#incident-head h1", has_text="Cards fail in Italy").wait_for()
    jonas.page.fill("#act-body [name=title]", "Cards fail everywhere")
    jonas.page.fill("#act-body [name=summary]", "Since three")
    jonas.page.click("#act-body [type=submit]")
    clash = jonas.page.locator("#act-body .clash")
    clash.wait_for()
    assert "Cards fail in Italy" in clash.inner_text()
    assert "Cards fail everywhere" in clash.inner_text()
    clash.locator("[value=theirs]").check()
    jonas.page.click("#act-body [type=submit]")
    marta.page.locator("#incident-about", has_text="Since three").wait_for()
    jonas.page.locator("#incident-head h1", has_text="Cards fail in Italy").wait_for()

    # Everything of the incident is on this page, and the help sheet names the keys.
    for part in (
        "#incident-ladder",
        "#incident-timeline",
        "#composer",
        "#incident-about",
        "#incident-around",
        "#incident-head .facts",
    ):
        assert jonas.page.locator(part).count() == 1, part
    jonas.page.locator("#act-dialog").wait_for(state="hidden")
    jonas.page.evaluate("document.activeElement.blur()")
    jonas.page.keyboard.press("?")
    jonas.page.locator("#keys[open] [data-keys-list]").wait_for()
    keys = jonas.page.locator("[data-keys-list]").inner_text()
    for meaning in ("Edit the description", "Call somebody in", "Brief", "Search the timeline", "Show as a room"):
        assert meaning in keys
    for one in (marta, jonas):
        assert one.page.evaluate("window.notReloaded") is True
        assert [text for text in one.complaints if not re.search(r"\b409\b", text)] == []


def test_when_the_session_ends_while_somebody_writes_then_it_is_said_and_the_words_are_there_after_signing_in(
    windows: Windows,
) -> None:
    page = windows.blank("jonas").page
    path = f"/incidents/{windows.places['major']}/"
    page.goto(f"{windows.site.address}{path}")
    words = page.locator("#composer [name=text]")
    words.fill("The terminals are back for good")
    page.context.clear_cookies(name="sessionid")
    page.locator("#composer").get_by_role("button", name="Post").click()
    banner = page.locator("[data-signed-out]")
    expect(banner).to_be_visible()
    expect(words).to_have_value("The terminals are back for good")
    banner.get_by_role("link").click()
    page.locator("input[name=login]").fill("jonas")
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("form[action*=login] button[type=submit]").first.click()
    page.wait_for_url(f"**{path}")
    expect(words).to_have_value("The terminals are back for good")
    page.locator("#composer").get_by_role("button", name="Post").click()
    expect(page.locator("#incident-timeline")).to_contain_text("The terminals are back for good")
    # What was said is no longer begun.
    page.reload()
    expect(words).to_have_value("")


def test_when_the_rest_of_the_page_comes_while_a_finger_is_on_the_button_then_what_was_written_is_posted(
    windows: Windows,
) -> None:
    """On a phone the panel above the composer pushes it away: once a comment was lost to that."""
    page = windows.blank("sofie", has_touch=True, is_mobile=True).page
    width, height = SIZES["phone"]
    page.set_viewport_size({"width": width, "height": height})
    held: list[Route] = []
    page.route("**/request/panel/", lambda route: held.append(route))
    page.goto(f"{windows.site.address}/incidents/{windows.places['major']}/")
    page.locator("#composer [name=text]").fill("It hums no more.")
    button = page.locator("#composer").get_by_role("button", name="Post")
    button.scroll_into_view_if_needed()
    place = button.bounding_box()
    assert place is not None
    page.mouse.move(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    page.mouse.down()
    held[0].continue_()
    page.wait_for_timeout(400)
    page.mouse.up()
    expect(page.locator("#incident-timeline")).to_contain_text("It hums no more.")
    for late in held[1:]:
        late.continue_()
    page.unroute("**/request/panel/")
    expect(page.locator("#request-panel")).to_be_visible()

"""The board in a browser: a card is carried by keyboard and by pointer, and everybody who looks sees it move."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Windows
from tests.browser.test_live import file_incident

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def column(page: Page, title: str) -> Locator:
    return page.locator(f'[data-column][data-title="{title}"]')


@pytest.mark.requirement("R196", "R306")
def test_when_a_card_is_carried_then_it_moves_for_everybody_and_what_asks_for_more_asks_first(windows: Windows) -> None:
    path = file_incident(windows.site, windows.blank("sofie"), "Board test")
    number = path.strip("/").rsplit("/", 1)[1]
    board = f"{windows.site.address}/incidents/board/?q=Board+test"
    marta, sofie = windows.blank("marta"), windows.blank("sofie")
    for one in (marta, sofie):
        one.page.goto(board)
        one.page.wait_for_load_state("networkidle")
        one.page.evaluate("window.notReloaded = true")
    card = f"#card-{number}"

    # By keyboard; Escape keeps it where it was.
    marta.page.focus(card)
    for key in ("Space", "ArrowRight", "Escape"):
        marta.page.keyboard.press(key)
    expect(column(marta.page, "New").locator(card)).to_be_focused()
    for key in ("Space", "ArrowRight", "Enter"):
        marta.page.keyboard.press(key)
    expect(column(sofie.page, "Triage").locator(card)).to_be_visible()
    expect(column(marta.page, "Triage").locator(card)).to_be_focused()

    # By pointer.
    marta.page.locator(f"[data-card='{number}']").drag_to(column(marta.page, "Investigating"))
    expect(column(sofie.page, "Investigating").locator(card)).to_be_visible()
    for one in (marta, sofie):
        assert one.page.evaluate("window.notReloaded") is True
    assert sofie.page.locator("[draggable=true]").count() == 0

    # Another team wants a reason: the form opens, and without one the card stays.
    marta.page.goto(f"{board}&by=team")
    marta.page.wait_for_load_state("networkidle")
    marta.page.click(f"#move-{number}")
    dialog = marta.page.locator("#act-dialog")
    expect(dialog).to_be_visible()
    dialog.locator("select").select_option("platform")
    dialog.locator("textarea").fill("It is their cluster.")
    dialog.locator("button[type=submit]").click()
    moved = column(marta.page, "Platform").locator(f"[data-card='{number}']")
    expect(moved).to_contain_text("Payments → Platform")
    expect(dialog).to_be_hidden()
    assert marta.complaints == sofie.complaints == []

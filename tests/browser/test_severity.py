"""Changing the severity in the browser: the dialog, what it says beforehand, and what another window sees."""

import re

import pytest

from tests.browser.conftest import Windows

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SOON = 15_000.0  # how soon is measured by benchmarks/live.py


def test_when_the_severity_is_changed_by_keyboard_then_the_effect_is_said_before_and_another_window_sees_it(
    windows: Windows,
) -> None:
    site = windows.site
    marta, jonas = windows.blank("marta"), windows.blank("jonas")
    page = marta.page
    page.goto(f"{site.address}/incidents/new/?service=payments-gateway")
    page.fill("[name=title]", "Severity test")
    page.fill("[name=summary]", "Cards are declined.")
    page.select_option("[name=category]", "outage")
    page.check("[name=severity][value='3']")
    page.click("#file-form [type=submit]")
    page.wait_for_url(re.compile(r"/incidents/\d+/$"))
    page.wait_for_load_state("networkidle")
    jonas.page.goto(page.url)
    jonas.page.wait_for_load_state("networkidle")

    page.keyboard.press("v")
    page.locator("#act-dialog[open] #severity-effect p").wait_for()
    focused = page.evaluate("document.activeElement.name + document.activeElement.value")
    assert focused == "severity3"
    page.keyboard.press("ArrowUp")
    page.locator("#severity-effect .will").wait_for()
    assert page.locator("#severity-effect").inner_text()
    page.fill("#act-body [name=reason]", "Many shops by now")
    page.click("#act-body [type=submit]")

    page.locator("#incident-head", has_text="SEV-2").wait_for()
    jonas.page.locator("#incident-head", has_text="SEV-2").wait_for(timeout=SOON)
    assert page.locator("#act-dialog[open]").count() == 0
    assert (marta.complaints, jonas.complaints) == ([], [])

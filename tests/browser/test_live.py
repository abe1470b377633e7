"""Two people look at the same thing: what one does, the other sees within a second, without reloading."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import APIResponse, Route, expect

from tests.browser.conftest import Visited, Windows
from tests.peers.site import RunningSite

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.requirement("R023")]

SOON = 15_000.0  # how soon is measured by benchmarks/live.py


@pytest.fixture
def shown(windows: Windows) -> Callable[[str, str], Visited]:
    """Opens a page and waits until its live connection stands."""

    def show(username: str, path: str) -> Visited:
        visited = windows.blank(username)
        visited.page.goto(f"{windows.site.address}{path}")
        visited.page.wait_for_load_state("networkidle")
        # A page reloaded would lose this.
        visited.page.evaluate("window.notReloaded = true")
        return visited

    return show


def file_incident(site: RunningSite, visited: Visited, title: str) -> str:
    """File an incident as the person of this window; its address below the site's."""
    page = visited.page
    page.goto(f"{site.address}/incidents/new/?service=payments-gateway")
    page.fill("[name=title]", title)
    page.fill("[name=summary]", "Cards are declined.")
    page.select_option("[name=category]", "outage")
    page.check("[name=severity][value='2']")
    page.click("#file-form [type=submit]")
    page.wait_for_url(re.compile(r"/incidents/\d+/$"))
    return page.url.removeprefix(site.address)


def test_when_one_acknowledges_then_the_others_list_and_page_show_it_without_reloading(
    windows: Windows, shown: Callable[[str, str], Visited]
) -> None:
    path = file_incident(windows.site, windows.blank("sofie"), "Live test")
    marta, jonas, elena = shown("marta", path), shown("jonas", path), shown("elena", "/incidents/?q=Live+test")
    assert "Triggered" in elena.page.locator("#incident-list").inner_text()
    with marta.page.expect_response(lambda answer: answer.url.endswith("/acknowledge/")):
        marta.page.click("#act-acknowledge")
    jonas.page.locator("#incident-head .state.acked").wait_for(timeout=SOON)
    elena.page.locator("#incident-list .state.acked").wait_for(timeout=SOON)
    for other in (jonas, elena):
        assert other.page.evaluate("window.notReloaded") is True
        assert other.complaints == []


def test_when_the_nudge_comes_before_the_answer_then_whoever_acted_still_reads_what_was_done(
    windows: Windows, shown: Callable[[str, str], Visited]
) -> None:
    path = file_incident(windows.site, windows.blank("sofie"), "Nudged before it was answered")
    marta, jonas = shown("marta", path), shown("jonas", path)
    held: list[tuple[Route, APIResponse]] = []
    marta.page.route("**/acknowledge/", lambda route: held.append((route, route.fetch())))
    marta.page.click("#act-acknowledge")
    # By now the site has told every window, hers as well.
    jonas.page.locator("#incident-head .state.acked").wait_for(timeout=SOON)
    expect(marta.page.locator("#incident-head .state.triggered")).to_be_visible()
    ((route, answer),) = held
    route.fulfill(response=answer)
    expect(marta.page.locator("#toasts")).to_contain_text("It is yours.")
    expect(marta.page.locator("#incident-head .state.acked")).to_be_visible()
    assert marta.complaints == []


@pytest.mark.requirement("R009")
def test_when_one_changes_an_action_then_whoever_of_another_team_has_the_plan_open_sees_it(
    windows: Windows, shown: Callable[[str, str], Visited]
) -> None:
    major = windows.places["major"]
    tomas, marta = shown("tomas", f"/incidents/{major}/plan/"), shown("marta", f"/incidents/{major}/response/")
    row = "tr:has-text('Passwords and sessions of people')"
    assert "To do" in tomas.page.locator(row).inner_text()
    marta.page.get_by_role("button", name="Finish Passwords and sessions of people").click()
    tomas.page.locator(row).get_by_text("Done").wait_for(timeout=SOON)
    assert tomas.page.evaluate("window.notReloaded") is True
    assert (tomas.complaints, marta.complaints) == ([], [])

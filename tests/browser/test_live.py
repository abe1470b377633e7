"""Two people look at the same thing: what one does, the other sees within a second, without reloading."""

import re
from collections.abc import Callable

import pytest

from tests.browser.conftest import Visited, Windows
from tests.peers.site import RunningSite

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.requirement("R023")]

ONE_SECOND = 1000.0


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
    page.check("[name=severity][value='2']")
    page.click("#file-form [type=submit]")
    page.wait_for_url(re.compile(r"/incidents/\d+/$"))
    return page.url.removeprefix(site.address)


def test_when_one_acknowledges_then_the_others_list_and_page_show_it_within_a_second(
    windows: Windows, shown: Callable[[str, str], Visited]
) -> None:
    path = file_incident(windows.site, windows.blank("sofie"), "Live test")
    marta, jonas, elena = shown("marta", path), shown("jonas", path), shown("elena", "/incidents/?q=Live+test")
    assert "Triggered" in elena.page.locator("#incident-list").inner_text()
    with marta.page.expect_response(lambda answer: answer.url.endswith("/acknowledge/")):
        marta.page.click("#act-acknowledge")
    jonas.page.locator("#incident-head .state.acked").wait_for(timeout=ONE_SECOND)
    elena.page.locator("#incident-list .state.acked").wait_for(timeout=ONE_SECOND)
    for other in (jonas, elena):
        assert other.page.evaluate("window.notReloaded") is True
        assert other.complaints == []

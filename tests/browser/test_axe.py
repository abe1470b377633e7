"""Every page in Chromium: accessible (WCAG 2.2 A and AA), silent in the console, and never wider than the screen.

Each page is looked at on a desktop in light and on a phone in dark; `make axe` takes all four combinations, and keeps a
picture of each in build/screenshots.
"""

import os
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import Resolver404, resolve
from playwright.sync_api import Page

from escalation_site.env import BASE_DIR
from tests.browser.conftest import Windows
from tests.browser.pages import PAGES, PageOf
from tests.site.crawl import routes

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
SIZES = {"desktop": (1440, 900), "phone": (390, 844)}
LOOKS = (
    [(size, scheme) for size in SIZES for scheme in ("light", "dark")]
    if os.environ.get("AXE") == "all"
    else [("desktop", "light"), ("phone", "dark")]
)
NARROWEST = 320
SCREENSHOTS = BASE_DIR / "build" / "screenshots"
# Answers that are no pages of their own: parts of one, files, and what only leads elsewhere.
NO_PAGES = re.compile(
    r"^(admin/|api/v1/(?!docs)|healthz|readyz|metrics|integrations/|v2/|i18n/"
    r"|incidents/(bulk/|new/preview/|<int:pk>/(live|around|comment)/)|policies/<slug:slug>/now/"
    r"|oncall/(overrides/|<slug:slug>/take-over/)|audit/export|reports/incidents\.csv|test-page/|welcome/|p/<str:token>/.+"
    r"|accounts/(?!login/$|tokens/$|password/(change|reset|reset/done)/$|2fa/$))"
)


def findings(page: Page, page_of: PageOf) -> list[str]:
    context = {"exclude": [[page_of.foreign]]} if page_of.foreign else None
    results = Axe().run(page, context=context, options={"runOnly": TAGS}).response
    assert len(results["passes"]) > 8, "the check has hardly looked at anything"
    return [
        f"{found['id']}: {node['html'][:160]} ({'; '.join(one['message'] for one in node['any'][:1])})"
        for found in results["violations"]
        for node in found["nodes"]
    ]


def sideways(page: Page) -> int:
    """Pixels by which the page is wider than the screen."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
@pytest.mark.parametrize("page_of", PAGES, ids=lambda page_of: page_of.name)
def test_when_a_page_is_shown_then_it_is_accessible_silent_and_fits(
    windows: Windows, page_of: PageOf, size: str, scheme: str
) -> None:
    width, height = SIZES[size]
    visited = windows.open(page_of, width=width, height=height, scheme=scheme)
    if os.environ.get("SCREENSHOTS"):
        path = SCREENSHOTS / f"{page_of.name}-{size}-{scheme}.png"
        visited.page.screenshot(path=path, full_page=True)
    assert findings(visited.page, page_of) == []
    assert sideways(visited.page) == 0
    if size == "phone":
        visited.page.set_viewport_size({"width": NARROWEST, "height": 640})
        assert sideways(visited.page) == 0, f"at {NARROWEST} pixels"
    assert visited.complaints == []


def test_when_a_page_is_added_then_it_is_looked_at() -> None:
    seen = set()
    places = dict.fromkeys(("ringing", "taken", "done", "marta"), 1) | {"link": "a", "used_link": "a"}
    for page_of in PAGES:
        try:
            seen.add(resolve(page_of.address(places).split("?")[0]).route)
        except Resolver404:
            assert page_of.status == 404
    forgotten = [route for route in routes() if not NO_PAGES.match(route) and route not in seen]
    assert forgotten == []

"""Every page in Chromium: accessible (WCAG 2.2 A and AA), silent in the console, and never wider than the screen.

Each page is looked at on a desktop in light and on a phone in dark; `make axe` takes all four combinations, and keeps a
picture of each in build/screenshots.
"""

import os
import re
from typing import Any

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
LOOKS: list[tuple[str, Any]] = (
    [(size, scheme) for size in SIZES for scheme in ("light", "dark")]
    if os.environ.get("AXE") == "all"
    else [("desktop", "light"), ("phone", "dark")]
)
NARROWEST = 320
SCREENSHOTS = BASE_DIR / "build" / "screenshots"
# Answers that are no pages of their own: parts of one, files, and what only leads elsewhere.
NO_PAGES = re.compile(
    r"^(admin/|api/v1/(?!docs)|healthz|readyz|metrics|integrations/|v2/|i18n/"
    r"|incidents/(bulk/|new/preview/|<int:pk>/(live|around|comment|severity/preview)/)|policies/(new/preview|findings/look/|<slug:slug>/(now|edit/preview|policy\.md))"
    r"|calendar/|oncall/(workload/export|calendars/.+|mine/holidays/|absences/<int:pk>/|swaps/(<int:pk>|answer/<str:token>)/<slug|overrides/|new/preview/|handoffs/(<int:pk>/.+|notes/)|<slug:slug>/(take-over|edit/preview|handoff/note)/)|audit/export|reports/incidents\.csv|test-page/|welcome/|p/<str:token>/.+"
    r"|accounts/(?!login/$|tokens/$|password/(change|reset|reset/done)/$|2fa/$))"
)


def findings(page: Page, page_of: PageOf) -> list[str]:
    context = {"exclude": [[page_of.foreign]]} if page_of.foreign else None
    results = Axe().run(page, context=context, options={"runOnly": TAGS, "resultTypes": ["violations"]}).response
    assert len(results["passes"]) > 8, "the check has hardly looked at anything"
    return [
        f"{found['id']}: {node['html'][:160]} ({'; '.join(one['message'] for one in node['any'][:1])})"
        for found in results["violations"]
        for node in found["nodes"]
    ]


def _too_wide(page: Page, where: str) -> list[str]:
    more = int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))
    return [f"{where}: {more} pixels wider than the screen"] if more else []


@pytest.mark.parametrize("page_of", PAGES, ids=lambda page_of: page_of.name)
def test_when_a_page_is_shown_then_it_is_accessible_silent_and_fits(windows: Windows, page_of: PageOf) -> None:
    visited = windows.open(page_of)
    page, wrong = visited.page, []
    for size, scheme in LOOKS:
        width, height = SIZES[size]
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        if page_of.path.startswith("/admin/"):
            # The admin asks for the scheme when it is drawn; our pages follow it.
            page.reload(wait_until="networkidle")
        if os.environ.get("SCREENSHOTS"):
            page.screenshot(path=SCREENSHOTS / f"{page_of.name}-{size}-{scheme}.png", full_page=True)
        wrong += [f"{size}, {scheme}: {found}" for found in findings(page, page_of)]
        wrong += _too_wide(page, size)
    page.set_viewport_size({"width": NARROWEST, "height": 640})
    wrong += _too_wide(page, f"{NARROWEST} pixels")
    assert wrong == []
    assert visited.complaints == []


def test_when_a_page_is_added_then_it_is_looked_at() -> None:
    seen = set()
    numbers = ("ringing", "taken", "done", "marta", "handoff_waiting", "handoff_kept", "swap", "review")
    places = dict.fromkeys(numbers, 1) | dict.fromkeys(("link", "used_link", "swap_token", "shift_at"), "a")
    for page_of in PAGES:
        try:
            seen.add(resolve(page_of.address(places).split("?")[0]).route)
        except Resolver404:
            assert page_of.status == 404
    forgotten = [route for route in routes() if not NO_PAGES.match(route) and route not in seen]
    assert forgotten == []

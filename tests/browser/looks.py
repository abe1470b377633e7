"""How a page is looked at: accessible (WCAG 2.2 A and AA), and never wider than the screen."""

import os
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
SIZES = {"desktop": (1440, 900), "phone": (390, 844)}
EVERY_LOOK = os.environ.get("AXE") == "all"
"""Each size in light and in dark; otherwise each page or walk takes some of the four."""

STICKING_OUT = """() => [...document.querySelectorAll("main *")]
    .filter((one) => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1 && !one.closest(".scroll-x *"))
    .slice(0, 4).map((one) => one.outerHTML.slice(0, 90))"""
"""Whatever reaches beyond the screen and cannot be scrolled to in a box of its own."""

SQUEEZED = """() => [...document.querySelectorAll("main h1, main .ttl")]
    .filter((one) => one.checkVisibility() && one.clientWidth && one.clientWidth < 120)
    .filter((one) => one.scrollWidth > one.clientWidth || one.clientHeight > 80)
    .slice(0, 4).map((one) => `${one.clientWidth} pixels for "${one.textContent.trim().slice(0, 40)}"`)"""
"""Titles that nobody can read any more, since what stands beside them takes the room."""

CHECK = """([context, options]) => axe.run(context || document, options).then(
    (found) => ({violations: found.violations, passes: found.passes.length}))"""
"""Says no more than is asked of it: all that passed is a megabyte to write and to read."""


def findings(page: Page, *, foreign: str = "") -> list[str]:
    """What an automatic check has against the page; ``foreign`` selects what is drawn by somebody else's script."""
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE_SCRIPT)
    context: Any = {"exclude": [[foreign]]} if foreign else None
    results = page.evaluate(CHECK, [context, {"runOnly": TAGS, "resultTypes": ["violations"]}])
    assert results["passes"] > 8, "the check has hardly looked at anything"
    return [
        f"{found['id']}: {node['html'][:160]} ({'; '.join(one['message'] for one in node['any'][:1])})"
        for found in results["violations"]
        for node in found["nodes"]
    ]


def too_wide(page: Page, where: str) -> list[str]:
    more = int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))
    return [f"{where}: {more} pixels wider than the screen: {page.evaluate(STICKING_OUT)}"] if more else []

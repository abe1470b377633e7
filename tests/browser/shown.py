"""Opens a page and says what is wrong with it: to a machine that checks accessibility, in the console, or wider than the screen."""

import os
from typing import Any

from escalation_site.env import BASE_DIR
from tests.browser.conftest import Windows
from tests.browser.looks import EVERY_LOOK, SIZES, SQUEEZED, findings, too_wide
from tests.browser.pages import PAGES, PageOf

LOOKS: list[tuple[str, Any]] = (
    [(size, scheme) for size in SIZES for scheme in ("light", "dark")]
    if EVERY_LOOK
    else [("desktop", "light"), ("phone", "dark")]
)
NARROWEST = 320
TABLET = (820, 1180)
SCREENSHOTS = BASE_DIR / "build" / "screenshots"


def of_incidents(page_of: PageOf) -> bool:
    return page_of.path.startswith("/incidents/")


def wrong_with(page_of: PageOf, windows: Windows) -> list[str]:
    """Everything, each with where it was seen; empty for a page that is as it should be."""
    visited = windows.look_at(page_of)
    page, wrong = visited.page, []
    for number, (size, scheme) in enumerate(LOOKS):
        width, height = SIZES[size]
        page.set_viewport_size({"width": width, "height": height})
        wrong += too_wide(page, size)
        if not EVERY_LOOK and number != PAGES.index(page_of) % len(LOOKS):
            continue
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        if page_of.path.startswith("/admin/"):
            # The admin asks for the scheme when it is drawn; our pages follow it.
            page.reload(wait_until="networkidle")
        if os.environ.get("SCREENSHOTS"):
            page.screenshot(path=SCREENSHOTS / f"{page_of.name}-{size}-{scheme}.png", full_page=True)
        wrong += [f"{size}, {scheme}: {found}" for found in findings(page, foreign=page_of.foreign)]
    for width, height in (TABLET, (NARROWEST, 640)):
        page.set_viewport_size({"width": width, "height": height})
        wrong += too_wide(page, f"{width} pixels")
        wrong += [f"{width} pixels wide: {found}" for found in page.evaluate(SQUEEZED)]
    return [*wrong, *visited.complaints]

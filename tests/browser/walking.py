"""Somebody at work, from the sign-in page on: goes by the navigation, acts, and looks at each place they come to."""

import re
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Locator, Page, expect

from escalation_site.env import BASE_DIR
from tests.browser.conftest import Visited, Windows
from tests.browser.looks import EVERY_LOOK, SIZES, findings, too_wide
from tests.world.cast import PASSWORD

PICTURES = BASE_DIR / "build" / "walks"


@dataclass
class Walk:
    """The way of one person in a window of one size; ``wrong`` is what was found on it."""

    name: str
    size: str
    windows: Windows
    visited: Visited = field(init=False)
    places: int = 0
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        width, height = SIZES[self.size]
        phone: dict[str, Any] = {"has_touch": True, "is_mobile": True} if self.on_phone else {}
        self.visited = self.windows.blank(**phone)
        self.page.set_viewport_size({"width": width, "height": height})

    @property
    def page(self) -> Page:
        return self.visited.page

    @property
    def on_phone(self) -> bool:
        return self.size == "phone"

    @property
    def main(self) -> Locator:
        return self.page.locator("main")

    # --- going

    def open(self, path: str) -> None:
        self.page.goto(f"{self.windows.site.address}{path}")

    def sign_in(self, username: str) -> None:
        """On the sign-in page that is open, or on the one to which the house sends whoever is not signed in."""
        if "/accounts/login/" not in self.page.url:
            self.open("/")
        self.page.locator("input[name=login]").fill(username)
        self.page.locator("input[name=password]").fill(PASSWORD)
        self.page.locator("form[action*=login] button[type=submit]").first.click()
        self.page.wait_for_url(lambda address: "/accounts/login/" not in address)

    def go(self, label: str) -> None:
        """By the navigation: at the side of a desk's screen, below on a phone, where what finds no room is under "More"."""
        name = re.compile(rf"^{re.escape(label)}\b")
        if not self.on_phone:
            self.page.get_by_role("navigation", name="Main").get_by_role("link", name=name).click()
            return
        shortcut = self.page.get_by_role("navigation", name="Shortcuts").get_by_role("link", name=name)
        if shortcut.count():
            shortcut.click()
            return
        self.page.get_by_role("button", name="More", exact=True).click()
        self.page.locator("#menu-more").get_by_role("link", name=name).click()

    # --- acting

    def act(self, verb: str, **said: str) -> None:
        """Do ``verb`` with the incident that is open, by whichever button this size offers; what its dialog asks is in ``said``."""
        button = self.page.locator(f"#{'thumb' if self.on_phone else 'act'}-{verb}")
        if not button.count():
            self.page.get_by_role("button", name="More actions").click()
            button = self.page.locator(f"#more-{verb}, #menu-{verb}").filter(visible=True)
        button.click()
        if said:
            dialog = self.page.locator("#act-dialog")
            for name, words in said.items():
                field = dialog.locator(f"[name={name}]")
                field.wait_for()
                if (option := field.locator("option").filter(has_text=words)).count():
                    field.select_option(option.first.get_attribute("value"))
                else:
                    field.fill(words)
            dialog.locator("button[type=submit]").first.click()
            expect(dialog).to_be_hidden()

    def told(self, words: str) -> None:
        """The house answers at once."""
        expect(self.page.locator("#toasts")).to_contain_text(words)

    # --- looking

    def look(self, what: str) -> None:
        """Note what is wrong with where the walk has come to; each place is checked at one of the two sizes, in turn.

        `make walks` checks all of them in light and in dark, and keeps a picture of each.
        """
        self.places += 1
        expect(self.page.locator(".htmx-request, .htmx-swapping")).to_have_count(0)
        self.wrong += too_wide(self.page, what)
        if not EVERY_LOOK:
            if self.on_phone == bool(self.places % 2):
                self.wrong += [f"{what}: {found}" for found in findings(self.page)]
            return
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            # The caret is left alone: to hide it Playwright writes a style into the page, which its own rules refuse.
            picture = PICTURES / f"{self.name}-{self.size}-{self.places}-{what}-{scheme}.png"
            self.page.screenshot(path=picture, caret="initial")
            self.wrong += [f"{what}, {scheme}: {found}" for found in findings(self.page)]

    def end(self) -> None:
        assert self.wrong == []
        assert self.visited.complaints == []

"""A running web server with incidents in every state, and Chromium to look at it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from escalation_site.env import BASE_DIR
from tests.browser.pages import PageOf
from tests.peers.mailbox import mailbox_open
from tests.peers.site import RunningSite, site_environment

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


class Site(RunningSite):
    """A site whose pages are looked at."""

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, "DJANGO_SETTINGS_MODULE": "tests.browser.settings"}


@dataclass
class Visited:
    """One window: its page, and everything its console complained of (a refused script or style among it)."""

    page: Page
    complaints: list[str] = field(default_factory=list)


@dataclass
class Windows:
    """Opens windows for people of the cast."""

    site: RunningSite
    browser: Browser
    places: dict[str, Any]
    contexts: list[BrowserContext] = field(default_factory=list)
    lasting: dict[str, BrowserContext] = field(default_factory=dict)
    pages: list[Page] = field(default_factory=list)

    def open(self, page_of: PageOf) -> Visited:
        """The page once nothing moves any more."""
        if page_of.username not in self.lasting:
            self.lasting[page_of.username] = self._context(page_of.username)
        visited = self._page(self.lasting[page_of.username])
        self.pages.append(visited.page)
        answer = visited.page.goto(f"{self.site.address}{page_of.address(self.places)}")
        assert answer is not None
        assert answer.status == page_of.status, f"{page_of.name}: {answer.status}"
        visited.page.wait_for_load_state("networkidle")
        if page_of.status >= 400:
            # The browser itself notes a refused page.
            visited.complaints = [text for text in visited.complaints if "Failed to load resource" not in text]
        return visited

    def blank(self, username: str = "") -> Visited:
        """A window of its own, of somebody who is signed in or of a stranger, that shows nothing yet."""
        self.contexts.append(self._context(username))
        return self._page(self.contexts[-1])

    def _context(self, username: str) -> BrowserContext:
        context = self.browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
        if username:
            key = self.site.sessions[username]
            context.add_cookies([{"name": "sessionid", "value": key, "url": self.site.address}])
        return context

    def _page(self, context: BrowserContext) -> Visited:
        visited = Visited(context.new_page())
        visited.page.on(
            "console",
            lambda message: visited.complaints.append(message.text) if message.type == "error" else None,
        )
        visited.page.on("pageerror", lambda error: visited.complaints.append(str(error)))
        return visited

    def close(self) -> None:
        """Close what one test opened; the lasting windows keep what they fetched for the next test."""
        for page in self.pages:
            page.close()
        for context in self.contexts:
            context.close()
        self.pages.clear()
        self.contexts.clear()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def organisation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningSite, dict[str, Any]]]:
    """The server, up, and the addresses that hold a number or a token."""
    folder = tmp_path_factory.mktemp("browser-site")
    database_url = f"sqlite:///{folder / 'site.sqlite3'}"
    made = subprocess.run(
        [sys.executable, "-m", "tests.browser.organisation"],
        cwd=BASE_DIR,
        env=site_environment(database_url, folder, EMAIL_URL="filemail:"),
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    told = json.loads(made.stdout.splitlines()[-1])
    with mailbox_open() as mailbox:
        site = Site(folder, database_url, mailbox, told["sessions"])
        try:
            site.start("web")
            site.wait_until_up()
            yield site, told["places"]
        finally:
            for name in list(site.processes):
                site.kill(name)


@pytest.fixture(scope="session")
def lasting_windows(browser: Browser, organisation: tuple[RunningSite, dict[str, Any]]) -> Windows:
    return Windows(organisation[0], browser, organisation[1])


@pytest.fixture
def windows(lasting_windows: Windows) -> Iterator[Windows]:
    yield lasting_windows
    lasting_windows.close()

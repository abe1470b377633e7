"""A running web server with incidents in every state, and Chromium to look at it."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from escalation_site.env import BASE_DIR
from tests import prepared
from tests.browser import clock
from tests.browser.clock import SHIFT
from tests.browser.pages import PageOf
from tests.peers.mailbox import mailbox_open
from tests.peers.site import RunningSite, site_environment

OF_BROWSERS = {"DJANGO_SETTINGS_MODULE": "tests.browser.settings", SHIFT: str(clock.shift.total_seconds())}
# What is expected comes as fast as a busy machine allows; five seconds, as it would be, were too few more than once.
expect.set_options(timeout=20_000)


class Site(RunningSite):
    """A site whose pages are looked at."""

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, **OF_BROWSERS}


@dataclass
class Visited:
    """One window: its page, and everything its console complained of (a refused script or style among it)."""

    page: Page
    complaints: list[str] = field(default_factory=list)


DESKTOP: ViewportSize = {"width": 1440, "height": 900}
CUT_SHORT = ("htmx:sendAbort", "htmx:afterRequest")
"""What htmx says of a fragment that was under way when somebody went to another page."""


def note(visited: Visited, kind: str, text: str) -> None:
    if kind == "error" and not text.startswith(CUT_SHORT):
        visited.complaints.append(text)


@dataclass
class Windows:
    """Opens windows for people of the cast."""

    site: RunningSite
    browser: Browser
    places: dict[str, Any]
    contexts: list[BrowserContext] = field(default_factory=list)
    lasting: dict[str, BrowserContext] = field(default_factory=dict)
    pages: list[Page] = field(default_factory=list)
    looking: dict[str, Visited] = field(default_factory=dict)

    def open(self, page_of: PageOf) -> Visited:
        """The page, in a new tab, once nothing moves any more."""
        visited = self._page(self._lasting(page_of.username))
        self.pages.append(visited.page)
        return self._go(visited, page_of)

    def look_at(self, page_of: PageOf) -> Visited:
        """The same in the tab that is kept for those who only look: a new one costs as much as the page."""
        if page_of.username not in self.looking:
            self.looking[page_of.username] = self._page(self._lasting(page_of.username))
        visited = self.looking[page_of.username]
        visited.page.set_viewport_size(DESKTOP)
        visited.page.emulate_media(color_scheme="light", reduced_motion="reduce")
        # What the page before complains of when it is left is no matter of this one.
        visited.page.once("framenavigated", lambda _frame: visited.complaints.clear())
        return self._go(visited, page_of)

    def _lasting(self, username: str) -> BrowserContext:
        if username not in self.lasting:
            self.lasting[username] = self._context(username)
        return self.lasting[username]

    def _go(self, visited: Visited, page_of: PageOf) -> Visited:
        answer = visited.page.goto(f"{self.site.address}{page_of.address(self.places)}")
        assert answer is not None
        assert answer.status == page_of.status, f"{page_of.name}: {answer.status}"
        visited.page.wait_for_load_state("networkidle")
        if page_of.status >= 400:
            # The browser itself notes a refused page.
            visited.complaints[:] = [text for text in visited.complaints if "Failed to load resource" not in text]
        return visited

    def blank(self, username: str = "", **options: Any) -> Visited:
        """A window of its own, of somebody who is signed in or of a stranger, that shows nothing yet.

        ``options`` are the browser's own, such as ``java_script_enabled=False``.
        """
        self.contexts.append(self._context(username, **options))
        return self._page(self.contexts[-1])

    def _context(self, username: str, **options: Any) -> BrowserContext:
        context = self.browser.new_context(viewport=DESKTOP, reduced_motion="reduce", **options)
        if username:
            key = self.site.sessions[username]
            context.add_cookies([{"name": "sessionid", "value": key, "url": self.site.address}])
        return context

    def _page(self, context: BrowserContext) -> Visited:
        visited = Visited(context.new_page())
        visited.page.on("console", lambda message: note(visited, message.type, message.text))
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

    def look_away(self) -> None:
        """Close the tabs of those who only look: somebody who has a page open is seen by others."""
        for visited in self.looking.values():
            visited.page.close()
        self.looking.clear()


def _organisation_copied(base: Path, folder: Path) -> dict[str, Any]:
    """Put the organisation into ``folder`` and say what its maker said. It takes a processor half a minute, so the workers of a run
    make it once."""
    among = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    made, said = among / "organisation", among / "organisation.json"
    with (among / "organisation.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not said.exists():
            made.mkdir(exist_ok=True)
            said.write_text(_organisation_made(made), encoding="utf-8")
    shutil.copytree(made, folder, dirs_exist_ok=True)
    told: dict[str, Any] = json.loads(said.read_text(encoding="utf-8"))
    return told


def _organisation_made(folder: Path) -> str:
    made = subprocess.run(
        [sys.executable, "-m", "tests.browser.organisation"],
        cwd=BASE_DIR,
        env=site_environment(
            prepared.sqlite_copy(folder / "site.sqlite3"), folder, EMAIL_URL="filemail:", **OF_BROWSERS
        ),
        capture_output=True,
        text=True,
        timeout=220,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    return made.stdout.splitlines()[-1]


@pytest.fixture(scope="session")
def organisation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningSite, dict[str, Any]]]:
    """The server, up, and the addresses that hold a number or a token."""
    folder = tmp_path_factory.mktemp("browser-site")
    told = _organisation_copied(tmp_path_factory.getbasetemp(), folder)
    database_url = f"sqlite:///{folder / 'site.sqlite3'}"
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


@pytest.fixture(scope="module")
def windows_of_a_file(lasting_windows: Windows) -> Iterator[Windows]:
    yield lasting_windows
    lasting_windows.look_away()


@pytest.fixture
def windows(windows_of_a_file: Windows) -> Iterator[Windows]:
    yield windows_of_a_file
    windows_of_a_file.close()

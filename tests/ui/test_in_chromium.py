"""The frame, the design page and the page scripts in a real browser.

Pages are rendered beforehand and handed to the browser by a route, with the static files as they lie in the tree: no
server and no database take part. The policy header is a strict one, so that a blocked script or style fails the test.
"""

import json
import mimetypes
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.staticfiles import finders
from django.template import Context, Template
from django.template.loader import render_to_string
from django.test import RequestFactory
from playwright.sync_api import Browser, Page, Route, WebSocketRoute, expect

from escalation_site.ui import adapter, samples
from escalation_site.ui.context import navigation
from oncall.models import User

pytestmark = [pytest.mark.browser, pytest.mark.urls("tests.ui.urls")]

SITE = "http://watchbell.test"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self' ws://watchbell.test; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
SAMPLE = """{% extends "base.html" %}{% load watchbell %}{% block heading %}Incidents{% endblock %}{% block content %}
<div id="list" data-live="incident:42 incidents" hx-get="/fragment/" hx-trigger="live">as it was</div>
<p id="clock">{% clock due start=at announce="Elena is called" %}</p>
<form method="post" action="/fragment/" hx-post="/fragment/" hx-target="#list">
<button class="btn" data-key="a">Acknowledge</button></form>
<div data-rows>{% for n in "123" %}<div class="row" data-row="{{ n }}">
<input type="checkbox" class="check" aria-label="{{ n }}">
<a href="#{{ n }}" data-row-link>Incident {{ n }}</a></div>{% endfor %}</div>
<form data-bulk data-total="312" hidden><input type="hidden" name="all" data-bulk-whole><span data-bulk-count></span>
<button class="btn" type="button" data-bulk-all hidden></button></form>
{% endblock %}"""


@pytest.fixture
def page_of(rf: RequestFactory, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Renders a template for Hugo, who administers, at a fixed set of counts."""
    monkeypatch.setattr(adapter, "counts_for", lambda user: adapter.Counts(6, [adapter.TeamLink("Payments", "/", 3)]))
    monkeypatch.setattr(adapter, "duties_of", lambda user, at, mark: [adapter.Watch("Payments, second")])
    hugo = User(pk=6, username="hugo", first_name="Hugo", last_name="Brandt", email="hugo@brightquay.example")
    hugo.role = User.Role.ADMINISTRATOR

    def render(source: str, **values: Any) -> str:
        request = rf.get("/incidents/")
        request.user = hugo
        at = datetime.now(UTC)
        values = {**navigation(request), "user": hugo, "at": at, "request": request, "csrf_token": "token", **values}
        if source.endswith(".html"):
            return render_to_string(source, values)
        return Template(source).render(Context(values))

    return render


@pytest.fixture
def shown(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens rendered HTML in a page whose console must stay free of errors."""
    contexts = []
    complaints: list[str] = []

    def note(kind: str, text: str, expected: str) -> None:
        if kind == "error" and not (expected and expected in text):
            complaints.append(text)

    def static(route: Route) -> None:
        path = finders.find(route.request.url.removeprefix(f"{SITE}/static/").split("?")[0])
        if not path:
            route.fulfill(status=404)
            return
        kind = mimetypes.guess_type(str(path))[0] or "application/octet-stream"
        route.fulfill(body=Path(str(path)).read_bytes(), content_type=kind)

    def show(html: str, *, width: int = 1440, height: int = 900, scheme: Any = "light", **extra: Any) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, bypass_csp=False
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: note(message.type, message.text, extra.get("expected", "")))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.route(f"{SITE}/static/**", static)
        page.route(
            f"{SITE}/incidents/", lambda route: route.fulfill(body=html, content_type="text/html", headers=headers)
        )
        for pattern, handler in extra.get("routes", {}).items():
            page.route(pattern, handler)
        if script := extra.get("script"):
            page.add_init_script(script)
        if socket := extra.get("socket"):
            page.route_web_socket("**/live/", socket)
        page.goto(f"{SITE}/incidents/")
        page.wait_for_load_state("networkidle")
        return page

    headers = {"Content-Security-Policy": POLICY}
    yield show
    for context in contexts:
        context.close()
    assert complaints == []


def findings(page: Page) -> list[str]:
    results = Axe().run(page, options=AXE).response
    assert len(results["passes"]) > 15, "the check has hardly looked at anything"
    return [f"{found['id']}: {node['html'][:120]}" for found in results["violations"] for node in found["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_when_the_design_page_is_checked_for_accessibility_then_nothing_is_found(
    page_of: Callable[..., str], shown: Callable[..., Page], width: int, scheme: str
) -> None:
    html = page_of("site/design.html", **samples.everything(datetime.now(UTC)))
    page = shown(html, width=width, scheme=scheme)
    assert findings(page) == []


@pytest.mark.parametrize("opener", ['[data-opens="sample-dialog"]', ".me"])
def test_when_a_dialog_or_menu_is_open_then_it_is_accessible_too(
    page_of: Callable[..., str], shown: Callable[..., Page], opener: str
) -> None:
    page = shown(page_of("site/design.html", **samples.everything(datetime.now(UTC))))
    page.click(opener)
    assert findings(page) == []


@pytest.mark.parametrize("width", [320, 390, 768, 1024])
def test_when_the_screen_is_narrow_then_no_page_scrolls_sideways(
    page_of: Callable[..., str], shown: Callable[..., Page], width: int
) -> None:
    page = shown(page_of("site/design.html", **samples.everything(datetime.now(UTC))), width=width)
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0


def test_when_a_theme_is_chosen_then_it_stays_after_reloading(
    page_of: Callable[..., str], shown: Callable[..., Page]
) -> None:
    page = shown(page_of("site/design.html", **samples.everything(datetime.now(UTC))))
    page.click(".me")
    page.click("#menu-me [data-theme-choice=dark]")
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate("getComputedStyle(document.body).colorScheme") == "dark"


class LiveServer:
    """The far end of the page's WebSocket, and of the fragment it re-fetches."""

    def __init__(self) -> None:
        self.sockets: list[WebSocketRoute] = []
        self.asked: list[dict[str, Any]] = []
        self.fetched = 0
        self.token = ""
        self.up = True

    def socket(self, route: WebSocketRoute) -> None:
        if not self.up:
            route.close()
            return
        self.sockets.append(route)

        def answer(message: str | bytes) -> None:
            self.asked.append(json.loads(message))
            route.send('{"entry": 100}')

        route.on_message(answer)

    def fragment(self, route: Route) -> None:
        self.fetched += 1
        self.token = route.request.headers.get("x-csrftoken", "")
        route.fulfill(body=f"fetched {self.fetched}", content_type="text/html")

    def tell(self, topic: str, entry: int) -> None:
        self.sockets[-1].send(json.dumps({"topic": topic, "entry": entry}))


def until(page: Page, look: Callable[[], Any]) -> None:
    """Let the page go on until ``look`` finds something."""
    for _moment in range(200):
        if look():
            return
        page.wait_for_timeout(50)
    raise AssertionError("waited in vain")


@pytest.fixture
def live() -> LiveServer:
    return LiveServer()


@pytest.fixture
def live_page(page_of: Callable[..., str], shown: Callable[..., Page], live: LiveServer) -> Page:
    html = page_of(SAMPLE, due=datetime.now(UTC) + timedelta(minutes=8))
    page = shown(html, socket=live.socket, routes={"**/fragment/": live.fragment})
    page.wait_for_selector("[data-live-mark][data-state=on]")
    return page


def test_when_the_page_opens_then_it_subscribes_to_the_topics_it_shows(live_page: Page, live: LiveServer) -> None:
    until(live_page, lambda: live.asked)
    assert live.asked == [{"subscribe": ["incident:42", "incidents"], "since": None}]


def test_when_twenty_changes_come_at_once_then_the_element_is_fetched_once(live_page: Page, live: LiveServer) -> None:
    # "At once" by the page's own clock: this machine may take longer to send twenty messages than the page gathers.
    live_page.clock.install()
    live_page.clock.pause_at(datetime.now(UTC) + timedelta(seconds=5))
    for entry in range(101, 121):
        live.tell("incident:42", entry)
    live_page.wait_for_timeout(700)
    assert live.fetched == 0
    live_page.clock.run_for(1000)
    expect(live_page.locator("#list")).to_have_text("fetched 1")
    live_page.clock.run_for(1000)
    assert live.fetched == 1


def test_when_another_topic_changes_then_nothing_is_fetched(live_page: Page, live: LiveServer) -> None:
    live.tell("incident:43", 101)
    live_page.wait_for_timeout(500)
    assert live.fetched == 0


def test_when_the_connection_is_lost_then_clocks_are_held_and_the_page_catches_up(
    live_page: Page, live: LiveServer
) -> None:
    live.tell("incident:42", 130)
    live.up = False
    live.sockets[-1].close()
    live_page.wait_for_selector("[data-live-banner]:not([hidden])", timeout=6000)
    assert "Not live since" in live_page.inner_text("[data-live-banner]")
    digits = live_page.inner_text("#clock .digits")
    live_page.wait_for_timeout(1300)
    assert live_page.inner_text("#clock .digits") == digits
    live.up = True
    live_page.click("[data-live-retry]")
    live_page.wait_for_selector("[data-live-mark][data-state=on]")
    until(live_page, lambda: live.asked[-1]["since"] is not None)
    assert live.asked[-1]["since"] == 130


def test_when_a_clock_runs_then_its_digits_change_each_second(live_page: Page) -> None:
    digits = live_page.inner_text("#clock .digits")
    expect(live_page.locator("#clock .digits")).not_to_have_text(digits)


def test_when_a_key_is_pressed_then_its_button_posts_with_the_csrf_token(live_page: Page, live: LiveServer) -> None:
    live_page.keyboard.press("a")
    until(live_page, lambda: live.fetched)
    live_page.wait_for_timeout(100)
    assert (live.fetched, live.token) == (1, "token")


def test_when_shortcuts_are_switched_off_then_keys_do_nothing(live_page: Page, live: LiveServer) -> None:
    live_page.keyboard.press("?")
    assert "Acknowledge" in live_page.inner_text("#keys")
    live_page.uncheck("[data-keys-switch]")
    live_page.keyboard.press("Escape")
    live_page.keyboard.press("a")
    live_page.wait_for_timeout(300)
    assert live.fetched == 0


def test_when_rows_are_walked_by_keyboard_then_x_selects_and_the_bar_counts(live_page: Page) -> None:
    for key in ("j", "j", "x", "k", "x"):
        live_page.keyboard.press(key)
    assert live_page.inner_text("[data-bulk-count]") == "2 selected"
    live_page.keyboard.press("Escape")
    assert live_page.is_hidden("[data-bulk]")


def test_when_all_rows_of_a_page_are_selected_then_all_that_are_found_can_be_until_one_is_left_out(
    live_page: Page,
) -> None:
    every, whole = live_page.locator("[data-bulk-all]"), live_page.locator("[data-bulk-whole]")
    for key in ("j", "x", "j", "x"):
        live_page.keyboard.press(key)
    expect(every).to_be_hidden()
    for key in ("j", "x"):
        live_page.keyboard.press(key)
    expect(every).to_have_text("Select all 312")
    every.click()
    assert live_page.inner_text("[data-bulk-count]") == "312 selected"
    expect(whole).to_have_value("yes")
    live_page.locator("[data-row='2'] input").uncheck()
    assert live_page.inner_text("[data-bulk-count]") == "2 selected"
    expect(whole).to_have_value("")


def test_when_a_page_is_found_by_keyboard_then_enter_goes_there(live_page: Page) -> None:
    live_page.route("**/audit/", lambda route: route.fulfill(body="the ledger", content_type="text/html"))
    live_page.keyboard.press("Control+k")
    live_page.keyboard.type("aud")
    live_page.keyboard.press("Enter")
    live_page.wait_for_url("**/audit/")

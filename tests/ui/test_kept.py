"""What somebody is in the middle of when a part of the page is drawn anew, when the tab is hidden, the connection or the session gone.

Beside test_in_chromium.py, whose pages and far end these use.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.ui.test_in_chromium import LiveServer, live, live_page, page_of, shown, until

__all__ = ["live", "live_page", "page_of", "shown"]
pytestmark = [pytest.mark.browser, pytest.mark.urls("tests.ui.urls")]

PART = """<div id="part"><p id="drawn">drawn {n}</p>
<div class="menu" id="menu" popover><a class="menu-a" href="#x">Snooze</a></div>
<details><summary>Alerts {n}</summary>the disk is full</details>
<form id="one" method="post" action="/sent/" hx-post="/sent/" hx-target="#whole">
<input type="hidden" name="csrfmiddlewaretoken" value="of this page"><input name="title" aria-label="Task">
<select name="priority" aria-label="Priority"><option>low</option><option selected>normal</option><option>urgent</option></select>
<button class="btn" type="submit">Add</button></form>
<form id="two"><input type="number" name="minutes" aria-label="Minutes"></form>
<ul><li id="e6"><button class="btn" formaction="/6/pin/">Pin</button></li>
<li id="e7"><button class="btn" formaction="/7/pin/">Pin</button><button class="btn" formaction="/7/decide/">Decide</button></li></ul>
</div>"""
SAMPLE = """{% extends "base.html" %}{% load watchbell %}{% block heading %}Incidents{% endblock %}{% block content %}
<div hidden data-live="incident:42" hx-get="/fragment/" hx-trigger="live" hx-target="#whole"></div>
<button class="btn" id="opener" popovertarget="menu">Menu</button>
<div id="whole" data-keeps>{{ part|safe }}</div>
{% endblock %}"""


class Parts(LiveServer):
    """A far end whose fragment is a part with forms; requests may be held back."""

    def __init__(self) -> None:
        super().__init__()
        self.tries = 0
        self.sent = ""
        self.status = 200
        self.hold = False
        self.held: list[Route] = []

    def socket(self, route: Any) -> None:
        self.tries += 1
        super().socket(route)

    def fragment(self, route: Route) -> None:
        self.fetched += 1
        if self.hold:
            self.hold = False
            self.held.append(route)
            return
        self.answer(route)

    def answer(self, route: Route) -> None:
        route.fulfill(status=self.status, body=PART.replace("{n}", str(self.fetched)), content_type="text/html")

    def post(self, route: Route) -> None:
        self.sent = f"{route.request.headers.get('x-csrftoken')} {route.request.post_data}"
        route.fulfill(status=self.status, body=PART.replace("{n}", "sent"), content_type="text/html")


@pytest.fixture
def parts() -> Parts:
    return Parts()


@pytest.fixture
def page(page_of: Callable[..., str], shown: Callable[..., Page], parts: Parts) -> Page:
    html = page_of(SAMPLE, part=PART.replace("{n}", "0"))
    routes = {"**/fragment/": parts.fragment, "**/sent/": parts.post}
    page = shown(html, socket=parts.socket, routes=routes, expected=" 401")
    page.wait_for_selector("[data-live-mark][data-state=on]")
    return page


def look_away(page: Page, away: bool) -> None:
    """What the browser tells a page when its tab is hidden, and when it is looked at again."""
    page.evaluate(
        "(away) => { Object.defineProperty(document, 'hidden', { get: () => away, configurable: true });"
        " document.dispatchEvent(new Event('visibilitychange')); }",
        away,
    )


# --- drawn anew


def test_when_a_part_is_drawn_anew_then_what_is_typed_open_and_scrolled_to_in_it_stays(
    page: Page, parts: Parts
) -> None:
    page.get_by_label("Task").fill("Half a task")
    page.get_by_label("Priority").select_option("urgent")
    page.get_by_label("Minutes").fill("25")
    page.locator("summary").click()
    page.click("#opener")
    parts.tell("incident:42", 101)
    expect(page.locator("#drawn")).to_have_text("drawn 1")
    expect(page.locator("#menu")).to_be_visible()
    expect(page.locator("details")).to_have_attribute("open", "")
    expect(page.get_by_label("Task")).to_have_value("Half a task")
    expect(page.get_by_label("Priority")).to_have_value("urgent")
    expect(page.get_by_label("Minutes")).to_have_value("25")
    # What is closed stays closed, and pressing beside a menu still closes it.
    page.locator("#drawn").click()
    expect(page.locator("#menu")).to_be_hidden()
    page.locator("summary").click()
    parts.tell("incident:42", 102)
    expect(page.locator("#drawn")).to_have_text("drawn 2")
    expect(page.locator("details")).not_to_have_attribute("open", "")
    expect(page.locator("#menu")).to_be_hidden()


def test_when_a_tall_part_is_exchanged_around_the_keyboard_then_the_page_does_not_move(
    page_of: Callable[..., str], shown: Callable[..., Page], parts: Parts
) -> None:
    lines = "".join(
        f"<li>Card {line} <button class='btn' name='action' value='{line}'>Remove</button></li>" for line in range(90)
    )
    board = (
        '<div id="board" data-live="incident:42" hx-get="/fragment/" hx-trigger="live" hx-swap="outerHTML">'
        f"<p id='drawn'>drawn {{n}}</p><measured-part></measured-part><ul>{lines}</ul></div>"
    )

    def fragment(route: Route) -> None:
        route.fulfill(body=board.replace("{n}", "1"), content_type="text/html")

    html = page_of(SAMPLE, part=f"{board}<p>Below it all</p>")
    page = shown(html, socket=parts.socket, routes={"**/fragment/": fragment})
    page.wait_for_selector("[data-live-mark][data-state=on]")
    # Something looks how large the page is while the new part stands above the old one.
    page.evaluate(
        "customElements.define('measured-part', class extends HTMLElement { connectedCallback() { document.body.offsetHeight; } })"
    )
    page.locator("#board button").nth(40).focus()
    page.evaluate("() => new Promise(requestAnimationFrame)")
    before = page.evaluate("scrollY")
    parts.tell("incident:42", 101)
    expect(page.locator("#drawn")).to_have_text("drawn 1")

    expect(page.locator("#board button").nth(40)).to_be_focused()
    assert page.evaluate("scrollY") == before > 0


def test_when_the_keyboard_is_in_a_part_that_is_drawn_anew_then_it_goes_on_from_there(page: Page, parts: Parts) -> None:
    page.get_by_label("Task").press_sequentially("Half a")
    page.get_by_label("Task").press("ArrowLeft")
    parts.tell("incident:42", 101)
    expect(page.locator("#drawn")).to_have_text("drawn 1")
    page.keyboard.type("n")
    expect(page.get_by_label("Task")).to_have_value("Half na")
    # A button without an id of its own is found by what it does, in the line it belongs to.
    page.locator("#e7 button").last.focus()
    parts.tell("incident:42", 102)
    expect(page.locator("#drawn")).to_have_text("drawn 2")
    expect(page.locator("#e7 [formaction='/7/decide/']")).to_be_focused()


def test_when_one_of_several_forms_is_sent_then_the_others_keep_what_is_in_them(page: Page, parts: Parts) -> None:
    page.get_by_label("Minutes").fill("25")
    page.get_by_label("Task").fill("A whole task")
    page.get_by_role("button", name="Add").click()
    expect(page.locator("#drawn")).to_have_text("drawn sent")
    expect(page.get_by_label("Task")).to_have_value("")
    expect(page.get_by_label("Minutes")).to_have_value("25")


def test_when_a_part_comes_while_somebody_presses_a_button_then_the_press_counts_and_the_part_comes_after_it(
    page: Page, parts: Parts
) -> None:
    late: list[Route] = []

    def answered(route: Route) -> None:
        """The first is kept; each that is asked for after it gets its answer at once."""
        if late:
            route.fulfill(body="<p>one</p>", content_type="text/html")
        late.append(route)

    page.route("**/late/", answered)
    page.evaluate(
        """() => {
            const part = document.createElement("div");
            part.id = "late";
            part.setAttribute("hx-get", "/late/");
            part.setAttribute("hx-trigger", "load");
            document.getElementById("whole").before(part);
            window.htmx.process(part);
        }"""
    )
    until(page, lambda: late)
    place = page.get_by_role("button", name="Add").bounding_box()
    assert place is not None
    page.mouse.move(place["x"] + 4, place["y"] + 4)
    page.mouse.down()
    late[0].fulfill(body="<p>one<br>two<br>three<br>four</p>", content_type="text/html")
    page.wait_for_timeout(200)
    expect(page.locator("#late")).to_have_text("")
    page.mouse.up()
    expect(page.locator("#drawn")).to_have_text("drawn sent")
    expect(page.locator("#late")).to_have_text("one")


def test_when_an_answer_is_older_than_what_was_done_since_then_it_is_not_shown(page: Page, parts: Parts) -> None:
    parts.hold = True
    parts.tell("incident:42", 101)
    until(page, lambda: parts.held)
    page.evaluate(
        """() => {
            window.seen = [];
            new MutationObserver(() => window.seen.push(document.getElementById("drawn").textContent))
                .observe(document.querySelector("main"), { childList: true, subtree: true });
        }"""
    )
    page.get_by_role("button", name="Add").click()
    expect(page.locator("#drawn")).to_have_text("drawn sent")
    page.wait_for_timeout(150)  # the press itself is over
    parts.answer(parts.held[0])
    expect(page.locator("#drawn")).to_have_text("drawn 2")
    assert "drawn 1" not in page.evaluate("window.seen")


# --- hidden, not live


def test_when_a_tab_is_hidden_then_nothing_is_fetched_until_somebody_looks(page: Page, parts: Parts) -> None:
    page.clock.install()
    look_away(page, True)
    for entry in (101, 102, 103):
        parts.tell("incident:42", entry)
    page.wait_for_timeout(300)
    page.clock.run_for(60_000)
    assert parts.fetched == 0
    look_away(page, False)
    page.clock.run_for(1_000)
    expect(page.locator("#drawn")).to_have_text("drawn 1")
    assert parts.fetched == 1


def test_when_the_connection_is_lost_then_the_page_asks_again_and_again_and_a_hidden_one_not_at_all(
    page: Page, parts: Parts
) -> None:
    page.clock.install()
    parts.up = False
    parts.sockets[-1].close()
    page.wait_for_timeout(300)
    page.clock.run_for(3_000)
    expect(page.locator("[data-live-banner]")).to_be_visible()
    for turn in (1, 2):
        page.clock.run_for(16_000)
        expect(page.locator("#drawn")).to_have_text(f"drawn {turn}")
    look_away(page, True)
    page.clock.run_for(16_000)
    asked = settled(page, parts)
    page.clock.run_for(120_000)
    assert settled(page, parts) == asked
    parts.up = True
    look_away(page, False)
    page.wait_for_selector("[data-live-mark][data-state=on]")
    expect(page.locator("[data-live-banner]")).to_be_hidden()
    assert parts.tries == asked[1] + 1


def settled(page: Page, parts: Parts) -> tuple[int, int]:
    """How often it was asked and tried, once what was under way has come."""
    before, asked = (-1, -1), (parts.fetched, parts.tries)
    while asked != before:
        page.wait_for_timeout(600)
        before, asked = asked, (parts.fetched, parts.tries)
    return asked


def test_when_the_browsers_clock_is_wrong_and_scripts_are_slow_then_clocks_run_down_by_the_servers(
    page_of: Callable[..., str], shown: Callable[..., Page]
) -> None:
    """Scripts that come late, as on a poor line, are made of a browser that says that it has been at the page for a minute."""
    at = datetime.now(UTC) + timedelta(hours=3)
    clock = '{% extends "base.html" %}{% load watchbell %}{% block content %}<p id="clock">{% clock due start=at %}</p>{% endblock %}'
    html = page_of(clock, at=at, due=at + timedelta(minutes=8))
    html = re.sub(r'data-now="[^"]*"', f'data-now="{at.isoformat()}"', html)
    slow = "const real = performance.now.bind(performance); performance.now = () => real() + 60000;"
    page = shown(html, script=slow)
    expect(page.locator("#clock .digits")).to_have_text(re.compile("^7:"))


# --- signed out


def test_when_the_session_is_over_then_a_press_says_so_and_what_is_typed_can_be_sent_after_signing_in_elsewhere(
    page: Page, parts: Parts
) -> None:
    parts.status = 401
    page.get_by_label("Task").fill("A whole task")
    page.get_by_role("button", name="Add").click()
    banner = page.locator("[data-signed-out]")
    expect(banner).to_be_visible()
    expect(banner.get_by_role("link")).to_have_attribute("href", re.compile(r"/accounts/login/\?next=%2Fincidents%2F$"))
    expect(page.get_by_label("Task")).to_have_value("A whole task")
    parts.status = 200
    page.context.add_cookies([{"name": "csrftoken", "value": "ofthenewsession", "url": page.url}])
    page.get_by_role("button", name="Add").click()
    expect(page.locator("#drawn")).to_have_text("drawn sent")
    expect(banner).to_be_hidden()
    assert "page" not in parts.sent
    assert parts.sent.count("ofthenewsession") == 2
    assert "A%20whole%20task" in parts.sent


def test_when_a_live_page_finds_its_session_over_then_it_says_so_and_shows_what_it_showed(
    page: Page, parts: Parts
) -> None:
    parts.status = 401
    parts.tell("incident:42", 101)
    expect(page.locator("[data-signed-out]")).to_be_visible()
    expect(page.locator("#drawn")).to_have_text("drawn 0")

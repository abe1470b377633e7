"""From incident to incident in the order of the list one came from, while that list changes.

Beside test_in_chromium.py, whose pages these use; on a running site: tests/browser/test_keyboard.py.
"""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.ui.test_in_chromium import POLICY, SITE, page_of, shown

__all__ = ["page_of", "shown"]
pytestmark = [pytest.mark.browser, pytest.mark.urls("tests.ui.urls")]

LIST = """{% extends "base.html" %}{% block heading %}Incidents{% endblock %}{% block content %}<div id="incident-list">
{% if rows %}<div data-rows data-incidents data-first="{{ first }}" data-total="{{ total }}">
{% for n in rows %}<div class="row" data-row="{{ n }}">
<a href="/incidents/{{ n }}/" data-row-link>Incident {{ n }}</a></div>{% endfor %}</div>{% endif %}
<nav class="pages">{% if earlier %}<a rel="prev" href="?tab=open&page={{ earlier }}">Previous</a>{% endif %}
{% if later %}<a rel="next" href="?tab=open&page={{ later }}">Next</a>{% endif %}</nav></div>{% endblock %}"""
INCIDENT = """{% extends "base.html" %}{% block heading %}Incident{% endblock %}{% block content %}
<a id="back" href="/incidents/" data-to-list>Incidents</a>
<span data-neighbours="/incidents/" hidden><a class="btn" data-neighbour="before" data-key="k">Previous incident</a>
<a class="btn" data-neighbour="after" data-key="j">Next incident</a><span data-place></span></span>
<textarea aria-label="Say"></textarea>{% endblock %}"""


class Lists:
    """A far end with a list of two to a page, and the pages of its incidents."""

    def __init__(self, page_of: Callable[..., str], numbers: list[int]) -> None:
        self.numbers = numbers
        self.asked: list[str] = []
        self._page_of = page_of

    def answer(self, route: Route) -> None:
        path, _, query = route.request.url.removeprefix(SITE).partition("?")
        if path == "/incidents/":
            self.asked.append(query)
            html = self._list(int(query.partition("page=")[2] or 1))
        else:
            html = self._page_of(INCIDENT)
        route.fulfill(body=html, content_type="text/html", headers={"Content-Security-Policy": POLICY})

    def _list(self, page: int) -> str:
        first = 2 * (page - 1)
        rows = self.numbers[first : first + 2]
        values = {"rows": rows, "first": first + 1, "total": len(self.numbers), "earlier": page - 1}
        return self._page_of(LIST, **values, later=page + 1 if self.numbers[first + 2 :] else 0)


@pytest.fixture
def listed(page_of: Callable[..., str], shown: Callable[..., Page]) -> Callable[..., tuple[Page, Lists]]:
    """Opens the list's page at ``address``, with these incidents."""

    def show(*numbers: int, address: str = "/incidents/?tab=open") -> tuple[Page, Lists]:
        lists = Lists(page_of, [*numbers])
        page = shown("", routes={f"{SITE}/incidents/**": lists.answer})
        page.goto(f"{SITE}{address}")
        return page, lists

    return show


def pressed(page: Page, key: str, number: int, place: str) -> None:
    """By ``key`` to the incident with this number, the ``place`` of the list."""
    if way := {"j": "Next incident", "k": "Previous incident"}.get(key):
        # Where a page of the list ends the list is asked first.
        expect(page.get_by_role("link", name=way)).to_have_attribute("href", f"/incidents/{number}/")
    page.keyboard.press(key)
    page.wait_for_url(f"**/incidents/{number}/")
    expect(page.locator("[data-place]")).to_have_text(place)


def test_when_keys_lead_from_incident_to_incident_then_the_lists_order_filters_and_pages_are_kept(
    listed: Callable[..., tuple[Page, Lists]],
) -> None:
    page, lists = listed(11, 12, 13, 14, 15)
    page.keyboard.press("j")
    page.keyboard.press("j")
    pressed(page, "Enter", 12, "2 of 5")
    # The next page of the list is asked for with what narrows the list.
    expect(page.get_by_role("link", name="Next incident")).to_have_attribute("href", "/incidents/13/")
    assert lists.asked[-1] == "tab=open&page=2"
    pressed(page, "j", 13, "3 of 5")
    pressed(page, "j", 14, "4 of 5")
    expect(page.get_by_role("link", name="Next incident")).to_have_attribute("href", "/incidents/15/")
    pressed(page, "j", 15, "5 of 5")
    page.keyboard.press("j")
    pressed(page, "k", 14, "4 of 5")
    page.locator("textarea").press_sequentially("just a jolly joke")
    expect(page.locator("textarea")).to_have_value("just a jolly joke")
    assert page.url == f"{SITE}/incidents/14/"
    page.keyboard.press("Escape")
    page.locator("#back").click()
    page.wait_for_url("**/incidents/?tab=open&page=2")
    expect(page.locator(".row.cursor")).to_have_attribute("data-row", "14")


def test_when_the_list_changes_meanwhile_then_no_incident_is_left_out_or_shown_twice(
    listed: Callable[..., tuple[Page, Lists]],
) -> None:
    page, lists = listed(11, 12, 13, 14)
    page.get_by_role("link", name="Incident 11").click()
    page.wait_for_url("**/incidents/11/")
    # Somebody resolves the first: what was on the second page comes to the first.
    lists.numbers.remove(11)
    pressed(page, "j", 12, "2 of 3")
    expect(page.get_by_role("link", name="Next incident")).to_have_attribute("href", "/incidents/13/")
    pressed(page, "j", 13, "3 of 4")
    # A new one at the top pushes the others down.
    lists.numbers.insert(0, 20)
    pressed(page, "j", 14, "4 of 4")
    pressed(page, "k", 13, "3 of 4")
    pressed(page, "k", 12, "2 of 4")
    pressed(page, "k", 11, "1 of 4")


def test_when_an_incident_is_opened_in_another_tab_then_it_still_knows_its_neighbours(
    listed: Callable[..., tuple[Page, Lists]],
) -> None:
    page, lists = listed(11, 12, 13)
    # The memory of a tab stays in it: the other one is told by its referrer alone.
    page.goto(f"{SITE}/incidents/13/", referer=f"{SITE}/incidents/?tab=open&page=2")
    expect(page.locator("[data-place]")).to_have_text("3 of 3")
    pressed(page, "k", 12, "2 of 3")
    expect(page.locator("#back")).to_have_attribute("href", "/incidents/?tab=open&page=1")
    assert lists.asked[-1] == "tab=open&page=1"


def test_when_nobody_came_from_a_list_then_no_neighbours_are_offered(
    listed: Callable[..., tuple[Page, Lists]],
) -> None:
    page, lists = listed(11, 12, address="/incidents/11/")
    page.wait_for_load_state("networkidle")
    expect(page.locator("[data-neighbours]")).to_be_hidden()
    page.keyboard.press("j")
    assert (page.url, lists.asked[1:]) == (f"{SITE}/incidents/11/", [])

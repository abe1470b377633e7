"""Every page in Chromium: accessible (WCAG 2.2 A and AA), silent in the console, and never wider than the screen.

Each page is looked at on a desktop in light or on a phone in dark, in turn, and measured on both; `make axe` takes all four
combinations of every page, and keeps a picture of each in build/screenshots. Those under /incidents/ are in
test_axe_incidents.py: a worker takes a file, and all pages are too many for one.
"""

import re

import pytest
from django.urls import Resolver404, resolve

from tests.browser.conftest import Windows
from tests.browser.pages import PAGES, PageOf
from tests.browser.shown import of_incidents, wrong_with
from tests.site.crawl_addresses import routes

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# Answers that are no pages of their own: parts of one, files, and what only leads elsewhere.
NO_PAGES = re.compile(
    r"^(admin/|api/v1/(?!docs)|healthz|readyz|metrics|integrations/|v2/|i18n/"
    r"|incidents/(form/preview/|form/fields/<slug:key>/.+|workflow/stages/|<int:pk>/review/export/)"
    r"|incidents/<int:pk>/(time/|plan/.+|tasks/<int:task>/.+|vendor-cases/)"
    r"|incidents/(new/(similar|questions|customers|draft|files)/|attachments/|complaints/<int:pk>/.+)"
    r"|incidents/<int:pk>/(beside/|request/.+|follow/|gather/|unfollow/|complaints/$)"
    r"|incidents/(bulk/|export/|views/<int:pk>/<|<int:pk>/links/<int:link>/|new/preview/|<int:pk>/(live|around|comment(/people)?|lines/<int:event>/.+|brief/(read|rate)|severity/preview|checkpoints/<int:number>/decide)/)|policies/(new/preview|findings/look/|tools/rules/past/|tools/calendars/.+/remove/|<slug:slug>/(now|edit/preview|policy\.md))"
    r"|calendar/|chat/act/|oncall/(workload/export|calendars/.+|mine/holidays/|absences/<int:pk>/|swaps/(<int:pk>|answer/<str:token>)/<slug|overrides/|new/preview/|handoffs/(<int:pk>/.+|notes/)|<slug:slug>/(take-over|edit/preview|handoff/note)/)|audit/(export|bundle/|checkpoint|consistency|keys|<int:pk>/proof|packs/<int:pk>/file/|views/<int:pk>/)|operations/.+|reports/(incidents\.csv|exports/files/|exports/regular/<int:pk>/delete/|digests/<int:pk>/mine/|process/problem/|boards/<int:pk>/.+)|test-page/|welcome/|p/<str:token>/.+"
    r"|accounts/(?!login/$|tokens/$|chat/(<str:token>/)?$|password/(change|reset|reset/done)/$|2fa/$))"
)


@pytest.mark.parametrize("page_of", [one for one in PAGES if not of_incidents(one)], ids=lambda page_of: page_of.name)
def test_when_a_page_is_shown_then_it_is_accessible_silent_and_fits(windows: Windows, page_of: PageOf) -> None:
    assert wrong_with(page_of, windows) == []


def test_when_a_page_is_added_then_it_is_looked_at() -> None:
    seen = set()
    numbers = (
        *("ringing", "taken", "done", "marta", "handoff_waiting", "handoff_kept", "swap", "review"),
        *("saved_view", "asking", "question", "answer", "answered", "major", "routed", "task", "said", "complaint"),
        *("digest", "regular", "pack", "dashboard"),
    )
    places = dict.fromkeys(numbers, 1) | dict.fromkeys(
        ("link", "used_link", "swap_token", "shift_at", "chat_claim"), "a"
    )
    for page_of in PAGES:
        try:
            seen.add(resolve(page_of.address(places).split("?")[0]).route)
        except Resolver404:
            assert page_of.status == 404
    forgotten = [route for route in routes() if not NO_PAGES.match(route) and route not in seen]
    assert forgotten == []

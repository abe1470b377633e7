"""Every page under /incidents/ in Chromium: accessible, silent, and never wider than the screen. The others: test_axe.py."""

import pytest

from tests.browser.conftest import Windows
from tests.browser.pages import PAGES, PageOf
from tests.browser.shown import of_incidents, wrong_with

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.parametrize("page_of", [one for one in PAGES if of_incidents(one)], ids=lambda page_of: page_of.name)
def test_when_a_page_of_incidents_is_shown_then_it_is_accessible_silent_and_fits(
    windows: Windows, page_of: PageOf
) -> None:
    assert wrong_with(page_of, windows) == []

"""Beside each number stands how it is counted: its rule, its unit, what is left out and why, its source."""

import pytest
from django.test import Client
from django.utils.html import escape

from reports.dashboard import TABS
from reports.figures.counted import OTHERS
from reports.figures.definitions import LEFT_OUT_OF_ALL, METRICS, PERCENTILE_RULE, Metric
from tests.world.harness import World

EVERY = (*METRICS.values(), *OTHERS.values())


@pytest.fixture
def elena(world: World, client: Client) -> Client:
    """The manager's browser."""
    client.force_login(world.cast.elena)
    return client


def said(metric: Metric) -> list[str]:
    texts = (metric.rule, metric.unit, metric.left_out, metric.why, metric.source, metric.clock)
    return [str(escape(str(text))) for text in texts]


@pytest.mark.requirement("R312")
@pytest.mark.parametrize("tab", list(TABS))
def test_when_a_tab_is_opened_then_every_number_on_it_has_its_whole_definition_beside_it(
    elena: Client, tab: str
) -> None:
    page = elena.get(f"/reports/tabs/{tab}/")
    board = page.context["board"]
    cards = [*board.cards, *(card for _title, several in board.families for card in several)]
    assert len(cards) >= 4
    text = page.content.decode()
    for card in cards:
        begin = text.index(f'id="def-{card.key}"')
        beside = text[begin : text.index("</dl>", begin)]
        assert [words for words in said(card.metric) if words not in beside] == [], card.key


@pytest.mark.requirement("R312")
def test_every_metric_is_on_a_tab_and_among_the_definitions(elena: Client) -> None:
    shown: set[str] = set()
    for tab in TABS:
        board = elena.get(f"/reports/tabs/{tab}/").context["board"]
        shown |= {card.key for card in board.cards}
        shown |= {card.key for _title, several in board.families for card in several}
    assert set(METRICS) <= shown
    page = elena.get("/reports/definitions/").content.decode()
    for metric in EVERY:
        assert f'<article id="{metric.key}">' in page
        assert [words for words in said(metric) if words not in page] == [], metric.key
    assert str(LEFT_OUT_OF_ALL) in page
    assert str(PERCENTILE_RULE) in page

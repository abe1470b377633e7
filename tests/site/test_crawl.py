"""Nobody gets where they are not meant to be, nothing fails, and looking changes nothing: see tests/site/crawl.py."""

import os
from difflib import unified_diff

import pytest
from django.apps import apps

from tests.site import crawl
from tests.site.crawl_world import populate
from tests.world.harness import World


@pytest.mark.slow
@pytest.mark.timeout(850)
def test_when_everybody_opens_every_address_then_each_answers_as_the_table_says(world: World) -> None:
    populate(world)
    counts = {model: model._base_manager.count() for model in apps.get_models()}
    answers = crawl.crawl(world)
    found = crawl.table(answers)
    if os.environ.get("CRAWL_WRITE"):
        crawl.TABLE.write_text(found, encoding="utf-8")
    assert [wrong for one in answers for wrong in one.wrong] == []
    now = {model: model._base_manager.count() for model in apps.get_models()}
    assert {model: n for model, n in now.items() if n != counts[model] and model.__name__ != "Session"} == {}
    expected = crawl.TABLE.read_text(encoding="utf-8")
    difference = list(unified_diff(expected.splitlines(), found.splitlines(), "expected", "found", lineterm="", n=0))
    assert difference == [], "\n".join(difference)

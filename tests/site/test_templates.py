"""Rules for every template: it compiles, and it needs nothing that the browser policy forbids."""

import re
from pathlib import Path

import pytest
from django.template import engines

from escalation_site.env import BASE_DIR

TEMPLATES = BASE_DIR / "templates"
PAGES = sorted(TEMPLATES.rglob("*.html"))
_COMMENT = re.compile(r"\{#.*?#\}|\{% comment.*?endcomment %\}|<!--.*?-->", re.DOTALL)
_FORBIDDEN = {
    "a style element": re.compile(r"<style\b", re.IGNORECASE),
    "a style attribute": re.compile(r"""<[a-z][^<>]*\sstyle\s*=""", re.IGNORECASE),
    "a handler attribute": re.compile(r"""<[a-z][^<>]*\son[a-z]+\s*=""", re.IGNORECASE),
    "a script without a file": re.compile(r"<script\b(?![^>]*\bsrc\s*=)(?![^>]*application/json)", re.IGNORECASE),
    "an address on another machine": re.compile(
        r"""<(?:script|link|img)\b[^>]*(?:src|href)\s*=\s*["']?(?:https?:)?//"""
    ),
    "an hx-on attribute": re.compile(r"\shx-on\b", re.IGNORECASE),
    "a javascript: address": re.compile(r"""=\s*["']?\s*javascript:""", re.IGNORECASE),
}


def _name(path: Path) -> str:
    return str(path.relative_to(TEMPLATES))


# HTML messages are read by mail programs, which know only styles inside the message.
IN_BROWSER = [page for page in PAGES if "email" not in _name(page)]


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_the_template_compiles(page: Path) -> None:
    engines["django"].get_template(_name(page))


@pytest.mark.parametrize("page", IN_BROWSER, ids=_name)
def test_the_template_needs_nothing_that_the_browser_policy_forbids(page: Path) -> None:
    source = _COMMENT.sub("", page.read_text(encoding="utf-8"))

    assert [what for what, pattern in _FORBIDDEN.items() if pattern.search(source)] == []

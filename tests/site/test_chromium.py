"""Chromium is started with a list of features that replaces Playwright's, and therefore has to hold it."""

import re
from pathlib import Path

import playwright

from tests.browser.flags import FLAGS

DRIVER = Path(playwright.__file__).parent / "driver" / "package" / "lib" / "coreBundle.js"
ELSEWHERE = {"msForceBrowserSignIn", "msEdgeUpdateLaunchServicesPreferredVersion"}
"""Of another browser."""


def test_whatever_playwright_switches_off_in_chromium_is_switched_off_here() -> None:
    said = re.search(r"\bdisabledFeatures = \[(.+?)\n\s*\]", DRIVER.read_text(encoding="utf-8"), re.DOTALL)
    assert said is not None
    of_playwright = set(re.findall(r'^\s*"(\w+)"', said[1], re.MULTILINE)) - ELSEWHERE

    (here,) = (flag.partition("=")[2].split(",") for flag in FLAGS if flag.startswith("--disable-features="))

    assert len(of_playwright) > 5
    assert of_playwright <= set(here)

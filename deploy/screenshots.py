"""`make screenshots`: draw the main pages of a running demo again, for the documentation (docs/img/).

Start the demo first (`make run`). ADDRESS chooses another than http://127.0.0.1:8000, CHROMIUM another browser than the system's.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "img"
ADDRESS = os.environ.get("ADDRESS", "http://127.0.0.1:8000")
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
SIZES = {"wide": (1440, 900), "phone": (390, 844)}
# The page, and whose it is: the words of `manage.py demo --logins`.
PAGES = {
    "home": ("/", "Responder"),
    "incidents": ("/incidents/", "Responder"),
    "on-call": ("/oncall/", "Responder"),
    "policies": ("/policies/", "Manager"),
    "metrics": ("/reports/", "Manager"),
    "audit": ("/audit/", "Auditor"),
}


def logins() -> dict[str, tuple[str, str]]:
    """Role → name and password, as the demo prints them."""
    printed = subprocess.run(
        [sys.executable, "manage.py", "demo", "--logins"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    rows = [re.split(r"\s{1,}", line.strip()) for line in printed.splitlines() if line.strip()]
    return {row[0]: (row[-2], row[-1]) for row in rows}


def draw(browser: Browser, name: str, path: str, login: tuple[str, str]) -> None:
    """Sign in and draw one page in each size."""
    for size, (width, height) in SIZES.items():
        page = browser.new_page(viewport={"width": width, "height": height}, base_url=ADDRESS)
        page.goto("/accounts/login/")
        page.fill("input[name=login]", login[0])
        page.fill("input[name=password]", login[1])
        page.press("input[name=password]", "Enter")
        page.wait_for_url(lambda address: "/accounts/login" not in address)
        page.goto(path)
        page.screenshot(path=TARGET / f"{name}-{size}.png")
        page.close()


def main() -> int:
    people = logins()
    if not people:
        print("The database holds no demo organisation: `make run` loads it.", file=sys.stderr)
        return 1
    TARGET.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for name, (path, role) in PAGES.items():
            draw(browser, name, path, people[role])
            print(f"docs/img/{name}-*.png")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`make requirements`: which requirements of docs/requirements.md are shown by tests, and by which.

A requirement is shown when at least one test marked with its number passed in the last run of the tests, and none
failed. What the runs showed stands in build/requirements*.json (tests/conftest.py).
"""

import json
import re
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = ROOT / "docs" / "requirements.md"
_ROW = re.compile(r"^\| (R\d{3}) \| (.+) \|$")


def titles() -> dict[str, str]:
    """Number → one-line title, in the order of the catalogue."""
    found = {}
    for line in CATALOGUE.read_text(encoding="utf-8").splitlines():
        if match := _ROW.match(line):
            found[match[1]] = match[2].replace("\\|", "|")
    return found


def outcomes() -> dict[str, dict[str, str]]:
    """Number → test → outcome of the last runs. A test that failed in any of them counts as failed."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for file in sorted((ROOT / "build").glob("requirements*.json")):
        for test, shown in json.loads(file.read_text(encoding="utf-8")).items():
            for number in shown["requirements"]:
                if found[number].get(test) != "failed":
                    found[number][test] = shown["outcome"]
    return found


def state_of(tests: dict[str, str]) -> str:
    """One word for a requirement whose tests ended so."""
    if "failed" in tests.values():
        return "FAILING"
    return "shown" if "passed" in tests.values() else "not yet"


def main() -> int:
    found, shown = outcomes(), 0
    for number, title in titles().items():
        tests = found.get(number, {})
        state = state_of(tests)
        shown += state == "shown"
        print(f"{number}  {state:<8} {title}")
        for test, outcome in sorted(tests.items()):
            print(f"                 {test}" + ("" if outcome == "passed" else f" ({outcome})"))
    print(
        f"\n{shown} of {len(titles())} shown." + ("" if found else " No test run is recorded: run `make test` first.")
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

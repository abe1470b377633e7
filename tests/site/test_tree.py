"""Rules for the tree itself: what must not be in any file, and what must be there."""

import re
import subprocess

import pytest

from deploy.lock import _ADDRESS
from deploy.requirements_table import state_of, titles
from escalation_site.env import BASE_DIR

# Written in two parts, so that this file does not hold what it looks for.
_FORBIDDEN = {
    "the address of a package registry": re.compile(r"pypi\." + r"org|files\.python" + r"hosted|registry\.npm" + r"js"),
    "a path of one machine": re.compile(r"(?<![\w.])/(?:wo" + r"rk|ro" + r"ot|home/\w+)/"),
    "a private key": re.compile("-----BEGIN [A-Z ]*PRIVATE " + "KEY-----"),
}
_BINARY = (".png", ".woff2", ".ico", ".mo", ".jpg", ".gz", ".svg")


def _files() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=BASE_DIR, capture_output=True, text=True, check=True).stdout
    return [name for name in listed.split("\0") if name and not name.endswith(_BINARY)]


@pytest.mark.parametrize("what", _FORBIDDEN)
def test_no_file_holds(what: str) -> None:
    found = []
    for name in _files():
        path = BASE_DIR / name
        if path.is_file() and _FORBIDDEN[what].search(path.read_text(encoding="utf-8", errors="replace")):
            found.append(name)

    assert found == []


@pytest.mark.parametrize("name", ["base", "dev"])
def test_each_pinned_package_has_hashes_and_no_address(name: str) -> None:
    lock = (BASE_DIR / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    pins = re.findall(r"^([a-z0-9][\w.\-\[\],]*)==", lock, re.MULTILINE | re.IGNORECASE)

    assert len(pins) > 20
    assert lock.count("--hash=sha256:") >= len(pins)
    assert _ADDRESS.search(lock) is None


def test_the_development_lock_pins_what_the_base_lock_pins() -> None:
    def pins(name: str) -> set[str]:
        lock = (BASE_DIR / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
        return set(re.findall(r"^([a-z0-9][^\s;\\]*==[^\s;\\]+)", lock, re.MULTILINE | re.IGNORECASE))

    assert pins("base") - pins("dev") == set()


def test_the_catalogue_of_requirements_is_whole() -> None:
    found = titles()

    assert len(found) == 328
    assert (min(found), max(found)) == ("R001", "R338")
    assert list(found) == sorted(found)


@pytest.mark.parametrize(
    ("outcomes", "state"),
    [
        ({}, "not yet"),
        ({"a": "skipped"}, "not yet"),
        ({"a": "passed", "b": "skipped"}, "shown"),
        ({"a": "passed", "b": "failed"}, "FAILING"),
    ],
)
def test_when_the_tests_of_a_requirement_ended_so_then_its_state_is(outcomes: dict[str, str], state: str) -> None:
    assert state_of(outcomes) == state

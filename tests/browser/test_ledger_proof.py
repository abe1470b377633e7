"""The auditor's own browser checks an entry: contents, place, signature, and that the tree continues the one it saw before."""

import json
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Windows

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def opened(windows: Windows) -> Page:
    page = windows.blank("amara").page
    page.goto(f"{windows.site.address}/audit/{windows.places['sealed_entry']}/")
    return page


def check(page: Page) -> None:
    page.get_by_role("button", name="Check it in this browser").click()


def forged(page: Page, pattern: str, change: Any) -> None:
    """Answers that match are changed on their way, as a server that lies would."""

    def lie(route: Route) -> None:
        answer = route.fetch()
        told = answer.json()
        route.fulfill(response=answer, body=json.dumps(change(told) or told))

    page.route(pattern, lie)


@pytest.mark.requirement("R299")
def test_the_browser_proves_an_entry_remembers_the_key_and_checks_it_the_next_time(windows: Windows) -> None:
    page = opened(windows)
    check(page)
    expect(page.get_by_text("Proved by this browser.")).to_be_visible()
    expect(page.get_by_text("sees for the first time")).to_be_visible()
    page.get_by_text("What was sealed, word for word").click()
    sealed = page.locator('[data-place="sealed"]')
    expect(sealed).to_contain_text("actor_label: ")
    expect(sealed).to_contain_text(f"entry: {windows.places['sealed_entry']}")
    check(page)
    expect(page.get_by_text("signed by the key that this browser knows")).to_be_visible()
    expect(page.get_by_text("The tree that this browser saw before is its beginning.")).to_be_visible()
    expect(page.get_by_text("Proved by this browser.")).to_be_visible()


@pytest.mark.requirement("R299")
def test_when_the_server_lies_then_the_browser_says_what_does_not_hold(windows: Windows) -> None:
    page = opened(windows)
    check(page)
    expect(page.get_by_text("Proved by this browser.")).to_be_visible()

    def contents(told: Any) -> None:
        told["parts"]["who"]["content"] = told["parts"]["who"]["content"].replace("actor", "actress", 1)

    def action(told: Any) -> None:
        told["told"]["action"] = "incident.nothing"

    def place(told: Any) -> None:
        told["told"]["action_id"] = "forged"

    def time(told: Any) -> None:
        told["told"]["at"] = "2020-01-01T00:00:00.000000Z"

    def unsalted(told: Any) -> None:
        told["parts"]["what"] |= {"salt": None, "content": "{}"}

    def fork(told: Any) -> None:
        told["proof"] = told["proof"][:-1]

    for change, words in (
        (contents, "the contents are not what was sealed"),
        (action, "this page shows something else"),
        (time, "this page shows something else"),
        (unsalted, "the contents are not what was sealed"),
        (place, "does not lead to the root"),
        (fork, "does not lead to the root"),
    ):
        forged(page, "**/proof.json", change)
        check(page)
        expect(page.get_by_text(words)).to_be_visible()
        expect(page.get_by_text("Proved by this browser.")).to_be_hidden()
        page.unroute("**/proof.json")


def test_when_another_key_signs_or_the_tree_does_not_continue_then_it_is_refused(windows: Windows) -> None:
    page = opened(windows)
    check(page)
    expect(page.get_by_text("Proved by this browser.")).to_be_visible()
    remember = (
        "([from, to]) => { for (const name of Object.keys(localStorage)) if (name.startsWith('watchbell-ledger:'))"
    )
    remember += " localStorage.setItem(name, localStorage.getItem(name).replace(new RegExp(from), to)); }"
    page.evaluate(remember, ['"root":"[0-9a-f]{64}"', '"root":"' + "0" * 64 + '"'])
    check(page)
    expect(page.get_by_text("The ledger was written anew.")).to_be_visible()
    # Peter Neumann's key, of another log's test vectors.
    stranger = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    page.evaluate(remember, ['"key":"[^"]*"', f'"key":"{stranger}"'])
    check(page)
    expect(page.get_by_text("another key signs than this browser knows")).to_be_visible()
    page.get_by_role("button", name="I have compared the new key").click()
    expect(page.get_by_text("sees for the first time")).to_be_visible()


def test_when_the_browser_knows_no_ed25519_then_it_says_so_and_what_holds(windows: Windows) -> None:
    page = windows.blank("amara").page
    page.add_init_script(
        "const known = SubtleCrypto.prototype.importKey; SubtleCrypto.prototype.importKey = function (form, key, name, ...more) {"
        " if (name.name === 'Ed25519') return Promise.reject(new DOMException('', 'NotSupportedError'));"
        " return known.call(this, form, key, name, ...more); };"
    )
    page.goto(f"{windows.site.address}/audit/{windows.places['sealed_entry']}/")
    check(page)
    expect(page.get_by_text("cannot check Ed25519 signatures")).to_be_visible()
    expect(page.get_by_text("The leaf leads to the root of the tree.")).to_be_visible()
    expect(page.get_by_text("Proved by this browser.")).to_be_hidden()

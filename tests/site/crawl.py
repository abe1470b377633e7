"""Every address × every role × GET and POST, and what each answers.

    python -m tests.site.crawl --write     writes crawl_expectations.txt again; read the difference line by line

The addresses come from the URL configuration, so that a new page is in the table or fails the test. Each request is
undone, so that the order does not matter. A route that shows one incident is asked for three: of the people's own team,
a restricted one of another team, and one that is not there.
"""

import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.core.cache import cache
from django.db import connection, transaction
from django.http import StreamingHttpResponse
from django.test import Client

from audit.models import LedgerEntry
from tests.site.crawl_addresses import Address, addresses
from tests.world.harness import World

TABLE = Path(__file__).with_name("crawl_expectations.txt")
PEOPLE = ("", "sofie", "marta", "elena", "amara", "hugo")
ROLES = ("anonymous", "reporter", "responder", "manager", "auditor", "administrator")
METHODS = ("GET", "POST")
WRITES = re.compile(r"^\s*(INSERT|UPDATE|DELETE|REPLACE|TRUNCATE|COPY)\b", re.IGNORECASE)
# A session is the browser's own memory (a message to show next, the second step's secret), not the organisation's.
# That a calendar program fetched is noted once an hour at most, for the owner to see.
OWN_MEMORY = ("django_session", 'UPDATE "oncall_calendarfeed" SET "last_used_at"')
# That somebody looked is on record, and is all that looking writes.
READ = ("incident.read", "incident.export", "ledger.read", "ledger.download")
ENTRY = 'INSERT INTO "audit_ledgerentry"'
# Not this machine, which may read some things nobody else may.
ELSEWHERE = "203.0.113.7"
BACKEND = "django.contrib.auth.backends.ModelBackend"


@dataclass
class Answers:
    """What one address answered by method and role, and what went wrong."""

    address: Address
    got: dict[str, list[str]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        for method in METHODS:
            yield line(method, self.address.label, self.got[method])


def line(method: str, label: str, cells: Sequence[str]) -> str:
    return f"{method:<5}{label:<72}" + "".join(f"{cell:<14}" for cell in cells).rstrip()


def head() -> str:
    return line("", "", ROLES).rstrip()


def crawl(world: World) -> list[Answers]:
    """Ask every address of a populated world as everybody, each request undone afterwards."""
    clients = [_browser(world, username) for username in PEOPLE]
    known = LedgerEntry.objects.order_by("-pk").values_list("pk", flat=True)[0]
    with _listed_once(), _nothing_kept_of_templates():
        return [_ask(address, clients, known) for address in addresses(world)]


@contextmanager
def _listed_once() -> Iterator[None]:
    """The administration lists all its models beside each of its pages, and took half of each request for it."""
    made: dict[tuple[Any, str | None], Any] = {}
    site: Any = admin.site
    list_models = site.get_app_list

    def listed(request: Any, app_label: str | None = None) -> Any:
        key = (request.user.pk, app_label)
        if key not in made:
            made[key] = list_models(request, app_label)
        return deepcopy(made[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(site, "get_app_list", listed)
        yield


@contextmanager
def _nothing_kept_of_templates() -> Iterator[None]:
    """The test client copies the context of every template that is drawn, each row of a list among them; nobody reads it here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.test.client.store_rendered_templates", lambda *_signal, **_more: None)
        yield


def _browser(world: World, username: str) -> Client:
    client = Client(raise_request_exception=False, REMOTE_ADDR=ELSEWHERE)
    if username:
        client.force_login(world.cast.people[username], backend=BACKEND)
    return client


def _ask(address: Address, clients: Sequence[Client], known: int) -> Answers:
    answers = Answers(address)
    for method in METHODS:
        answers.got[method] = []
        for role, client in zip(ROLES, clients, strict=True):
            cell, wrote = _one(client, method, address.path, known)
            answers.got[method].append(cell)
            if cell.startswith("5") and "readyz" not in address.path:
                answers.wrong.append(f"{method} {address.label} as {role}: {cell}")
            if method == "GET" and wrote:
                answers.wrong.append(f"GET {address.label} as {role} writes: {wrote[0][:160]}")
    return answers


def _one(client: Client, method: str, path: str, known: int) -> tuple[str, list[str]]:
    """What is answered, and what was written. A session that the request ends or changes is put back."""
    cache.clear()
    cookies = deepcopy(client.cookies)
    statements = Statements()
    with transaction.atomic():
        with connection.execute_wrapper(statements):
            response: Any = client.generic(method, path)
            if isinstance(response, StreamingHttpResponse):
                b"".join(response)
        # PostgreSQL takes entries by COPY, which is no statement.
        entered = connection.vendor != "sqlite" or any(ENTRY in one for one in statements)
        entries = list(LedgerEntry.objects.filter(pk__gt=known).exclude(action__in=READ)) if entered else []
        transaction.set_rollback(True)
    client.cookies = cookies
    wrote = [one for one in statements if WRITES.match(one) and not any(own in one for own in (ENTRY, *OWN_MEMORY))]
    return _cell(response), [*wrote, *(f"entered {entry.action}" for entry in entries)]


class Statements(list[str]):
    """What a request asks of the database, without values: SQLite answers a question of its own to say what they were."""

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        self.append(sql)
        return execute(sql, params, many, context)


def _cell(response: Any) -> str:
    location = response.headers.get("Location", "")
    if response.status_code in (301, 302, 303) and "/accounts/login/" in location.split("?")[0]:
        return "sign-in"
    return str(response.status_code)


def table(answers: Sequence[Answers]) -> str:
    lines = [text for one in sorted(answers, key=lambda one: one.address.label) for text in one.lines()]
    return "\n".join([NOTE, head(), *lines]) + "\n"


NOTE = """\
# What every address answers to everybody: status, or "sign-in" where it leads to the sign-in page.
# Written by `python -m tests.site.crawl --write`. Read every line that changes: deny unless somebody is meant to enter.
# POST has an empty body: 400 and 422 mean "let in, but nothing was said"; 303 and 302 that it was done."""


def main() -> int:
    if "--write" not in sys.argv:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    os.environ["CRAWL_WRITE"] = "1"
    return int(pytest.main([str(Path(__file__).with_name("test_crawl.py")), "-q", "-p", "no:cacheprovider"]))


if __name__ == "__main__":
    sys.exit(main())

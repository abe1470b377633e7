"""Sites that run. One is shared by the tests that only talk to it; those that kill get one of their own."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tests import prepared
from tests.peers.mailbox import Mailbox, mailbox_open
from tests.peers.site import RunningSite, Template, postgres_database, template_make


@pytest.fixture(scope="session")
def mailbox() -> Iterator[Mailbox]:
    with mailbox_open() as opened:
        yield opened


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Template]:
    """On the kind of database this run tests."""
    folder = tmp_path_factory.mktemp("template")
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        yield template_make(folder, prepared.sqlite_copy(folder / "template.sqlite3"))
        return
    server = os.environ["DATABASE_URL"]
    tables = prepared.postgres_prepared(server)
    with postgres_database(server, f"template_{os.getpid()}", template=tables) as url:
        yield template_make(folder, url)


@pytest.fixture(scope="session")
def running_site(
    template: Template, mailbox: Mailbox, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningSite]:
    """Web and engine, up; each test uses alerts of its own."""
    with template.site(tmp_path_factory.mktemp("site"), mailbox) as site:
        site.start("web", "engine")
        site.wait_until_up()
        site.get(
            "/accounts/login/"
        )  # The first page of a process loads the addresses of all; on a busy machine that takes seconds.
        yield site


@pytest.fixture
def own_site(template: Template, mailbox: Mailbox, tmp_path: Path) -> Iterator[RunningSite]:
    """A fresh installation of which nothing runs yet."""
    with template.site(tmp_path, mailbox) as site:
        yield site

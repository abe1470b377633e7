"""The environment: what is read, what is refused and in which words."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from escalation_site.env import BASE_DIR, Environment, markdown, read, variables
from escalation_site.env_values import Fault


def reading(data_dir: Path, given: Mapping[str, str] | None = None) -> Environment:
    return read({"DATA_DIR": str(data_dir), **(given or {})})


def refusal(data_dir: Path, given: Mapping[str, str]) -> str:
    with pytest.raises(Fault) as caught:
        reading(data_dir, given)
    return str(caught.value)


def test_when_nothing_is_set_then_one_machine_works_with_sqlite(tmp_path: Path) -> None:
    environment = reading(tmp_path)

    assert (environment.host, environment.port, environment.public_url) == ("127.0.0.1", 8000, "http://127.0.0.1:8000")
    assert environment.database_url == f"sqlite:///{tmp_path}/watchbell.sqlite3"
    assert not environment.debug
    assert environment.redis_url == ""
    assert environment.trusted_proxies == ()


def test_when_a_value_is_empty_then_it_counts_as_absent(tmp_path: Path) -> None:
    assert reading(tmp_path, {"PORT": " "}).port == 8000


def test_when_the_public_address_is_set_then_hosts_and_origins_follow_it(tmp_path: Path) -> None:
    environment = reading(tmp_path, {"PUBLIC_URL": "https://watch.example.org:8443/"})

    assert environment.public_url == "https://watch.example.org:8443"
    assert "watch.example.org" in environment.allowed_hosts
    assert environment.csrf_trusted_origins == ("https://watch.example.org:8443",)


def test_when_it_listens_everywhere_then_the_public_address_is_one_that_can_be_opened(tmp_path: Path) -> None:
    assert reading(tmp_path, {"HOST": "0.0.0.0", "PORT": "8042"}).public_url == "http://127.0.0.1:8042"  # noqa: S104


def test_when_no_key_is_set_then_one_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    first = reading(tmp_path).secret_key
    second = reading(tmp_path).secret_key

    assert first == second
    assert len(first) >= 50
    assert (tmp_path / "secret-key").stat().st_mode & 0o777 == 0o600


def test_when_the_kept_key_is_empty_then_the_line_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "secret-key").touch()

    assert "delete the file or set the variable" in refusal(tmp_path, {})


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("smtp://mail.example.org", ("mail.example.org", 25, "", "", False, False)),
        ("smtp+tls://bob:p%40ss@mail.example.org", ("mail.example.org", 587, "bob", "p@ss", True, False)),
        ("smtps://mail.example.org:4650", ("mail.example.org", 4650, "", "", False, True)),
    ],
)
def test_when_a_mail_server_is_set_then_its_parts_are_read(
    tmp_path: Path, address: str, expected: tuple[object, ...]
) -> None:
    email = reading(tmp_path, {"EMAIL_URL": address}).email

    assert (email.host, email.port, email.user, email.password, email.use_tls, email.use_ssl) == expected
    assert not email.to_files


def test_when_mail_goes_to_files_then_no_server_is_named(tmp_path: Path) -> None:
    assert reading(tmp_path, {"EMAIL_URL": "filemail:"}).email.to_files


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("PORT", "http", "is not a whole number from 1 to 65535"),
        ("PORT", "70000", "is not a whole number from 1 to 65535"),
        ("DEBUG", "perhaps", "is neither on nor off"),
        ("LANGUAGE_CODE", "fr", "is not one of en, it, nl"),
        ("TIME_ZONE", "Europe/Nowhere", "is not a time zone of the tz database"),
        ("TIME_ZONE", "../../etc/passwd", "is not a time zone of the tz database"),
        ("PUBLIC_URL", "watch.example.org", "does not begin with http:// or https://"),
        ("PUBLIC_URL", "https://example.org:port", "is not an address"),
        ("REDIS_URL", "redis://", "names no host"),
        ("EMAIL_URL", "mail.example.org", "does not begin with smtp://"),
        ("EMAIL_URL", "filemail://somewhere", "does not begin with smtp://"),
        ("DATABASE_URL", "mysql://db/watchbell", "does not begin with sqlite:// or postgres://"),
        ("DATABASE_URL", "postgres://db.example.org/", "names no database"),
        ("DATABASE_URL", "sqlite://watchbell.sqlite3", "names no database"),
        ("DATABASE_URL", "sqlite://data/watchbell.sqlite3", "has a host where a file path belongs"),
        ("ALLOWED_HOSTS", "https://example.org/", "has an item that is not a host name"),
        ("CSRF_TRUSTED_ORIGINS", "https://example.org/path", "has an item that is not an origin"),
        ("TRUSTED_PROXIES", "proxy", "has an item that is neither an address nor a network"),
        ("SECRET_KEY", "short", "is shorter than 50 characters"),
        ("DEFAULT_FROM_EMAIL", "Watchbell", "is not an e-mail address"),
        ("ENGINE_POLL_SECONDS", "nan", "is not a number of seconds"),
        ("OIDC_ISSUER", "https://login.example.org", "is needed when OIDC_ISSUER is set"),
    ],
)
def test_when_a_value_cannot_be_used_then_one_line_names_it_and_shows_an_example(
    tmp_path: Path, name: str, value: str, why: str
) -> None:
    line = refusal(tmp_path, {name: value})

    assert why in line
    assert "; example: " in line
    assert "\n" not in line
    assert line.startswith(f"{name}: ") or name.startswith("OIDC")


@pytest.mark.parametrize("name", [item.name for item in variables() if item.secret])
def test_when_a_secret_cannot_be_used_then_its_value_is_not_shown(tmp_path: Path, name: str) -> None:
    unusable = {"REDIS_URL": "redis:hunter2", "OIDC_CLIENT_SECRET": "hunter2\n2"}.get(name, "hunter2")

    assert "hunter2" not in refusal(tmp_path, {name: unusable})


def test_when_a_program_starts_with_a_bad_value_then_it_ends_with_2_and_one_line(tmp_path: Path) -> None:
    environment = {**os.environ, "DATA_DIR": str(tmp_path), "PORT": "http"}
    environment["DJANGO_SETTINGS_MODULE"] = "escalation_site.settings"

    ended = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr == 'PORT: "http" is not a whole number from 1 to 65535; example: PORT=8000\n'


def test_the_examples_are_values_that_work(tmp_path: Path) -> None:
    for item in variables():
        if item.name not in ("DATA_DIR",) and not item.example.startswith("("):
            item.read({item.name: item.example}, {})


def test_the_documentation_lists_every_variable_as_the_code_reads_it() -> None:
    page = (BASE_DIR / "docs" / "operations" / "environment.md").read_text(encoding="utf-8")

    assert markdown() in page

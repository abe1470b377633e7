"""Mail without a server, and preparing the first start."""

import email
import email.policy
from pathlib import Path
from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives, get_connection

from escalation_site.supervisor import prepare


def test_when_mail_goes_to_files_then_each_message_is_one_whole_file(tmp_path: Path, settings: Any) -> None:
    settings.EMAIL_FILE_DIR = tmp_path / "mail"
    messages = [
        EmailMultiAlternatives(f"Schönes Thema {number}", "text", "watchbell@localhost", ["bob@example.org"])
        for number in range(3)
    ]
    for message in messages:
        message.attach_alternative("<p>text</p>", "text/html")

    sent = get_connection("escalation_site.mail.FileBackend").send_messages(messages)

    files = sorted((tmp_path / "mail").iterdir())
    assert sent == 3
    assert [file.suffix for file in files] == [".eml"] * 3
    parsed = email.message_from_bytes(files[0].read_bytes(), policy=email.policy.default)
    assert parsed["Subject"] == "Schönes Thema 0"
    assert [part.get_content_type() for part in parsed.iter_parts()] == ["text/plain", "text/html"]


def test_when_static_files_were_collected_then_a_second_start_does_not_again(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STATIC_ROOT.mkdir()
    calls: list[str] = []
    monkeypatch.setattr(prepare, "call_command", lambda name, **_options: calls.append(name))
    said: list[str] = []

    prepare.static_prepare(said.append)
    prepare.static_prepare(said.append)

    assert calls == ["collectstatic"]
    assert said == ["Collecting static files …"]


@pytest.mark.django_db
def test_when_somebody_has_an_account_then_the_demo_is_not_loaded(
    django_user_model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    monkeypatch.setattr(prepare, "get_commands", lambda: {"demo": "escalation_site"})
    monkeypatch.setattr(prepare, "call_command", lambda name, **_options: calls.append(name))

    prepare.demo_prepare(lambda _line: None)
    django_user_model.objects.create_user(username="alice", password="a long one, for tests")
    prepare.demo_prepare(lambda _line: None)

    assert calls == ["demo"]


@pytest.mark.django_db
def test_when_all_migrations_are_applied_then_none_is_missing() -> None:
    assert prepare.migrations_missing() == 0

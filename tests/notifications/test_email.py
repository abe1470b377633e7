"""E-mail to a real SMTP server, and into files."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from notifications.channels.email.transport import EmailChannel
from notifications.models import Attempt, Delivery, Message
from notifications.sender import Sender
from notifications.services import messages_create
from oncall.models import User
from tests.notifications.conftest import NIGHT, Clock, Outcomes, page_for
from tests.notifications.smtp import Mailbox, free_port, server_for

pytestmark = pytest.mark.django_db


@pytest.fixture
def mailbox(settings: Settings) -> Iterator[Mailbox]:
    box = Mailbox()
    server = server_for(box)
    server.start()
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
    settings.EMAIL_HOST_USER, settings.EMAIL_USE_TLS, settings.EMAIL_USE_SSL = "", False, False
    settings.EMAIL_TIMEOUT, settings.EMAIL_FILE_DIR = 2, None
    settings.DEFAULT_FROM_EMAIL = "Watchbell <bell@example.org>"
    yield box
    server.stop()


@pytest.fixture
def sender(clock: Clock, outcomes: Outcomes) -> Sender:
    return Sender(clock=clock, on_settled=outcomes)


def queue(user: User) -> Message:
    return messages_create([page_for(user)], at=NIGHT)[0]


def test_when_a_page_is_sent_then_a_real_server_has_it_once(alice: User, sender: Sender, mailbox: Mailbox) -> None:
    queue(alice)
    sender.run_once()
    (mail,) = mailbox.mails
    assert mailbox.recipients == ["alice@example.org"]
    assert mail["Subject"] == "SEV-1: payments is failing"
    assert mail["Auto-Submitted"] == "auto-generated"
    plain = mail.get_body(("plain",))
    assert plain is not None
    assert "https://watchbell.example/p/abc" in plain.get_content()
    attempt = Attempt.objects.get()
    assert (attempt.outcome, attempt.provider_ref) == ("sent", "queued as 4711")


def test_when_the_text_has_lines_of_one_dot_then_they_arrive(alice: User, sender: Sender, mailbox: Mailbox) -> None:
    value = page_for(alice, body="first\n.\nlast")
    messages_create([value], at=NIGHT)
    sender.run_once()
    plain = mailbox.mails[0].get_body(("plain",))
    assert plain is not None
    assert plain.get_content().replace("\r\n", "\n").startswith("first\n.\nlast\n")


@pytest.mark.parametrize("stage", ["rcpt_answers", "data_answers"])
def test_when_the_server_says_4xx_then_it_is_tried_again_and_arrives(
    alice: User, sender: Sender, mailbox: Mailbox, clock: Clock, stage: str
) -> None:
    queue(alice)
    getattr(mailbox, stage).append("451 greylisted")
    sender.run_once()
    assert mailbox.mails == []
    assert Delivery.objects.get().reason == "451 greylisted"
    clock.advance(3)
    sender.run_once()
    assert len(mailbox.mails) == 1


@pytest.mark.parametrize("stage", ["rcpt_answers", "data_answers"])
def test_when_the_server_says_5xx_then_the_next_address_is_tried_at_once(
    alice: User, sender: Sender, mailbox: Mailbox, stage: str
) -> None:
    queue(alice)
    getattr(mailbox, stage).append("550 no such user")
    sender.run_once()
    assert mailbox.recipients == ["alice@home.example"]


def test_when_nothing_listens_then_it_is_away_for_now(
    alice: User, sender: Sender, mailbox: Mailbox, settings: Settings
) -> None:
    settings.EMAIL_PORT = free_port()
    queue(alice)
    sender.run_once()
    attempt = Attempt.objects.get()
    assert (attempt.outcome, attempt.handed_over_at) == ("error", None)
    assert "ConnectionRefusedError" in attempt.detail


def test_when_the_line_is_cut_after_the_hand_over_then_the_outcome_is_unknown(
    bob: User, sender: Sender, mailbox: Mailbox, outcomes: Outcomes
) -> None:
    message = queue(bob)
    mailbox.data_answers.append("drop")
    sender.run_once()
    message.refresh_from_db()
    assert message.state_reason == Message.Reason.OUTCOME_UNKNOWN
    assert Attempt.objects.get().handed_over_at == NIGHT


def test_when_the_server_is_silent_after_the_hand_over_then_the_outcome_is_unknown(
    bob: User, sender: Sender, mailbox: Mailbox, settings: Settings
) -> None:
    settings.EMAIL_TIMEOUT = 0.3
    mailbox.delay = 0.8
    message = queue(bob)
    sender.run_once()
    message.refresh_from_db()
    assert message.state_reason == Message.Reason.OUTCOME_UNKNOWN


def test_when_encryption_is_asked_and_not_offered_then_nothing_is_sent_in_the_clear(
    bob: User, sender: Sender, mailbox: Mailbox, settings: Settings
) -> None:
    settings.EMAIL_USE_TLS = True
    queue(bob)
    sender.run_once()
    assert mailbox.mails == []
    assert Attempt.objects.get().outcome == "refused"


def test_when_signing_in_is_not_possible_then_it_is_refused_and_no_password_is_on_record(
    bob: User, sender: Sender, mailbox: Mailbox, settings: Settings
) -> None:
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "bell", "hush-hush"
    queue(bob)
    sender.run_once()
    attempt = Attempt.objects.get()
    assert attempt.outcome == "refused"
    assert "hush" not in attempt.detail


def test_when_there_is_no_mail_server_then_each_message_is_a_whole_file(
    alice: User, sender: Sender, settings: Settings, tmp_path: Path
) -> None:
    settings.EMAIL_FILE_DIR = tmp_path / "mail"
    queue(alice)
    sender.run_once()
    (file,) = (tmp_path / "mail").iterdir()
    assert file.name.startswith("20260301T031000-")
    assert b"To: alice@example.org\r\n" in file.read_bytes()


def test_when_a_file_is_withdrawn_at_the_hand_over_then_nothing_is_left(settings: Settings, tmp_path: Path) -> None:
    from notifications.channels import Withdrawn
    from tests.notifications.test_email_build import outgoing

    def withdraw() -> None:
        raise Withdrawn

    settings.EMAIL_FILE_DIR = tmp_path
    with pytest.raises(Withdrawn):
        EmailChannel().send(outgoing(), hand_over=withdraw)
    assert list(tmp_path.iterdir()) == []


def test_when_the_directory_cannot_be_written_then_it_is_away_for_now(
    alice: User, sender: Sender, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "mail").write_text("a file where the directory should be")
    settings.EMAIL_FILE_DIR = tmp_path / "mail"
    queue(alice)
    sender.run_once()
    assert Delivery.objects.get().state == Delivery.State.QUEUED

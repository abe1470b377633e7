"""A policy of five seconds a level, with real processes, a real clock and real mail."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.peers.alerts import alert, incidents, webhook
from tests.peers.mailbox import Mail
from tests.peers.organisation import QUICK_KEY
from tests.peers.ports import until
from tests.peers.site import RunningSite

LEVEL = timedelta(seconds=5)
AT_MOST_LATE = timedelta(seconds=1)


def opened_at(site: RunningSite, number: int) -> datetime:
    """The instant from which the policy counts."""
    found = site.value("SELECT started_at FROM incidents_escalationrun WHERE incident_id = %s", number)
    instant = found if isinstance(found, datetime) else datetime.fromisoformat(found)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def mails_once_there_are(site: RunningSite, title: str, count: int) -> list[Mail]:
    return until(
        lambda: found if len(found := site.mailbox.about(title)) >= count else None,
        f"{count} messages about {title}\n{site.log('engine')}",
    )


@pytest.mark.requirement("R020")
@pytest.mark.requirement("R022")
@pytest.mark.requirement("R047")
def test_when_nobody_answers_then_three_levels_get_mail_in_order_each_within_a_second_of_its_instant(
    running_site: RunningSite,
) -> None:
    posted = datetime.now(UTC)
    assert running_site.post(webhook(QUICK_KEY), alert("NobodyAnswers")).status == 202
    mails = mails_once_there_are(running_site, "NobodyAnswers", 3)
    assert [mail.to.partition("@")[0] for mail in mails[:3]] == ["marta", "jonas", "elena"]
    [(number, _state, _count)] = incidents(running_site, "NobodyAnswers")
    began = opened_at(running_site, number)
    assert timedelta(0) <= began - posted < AT_MOST_LATE
    late = [mail.at - (began + level * LEVEL) for level, mail in enumerate(mails[:3])]
    assert all(timedelta(0) <= span < AT_MOST_LATE for span in late), late
    assert len({mail.message_id for mail in mails}) == len(mails)


@pytest.mark.requirement("R029")
@pytest.mark.requirement("R035")
def test_when_the_first_acknowledges_by_the_link_in_the_mail_then_no_more_mail_comes(running_site: RunningSite) -> None:
    assert running_site.post(webhook(QUICK_KEY), alert("SomebodyAnswers")).status == 202
    [mail] = mails_once_there_are(running_site, "SomebodyAnswers", 1)
    shown = running_site.get(mail.link.removeprefix(running_site.address))
    assert shown.status == 200
    assert [state for _number, state, _count in incidents(running_site, "SomebodyAnswers")] == ["triggered"]
    assert running_site.post(f"{mail.link.rstrip('/')}/acknowledge/").status == 200  # having been sent back to the page
    began = opened_at(running_site, incidents(running_site, "SomebodyAnswers")[0][0])
    until(lambda: datetime.now(UTC) > began + 2 * LEVEL + 2 * AT_MOST_LATE, "two more levels to be due")
    assert running_site.mailbox.about("SomebodyAnswers") == [mail]
    [(number, state, _count)] = incidents(running_site, "SomebodyAnswers")
    assert state == "acknowledged"
    entry = "SELECT actor_label FROM audit_ledgerentry WHERE action = 'incident.acknowledge' AND subject = %s"
    assert running_site.rows(entry, f"incident:{number}") == [("Marta Ferri",)]

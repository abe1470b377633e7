"""The incident page: the ladder with its times, the timeline, the fragments, who sees what."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from incidents.models import Incident, Service
from incidents.services.attachments import attachment_remove
from incidents.services.lifecycle import incident_acknowledge, incident_comment, incident_reopen, incident_resolve
from incidents.timeline_words import WORDINGS, line_html
from policies.services import policy_publish
from tests.incidents.views.cast import HTMX, MOST_QUERIES
from tests.world.cast import levels
from tests.world.harness import World

Browser = Callable[[str], Client]
File = Callable[..., Incident]


def text_of(response: Any) -> str:
    return str(response.content.decode())


def rungs_of(response: Any) -> list[tuple[str, str]]:
    return [(step.phase, step.title) for step in response.context["ladder"].steps if not step.is_flag]


@pytest.mark.requirement("R023")
def test_when_an_incident_is_opened_then_past_current_and_next_steps_show_with_their_times(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    incident = file_incident()
    night.advance(minutes=6)
    response = browser_of("amara").get(incident.get_absolute_url())
    assert rungs_of(response) == [
        ("past", "Level 1: Primary on call"),
        ("current", "Level 2: Backup and senior"),
        ("next", "Level 3: Manager"),
    ]
    ladder = response.context["ladder"]
    first, second, third, end = ladder.steps
    start = incident.started_at
    assert [first.at, second.at, third.at] == [start + timedelta(minutes=minutes) for minutes in (0, 5, 10)]
    assert end.is_flag
    assert end.at == start + timedelta(minutes=15)
    assert (ladder.next_at, ladder.next_to) == (start + timedelta(minutes=10), "Elena Conti")
    assert [(one.name, one.result) for one in first.people] == [("Marta Ferri", "No answer")]
    assert [(one.name, one.result) for one in second.people] == [("Jonas de Wit", "Ringing")]
    assert [(one.name, one.why) for one in third.people] == [("Elena Conti", "manager of Payments")]
    page = text_of(response)
    assert "Next: Elena Conti" in page
    assert f'data-due="{third.at.isoformat()}"' in page
    assert "Why: on call for Payments" in page


@pytest.mark.requirement("R023")
def test_when_it_is_acknowledged_then_the_resolution_timeout_names_the_next_level(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    definition = levels(resolve=("1h", "1h", None))
    policy_publish(policy=night.cast.policy, definition=definition, author=night.cast.elena, at=night.now)
    service = Service.objects.select_related("team", "policy__current_version").get(pk=night.cast.gateway.pk)
    incident = file_incident(service=service)
    night.advance(minutes=2)
    incident_acknowledge(incident_id=incident.pk, actor=night.cast.marta, at=night.now)
    ladder = browser_of("marta").get(incident.get_absolute_url()).context["ladder"]
    current, following = ladder.steps[0], ladder.steps[1]
    assert current.answered
    assert current.people[0].result == "Took it, 2 min"
    assert (current.clock_label, current.due_at) == ("Resolution timeout", incident.started_at + timedelta(hours=1))
    assert (following.phase, following.title) == ("next", "Level 2: Backup and senior")


def test_when_every_level_was_called_then_the_page_says_that_nobody_is_left(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    incident = file_incident()
    night.advance(minutes=20)
    response = browser_of("marta").get(incident.get_absolute_url())
    assert "Nobody is left to call" in text_of(response)
    assert rungs_of(response)[-1] == ("current", "Catch-all")
    assert [phase for phase, _title in rungs_of(response)].count("current") == 1


def test_when_a_level_has_nobody_on_call_then_the_skip_shows(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    definition = levels()
    definition["levels"][0]["targets"] = [{"kind": "team_lead", "ref": "empty"}]
    policy_publish(policy=night.cast.policy, definition=definition, author=night.cast.elena, at=night.now)
    service = Service.objects.select_related("team", "policy__current_version").get(pk=night.cast.gateway.pk)
    incident = file_incident(service=service)
    flags = [
        step.text
        for step in browser_of("marta").get(incident.get_absolute_url()).context["ladder"].steps
        if step.is_flag
    ]
    assert "Level 1: Primary on call was skipped. Nobody was on call." in flags


def test_when_the_service_has_no_policy_then_the_page_says_that_nobody_is_paged(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    wiki = Service.objects.create(name="Wiki", slug="wiki", team=night.cast.payments)
    page = text_of(browser_of("marta").get(file_incident(service=wiki).get_absolute_url()))
    assert "Wiki has no escalation policy" in page


def test_when_it_was_reopened_then_the_earlier_cycle_is_one_line(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    incident = file_incident()
    incident_resolve(incident_id=incident.pk, actor=night.cast.marta, at=night.now)
    night.advance(minutes=1)
    incident_reopen(incident_id=incident.pk, actor=night.cast.marta, reason="It is back", at=night.now)
    ladder = browser_of("marta").get(incident.get_absolute_url()).context["ladder"]
    assert ladder.steps[0].text == "Cycle 1: 1 person was paged"
    assert ladder.steps[1].title == "Level 1: Primary on call, cycle 2"


def test_when_somebody_wrote_markup_then_it_is_shown_and_not_obeyed(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    incident = file_incident("<script>alert(1)</script>", summary="<img src=x>")
    incident_comment(incident_id=incident.pk, text="<b onclick=x>hi</b>", actor=night.cast.marta, at=night.now)
    page = text_of(browser_of("marta").get(incident.get_absolute_url()))
    assert "<script>alert" not in page
    assert "<img src=x>" not in page
    assert "<b onclick" not in page


def test_when_the_timeline_is_filtered_then_only_those_lines_come(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    incident = file_incident()
    incident_comment(incident_id=incident.pk, text="Looking", actor=night.cast.marta, at=night.now)
    marta = browser_of("marta")
    everything = marta.get(incident.get_absolute_url()).context["lines"]
    people = marta.get(f"{incident.get_absolute_url()}?lines=people").context["lines"]
    assert len(everything) > len(people)
    assert [line.text for line in people] == ["Looking"]


def test_when_a_kind_of_line_has_no_words_then_it_is_shown_by_its_name() -> None:
    assert line_html("incident.teleport", actor="Marta", data={}) == "incident.teleport"


@pytest.mark.parametrize("kind", sorted(WORDINGS))
def test_when_a_line_lacks_its_data_then_it_still_reads(kind: str) -> None:
    assert "%(" not in line_html(kind, actor="Marta", data={})


def test_when_a_name_holds_markup_then_the_line_escapes_it() -> None:
    html = line_html("page.failed", actor="", data={"name": "<b>x</b>", "reason": "unreachable"})
    assert "&lt;b&gt;x&lt;/b&gt;" in html
    assert "unreachable by every contact method" in html


def test_when_support_staff_open_it_then_the_state_is_in_plain_words(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    incident = file_incident()
    sofie = browser_of("sofie")
    page = text_of(sofie.get(incident.get_absolute_url()))
    assert "Nobody has answered yet." in page
    assert "Next to be called: <b>Jonas de Wit</b>" in page
    incident_acknowledge(incident_id=incident.pk, actor=night.cast.marta, at=night.now)
    assert "<b>Marta Ferri</b> is working on it" in text_of(sofie.get(incident.get_absolute_url()))


@pytest.mark.parametrize(
    ("username", "status"), [("marta", 200), ("amara", 200), ("hugo", 200), ("nils", 404), ("sofie", 200)]
)
def test_when_an_incident_is_restricted_then_only_its_people_open_it(
    browser_of: Browser, file_incident: File, username: str, status: int
) -> None:
    incident = file_incident(restricted=True)
    for address in ("", "live/", "around/"):
        assert browser_of(username).get(f"{incident.get_absolute_url()}{address}").status_code == status


def test_when_nobody_is_signed_in_then_the_incident_stays_hidden(night: World, file_incident: File) -> None:
    incident = file_incident()
    for address in ("", "live/", "around/", "escalate/"):
        response = night.client.get(f"{incident.get_absolute_url()}{address}")
        assert response.status_code == 302
        assert "login" in response.headers["Location"]


def test_when_the_page_is_posted_to_then_it_is_refused(browser_of: Browser, file_incident: File) -> None:
    address = file_incident().get_absolute_url()
    marta = browser_of("marta")
    assert {marta.post(f"{address}{part}").status_code for part in ("", "live/", "around/")} == {405}


def test_when_the_page_is_live_then_the_fragments_name_their_places(browser_of: Browser, file_incident: File) -> None:
    incident = file_incident()
    page = text_of(browser_of("marta").get(f"{incident.get_absolute_url()}live/", headers=HTMX))
    assert "<html" not in page
    for place in ("incident-head", "incident-ladder", "incident-timeline", "incident-thumb"):
        assert f'id="{place}" hx-swap-oob="true"' in page or f'id="{place}"' in page
    assert 'id="composer"' not in page, "what somebody is typing must survive a refresh"


def test_when_a_page_is_opened_then_it_watches_its_own_incident(browser_of: Browser, file_incident: File) -> None:
    incident = file_incident()
    assert f'data-live="incident:{incident.pk}"' in text_of(browser_of("marta").get(incident.get_absolute_url()))


def test_when_an_auditor_reads_then_no_button_is_offered(browser_of: Browser, file_incident: File) -> None:
    page = text_of(browser_of("amara").get(file_incident().get_absolute_url()))
    assert "/acknowledge/" not in page
    assert 'id="composer"' not in page


def test_when_the_surroundings_are_asked_then_alerts_and_those_on_call_show(night: World, browser_of: Browser) -> None:
    night.alert(instance="gw-1")
    night.settle()
    page = text_of(browser_of("marta").get(f"{night.incident.get_absolute_url()}around/"))
    assert "PaymentErrorRateHigh is bad" in page
    assert "gw-1" in page
    assert "Marta Ferri" in page


def test_when_the_page_is_drawn_then_the_queries_stay_few(
    night: World, browser_of: Browser, file_incident: File, django_assert_max_num_queries: Any
) -> None:
    incident = file_incident()
    night.advance(minutes=6)
    for number in range(20):
        incident_comment(incident_id=incident.pk, text=f"Update {number}", actor=night.cast.marta, at=night.now)
    marta = browser_of("marta")
    for address in ("", "live/", "around/"):
        marta.get(f"{incident.get_absolute_url()}{address}")
        with django_assert_max_num_queries(MOST_QUERIES):
            marta.get(f"{incident.get_absolute_url()}{address}")


def test_when_a_snoozed_incident_is_escalated_then_it_no_longer_sleeps(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    incident = file_incident()
    marta = browser_of("marta")
    marta.post(f"{incident.get_absolute_url()}snooze/", {"minutes": "60"})
    assert marta.get(incident.get_absolute_url()).context["state_name"] == "snoozed"
    marta.post(f"{incident.get_absolute_url()}escalate/", {"reason": "It got worse"})
    assert marta.get(incident.get_absolute_url()).context["state_name"] == "triggered"


def test_when_one_like_it_was_mended_before_then_the_page_says_how_to_those_who_may_know(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    cache.clear()
    by: dict[str, Any] = {"actor": night.cast.marta, "at": night.now}
    for title, restricted, resolution in (
        ("Card payments fail at the till", False, "Restarted gw-2."),
        ("Card payments fail in Rome", True, "Changed the leaked key."),
        ("Card payments fail", False, ""),
        ("The printer hums", False, "Oiled it."),
    ):
        before = file_incident(title, restricted=restricted)
        incident_resolve(incident_id=before.pk, resolution=resolution, **by)
    night.jump(days=3)
    address = f"{file_incident('Card payments fail again').get_absolute_url()}around/"
    for _look in range(2):  # what is remembered of the first look shows nobody more
        mended = {
            username: [one.incident.resolution for one in browser_of(username).get(address).context["around"].mended]
            for username in ("nils", "marta")
        }
        assert mended == {"nils": ["Restarted gw-2."], "marta": ["Changed the leaked key.", "Restarted gw-2."]}
    assert "Restarted gw-2." in text_of(browser_of("nils").get(address))


def test_when_files_come_with_a_comment_then_its_line_shows_them_to_those_who_may_have_them(
    night: World, browser_of: Browser, file_incident: File, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path
    incident, marta = file_incident(), browser_of("marta")
    address = incident.get_absolute_url()
    for name, public in (("pool.png", "on"), ("contract.txt", "")):
        sent = {
            "text": f"See {public}",
            "public": public,
            "files": SimpleUploadedFile(name, b"\x89PNG\r\n\x1a\n" if public else b"x"),
        }
        assert marta.post(f"{address}comment/", sent).status_code == 303
    picture, contract = incident.attachments.order_by("pk")
    page = text_of(marta.get(address))
    assert f'src="/incidents/attachments/{picture.pk}/?show=1"' in page
    assert f'href="/incidents/attachments/{contract.pk}/"' in page
    page = text_of(browser_of("sofie").get(address))
    assert f'src="/incidents/attachments/{picture.pk}/?show=1"' in page
    assert "contract.txt" not in page
    attachment_remove(attachment_id=picture.pk, actor=night.cast.marta, at=night.now)
    timeline = text_of(marta.get(f"{address}live/", headers=HTMX))
    assert f"/attachments/{picture.pk}/" not in timeline

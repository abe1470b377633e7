"""What an incident is about, edited by two at once; steps taken back; people called in; the brief for whoever joins late."""

import html
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from audit.models import LedgerEntry
from escalation_site.kernel.errors import Conflict, DomainError
from incidents.models import Document, EscalationRun, Incident, Page, TimelineEvent
from incidents.services.describing import description_edit, seen_of
from incidents.services.handing import incident_reassign
from incidents.services.helping import Help, responder_add
from incidents.services.lifecycle import (
    incident_acknowledge,
    incident_comment,
    incident_escalate,
    incident_resolve,
    incident_snooze,
)
from incidents.services.talk import decision_record
from incidents.services.tasks import task_create
from incidents.services.undoing import incident_undo
from oncall.models import User
from policies.books import SLA, book_publish
from policies.escalation import Phase
from tests.incidents.views.cast import HTMX
from tests.world.harness import World

File = Callable[..., Incident]
Browser = Callable[[str], Client]


def marks(incident: Incident) -> dict[str, str]:
    return {f"seen_{name}": mark for name, mark in seen_of(incident).items()}


def fields(incident: Incident, **values: str) -> dict[str, str]:
    return {
        "title": incident.title,
        "summary": incident.summary,
        "customer_impact": "",
        "environment": "production",
        **values,
    }


def test_when_two_people_edit_at_once_then_what_only_one_touched_is_saved_and_both_versions_of_the_rest_show(
    file_incident: File, browser_of: Browser
) -> None:
    incident = file_incident()
    place, seen = f"{incident.get_absolute_url()}describe/", marks(incident)
    marta, jonas = browser_of("marta"), browser_of("jonas")
    assert marta.post(place, {**fields(incident, title="Cards fail in Italy"), **seen}).status_code == 303
    both = fields(incident, title="Cards fail everywhere", summary="Since 03:00\r\nin all shops")
    answer = jonas.post(place, {**both, **seen}, headers=HTMX)

    assert answer.status_code == 409
    page = answer.content.decode()
    assert "Cards fail in Italy" in page
    assert "Cards fail everywhere" in page
    incident.refresh_from_db()
    assert (incident.title, incident.summary) == ("Cards fail in Italy", "Since 03:00\nin all shops")

    again = {**both, **answer.context["form"].marks, "take_title": "mine"}
    assert jonas.post(place, again).status_code == 303
    incident.refresh_from_db()
    assert incident.title == "Cards fail everywhere"
    third = marta.post(place, {**fields(incident, title="Cards fail in Italy"), **seen, "take_title": "theirs"})
    assert third.status_code == 303
    incident.refresh_from_db()
    assert (incident.title, incident.summary) == ("Cards fail everywhere", "Since 03:00\nin all shops")
    assert LedgerEntry.objects.filter(action="incident.describe").count() == 3


def test_when_nothing_or_nonsense_is_described_then_nothing_is_written(night: World, file_incident: File) -> None:
    incident = file_incident()
    asked: dict[str, Any] = {"incident_id": incident.pk, "actor": night.cast.marta, "at": night.now}
    assert description_edit(**asked, values={"title": incident.title}).saved == ()
    with pytest.raises(DomainError) as refused:
        description_edit(**asked, values={"title": "  "})
    assert refused.value.field == "title"
    assert not TimelineEvent.objects.filter(kind="incident.describe").exists()


@pytest.mark.parametrize("step", ["resolve", "snooze", "reassign"])
def test_when_a_step_is_taken_back_within_a_minute_then_all_is_as_before_and_nobody_is_paged(
    night: World, file_incident: File, step: str
) -> None:
    incident, marta = file_incident(), night.cast.marta
    incident_acknowledge(incident_id=incident.pk, actor=marta, at=night.now)
    incident.refresh_from_db()
    before = {
        name: getattr(incident, name)
        for name in ("state", "owner_id", "stage_id", "resolved_at", "snoozed_until", "resolution")
    }
    pages = Page.objects.count()
    night.jump(seconds=5)
    asked: dict[str, Any] = {"incident_id": incident.pk, "actor": marta, "at": night.now}
    match step:
        case "resolve":
            incident_resolve(**asked, resolution="Restarted it")
        case "snooze":
            incident_snooze(**asked, until=night.now + timedelta(hours=1))
        case _:
            incident_reassign(**asked, owner=night.cast.jonas)
    night.jump(seconds=30)
    incident_undo(**{**asked, "at": night.now})
    night.advance(minutes=1)

    incident.refresh_from_db()
    assert {name: getattr(incident, name) for name in before} == before
    assert EscalationRun.objects.get(superseded=False).phase == Phase.ACKNOWLEDGED
    assert Page.objects.count() == pages
    with pytest.raises(Conflict):
        incident_undo(**{**asked, "at": night.now})


def test_when_it_is_late_or_somebody_acted_since_then_nothing_is_taken_back(night: World, file_incident: File) -> None:
    incident = file_incident()
    asked: dict[str, Any] = {"incident_id": incident.pk, "actor": night.cast.marta}
    incident_resolve(**asked, at=night.now)
    night.jump(seconds=61)
    with pytest.raises(Conflict):
        incident_undo(**asked, at=night.now)
    with pytest.raises(Conflict):
        incident_undo(incident_id=incident.pk, actor=night.cast.jonas, at=night.now)


def test_when_nobody_had_it_then_taking_the_resolution_back_lets_it_ring_again(
    night: World, file_incident: File, browser_of: Browser
) -> None:
    incident, marta = file_incident(), browser_of("marta")
    page = marta.post(f"{incident.get_absolute_url()}resolve/", {"resolution": ""}, headers=HTMX).content.decode()
    assert f"{incident.get_absolute_url()}undo/" in page, "the button is offered at once"
    assert marta.post(f"{incident.get_absolute_url()}undo/", headers=HTMX).status_code == 200
    incident.refresh_from_db()
    assert (incident.state, incident.owner) == ("triggered", None)
    assert EscalationRun.objects.get(superseded=False).phase == Phase.PAGING


def test_when_somebody_is_called_in_then_they_are_told_why_by_whom_and_find_the_brief(
    night: World, file_incident: File, browser_of: Browser
) -> None:
    incident = file_incident(restricted=True)
    night.jump(minutes=3)
    night.email.got.clear()
    nils = browser_of("nils")
    assert nils.get(incident.get_absolute_url()).status_code == 404
    sent = {"user": night.cast.nils.pk, "reason": "You know the storage", "page": "tell"}
    marta, place = browser_of("marta"), f"{incident.get_absolute_url()}responders/"
    assert marta.post(place, sent).status_code == 422, "telling shows nobody what they may not see"
    assert marta.post(place, {**sent, "page": "page"}).status_code == 303
    assert marta.post(place, {**sent, "page": "page"}).status_code == 409
    night.settle()

    (page,) = night.email.got
    assert (page.kind, page.address) == ("page", "nils@brightquay.example")
    assert "Marta Ferri asks for your help: You know the storage" in page.body
    assert "You join this late" in nils.get(incident.get_absolute_url()).content.decode()
    assert nils.post(f"{incident.get_absolute_url()}brief/read/").status_code == 303
    assert "You join this late" not in nils.get(incident.get_absolute_url()).content.decode()


def test_when_a_team_is_called_in_then_its_people_on_call_are_paged_and_it_responds_too(
    night: World, file_incident: File
) -> None:
    incident = file_incident()
    wanted = Help("The network is slow", team=night.cast.platform, page=False)
    people = responder_add(incident_id=incident.pk, wanted=wanted, actor=night.cast.marta, at=night.now)
    assert people
    assert incident.responding_teams.get().team == night.cast.platform


@pytest.mark.requirement("R048", "R304")
def test_when_the_last_of_three_levels_joins_then_one_brief_has_all_that_happened_before(
    night: World, file_incident: File, browser_of: Browser
) -> None:
    incident = file_incident(customer_impact="Cards are declined at the till.")
    night.advance(minutes=6)
    marta, jonas = night.cast.marta, night.cast.jonas
    incident_acknowledge(incident_id=incident.pk, actor=jonas, at=night.now)
    incident_comment(incident_id=incident.pk, text="Restarted the **queue**: no change", actor=jonas, at=night.now)
    decision_record(incident_id=incident.pk, text="No deploys tonight", actor=jonas, at=night.now)
    task_create(incident_id=incident.pk, title="Ask the bank", actor=jonas, assignee=marta, at=night.now)
    night.jump(minutes=4)
    incident_escalate(incident_id=incident.pk, actor=jonas, reason="We need a decision on money", at=night.now)
    night.settle()

    elena = browser_of("elena")
    page = elena.get(incident.get_absolute_url()).content.decode()
    assert page.index('id="join-brief"') < page.index('id="incident-head"'), "it comes first"
    for address in ("brief/", f"../../api/v1/incidents/{incident.pk}/brief/"):
        answer = elena.get(f"{incident.get_absolute_url()}{address}" if "api" not in address else f"/{address[6:]}")
        brief = answer.content.decode()
        for what in (
            "Every card is declined.", "Cards are declined at the till.", "Level 1", "Level 2", "Level 3", "Marta Ferri",
            "Jonas de Wit", "We need a decision on money", "queue", "No deploys tonight", "Ask the bank",
        ):  # fmt: skip
            assert what in brief.replace("<b>", "").replace("</b>", ""), (address, what)
    night.email.got.clear()


@pytest.mark.requirement("R222")
def test_when_a_signal_is_followed_then_one_trace_holds_alert_incident_pages_actions_and_review(
    night: World, browser_of: Browser
) -> None:
    night.alert()
    night.settle()
    incident = night.incident
    incident_acknowledge(incident_id=incident.pk, actor=night.cast.marta, at=night.now)
    incident_resolve(incident_id=incident.pk, actor=night.cast.marta, at=night.now, resolution="Restarted")
    said = {"root_cause": "A full disk", "mitigation": "Logs went", "follow_up": "An alert", "lessons": "", "seen": ""}
    reviewed = browser_of("marta").post(f"{incident.get_absolute_url()}review/", {**said, "do": "publish"})
    assert reviewed.status_code == 303
    actions = set(LedgerEntry.objects.filter(subject=incident.subject).values_list("action", flat=True))
    assert {
        "alert.receive",
        "incident.open",
        "page.create",
        "page.settle",
        "incident.acknowledge",
        "incident.resolve",
        "review.publish",
    } <= actions
    page = browser_of("amara").get(incident.get_absolute_url()).content.decode()
    assert f'?subject={incident.subject}"' in page
    trace = browser_of("amara").get(f"/audit/?subject={incident.subject}").content.decode()
    assert "PaymentErrorRateHigh" in trace
    assert "Follow incident:" not in browser_of("marta").get(incident.get_absolute_url()).content.decode()


def test_when_programs_talk_then_the_same_rules_hold(night: World, file_incident: File, browser_of: Browser) -> None:
    incident = file_incident()
    api, marta, sofie = f"/api/v1/incidents/{incident.pk}/", browser_of("marta"), browser_of("sofie")

    def post(client: Client, path: str, **values: Any) -> Any:
        return client.post(f"{api}{path}", values, content_type="application/json")

    assert post(marta, "comment/", text="It is the **disk**").status_code == 200
    line = marta.get(f"{api}timeline/?lines=people").json()["lines"][0]
    assert (line["text"], line["public"], line["person"]) == ("It is the **disk**", False, "Marta Ferri")
    assert (
        post(marta, f"lines/{line['id']}/correct/", text="It is the disk of db3").json()["text"]
        == "It is the disk of db3"
    )
    assert post(sofie, f"lines/{line['id']}/correct/", text="No").status_code == 404
    assert post(marta, "decide/", said_in=line["id"]).json()["text"] == "It is the disk of db3"
    assert post(marta, f"lines/{line['id']}/pin/").status_code == 204
    assert post(marta, "bridge/", url="javascript:alert(1)").status_code == 400
    assert post(marta, "bridge/", url="https://meet.example.org/x").status_code == 200
    seen = marta.get(f"{api}describe/").json()["seen"]
    assert post(marta, "describe/", title="The disk is full", seen=seen).json()["title"] == "The disk is full"
    assert post(marta, "describe/", title="Another", seen=seen).status_code == 409
    assert post(sofie, "describe/", title="Mine").status_code == 403
    assert "disk of db3" not in sofie.get(f"{api}timeline/").content.decode()
    assert post(marta, "responders/", user="jonas", reason="Help", page=False).json() == {"people": ["jonas"]}


@pytest.mark.requirement("R259", "R260")
def test_when_an_alert_comes_then_somebody_has_it_at_once_and_every_way_of_acting_is_on_record(
    night: World, browser_of: Browser
) -> None:
    night.alert()
    night.settle()
    incident = night.incident
    assert (incident.team, incident.pages.get().recipient) == (night.cast.payments, night.cast.marta)
    assert incident.pages.get().created_at - incident.started_at < timedelta(seconds=5)
    phone, api = browser_of("marta"), f"/api/v1/incidents/{incident.pk}/"
    place = incident.get_absolute_url()
    assert 'class="pacts"' in phone.get(place).content.decode(), "the bar under the thumb"
    steps: list[tuple[str, dict[str, Any]]] = [
        ("acknowledge", {}),
        ("reassign", {"owner": night.cast.jonas.pk, "note": "You know the bank"}),
        ("resolve", {"resolution": "Restarted"}),
    ]
    for verb, sent in steps:
        assert phone.post(f"{place}{verb}/", sent).status_code == 303
    assert phone.post(f"{place}reopen/", {"reason": "It is back"}).status_code == 303
    for verb, sent in steps:
        values = {"owner": "jonas", "note": ""} if verb == "reassign" else sent
        assert phone.post(f"{api}{verb}/", values, content_type="application/json").status_code == 200
    for verb, _sent in steps:
        entries = LedgerEntry.objects.filter(subject=incident.subject, action=f"incident.{verb}")
        assert sorted(entries.values_list("source", flat=True)) == ["api", "web"], verb
    night.settle()
    handed = next(one for one in night.email.got if "You know the bank" in one.body)
    assert (handed.address, handed.kind) == ("jonas@brightquay.example", "notice")


@pytest.mark.requirement("R259")
def test_when_nobody_is_on_call_for_an_alert_then_a_named_last_resort_has_it_in_seconds(
    night: World, browser_of: Browser
) -> None:
    User.objects.filter(username__in=("marta", "jonas", "elena")).update(is_active=False)
    night.alert()
    night.settle()
    page = night.incident.pages.get()
    assert page.recipient == night.cast.hugo
    assert page.created_at - night.incident.started_at < timedelta(seconds=5)
    assert "Nobody is left to call" in browser_of("hugo").get(night.incident.get_absolute_url()).content.decode()
    night.expect_page("hugo")


@pytest.mark.requirement("R192")
def test_when_an_incident_is_open_then_one_page_has_everything_of_it_and_every_part_is_read_again_when_it_changes(
    night: World, browser_of: Browser
) -> None:
    book_publish(
        shape=SLA,
        definition={"targets": [{"name": "All", "resolve": "4h"}]},
        author=night.cast.elena,
        at=night.now,
    )
    runbook = Document.objects.create(title="Restart the gateway", slug="restart", kind="runbook", text="Drain it.")
    runbook.services.add(night.cast.gateway)
    night.alert()
    night.settle()
    incident, marta = night.incident, browser_of("marta")
    page = marta.get(incident.get_absolute_url()).content.decode()
    live = re.findall(rf'data-live="{incident.subject}" hx-get="([^"]+)"', page)

    def parts() -> str:
        """What the page reads again at a nudge, and nothing else of it."""
        return " ".join(html.unescape(marta.get(place, headers=HTMX).content.decode()) for place in live)

    before = parts()
    for what in ("PaymentErrorRateHigh is bad", "Level 2: Backup and senior", "Resolve by SLA", "Restart the gateway"):
        assert what in before, what
    said: dict[str, Any] = {"incident_id": incident.pk, "actor": night.cast.jonas, "at": night.now}
    night.alert()
    night.settle()
    incident_acknowledge(**said)
    incident_comment(**said, text="It is the **queue**")
    task_create(**said, title="Ask the bank")
    responder_add(**{**said, "actor": night.cast.marta}, wanted=Help("Look", team=night.cast.platform, page=False))
    after = parts()
    for what in ("2 times", "<strong>queue</strong>", "Ask the bank", "Platform", "Jonas de Wit acknowledged"):
        assert what not in before, what
        assert what in re.sub(r"</?b>", "", after), what
    night._expected = len(night.email.got)

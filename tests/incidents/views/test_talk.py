"""What people say on an incident: corrected by adding, decided and pinned, heard only by those who may."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from audit.models import LedgerEntry
from escalation_site.kernel.errors import Conflict, DomainError, NotAllowed
from escalation_site.kernel.rows import rows_insert
from incidents.models import Incident, Task, TimelineEvent, TimelinePin
from incidents.selectors.timeline import NEWEST, Wanted, timeline_of
from incidents.services.lifecycle import incident_comment
from incidents.services.talk import comment_correct, decision_record, line_pin, line_unpin
from tests.incidents.views.cast import HTMX
from tests.world.harness import World

File = Callable[..., Incident]
Browser = Callable[[str], Client]


def said(incident: Incident, kind: str = "incident.comment") -> TimelineEvent:
    return TimelineEvent.objects.filter(incident=incident, kind=kind).latest("id")


def comment(night: World, incident: Incident, who: str, text: str, **more: Any) -> TimelineEvent:
    incident_comment(incident_id=incident.pk, text=text, actor=night.cast.people[who], at=night.now, **more)
    return said(incident)


@pytest.mark.requirement("R010")
def test_when_a_decision_is_recorded_then_it_shows_with_author_time_and_type_and_no_correction_is_silent(
    night: World, file_incident: File, browser_of: Browser
) -> None:
    incident, marta = file_incident(), night.cast.marta
    decided = decision_record(incident_id=incident.pk, text="Fail over to **Milan**", actor=marta, at=night.now)
    night.jump(minutes=2)
    comment_correct(incident_id=incident.pk, event_id=decided.pk, text="Fail over to Turin", actor=marta, at=night.now)

    page = browser_of("amara").get(f"{incident.get_absolute_url()}?lines=decisions").content.decode()
    (line,) = timeline_of(incident, reader=marta, wanted=Wanted(group="decisions"), at=night.now).lines

    assert (line.person, line.at, line.is_decision, line.pinned) == (marta, decided.at, True, True)
    assert "Fail over to Turin" in page
    assert "Fail over to <strong>Milan</strong>" in page, "what was decided first stays to be read"
    assert 'datetime="2026-11-22T02:09:00' in page, "in UTC"
    assert "Decision" in page
    assert TimelineEvent.objects.get(pk=decided.pk).text == "Fail over to **Milan**"
    assert LedgerEntry.objects.filter(subject=incident.subject, action="incident.correct").count() == 1


def test_when_somebody_else_or_nothing_new_corrects_then_it_is_refused(night: World, file_incident: File) -> None:
    incident = file_incident()
    line = comment(night, incident, "marta", "The disk is full")
    asked: dict[str, Any] = {"incident_id": incident.pk, "event_id": line.pk, "at": night.now}
    with pytest.raises(NotAllowed):
        comment_correct(**asked, text="It is not", actor=night.cast.jonas)
    with pytest.raises(Conflict):
        comment_correct(**asked, text="The disk is full ", actor=night.cast.marta)
    opened = said(incident, "incident.open")
    with pytest.raises(DomainError):
        comment_correct(**{**asked, "event_id": opened.pk}, text="It is not", actor=night.cast.marta)


def test_when_a_message_becomes_a_decision_or_a_task_then_one_press_does_it_once(
    night: World, file_incident: File, browser_of: Browser
) -> None:
    incident, marta = file_incident(), browser_of("marta")
    line = comment(night, incident, "jonas", "Restart the queue\nafter the backup")
    place = f"{incident.get_absolute_url()}lines/{line.pk}/"
    assert marta.post(f"{place}decide/", headers=HTMX).status_code == 200
    assert marta.post(f"{place}decide/", headers=HTMX).status_code == 409
    assert [marta.post(f"{place}task/", headers=HTMX).status_code for _press in range(2)] == [200, 200]
    task = Task.objects.get()
    assert (task.title, task.said_in_id) == ("Restart the queue", line.pk)
    decision = said(incident, "incident.decide")
    assert (decision.text, decision.data["of"]) == ("Restart the queue\nafter the backup", line.pk)
    assert TimelinePin.objects.get().event == decision


def test_when_a_line_is_pinned_then_it_stands_first_until_it_is_unpinned(night: World, file_incident: File) -> None:
    incident, marta = file_incident(), night.cast.marta
    line = comment(night, incident, "jonas", "Read this first")
    asked: dict[str, Any] = {"incident_id": incident.pk, "event_id": line.pk, "actor": marta, "at": night.now}
    for _press in range(2):
        line_pin(**asked)
    shown = timeline_of(incident, reader=marta, wanted=Wanted(group="alerts"), at=night.now)
    assert [one.pk for one in shown.pinned] == [line.pk]
    for _press in range(2):
        line_unpin(**asked)
    assert timeline_of(incident, reader=marta, wanted=Wanted(), at=night.now).pinned == []
    actions = LedgerEntry.objects.filter(action__in=("incident.pin", "incident.unpin")).values_list("action", flat=True)
    assert sorted(actions) == ["incident.pin", "incident.unpin"]
    with pytest.raises(NotAllowed):
        line_pin(**{**asked, "actor": night.cast.sofie})


@pytest.mark.requirement("R306")
def test_when_it_is_internal_then_a_requester_reads_nothing_of_it_on_any_way(
    night: World, file_incident: File, browser_of: Browser
) -> None:
    incident, sofie = file_incident(), browser_of("sofie")
    secret = comment(night, incident, "marta", "The vendor lied to us")
    decision_record(incident_id=incident.pk, text="We sue the vendor", actor=night.cast.marta, at=night.now)
    comment(night, incident, "marta", "Cards work again in **Italy**", public=True)
    comment(night, incident, "sofie", "Thank you")
    for part in ("", "live/", "lines/", f"?line={secret.pk}", "?words=vendor", "?lines=decisions"):
        page = sofie.get(
            f"{incident.get_absolute_url()}{part}", headers=HTMX if part == "live/" else {}
        ).content.decode()
        assert "vendor" not in page.replace("words=vendor", "").replace("“vendor”", "").replace('value="vendor"', ""), (
            part
        )
    page = sofie.get(f"{incident.get_absolute_url()}live/", headers=HTMX).content.decode()
    assert "Cards work again in <strong>Italy</strong>" in page
    assert "Thank you" in page
    assert sofie.get(f"{incident.get_absolute_url()}lines/{secret.pk}/").status_code == 404


def test_when_people_are_mentioned_then_those_who_may_read_it_are_told_once_and_the_others_named(
    night: World, file_incident: File
) -> None:
    incident = file_incident(restricted=True)
    night.email.got.clear()
    line = comment(night, incident, "marta", "@jonas look, and @nils, @sofie, `@elena`")
    comment_correct(
        incident_id=incident.pk, event_id=line.pk, text="@jonas @elena look", actor=night.cast.marta, at=night.now
    )
    night.settle()

    assert [(one.kind, one.address.partition("@")[0]) for one in night.email.got] == [
        ("notice", "jonas"),
        ("notice", "elena"),
    ]
    assert "Marta Ferri mentions you." in night.email.got[0].body
    assert sorted(line.data["barred"]) == ["Nils Aaker", "Sofie van Dijk"], "she reads only what is public"
    assert line.data["mentions"] == [night.cast.jonas.pk]


def test_when_somebody_types_at_then_only_people_who_may_read_it_are_offered(
    night: World, file_incident: File, browser_of: Browser
) -> None:
    place = f"{file_incident(restricted=True).get_absolute_url()}comment/people/"
    marta = browser_of("marta")
    assert 'data-name="jonas"' in marta.get(f"{place}?q=jo").content.decode()
    assert "nils" not in marta.get(f"{place}?q=ni").content.decode()
    assert browser_of("nils").get(place).status_code == 404


def test_when_more_than_a_thousand_lines_are_there_then_the_page_asks_no_more_and_every_line_is_reached(
    night: World, file_incident: File, browser_of: Browser
) -> None:
    incident = file_incident()
    rows = [
        TimelineEvent(
            incident=incident, at=night.now, kind="incident.comment", actor=night.cast.jonas, text=f"n{number}", data={}
        )
        for number in range(1_200)
    ]
    marta = browser_of("marta")
    marta.get(incident.get_absolute_url())
    with CaptureQueriesContext(connection) as few:
        marta.get(incident.get_absolute_url())
    rows_insert(rows)
    with CaptureQueriesContext(connection) as many:
        first = marta.get(incident.get_absolute_url()).content.decode()
    # What is pinned, how many of each kind, by whom, and what the ladder is told from.
    assert len(many) - len(few) <= 4
    assert first.count('<li id="e') == NEWEST
    reached, before = 0, 0
    while True:
        found = timeline_of(incident, reader=night.cast.marta, wanted=Wanted(before=before), at=night.now)
        reached += len(found.lines)
        if not found.more:
            break
        before = found.oldest
    assert reached == TimelineEvent.objects.filter(incident=incident).count()
    one = marta.get(f"{incident.get_absolute_url()}?line={rows[2].pk}").content.decode()
    assert f'id="e{rows[2].pk}"' in one, "a link to an old line shows it"
    searched = marta.get(f"{incident.get_absolute_url()}?words=n1147").content.decode()
    assert searched.count('<li id="e') == 1


def test_when_a_comment_is_previewed_then_nothing_is_written(
    night: World, file_incident: File, browser_of: Browser
) -> None:
    incident, marta = file_incident(), browser_of("marta")
    sent = {"text": "It is **bad**", "preview": "1"}
    for headers in (HTMX, {}):
        page = marta.post(f"{incident.get_absolute_url()}comment/", sent, headers=headers).content.decode()
        assert "<strong>bad</strong>" in page
    assert not TimelineEvent.objects.filter(kind="incident.comment").exists()


def test_when_the_room_is_shown_then_the_newest_line_is_last_and_a_quick_reply_says_its_words(
    night: World, file_incident: File, browser_of: Browser
) -> None:
    incident, marta = file_incident(), browser_of("marta")
    answer = marta.post(
        f"{incident.get_absolute_url()}comment/", {"quick": "I need help here.", "order": "room", "text": ""}
    )
    page = marta.get(answer.headers["Location"].partition("#")[0])
    assert [line.text for line in page.context["lines"]][-1] == "I need help here."
    assert page.content.decode().index("I need help here.") < page.content.decode().index('id="composer"')

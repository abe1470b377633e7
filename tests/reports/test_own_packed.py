"""Answers to the house's own questions out of packed days are the answers that stand on the incidents."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from incidents.models import CustomField, Incident
from incidents.services.classify import incident_classify
from incidents.services.lifecycle import incident_open
from oncall.models import User
from reports import own_answers, own_packed
from reports.figures.keeping import days_repack, figures_follow_all, figures_rebuild
from reports.models import DayAnswers, DayFigures
from reports.own_answers import answers_read, spans_of
from reports.own_packed import AnswersOfDay, answers_packed, text_of
from reports.selectors import incidents_in
from tests.world.harness import World

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)
Kind = CustomField.Kind

ANSWERS = some.dictionaries(
    some.sampled_from(["cause", "vip", "café", "note"]),
    some.sampled_from([True, False, "", "a", "Disk", "café", None, 7, 0.5, [], ["a"]]),
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(some.lists(ANSWERS, max_size=9))
def test_what_is_packed_is_what_was_answered(given_by: list[dict[str, Any]]) -> None:
    answers = {2**33 - 7 * number: said for number, said in enumerate(given_by)}
    keys = ["cause", "vip", "café"]
    day = AnswersOfDay(answers_packed(answers, keys))
    for key in keys:
        odd = {pk for pk, said in answers.items() if said.get(key) not in (None, "") and text_of(said[key]) is None}
        if odd:
            assert not day.knows(key)
            continue
        assert day.knows(key)
        places = {text: place for place, text in enumerate(day.texts(key), 1)}
        texts = {place: text for text, place in places.items()}
        found = {pk: texts[number] for pk, number in day.numbers(key, places) if number}
        assert found == {pk: text_of(said.get(key)) for pk, said in answers.items() if text_of(said.get(key))}


def test_when_a_day_has_too_many_different_answers_then_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_packed, "MOST", 2)
    answers: Mapping[int, Any] = {1: {"a": "x", "b": "x"}, 2: {"a": "y", "b": "x"}, 3: {"a": "z"}}
    day = AnswersOfDay(answers_packed(answers, ["a", "b"]))
    assert not day.knows("a")
    assert dict(day.numbers("b", {"x": 7})) == {1: 7, 2: 7, 3: 0}


def opened(world: World, at: datetime, answers: Mapping[str, Any] | None = None, **more: Any) -> Incident:
    values: dict[str, Any] = {"summary": "", "severity": 2, "service": world.cast.gateway, "reporter": world.cast.sofie}
    facts = {"custom": dict(answers)} if answers is not None else {}
    return incident_open(title=f"Trouble of {at}", at=at, facts=facts, **{**values, **more})


@pytest.fixture
def answered(world: World) -> World:
    """Three days with answers of each kind, a restricted one, an option that is no longer offered, and a day without any."""
    CustomField.objects.create(key="cause", label="Cause", kind=Kind.CHOICE, options=["Disk", "Network", "Café"])
    CustomField.objects.create(key="vip", label="VIP", kind=Kind.FLAG)
    CustomField.objects.create(key="note", label="Note", kind=Kind.TEXT)
    for number, answers in enumerate(
        ({"cause": "Disk", "vip": True}, {"cause": "Café"}, {"vip": False, "note": "Blue"}, {}, None)
    ):
        opened(world, NOON - DAY, answers)
        opened(world, NOON + number * timedelta(hours=5), answers)
    opened(world, NOON, {"cause": "Network", "vip": True}, restricted=True)
    opened(world, NOON + 4 * DAY)
    CustomField.objects.filter(key="cause").update(options=["Disk", "Network"])
    figures_follow_all(at=world.now)
    return world


def told(key: str) -> dict[int, str]:
    """By incident, what the answer is called in an address."""
    answers = answers_read(key, NOON - 2 * DAY, NOON + 9 * DAY, seen=None)
    slugs = {value.number: value.slug for value in answers.values}
    return {pk: slugs[number] for pk, number in answers.numbers.items() if number}


def asked(key: str) -> dict[int, str]:
    """The same, incident by incident."""
    said = {one.pk: one.facts.get("custom", {}).get(key) for one in Incident.objects.all()}
    words = {True: "yes", False: "no"}
    return {pk: words.get(one, one) for pk, one in said.items() if one is not None}


@pytest.mark.parametrize("key", ["cause", "vip"])
def test_when_answers_are_read_then_each_incident_has_its_own(answered: World, key: str) -> None:
    assert told(key) == asked(key)
    assert len(told(key)) == 5
    days = {date(2026, 11, 19), date(2026, 11, 20), date(2026, 11, 21), date(2026, 11, 24)}
    assert set(DayAnswers.objects.values_list("day", flat=True)) == days


def test_when_days_are_packed_then_only_restricted_incidents_are_asked_themselves(answered: World) -> None:
    before = told("cause")
    # Behind the ledger's back, so that whoever looks would see it.
    Incident.objects.filter(restricted=False).update(facts={})
    assert told("cause") == before


def test_when_an_answer_changes_then_the_day_is_packed_anew(answered: World) -> None:
    incident = Incident.objects.filter(facts__custom__cause="Disk").earliest("pk")
    incident_classify(
        incident_id=incident.pk,
        category=None,
        customer=None,
        actor=answered.cast.marta,
        at=answered.now,
        custom={"cause": "Network", "vip": None},
    )
    figures_follow_all(at=answered.now)
    assert told("cause")[incident.pk] == "Network"
    assert incident.pk not in told("vip")
    assert (told("cause"), told("vip")) == (asked("cause"), asked("vip"))


@pytest.mark.parametrize("how", ["packed before there were any", "packed last by a release before"])
def test_when_a_day_was_packed_by_a_release_that_knows_no_answers_then_its_incidents_are_asked(
    answered: World, how: str
) -> None:
    if how == "packed before there were any":
        DayAnswers.objects.filter(day=NOON.date()).delete()
    else:
        DayFigures.objects.create(kind=DayFigures.Kind.WORKED, day=NOON.date(), count=5, data=b"")
    incident = Incident.objects.filter(started_at=NOON, restricted=False).get()
    Incident.objects.filter(pk=incident.pk).update(facts={"custom": {"cause": "Network"}})
    assert told("cause") == asked("cause")
    assert told("cause")[incident.pk] == "Network"


def test_when_a_question_is_made_one_of_a_few_answers_then_what_was_written_before_counts(answered: World) -> None:
    CustomField.objects.filter(key="note").update(kind=Kind.CHOICE, options=["Blue", "Red"])
    assert told("note") == asked("note")
    assert len(told("note")) == 2
    figures_rebuild(at=answered.now)
    Incident.objects.filter(restricted=False).update(facts={})
    assert len(told("note")) == 2, "packed with the others from then on"


def test_when_a_day_is_packed_then_a_house_without_questions_reads_no_incident_for_it(world: World) -> None:
    opened(world, NOON)
    figures_follow_all(at=world.now)
    DayFigures.objects.filter(kind="incidents").update(stale=True)
    with CaptureQueriesContext(connection) as queries:
        days_repack()
    assert not [
        one for one in queries.captured_queries if '"incidents_incident"' in one["sql"] and "facts" in one["sql"]
    ]


@pytest.mark.parametrize("reader", ["elena", "amara", "nadia"])
@pytest.mark.parametrize(
    "query", ["custom_vip=yes", "custom_cause=Disk&custom_cause=unknown", "custom_vip=no&custom_cause=unknown"]
)
def test_when_a_report_is_narrowed_by_such_answers_then_figures_lists_and_incidents_agree(
    answered: World, query: str, reader: str
) -> None:
    # Nadia manages, and has nothing to do with what is restricted.
    answered.cast.people["nadia"] = User.objects.create_user("nadia", role="manager")
    period = "period=custom&first=2026-11-01&last=2026-11-30"
    client = Client()
    client.force_login(answered.cast.people[reader])
    board: Any = client.get(f"/reports/?{period}&{query}")
    behind: Any = client.get(f"/reports/incidents/?{period}&{query}")
    scope = board.context["scope"]
    assert not scope.unpacked
    expected = set(incidents_in(scope).values_list("pk", flat=True))
    assert expected
    assert board.context["board"].total == len(expected)
    assert {row["incident"].pk for row in behind.context["rows"]} == expected


def test_when_a_reader_sees_some_restricted_ones_then_these_are_asked_and_no_others(answered: World) -> None:
    secret = Incident.objects.get(restricted=True)
    period = (NOON - 2 * DAY, NOON + 9 * DAY)
    assert secret.pk in answers_read("cause", *period, seen=[secret.pk]).numbers
    assert secret.pk not in answers_read("cause", *period, seen=[]).numbers
    assert secret.pk not in answers_read("cause", *period, seen=[secret.pk + 1]).numbers


def test_when_many_days_are_not_packed_then_the_database_is_asked_for_few_spans(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = NOON.date()
    days = [first, first + DAY, first + 2 * DAY, first + 5 * DAY]
    assert len(spans_of(days).children) == 2
    assert not spans_of([])
    monkeypatch.setattr(own_answers, "MOST_SPANS", 1)
    whole = {child for child in spans_of(days).children if isinstance(child, tuple)}
    midnight = datetime(2026, 11, 20, tzinfo=UTC)
    assert whole == {("started_at__gte", midnight), ("started_at__lt", midnight + 6 * DAY)}

"""Severity criteria: the same answers give the same severity, whoever gave them; and what is open is said to be open."""

from typing import Any

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from policies.criteria import (
    READY,
    CriteriaDef,
    Given,
    Proposal,
    Scale,
    answers_known,
    answers_read,
    answers_usable,
    context_flags,
    criteria_dump,
    criteria_parse,
    criteria_schema,
    criteria_text,
    facts_given,
    proposal_text,
    propose,
    worse_sentence,
)
from policies.criteria.values import AnswerKind
from policies.reading import DefinitionInvalid

SMALL: dict[str, Any] = {
    "questions": [
        {"key": "outage", "fact": "outage", "text": "Is it down?", "required": True},
        {"key": "hit", "fact": "affected_customers", "text": "How many are hit?"},
        {
            "key": "kind",
            "fact": "impact_class",
            "text": "What kind?",
            "options": [{"value": "customer outage", "text": "a customer outage"}, {"value": "none"}],
        },
        {"key": "stuck", "fact": "custom.stuck", "text": "Is there no way around?"},
    ],
    "severity": [
        {"severity": "SEV-3", "when": {"fact": "custom.stuck"}, "reason": "People are stuck."},
        {
            "severity": "SEV-1",
            "when": {"all": [{"fact": "outage"}, {"fact": "affected_customers", "operator": "ge", "value": 100}]},
            "reason": "It is down for a hundred customers.",
        },
    ],
    "impact": [{"impact": 1, "when": {"fact": "impact_class", "value": "customer outage"}}],
}


def small(**changes: Any) -> CriteriaDef:
    return criteria_parse({**SMALL, **changes})


def problems_of(document: object) -> dict[str, str]:
    with pytest.raises(DefinitionInvalid) as refused:
        criteria_parse(document)
    return {problem.path: problem.message for problem in refused.value.problems}


def ready(known: dict[str, Any] | None = None, **answers: Given) -> Proposal:
    return propose(READY, {key.replace("_", "-"): value for key, value in answers.items()}, known or {})


# --- proposing


@pytest.mark.requirement("R080")
def test_when_an_incident_is_judged_then_every_criterion_is_a_yes_or_no_or_a_measured_value() -> None:
    assert {question.answer for question in READY.questions} <= set(AnswerKind)
    assert all(question.help for question in READY.questions)
    found = ready(outage=True, affected_customers=1_200)
    assert (found.severity, found.unclear, found.escalate) == (1, False, True)
    assert proposal_text(READY, found).because == "A service is down for a thousand customers or more."


@pytest.mark.parametrize(
    ("flag", "question"),
    [
        pytest.param("outage", "outage", marks=pytest.mark.requirement("R083")),
        pytest.param("payment_failure", "payment-failure", marks=pytest.mark.requirement("R084")),
        pytest.param("authentication_failure", "authentication-failure", marks=pytest.mark.requirement("R085")),
        pytest.param("data_corruption", "data-corruption", marks=pytest.mark.requirement("R086")),
        pytest.param("security", "security", marks=pytest.mark.requirement("R087")),
    ],
)
def test_when_the_flag_is_set_then_the_severity_is_at_least_the_configured_one(flag: str, question: str) -> None:
    milder = dict.fromkeys((one.key for one in READY.questions if one.answer is AnswerKind.YES_NO), False)
    found = propose(READY, {**milder, question: True})
    assert found.severity is not None
    assert found.severity <= 2
    assert found.facts[flag] is True
    house = small(
        questions=[{"key": "it", "fact": flag, "text": "Is it so?"}],
        severity=[{"severity": "SEV-3", "when": {"fact": flag}}],
        impact=[],
    )
    assert propose(house, {"it": True}).severity == 3
    assert propose(house, {"it": False}).severity == house.otherwise.severity


@pytest.mark.parametrize(
    ("impact_class", "impact"),
    [
        pytest.param("customer outage", 2, marks=pytest.mark.requirement("R088")),
        pytest.param("internal degradation", 4, marks=pytest.mark.requirement("R089")),
        pytest.param("partner API", 3, marks=pytest.mark.requirement("R090")),
        pytest.param("compliance/security", 1, marks=pytest.mark.requirement("R091")),
    ],
)
def test_when_an_impact_class_is_chosen_then_the_impact_follows(impact_class: str, impact: int) -> None:
    found = ready(impact_class=impact_class)
    assert (found.impact, found.facts["impact_class"]) == (impact, impact_class)


@pytest.mark.parametrize(
    ("known", "answers", "flag"),
    [
        pytest.param({}, {"vip": True}, "VIP customer", marks=pytest.mark.requirement("R092")),
        pytest.param({"revenue_flow": True}, {}, "Revenue flow", marks=pytest.mark.requirement("R093")),
        pytest.param({"high_risk": True}, {}, "High risk", marks=pytest.mark.requirement("R094")),
    ],
)
def test_when_it_matters_to_the_business_then_its_context_flag_is_set_and_it_is_more_urgent(
    known: dict[str, Any], answers: dict[str, Given], flag: str
) -> None:
    found = ready(known, outage=True, **answers)
    assert context_flags(found, known) == (flag,)
    assert found.urgency == 2
    assert context_flags(ready(outage=True), {}) == ()
    assert ready(outage=True).urgency is None


@pytest.mark.requirement("R082")
def test_when_every_answer_is_there_and_no_criterion_is_met_then_nobody_is_paged_and_the_reason_is_said() -> None:
    found = propose(READY, {}, rest_no=True)
    assert (found.severity, found.escalate, found.unclear) == (5, False, False)
    text = proposal_text(READY, found)
    assert (text.says, text.because) == (
        "SEV-5 is proposed, and nobody is paged.",
        "It meets no criterion for an escalation.",
    )


@pytest.mark.requirement("R331")
def test_when_the_answers_leave_it_open_then_it_is_unclear_and_the_open_questions_are_named() -> None:
    found = propose(small(), {"outage": True, "stuck": False})
    assert (found.severity, found.unclear, found.open) == (None, True, ("hit",))
    text = proposal_text(small(), found)
    assert text.unclear == "It is open as long as these are not answered: How many are hit?"


def test_when_the_criteria_propose_no_severity_then_no_answer_leaves_people_unpaged() -> None:
    found = propose(small(severity=[], otherwise={"escalate": False}), {"outage": False}, rest_no=True)
    assert (found.severity, found.escalate, found.unclear) == (None, True, False)
    assert propose(small(), {"outage": False, "stuck": False}).escalate


def test_when_an_open_answer_could_not_matter_then_it_is_not_unclear() -> None:
    found = propose(small(), {"outage": False, "stuck": False})
    assert (found.severity, found.unclear, found.open) == (5, False, ())


def test_when_nobody_can_answer_then_no_to_the_rest_does_not_answer_it() -> None:
    found = propose(small(), {"outage": None}, rest_no=True)
    # Nobody is hit: whether it is down changes nothing.
    assert (found.unclear, found.open) == (False, ())
    found = propose(small(), {"outage": None, "hit": 500}, rest_no=True)
    assert (found.unclear, found.open) == (True, ("outage",))


def test_when_a_required_answer_could_make_it_worse_then_the_milder_proposal_does_not_count_yet() -> None:
    waiting = propose(small(), {"stuck": True, "hit": 500})
    assert (waiting.severity, waiting.unclear, waiting.missing) == (3, True, ("outage",))
    known = propose(small(), {"stuck": True, "hit": 500, "outage": None})
    assert (known.severity, known.unclear, known.open) == (3, False, ("outage",))
    assert worse_sentence(small(), known) == "It could be worse, depending on: Is it down?"
    # Nothing could make it worse: the required answer is not waited for.
    assert not propose(small(), {"stuck": True, "hit": 1}).unclear


def test_when_the_worst_is_proposed_already_then_no_answer_could_make_it_worse() -> None:
    found = ready({"tier": 1}, outage=True, stuck=True)
    assert (found.severity, found.open, worse_sentence(READY, found)) == (1, (), "")


def test_when_two_criteria_hold_then_the_worse_one_counts_in_whatever_order_they_were_written() -> None:
    assert propose(small(), {"outage": True, "hit": 100, "stuck": True}).severity == 1
    assert [criterion.value for criterion in small().severity] == [1, 3]


def test_when_the_service_is_known_then_nobody_is_asked_for_what_the_catalogue_says() -> None:
    answers: dict[str, Given] = {"outage": True, "stuck": True}
    assert propose(READY, answers, {"tier": 1}).severity == 1
    assert propose(READY, answers, {"tier": 3}).severity == 2


_ANSWERS = st.fixed_dictionaries(
    {},
    optional={
        question.key: st.one_of(
            st.none(),
            st.booleans()
            if question.answer is AnswerKind.YES_NO
            else st.integers(0, 3_000)
            if question.answer is AnswerKind.NUMBER
            else st.sampled_from([option.value for option in question.options]),
        )
        for question in READY.questions
    },
)


@pytest.mark.requirement("R081")
@given(answers=_ANSWERS, order=st.randoms(), rest_no=st.booleans())
def test_when_two_people_answer_alike_then_the_proposals_are_the_same(
    answers: dict[str, Given], order: Any, rest_no: bool
) -> None:
    keys = list(answers)
    order.shuffle(keys)
    shuffled = {key: answers[key] for key in keys}
    novice = propose(READY, answers, {"tier": 1}, rest_no=rest_no)
    with translation.override("it"):
        veteran = propose(criteria_parse(criteria_dump(READY)), shuffled, {"tier": 1}, rest_no=rest_no)
    assert (novice.severity, novice.impact, novice.urgency) == (veteran.severity, veteran.impact, veteran.urgency)
    assert (novice.unclear, novice.escalate, novice.open) == (veteran.unclear, veteran.escalate, veteran.open)


@given(answers=_ANSWERS, more=_ANSWERS)
def test_when_it_is_clear_then_the_open_answers_named_are_the_only_ones_that_could_make_it_worse(
    answers: dict[str, Given], more: dict[str, Given]
) -> None:
    first = propose(READY, answers)
    known = {key: value for key, value in answers.items() if value is not None}
    unnamed = {key: value for key, value in more.items() if key not in known and key not in first.open}
    second = propose(READY, {**answers, **unnamed})
    if not first.unclear and first.severity is not None:
        assert second.severity == first.severity


# --- the document


@given(st.sampled_from(["en", "it", "de"]))
def test_when_criteria_are_written_then_they_read_back_the_same(language: str) -> None:
    with translation.override(language):
        document = criteria_dump(READY)
        assert criteria_dump(criteria_parse(document)) == document
    assert criteria_dump(small()) == criteria_dump(criteria_parse(criteria_dump(small())))


def test_when_nothing_is_written_then_the_usual_limits_hold() -> None:
    empty = criteria_parse({})
    assert (empty.unclear.within_seconds, empty.unclear.severity, empty.otherwise.severity) == (600, 2, 5)


@pytest.mark.parametrize(
    ("changes", "path", "said"),
    [
        ({"questions": [{"key": "A B", "fact": "outage", "text": "?"}]}, "questions[0].key", "small letters"),
        ({"questions": [{"key": "a", "fact": "outage", "text": ""}]}, "questions[0].text", "empty"),
        ({"questions": [{"key": "a", "fact": "severity", "text": "?"}]}, "questions[0].fact", "no fact"),
        ({"questions": [{"key": "a", "fact": "tier", "text": "?"}]}, "questions[0].fact", "no fact"),
        ({"questions": [{"key": "a", "fact": "custom.", "text": "?"}]}, "questions[0].fact", "no fact"),
        (
            {"questions": [{"key": "a", "fact": "outage", "text": "?", "answer": "number"}]},
            "questions[0].answer",
            "left out",
        ),
        ({"questions": [{"key": "a", "fact": "impact_class", "text": "?"}]}, "questions[0].options", "at least one"),
        (
            {"questions": [{"key": "a", "fact": "outage", "text": "?", "options": [{"value": "x"}]}]},
            "questions[0].options",
            "left out",
        ),
        (
            {"questions": [{"key": "a", "fact": "outage", "text": "?", "yes": "it is"}]},
            "questions[0].yes",
            "of your own",
        ),
        (
            {
                "questions": [
                    {"key": "a", "fact": "outage", "text": "?"},
                    {"key": "a", "fact": "security", "text": "?"},
                ]
            },
            "questions[1].key",
            "earlier",
        ),
        ({"severity": [{"severity": "SEV-9", "when": {"fact": "outage"}}]}, "severity[0].severity", "SEV-1"),
        ({"severity": [{"severity": "SEV-1", "when": {"fact": "vip"}}]}, "severity[0].when.fact", "no fact"),
        ({"impact": [{"when": {"fact": "outage"}}]}, "impact[0].impact", "empty"),
        ({"unclear": {"within": "5s"}}, "unclear.within", "1 minute"),
        ({"unclear": {"otherwise": "pray"}}, "unclear.otherwise", "one of"),
        ({"otherwise": {"severity": "worst"}}, "otherwise.severity", "SEV-1"),
        ({"notes": 1}, "notes", "not a known field"),
    ],
)
def test_when_criteria_are_wrong_then_the_field_is_named(changes: dict[str, Any], path: str, said: str) -> None:
    found = problems_of({**SMALL, "severity": [], "impact": [], **changes})
    assert list(found) == [path]
    assert said in found[path]


def test_when_the_schema_is_asked_then_it_accepts_what_watchbell_comes_with() -> None:
    schema = criteria_schema()
    assert set(schema["properties"]) == set(criteria_dump(READY))
    assert schema["properties"]["questions"]["items"]["required"] == ["key", "fact", "text"]


# --- answers


def test_when_answers_are_sent_then_each_is_understood_in_its_own_kind() -> None:
    sent = {"outage": "yes", "hit": 20.0, "kind": "none", "stuck": "unknown"}
    assert answers_read(small(), sent) == {"outage": True, "hit": 20, "kind": "none", "stuck": None}
    assert facts_given(small(), {"outage": False, "stuck": True}) == {"outage": False, "custom.stuck": True}


@pytest.mark.parametrize("wrong", [{"outage": "perhaps"}, {"hit": "many"}, {"hit": -1}, {"kind": "x"}, {"nonsense": 1}])
def test_when_an_answer_makes_no_sense_then_it_is_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(DefinitionInvalid) as refused:
        answers_read(small(), wrong)
    assert refused.value.field == f"answers.{next(iter(wrong))}"
    assert answers_usable(small(), wrong) == {}


def test_when_facts_are_known_already_then_they_answer_their_questions() -> None:
    facts = {"outage": True, "custom.stuck": False, "labels": {"a": "b"}, "affected_customers": 3}
    assert answers_known(small(), facts) == {"outage": True, "hit": 3, "stuck": False}
    assert answers_known(small(), {"outage": ["yes"]}) == {}


# --- words


@pytest.mark.requirement("R080")
def test_when_the_criteria_are_read_then_they_say_what_leads_to_which_severity() -> None:
    text = criteria_text(small())
    assert [(question.text, question.answered) for question in text.questions[:2]] == [
        ("Is it down?", "Yes, no, or not known. Needed before a milder proposal counts."),
        ("How many are hit?", "A number, or not known."),
    ]
    assert [group.name for group in text.severity] == ["SEV-1", "SEV-3"]
    assert text.severity[0].criteria[0].sentence == (
        "A service is down, and the number of customers affected is 100 or more."
    )
    assert text.severity[1].criteria[0].sentence == "“Is there no way around?” is answered with yes."
    assert text.otherwise == "When every question is answered and nothing above is so, SEV-5 is proposed."
    assert "nobody is paged" in criteria_text(READY).otherwise
    assert "within 10 minutes" in text.unclear
    assert propose(small(), {"kind": "customer outage"}).why(Scale.IMPACT) is not None

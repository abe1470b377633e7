"""The JSON form of severity criteria.

{"questions": [
    {"key": "outage", "fact": "outage", "text": "Is a service down?", "help": "It does not answer.", "required": true},
    {"key": "way-around", "fact": "custom.workaround", "answer": "yes_no", "text": "Is there a way around?"},
    {"key": "kind", "fact": "impact_class", "text": "What kind of impact?",
     "options": [{"value": "customer outage", "text": "Customers are hit"}]}],
 "severity": [{"severity": "SEV-1", "when": {"fact": "outage"}, "reason": "A service is down."}],
 "impact": [{"impact": 1, "when": {"fact": "outage"}}],
 "urgency": [],
 "otherwise": {"severity": "SEV-5", "escalate": false, "reason": "No criterion is met."},
 "unclear": {"within": "10m", "otherwise": "proceed", "severity": "SEV-2"}}

Criteria may be written in any order: they are kept from the worst to the mildest, and the first that holds counts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from policies.conditions import VOCABULARY, Condition, Group, Join, Vocabulary, condition_dump, condition_read
from policies.conditions.values import MAX_WORD
from policies.criteria.facts import ASKABLE, answer_kind, criteria_vocabulary, has_own_options, vocabulary_of
from policies.criteria.values import (
    MAX_CRITERIA,
    MAX_HELP,
    MAX_OPTIONS,
    MAX_QUESTIONS,
    MAX_TEXT,
    SCALE,
    AnswerKind,
    CriteriaDef,
    Criterion,
    Option,
    Otherwise,
    Question,
    Scale,
    Unclear,
)
from policies.definition import severity_name
from policies.durations import duration_text
from policies.reading import DefinitionInvalid, Node, Problem
from policies.routing.values import LEAST_ASK, MOST_ASK, AskOtherwise

KEY_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,39}$"
_KEY = re.compile(KEY_PATTERN, re.ASCII)


def criteria_parse(data: object) -> CriteriaDef:
    """The criteria that `data` (parsed JSON or YAML) describes.

    Raises DefinitionInvalid naming every problem found, each with the path of its field.
    """
    problems: list[Problem] = []
    criteria = _criteria(Node(data, (), problems))
    if problems:
        raise DefinitionInvalid(tuple(problems))
    return criteria


def criteria_dump(criteria: CriteriaDef) -> dict[str, Any]:
    """The JSON form, always the same for the same criteria; `criteria_parse` reads it back to an equal value.

    What Watchbell comes with is written in the active language: from then on it is the house's own text.
    """
    vocabulary = criteria_vocabulary(criteria)
    return {
        "questions": [_question_dump(question) for question in criteria.questions],
        **{scale.value: [_criterion_dump(one, scale, vocabulary) for one in criteria.scale(scale)] for scale in Scale},
        "otherwise": {
            "severity": severity_name(criteria.otherwise.severity),
            "escalate": criteria.otherwise.escalate,
            "reason": str(criteria.otherwise.reason),
        },
        "unclear": {
            "within": duration_text(criteria.unclear.within_seconds),
            "otherwise": criteria.unclear.otherwise.value,
            "severity": severity_name(criteria.unclear.severity),
        },
    }


def _question_dump(question: Question) -> dict[str, Any]:
    data: dict[str, Any] = {
        "key": question.key,
        "fact": question.fact,
        "text": str(question.text),
        "help": str(question.help),
        "required": question.required,
    }
    if question.is_own:
        data["answer"] = question.answer.value
    if question.options:
        data["options"] = [{"value": option.value, "text": str(option.text)} for option in question.options]
    for name in ("yes", "no"):
        if text := str(getattr(question, name)):
            data[name] = text
    return data


def _criterion_dump(criterion: Criterion, scale: Scale, vocabulary: Vocabulary) -> dict[str, Any]:
    return {
        scale.value: severity_name(criterion.value) if scale is Scale.SEVERITY else criterion.value,
        "when": condition_dump(criterion.when, vocabulary=vocabulary),
        "reason": str(criterion.reason),
    }


# --- reading


def _criteria(node: Node) -> CriteriaDef:
    fields = node.fields("questions", *(scale.value for scale in Scale), "otherwise", "unclear")
    questions = fields["questions"].items(_question, most=MAX_QUESTIONS)
    for name in ("key", "fact"):
        _name_doubles(fields["questions"], name, [getattr(question, name) for question in questions])
    vocabulary = vocabulary_of(question for question in questions if question.fact)
    by_scale = {scale: _scale(fields[scale.value], scale, vocabulary) for scale in Scale}
    return CriteriaDef(
        questions,
        by_scale[Scale.SEVERITY],
        by_scale[Scale.IMPACT],
        by_scale[Scale.URGENCY],
        _otherwise(fields["otherwise"]),
        _unclear(fields["unclear"]),
    )


def _name_doubles(node: Node, name: str, values: Sequence[str]) -> None:
    for index, value in enumerate(values):
        if value and value in values[:index]:
            node.child(index, None).child(name, None).wrong(_("is that of an earlier question too"))


def _question(node: Node) -> Question:
    fields = node.fields("key", "fact", "text", "answer", "help", "required", "options", "yes", "no")
    key = fields["key"].text(required=True, most=40)
    if key and not _KEY.match(key):
        fields["key"].wrong(_("must be small letters, digits, “-” and “_” only, at most 40"))
    fact = _fact(fields["fact"])
    question = Question(
        key=key,
        fact=fact,
        text=fields["text"].text(required=True, most=MAX_TEXT),
        answer=_answer(fields["answer"], fact),
        help=fields["help"].text(most=MAX_HELP),
        required=fields["required"].flag(default=False),
        options=fields["options"].items(_option, most=MAX_OPTIONS),
        yes=fields["yes"].text(most=MAX_TEXT),
        no=fields["no"].text(most=MAX_TEXT),
    )
    _check_options(fields["options"], question)
    for name in ("yes", "no"):
        if getattr(question, name) and not (question.is_own and question.answer is AnswerKind.YES_NO):
            fields[name].wrong(_("belongs to yes-or-no questions of your own only"))
    return question


def _fact(node: Node) -> str:
    """The name of the fact; "" where there is no such fact, or none that can be asked for."""
    name = node.text(required=True, most=MAX_WORD)
    if not name:
        return ""
    is_own = name.startswith("custom.") and VOCABULARY.find(name) is not None
    if name not in ASKABLE and not is_own:
        node.wrong(_("names no fact that a question can be about"))
        return ""
    return name


def _answer(node: Node, fact: str) -> AnswerKind:
    fixed = answer_kind(fact)
    if fixed is None:
        return node.choice(tuple(AnswerKind), default=AnswerKind.YES_NO)
    if node.value is not None and node.value != fixed.value:
        node.wrong(_("must be left out: this fact has its own kind of answer"))
    return fixed


def _option(node: Node) -> Option:
    fields = node.fields("value", "text")
    value = fields["value"].text(required=True, most=60)
    return Option(value, fields["text"].text(most=MAX_TEXT) or value)


def _check_options(node: Node, question: Question) -> None:
    if has_own_options(question):
        if not question.options:
            node.wrong(_("needs at least one entry"))
    elif question.options:
        node.wrong(_("must be left out: this question has no answers of its own to choose from"))
    values = [option.value for option in question.options]
    for index, value in enumerate(values):
        if value and value in values[:index]:
            node.child(index, None).child("value", None).wrong(_("is named a second time"))


def _scale(node: Node, scale: Scale, vocabulary: Vocabulary) -> tuple[Criterion, ...]:
    found = node.items(lambda item: _criterion(item, scale, vocabulary), most=MAX_CRITERIA)
    return tuple(sorted(found, key=lambda criterion: criterion.value))


def _criterion(node: Node, scale: Scale, vocabulary: Vocabulary) -> Criterion:
    fields = node.fields(scale.value, "when", "reason")
    value = fields[scale.value]
    return Criterion(
        value=_severity(value) if scale is Scale.SEVERITY else _number(value),
        when=_plain(condition_read(fields["when"], vocabulary=vocabulary)),
        reason=fields["reason"].text(most=MAX_HELP),
    )


def _plain(condition: Condition) -> Condition:
    """A group of one is that one: the form has a group around everything, and must not make a new version of it."""
    if isinstance(condition, Group) and condition.join is not Join.NONE and len(condition.parts) == 1:
        return _plain(condition.parts[0])
    return condition


def _severity(node: Node, *, default: int | None = None) -> int:
    if node.value is None and default is not None:
        return default
    fact = VOCABULARY.find("severity")
    rank = fact.rank_of(node.value) if fact is not None else None
    if rank is None:
        node.wrong(
            _("must be one of %(names)s")
            % {"names": ", ".join(severity_name(number) for number in range(1, SCALE + 1))}
        )
    return rank or SCALE


def _number(node: Node) -> int:
    if node.value is None:
        node.wrong(_("must not be empty"))
    return node.count(most=SCALE, default=SCALE)


def _otherwise(node: Node) -> Otherwise:
    if node.value is None:
        return Otherwise()
    fields = node.fields("severity", "escalate", "reason")
    return Otherwise(
        _severity(fields["severity"], default=Otherwise().severity),
        fields["escalate"].flag(default=True),
        fields["reason"].text(most=MAX_HELP),
    )


def _unclear(node: Node) -> Unclear:
    if node.value is None:
        return Unclear()
    fields, usual = node.fields("within", "otherwise", "severity"), Unclear()
    within = usual.within_seconds
    if fields["within"].value is not None:
        within = fields["within"].seconds(least=1)
        if within and not LEAST_ASK <= within <= MOST_ASK:
            fields["within"].wrong(_("must be from 1 minute to 24 hours"))
    return Unclear(
        within,
        fields["otherwise"].choice(tuple(AskOtherwise), default=usual.otherwise),
        _severity(fields["severity"], default=usual.severity),
    )

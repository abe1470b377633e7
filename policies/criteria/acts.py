"""What the buttons of the criteria's form do to a draft: add, remove, move; and those of the conditions in it. Pure.

A button is named by its place: "question-add", "question-2-up", "severity-add", "impact-0-remove", "severity-1-when-add-check";
"question-2-fact" and "question-2-answer" draw the form again, as another fact asks for other fields.
"""

from __future__ import annotations

import re
from typing import TypeVar

from policies.conditions_form import CheckDraft, GroupDraft
from policies.conditions_form import act as condition_act
from policies.criteria.draft import OWN, CriteriaDraft, CriterionDraft, QuestionDraft
from policies.criteria.values import AnswerKind, Scale

T = TypeVar("T")
_PLACE = re.compile(r"(?P<list>question|severity|impact|urgency)-(?:(?P<row>\d{1,3})-)?(?P<rest>[a-z0-9-]+)")


def act(draft: CriteriaDraft, name: str) -> str:
    """Change ``draft`` as the button ``name`` says; the id of the element that should have the focus then, "" for none.

    A name that fits nothing changes nothing.
    """
    found = _PLACE.fullmatch(name)
    if found is None:
        return ""
    kind, row, rest = found["list"], found["row"], found["rest"]
    if row is None:
        return _added(draft, kind) if rest == "add" else ""
    if kind != "question" and rest.startswith("when-"):
        return _condition_act(draft.scales[Scale(kind)], int(row), name, f"{kind}-{row}-when")
    if kind == "question":
        return _row_act(draft.questions, int(row), rest, kind)
    return _row_act(draft.scales[Scale(kind)], int(row), rest, kind)


def _added(draft: CriteriaDraft, kind: str) -> str:
    if kind == "question":
        draft.questions.append(QuestionDraft({"fact": OWN, "answer": AnswerKind.YES_NO.value}))
        return f"question-{len(draft.questions) - 1}-text"
    rows = draft.scales[Scale(kind)]
    first = next((question.fact for question in draft.questions if question.fact), "")
    family, _dot, rest = first.partition(".")
    check = CheckDraft(fact=first) if family != "custom" or rest else CheckDraft(fact="tier")
    rows.append(CriterionDraft("3", "", GroupDraft(parts=[check])))
    return f"{kind}-{len(rows) - 1}-value"


def _condition_act(rows: list[CriterionDraft], row: int, name: str, prefix: str) -> str:
    """Without a place for the focus it is the row itself, so that it stays open."""
    return condition_act(rows[row].when, name, prefix) or prefix.removesuffix("-when") if row < len(rows) else ""


def _row_act(rows: list[T], row: int, verb: str, kind: str) -> str:
    """The focus follows the row, to a button that is still of use there."""
    if row >= len(rows):
        return ""
    if verb == "remove":
        del rows[row]
        return f"{kind}-add"
    if kind == "question" and verb in ("fact", "answer"):
        return f"{kind}-{row}-{verb}"
    other = {"up": row - 1, "down": row + 1}.get(verb, -1)
    if not 0 <= other < len(rows):
        return ""
    rows[row], rows[other] = rows[other], rows[row]
    at_edge = other in (0, len(rows) - 1)
    return f"{kind}-{other}-{({'up': 'down', 'down': 'up'}[verb]) if at_edge else verb}"

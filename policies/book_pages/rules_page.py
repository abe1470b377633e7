"""The routing rules as templates read them: in sentences, and as a draft with one rule open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from oncall.models import Team
from policies.book_pages.held import RuleHeld, RulesHeld
from policies.book_pages.names import HouseNames, gone, rules_findings
from policies.book_pages.rule_form import LISTS, RuleForm
from policies.book_pages.rules_editor import NEW, OTHERWISE, Draft
from policies.conditions import condition_sentence
from policies.editing.offering import Offer, offer_for
from policies.editing.page import TargetList, TargetRow
from policies.lint import FindingWords, Weight, words_of
from policies.routing import RoutingDef, RuleText, routing_text
from policies.routing_examples import EXAMPLES, Example, Place


@dataclass(frozen=True, slots=True)
class RuleShown:
    """One rule in words; ``wrong`` is what it names and what there is not, ``held`` how often it held of late."""

    place: int
    text: RuleText
    when: str
    wrong: tuple[str, ...]
    held: RuleHeld

    @property
    def number(self) -> int:
        return self.place + 1

    @property
    def row(self) -> str:
        """How the names of its buttons begin."""
        return f"rule-{self.place}"


@dataclass(frozen=True, slots=True)
class RulesShown:
    rules: tuple[RuleShown, ...]
    otherwise: tuple[str, ...]
    otherwise_wrong: tuple[str, ...]


def rules_shown(routing: RoutingDef, names: HouseNames, held: RulesHeld | None = None) -> RulesShown:
    text = routing_text(routing, names.target, name=names)
    wrong: dict[object, list[str]] = {}
    for problem in gone(routing, names):
        wrong.setdefault(problem.keys[1] if problem.keys[0] == "rules" else OTHERWISE, []).append(problem.message)
    return RulesShown(
        tuple(
            RuleShown(
                place,
                one,
                condition_sentence(rule.when, name=names),
                tuple(wrong.get(place, ())),
                held.of(rule.key) if held else RuleHeld(),
            )
            for place, (rule, one) in enumerate(zip(routing.rules, text.rules, strict=True))
        ),
        text.otherwise,
        tuple(wrong.get(OTHERWISE, ())),
    )


@dataclass(frozen=True, slots=True)
class RulesEditor:
    """The page of the editor. ``open`` is as in the draft; ``lists`` are the people of the open rule."""

    shown: RulesShown
    document: str
    open: str
    title: str
    form: RuleForm | None
    lists: Mapping[str, TargetList]
    examples: Sequence[Example]
    findings: Sequence[tuple[FindingWords, bool]]
    focus: str

    @property
    def opens_new(self) -> bool:
        return self.open == NEW

    @property
    def opens_otherwise(self) -> bool:
        return self.open == OTHERWISE

    @property
    def open_place(self) -> int:
        """-1 where no rule of the book is open."""
        return int(self.open) if self.open.isdecimal() else -1


def rules_editor(draft: Draft, names: HouseNames) -> RulesEditor:
    offer = offer_for(team_id=None, named=(), everything=True) if draft.form else None
    opened = draft.opened
    if draft.form is not None:
        _focus(draft.form, draft.focus)
    return RulesEditor(
        shown=rules_shown(draft.routing, names),
        document=draft.document,
        open=draft.open,
        title=opened.name if opened else _("A new rule"),
        form=draft.form,
        lists={name: _list(name, texts, draft, offer) for name, texts in draft.lists.items()} if offer else {},
        examples=EXAMPLES,
        findings=[
            (words_of(one.code, one.data), one.weight is Weight.STALLS) for one in rules_findings(draft.routing, names)
        ],
        focus=draft.focus,
    )


def _list(name: str, texts: Sequence[str], draft: Draft, offer: Offer) -> TargetList:
    rows = tuple(
        TargetRow(f"{name}-{row}", row + 1, offer.options(text), True, tuple(draft.row_errors.get(f"{name}-{row}", ())))
        for row, text in enumerate(texts)
    )
    return TargetList(name, str(LISTS[name]), rows, f"{name}-add")


def _focus(form: RuleForm, target: str) -> None:
    """Where a button leads to a field, the browser goes there, with scripts or without."""
    for field in form:
        if field.auto_id == target:
            field.field.widget.attrs["autofocus"] = True


def place_of(names: HouseNames) -> Place:
    """What the examples are about here. One query."""
    service = next((ref for ref in names.services if isinstance(ref, str)), "")
    specialists = Team.objects.filter(schedules__isnull=False).order_by("name").values_list("slug", flat=True).first()
    return Place(service, specialists or "")

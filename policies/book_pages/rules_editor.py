"""The editor of the routing rules: the draft that a page carries, what its buttons do to it, and reading it back.

The draft is always a whole, right book; only the one rule that is open may be anything, and has to be right before
another is opened, moved or published.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from policies.book_pages.names import HouseNames
from policies.book_pages.rule_form import (
    RuleForm,
    free_key,
    initial_of,
    list_act,
    lists_of,
    lists_sent,
    read_otherwise,
    read_rule,
)
from policies.definition import MAX_NAME_LENGTH
from policies.routing import Effect, RoutingDef, RoutingRule, routing_dump, routing_parse
from policies.routing.values import MAX_RULES

NEW = "new"
OTHERWISE = "otherwise"
_ROW_ACT = re.compile(r"rule-(\d{1,3})-(open|up|down|remove|copy|toggle)")


@dataclass(slots=True)
class Draft:
    """`open` is "" or what is being written: the place of a rule, "new" or "otherwise". `key` is that of a new rule made
    from an example. `lists` are the people of the open rule as chosen, `row_errors` what is wrong with them."""

    routing: RoutingDef
    open: str = ""
    form: RuleForm | None = None
    lists: dict[str, list[str]] = field(default_factory=dict)
    row_errors: Mapping[str, Sequence[str]] = field(default_factory=dict)
    focus: str = ""

    @property
    def document(self) -> str:
        """The book as the page carries it along."""
        return orjson.dumps(routing_dump(self.routing)).decode()

    @property
    def opened(self) -> RoutingRule | None:
        """The rule being changed; None for a new one and for what holds otherwise."""
        number = int(self.open) if self.open.isdecimal() else -1
        return self.routing.rules[number] if 0 <= number < len(self.routing.rules) else None


def draft_read(text: str) -> RoutingDef:
    """What the page carried along. Raises DefinitionInvalid or ValueError for what no page of ours sent."""
    return routing_parse(orjson.loads(text))


def open_rule(draft: Draft, names: HouseNames, which: str, action: str, *, rule: RoutingRule | None = None) -> None:
    """Show `which` as a form; `rule` is what a new one begins with."""
    draft.open = which
    found: RoutingRule | Effect | None = draft.opened
    if which == OTHERWISE:
        found = draft.routing.otherwise
    elif which == NEW:
        found = rule
    elif found is None:
        draft.open = ""
        return
    initial: dict[str, Any] = initial_of(found) if found is not None else {"enabled": True}
    effect = found.then if isinstance(found, RoutingRule) else found or Effect()
    draft.lists = lists_of(effect)
    draft.form = RuleForm(names, initial=initial, of_rule=which != OTHERWISE, action=action)
    draft.focus = "id_rule-name" if which != OTHERWISE else "id_rule-policy"


def take_sent(draft: Draft, names: HouseNames, data: Any, action: str) -> None:
    """The open rule as it was sent, with the pressed button's change to its people."""
    if not draft.open:
        return
    opened = draft.opened
    initial = initial_of(opened) if opened is not None else {}
    draft.form = RuleForm(names, data, initial=initial, of_rule=draft.open != OTHERWISE, action=action)
    draft.lists = lists_sent(data)
    draft.focus = list_act(draft.lists, str(data.get("do", "")))


def close_rule(draft: Draft) -> bool:
    """Put the open rule into the book; False where it is not right, and what is wrong stands in its form."""
    if draft.form is None:
        return True
    if draft.open == OTHERWISE:
        otherwise, draft.row_errors = read_otherwise(draft.form, draft.lists)
        if otherwise is None:
            return False
        draft.routing = replace(draft.routing, otherwise=otherwise)
    elif not _close_rule(draft, draft.form):
        return False
    draft.focus = f"rule-{draft.open}-open" if draft.open.isdecimal() else "rule-new"
    draft.open, draft.form = "", None
    return True


def _close_rule(draft: Draft, form: RuleForm) -> bool:
    rules = list(draft.routing.rules)
    before = draft.opened
    name = str(form.data.get(form.add_prefix("name"), ""))
    key = before.key if before else free_key(name, [rule.key for rule in rules])
    rule, draft.row_errors = read_rule(form, draft.lists, key=key)
    if rule is None:
        return False
    if before is not None:
        # The form shows a lone check in a group of its own: a condition nobody touched is kept as it was written.
        when = rule.when if "when" in form.changed_data else before.when
        rules[int(draft.open)] = replace(rule, when=when)
    else:
        rules.append(rule)
    draft.routing = replace(draft.routing, rules=tuple(rules))
    return True


def row_act(draft: Draft, pressed: str) -> str:
    """Move, copy, switch or remove a rule. Returns the place to open where the button asks for that, else ""."""
    found = _ROW_ACT.fullmatch(pressed)
    if found is None:
        return ""
    number, verb = int(found[1]), found[2]
    rules = list(draft.routing.rules)
    if number >= len(rules):
        return ""
    draft.focus = pressed
    match verb:
        case "open":
            return str(number)
        case "remove":
            del rules[number]
            draft.focus = f"rule-{min(number, len(rules) - 1)}-remove" if rules else "rule-new"
        case "copy" if len(rules) < MAX_RULES:
            old = rules[number]
            keys = [rule.key for rule in rules]
            rules.insert(number + 1, replace(old, key=free_key(old.key, keys), name=_copied(old.name, rules)))
            draft.focus = f"rule-{number + 1}-open"
        case "toggle":
            rules[number] = replace(rules[number], enabled=not rules[number].enabled)
        case "up" | "down":
            draft.focus = _move(rules, number, verb)
    draft.routing = replace(draft.routing, rules=tuple(rules))
    return ""


def _copied(name: str, rules: Sequence[RoutingRule]) -> str:
    """The name with the lowest number that makes it one of its own."""
    taken = {rule.name for rule in rules}
    return next(
        text
        for number in range(2, len(rules) + 3)
        if (text := f"{name[: MAX_NAME_LENGTH - 6]} ({number})") not in taken
    )


def _move(rules: list[RoutingRule], number: int, verb: str) -> str:
    """The focus follows the rule, to a button that is still of use there."""
    other = number - 1 if verb == "up" else number + 1
    if not 0 <= other < len(rules):
        return f"rule-{number}-{verb}"
    rules[number], rules[other] = rules[other], rules[number]
    at_edge = other in (0, len(rules) - 1)
    return f"rule-{other}-{({'up': 'down', 'down': 'up'}[verb]) if at_edge else verb}"

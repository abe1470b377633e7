"""One rule as a form: when it holds, and everything that may follow. The reader of documents has the last word."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from policies.book_pages.names import HouseNames
from policies.conditions import ALWAYS, condition_dump
from policies.conditions_form import ConditionField, ConditionForm
from policies.definition import MAX_LEVELS, MAX_NAME_LENGTH, MAX_TARGETS, severity_name
from policies.durations import duration_text
from policies.editing.draft import target_document, target_text
from policies.reading import DefinitionInvalid, Problem
from policies.routing import AskOtherwise, Effect, RoutingDef, RoutingRule, routing_parse
from policies.routing.values import MAX_TIMERS

LISTS: Mapping[str, str | Promise] = {
    "straight_to": gettext_lazy("Page at once, besides the first level"),
    "tell": gettext_lazy("Inform, without a page"),
    "ask": gettext_lazy("Ask first whether to escalate"),
}
"""The lists of people of a rule, by their names in the form."""
MARKS = ("guarded", "protected", "major", "problem")
OF_RULE = ("name", "reason", "when", "stop", "enabled")
"""What a rule has and "where no rule decides" has not."""
_LIST_ACT = re.compile(r"(straight_to|tell|ask)-(?:(\d{1,2})-)?(add|remove)")
_KEY_LENGTH = 50
_LIST_FIELDS = {"straight_to": "straight_to", "tell": "tell", "ask": "ask.targets"}


def _severities() -> list[tuple[str, str | Promise]]:
    names = [severity_name(number) for number in range(1, 6)]
    return [
        ("", gettext_lazy("As it came")),
        *((f"least:{name}", _("At least %(severity)s") % {"severity": name}) for name in names[:-1]),
        *((f"set:{name}", _("%(severity)s, whatever came") % {"severity": name}) for name in names),
    ]


def is_list_act(name: str) -> bool:
    return _LIST_ACT.fullmatch(name) is not None


class RuleForm(ConditionForm):
    """While one of its buttons is answered it is shown as typed, and nothing is checked."""

    name = forms.CharField(label=gettext_lazy("Name of the rule"), required=False, max_length=MAX_NAME_LENGTH)
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("What people read on the incident when the rule matched."),
    )
    when = ConditionField(label=gettext_lazy("When"), required=False)
    policy = forms.ChoiceField(label=gettext_lazy("Policy"), required=False)
    team = forms.ChoiceField(label=gettext_lazy("Responding team"), required=False)
    severity = forms.ChoiceField(label=gettext_lazy("Severity"), required=False)
    escalate = forms.ChoiceField(
        label=gettext_lazy("Paging"),
        required=False,
        choices=(
            ("", gettext_lazy("As it is")),
            ("yes", gettext_lazy("Page, whatever later rules say")),
            ("no", gettext_lazy("Page nobody")),
        ),
    )
    start_level = forms.CharField(
        label=gettext_lazy("Start at level"),
        required=False,
        widget=forms.NumberInput(attrs={"min": "1", "max": str(MAX_LEVELS), "inputmode": "numeric"}),
        help_text=gettext_lazy("The levels below are informed. Empty: the first."),
    )
    timers_percent = forms.CharField(
        label=gettext_lazy("Timers, in percent"),
        required=False,
        widget=forms.NumberInput(attrs={"min": "1", "max": str(MAX_TIMERS), "inputmode": "numeric"}),
        help_text=gettext_lazy("50 makes every wait half as long. Empty: as the policy has them."),
    )
    ask_within = forms.CharField(
        label=gettext_lazy("Wait for an answer"),
        required=False,
        widget=forms.TextInput(attrs={"placeholder": "10m", "spellcheck": "false", "autocapitalize": "off"}),
    )
    ask_otherwise = forms.ChoiceField(
        label=gettext_lazy("When nobody answers in time"),
        required=False,
        choices=(
            (AskOtherwise.PROCEED.value, gettext_lazy("Escalate")),
            (AskOtherwise.LEAVE.value, gettext_lazy("Page nobody")),
        ),
    )
    suppress = forms.CharField(
        label=gettext_lazy("Keep silent for"),
        required=False,
        widget=forms.TextInput(attrs={"placeholder": "2h", "spellcheck": "false", "autocapitalize": "off"}),
        help_text=gettext_lazy(
            "On record, and nobody is paged. Then it is escalated if it is still open. Empty: not at all."
        ),
    )
    guarded = forms.BooleanField(
        label=gettext_lazy("What automation would do to it waits for a person’s word"), required=False
    )
    protected = forms.BooleanField(label=gettext_lazy("Only owners of the service may silence it"), required=False)
    major = forms.BooleanField(label=gettext_lazy("Declare it a major incident"), required=False)
    problem = forms.BooleanField(label=gettext_lazy("Propose a problem record"), required=False)
    stop = forms.BooleanField(label=gettext_lazy("When this rule matches, no later rule is looked at"), required=False)
    enabled = forms.BooleanField(label=gettext_lazy("Switched on"), required=False)

    def __init__(self, names: HouseNames, *args: Any, of_rule: bool, action: str, **options: Any) -> None:
        options["prefix"] = "rule"
        super().__init__(*args, **options)
        if not of_rule:
            for field in OF_RULE:
                del self.fields[field]
        else:
            widget: Any = self.fields["when"].widget
            widget.offers, widget.name_value, widget.action = names.offers, names, action
        self._offer("policy", _("The service’s own"), names.offered(names.policies), names.policies)
        self._offer("team", _("The service’s own"), names.offered(names.teams), names.teams)
        severity: Any = self.fields["severity"]
        severity.choices = _severities()

    def _offer(self, field: str, blank: str, offered: Any, known: Mapping[str | int, str]) -> None:
        """What is chosen stays to be seen, by whatever it is called and whether or not it is there any more."""
        choices = [("", blank), *offered]
        chosen = str(self.data.get(self.add_prefix(field), "") if self.is_bound else self.initial.get(field) or "")
        if chosen and chosen not in dict(choices):
            choices.append((chosen, known.get(int(chosen) if chosen.isdecimal() else chosen, chosen)))
        target: Any = self.fields[field]
        target.choices = choices

    @property
    def redraws(self) -> bool:
        pressed = str(self.data.get("do", "")) if self.is_bound else ""
        return super().redraws or pressed == "look" or is_list_act(pressed)

    def refuse(self, field: str, message: str) -> bool:
        """Note what is wrong beside its field; False where the form has no such field."""
        if field not in self.fields:
            return False
        self.add_error(field, message)
        return True


# --- from a rule to the form


def initial_of(rule: RoutingRule | Effect) -> dict[str, Any]:
    effect = rule.then if isinstance(rule, RoutingRule) else rule
    initial: dict[str, Any] = {mark: getattr(effect, mark) for mark in MARKS}
    initial |= {
        "policy": effect.policy,
        "team": effect.team,
        "severity": _severity_text(effect),
        "escalate": {None: "", True: "yes", False: "no"}[effect.escalate],
        "start_level": effect.start_level,
        "timers_percent": effect.timers_percent,
        "suppress": "" if effect.suppress is None else duration_text(effect.suppress),
        "ask_within": duration_text(effect.ask.within_seconds) if effect.ask else "",
        "ask_otherwise": effect.ask.otherwise.value if effect.ask else AskOtherwise.PROCEED.value,
    }
    if isinstance(rule, RoutingRule):
        initial |= {name: getattr(rule, name) for name in OF_RULE}
    return initial


def _severity_text(effect: Effect) -> str:
    if effect.severity is not None:
        return f"set:{severity_name(effect.severity)}"
    return f"least:{severity_name(effect.severity_at_least)}" if effect.severity_at_least is not None else ""


def lists_of(effect: Effect) -> dict[str, list[str]]:
    asked = effect.ask.targets if effect.ask else ()
    named = {"straight_to": effect.straight_to, "tell": effect.tell, "ask": asked}
    return {name: [target_text(target) for target in targets] for name, targets in named.items()}


def lists_sent(data: Mapping[str, Any]) -> dict[str, list[str]]:
    """One more than allowed, so that the reader of documents can say so."""
    found: dict[str, list[str]] = {name: [] for name in LISTS}
    for name, texts in found.items():
        while f"{name}-{len(texts)}" in data and len(texts) <= MAX_TARGETS:
            texts.append(str(data[f"{name}-{len(texts)}"]))
    return found


def list_act(lists: dict[str, list[str]], pressed: str) -> str:
    """Add or remove a row as the button says; the id of the element that should have the focus then."""
    found = _LIST_ACT.fullmatch(pressed)
    if found is None:
        return ""
    name, row, verb = found[1], int(found[2] or 0), found[3]
    rows = lists[name]
    if verb == "add":
        rows.append("")
        return f"{name}-{len(rows) - 1}"
    if row < len(rows):
        del rows[row]
    return f"{name}-{min(row, len(rows) - 1)}-remove" if rows else f"{name}-add"


# --- from the form to a rule


def read_rule(
    form: RuleForm, lists: Mapping[str, Sequence[str]], *, key: str
) -> tuple[RoutingRule | None, dict[str, list[str]]]:
    """The rule that the form describes, None where it describes none; what is wrong stands beside its fields, what is
    wrong with a row of people in the second part, by the row's name."""
    if not form.is_valid():
        return None, {}
    values = form.cleaned_data
    document = {
        "key": key,
        "name": values["name"],
        "reason": values["reason"].replace("\r\n", "\n"),
        "when": condition_dump(values["when"] or ALWAYS),
        "then": _effect_document(values, lists),
        "stop": values["stop"],
        "enabled": values["enabled"],
    }
    routing, errors = _read(form, {"rules": [document]}, ("rules", 0), lists)
    return (routing.rules[0] if routing else None), errors


def read_otherwise(form: RuleForm, lists: Mapping[str, Sequence[str]]) -> tuple[Effect | None, dict[str, list[str]]]:
    """As `read_rule`, of what holds where no rule decides."""
    if not form.is_valid():
        return None, {}
    document = {"otherwise": _effect_document(form.cleaned_data, lists)}
    routing, errors = _read(form, document, ("otherwise",), lists)
    return (routing.otherwise if routing else None), errors


def _effect_document(values: Mapping[str, Any], lists: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    how, _colon, severity = values["severity"].partition(":")
    targets = {name: [target_document(text) for text in texts if text] for name, texts in lists.items()}
    document: dict[str, Any] = {
        "policy": _ref(values["policy"]),
        "team": _ref(values["team"]),
        "start_level": _number(values["start_level"]),
        "timers_percent": _number(values["timers_percent"]),
        "straight_to": targets["straight_to"],
        "tell": targets["tell"],
        "escalate": {"": None, "yes": True, "no": False}[values["escalate"]],
        "suppress": values["suppress"] or None,
        **{mark: values[mark] for mark in MARKS},
    }
    if severity:
        document["severity" if how == "set" else "severity_at_least"] = severity
    if targets["ask"]:
        within = values["ask_within"] or None
        document["ask"] = {"targets": targets["ask"], "within": within, "otherwise": values["ask_otherwise"]}
    return document


def _ref(text: str) -> str | int | None:
    return int(text) if text.isascii() and text.isdecimal() else text or None


def _number(text: str) -> int | str | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else text or None


def _read(
    form: RuleForm, document: object, start: tuple[str | int, ...], lists: Mapping[str, Sequence[str]]
) -> tuple[RoutingDef | None, dict[str, list[str]]]:
    try:
        return routing_parse(document), {}
    except DefinitionInvalid as error:
        rows: dict[str, list[str]] = {}
        for problem in error.problems:
            _place(form, problem, start, lists, rows)
        return None, rows


def _place(
    form: RuleForm,
    problem: Problem,
    start: tuple[str | int, ...],
    lists: Mapping[str, Sequence[str]],
    rows: dict[str, list[str]],
) -> None:
    keys = [key for key in problem.keys[len(start) :] if key != "then"]
    message = problem.message[:1].upper() + problem.message[1:]
    path = ".".join(str(key) for key in keys if not isinstance(key, int))
    for name, prefix in _LIST_FIELDS.items():
        if path.startswith(prefix):
            number = next((key for key in keys if isinstance(key, int)), 0)
            # Rows left empty are not in the document.
            named = [row for row, text in enumerate(lists[name]) if text]
            row = named[number] if number < len(named) else 0
            rows.setdefault(f"{name}-{row}", []).append(message)
            form.add_error(None, f"{LISTS[name]}: {problem.message}")
            return
    fields = {"severity_at_least": "severity", "ask.within": "ask_within", "ask.otherwise": "ask_otherwise"}
    if not keys or not form.refuse(fields.get(path, str(keys[0])), message):
        form.add_error(None, _("It %(problem)s.") % {"problem": problem.message} if not keys else message)


def free_key(name: str, taken: Sequence[str]) -> str:
    """A key that no rule of the book has."""
    base = slugify(name)[:_KEY_LENGTH].strip("-_") or "rule"
    base = base if base[0].isalnum() else f"rule-{base}"
    return next(
        key
        for key in (base if attempt == 1 else f"{base}-{attempt}" for attempt in range(1, len(taken) + 3))
        if key not in taken
    )

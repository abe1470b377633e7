"""The books: how each is read in words, described to programs, and where its page is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from policies.book_pages.names import HouseNames, gone
from policies.books import CHANNELS, CRITERIA, PRIORITY, ROUTING, SLA, Shape
from policies.channels import ChannelsDef, channels_lines, channels_schema
from policies.conditions import condition_sentence
from policies.criteria import CriteriaDef, criteria_schema, criteria_text
from policies.priority import priority_lines, priority_schema
from policies.reading import Problem
from policies.routing import RoutingDef, effect_sentences, routing_schema, rule_text
from policies.sla import sla_lines, sla_schema

Lines = Mapping[str, str]
"""Everything a version says, in sentences by what each is about."""


@dataclass(frozen=True, slots=True)
class Book:
    """``lines`` says several versions in words, in their order; ``missing`` names what one refers to and what there is
    not. ``read_at`` and ``edit_at`` are names of pages."""

    shape: Shape[Any]
    title: str | Promise
    about: str | Promise
    section: str
    schema: Callable[[], dict[str, Any]]
    lines: Callable[[Sequence[Any]], list[Lines]]
    read_at: str
    edit_at: str
    missing: Callable[[Any], tuple[Problem, ...]] = lambda _value: ()

    @property
    def name(self) -> str:
        return self.shape.book.value

    @property
    def read_url(self) -> str:
        return _url(self.read_at) or reverse("policies:book_history", args=(self.name,))

    @property
    def edit_url(self) -> str:
        """ "" where there is no page to write it on."""
        return _url(self.edit_at)


def _url(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


def _routing_lines(values: Sequence[RoutingDef]) -> list[Lines]:
    names = HouseNames(values)
    return [_rules_lines(value, names) for value in values]


def _rules_lines(routing: RoutingDef, names: HouseNames) -> Lines:
    lines = {_("Order"): " → ".join(rule.name for rule in routing.rules)}
    passed: dict[str, int] = {}
    for rule in routing.rules:
        passed[rule.name] = passed.get(rule.name, 0) + 1
        title = rule.name if passed[rule.name] == 1 else f"{rule.name} ({passed[rule.name]})"
        text = rule_text(rule, names.target, name=names)
        parts = {
            _("when"): condition_sentence(rule.when, name=names),
            _("what follows"): " ".join(text.then),
            _("reason"): rule.reason,
            _("state"): "" if rule.enabled else _("Switched off."),
        }
        for part, sentence in parts.items():
            lines[_("%(rule)s: %(field)s") % {"rule": title, "field": part}] = sentence
    lines[_("What no rule decides")] = " ".join(effect_sentences(routing.otherwise, names.target, name=names))
    return {field: sentence for field, sentence in lines.items() if sentence}


def _criteria_lines(values: Sequence[CriteriaDef]) -> list[Lines]:
    return [_criteria_of(value) for value in values]


def _criteria_of(criteria: CriteriaDef) -> Lines:
    text = criteria_text(criteria)
    lines = {
        _("Question: %(key)s") % {"key": one.key}: " ".join([one.text, one.help, one.answered, ", ".join(one.choices)])
        for one in text.questions
    }
    for group in (*text.severity, *text.impact, *text.urgency):
        for number, criterion in enumerate(group.criteria, 1):
            places = {"scale": group.scale.value, "value": group.name, "number": number}
            lines[_("%(scale)s %(value)s, criterion %(number)d") % places] = f"{criterion.reason} {criterion.sentence}"
    lines[_("Where no criterion holds")] = text.otherwise
    lines[_("Where it stays unclear")] = text.unclear
    return {field: sentence.strip() for field, sentence in lines.items() if sentence.strip()}


def _channels_lines(values: Sequence[ChannelsDef]) -> list[Lines]:
    names = HouseNames()
    return [channels_lines(value, name=names) for value in values]


BOOKS: Mapping[str, Book] = {
    book.name: book
    for book in (
        Book(
            ROUTING,
            gettext_lazy("Routing rules"),
            gettext_lazy("Which policy an incident follows, where it starts, and who is paged or told besides."),
            "routing",
            routing_schema,
            _routing_lines,
            "policies:rules",
            "policies:rules_edit",
            gone,
        ),
        Book(
            CRITERIA,
            gettext_lazy("Severity criteria"),
            gettext_lazy("The questions from whose answers a severity is proposed."),
            "severity_criteria",
            criteria_schema,
            _criteria_lines,
            "policies:criteria",
            "policies:criteria_edit",
        ),
        Book(
            PRIORITY,
            gettext_lazy("Priority matrix"),
            gettext_lazy("What is worked on first: from impact and urgency, and as an SLA’s time runs down."),
            "priority",
            priority_schema,
            lambda values: [priority_lines(value) for value in values],
            "policies:priority",
            "policies:priority",
        ),
        Book(
            SLA,
            gettext_lazy("SLA targets"),
            gettext_lazy("By when an incident is to be acknowledged and resolved."),
            "sla",
            sla_schema,
            lambda values: [sla_lines(value) for value in values],
            "policies:sla",
            "policies:sla",
        ),
        Book(
            CHANNELS,
            gettext_lazy("Channel criteria"),
            gettext_lazy("By which kinds of contact method people are paged for which incident."),
            "channels",
            channels_schema,
            _channels_lines,
            "policies:channels",
            "policies:channels",
        ),
    )
}

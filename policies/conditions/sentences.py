"""Conditions in words, in the active language.

Pure apart from translation: names of services and teams come from the caller, who knows the database.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from policies.conditions.compiling import Trace, accepted
from policies.conditions.kinds import OPERATORS, YES_OR_NO, Kind, Operator, Shape
from policies.conditions.values import Check, Condition, Day, Join, Range, Window
from policies.conditions.vocabulary import VOCABULARY, FactDef, Vocabulary
from policies.sentences import duration_words, joined

Namer = Callable[[str, str], str]
"""What a fact's value is called: ("service", "payments-api") gives "Payments API"."""


def as_written(_fact: str, value: str) -> str:
    """The namer that knows no names."""
    return value


@dataclass(frozen=True, slots=True)
class ConditionText:
    """A condition for lists: `text` is a check's clause, or the heading above the `parts` of a group.

    `held` and `saw` are set where it was evaluated: whether it held, and on what value, in words.
    """

    text: str
    parts: tuple[ConditionText, ...] = ()
    held: bool | None = None
    saw: str = ""


def condition_sentence(condition: Condition, *, vocabulary: Vocabulary = VOCABULARY, name: Namer = as_written) -> str:
    """One whole sentence: "The severity is SEV-1 or SEV-2, and the service is Payments API or Checkout." """
    return _sentence(_Words(vocabulary, name).clause(condition))


def condition_text(
    condition: Condition, *, vocabulary: Vocabulary = VOCABULARY, name: Namer = as_written
) -> ConditionText:
    """The condition as headings and clauses, for a list with a line for each."""
    return _Words(vocabulary, name).tree(condition)


def trace_text(trace: Trace, *, vocabulary: Vocabulary = VOCABULARY, name: Namer = as_written) -> ConditionText:
    """As `condition_text`, with what became of each part."""
    return _Words(vocabulary, name).traced(trace)


def operator_label(operator: Operator, kind: Kind) -> str:
    """The operator as a form offers it, beside a fact of that kind: "is above", "is longer than"."""
    return str(_LABELS_BY_KIND.get(kind, {}).get(operator, _LABELS[operator]))


def _sentence(clause: str) -> str:
    began = f"({capfirst(clause[1:])}" if clause.startswith("(") else capfirst(clause)
    # Translators: a clause made into a sentence.
    return _("%(clause)s.") % {"clause": began}


class _Words:
    def __init__(self, vocabulary: Vocabulary, name: Namer) -> None:
        self._vocabulary = vocabulary
        self._name = name

    def clause(self, condition: Condition, *, inner: bool = False) -> str:
        """Without a capital and without a full stop; an inner group stands in brackets, which leave no doubt."""
        if isinstance(condition, Check):
            return self.check(condition)
        clauses = [self.clause(part, inner=True) for part in condition.parts]
        if not clauses:
            return _("in every case")
        if condition.join is Join.NONE:
            return _none(clauses)
        if len(clauses) == 1:
            return clauses[0]
        text = _and(clauses) if condition.join is Join.ALL else _or(clauses)
        return f"({text})" if inner else text

    def tree(self, condition: Condition) -> ConditionText:
        if isinstance(condition, Check):
            return ConditionText(_sentence(self.check(condition)))
        if not condition.parts:
            return ConditionText(_("In every case."))
        return ConditionText(str(_HEADINGS[condition.join]), tuple(self.tree(part) for part in condition.parts))

    def traced(self, trace: Trace) -> ConditionText:
        if isinstance(trace.condition, Check):
            return ConditionText(self.tree(trace.condition).text, (), trace.held, self.saw(trace))
        parts = tuple(self.traced(part) for part in trace.parts)
        return ConditionText(self.tree(trace.condition).text, parts, trace.held)

    def check(self, check: Check) -> str:
        fact = self._vocabulary.find(check.fact)
        if fact is None:
            return _("“%(fact)s”, which is not known any more, holds") % {"fact": check.fact}
        if fact.kind in YES_OR_NO and check.operator is Operator.IS:
            return self._yes_or_no(check, fact)
        shape = OPERATORS[fact.kind].get(check.operator)
        words = {"fact": _subject(fact), "value": self._operand(check, fact, shape)}
        template = _BY_KIND.get(fact.kind, {}).get(check.operator, _TEMPLATES.get(check.operator))
        clause = str(template) % words if template is not None else " ".join(words.values())
        return self._placed(clause, check)

    def saw(self, trace: Trace) -> str:
        """What a check saw: "It is SEV-1." """
        check = trace.condition
        if not isinstance(check, Check):
            return ""
        fact = self._vocabulary.find(check.fact)
        if trace.value is None or fact is None:
            return _("It is not known.")
        if fact.kind in YES_OR_NO:
            return _sentence(str(fact.yes if trace.value is True else fact.no))
        if fact.kind is Kind.HISTORY and isinstance(trace.value, int):
            return _("It is %(value)s.") % {"value": trace.value}
        if fact.kind is Kind.TEXT:
            return _saw_in_text(check, trace.value)
        if fact.kind is Kind.TIME:
            day, _blank, clock = str(trace.value).partition(" ")
            return _("It is %(day)s, %(clock)s.") % {"day": _DAY_WORDS[Day(day)], "clock": clock}
        values = trace.value if isinstance(trace.value, list) else [trace.value]
        shown = [self._value(value, fact) for value in values]
        return _("It is %(value)s.") % {"value": joined(shown)} if shown else _("It is empty.")

    def _yes_or_no(self, check: Check, fact: FactDef) -> str:
        clause = str(fact.yes if check.value is True else fact.no)
        if check.calendar:
            return _("%(clause)s by the calendar “%(calendar)s”") % {
                "clause": clause,
                "calendar": self._name("calendar", check.calendar),
            }
        return clause

    def _placed(self, clause: str, check: Check) -> str:
        """With the span or the clock that belongs to it."""
        if check.within:
            return _("%(clause)s within %(time)s") % {"clause": clause, "time": duration_words(check.within)}
        if check.zone:
            return _("%(clause)s on the clock of %(zone)s") % {"clause": clause, "zone": check.zone}
        return clause

    def _operand(self, check: Check, fact: FactDef, shape: Shape | None) -> str:
        value = check.value
        if isinstance(value, Range):
            return _("%(least)s and %(most)s") % {
                "least": self._value(value.least, fact),
                "most": self._value(value.most, fact),
            }
        if fact.kind is Kind.RANK and check.operator in (Operator.AT_LEAST, Operator.AT_MOST):
            # "At least tier 2" is read one way by some and the other way by others; a list is read one way.
            return _or_list([str(words) for rank, words in fact.choices if rank in (accepted(check, fact) or ())])
        if isinstance(value, tuple):
            return _or_list([self._member(item, fact, shape) for item in value])
        if shape in (Shape.FRAGMENT, Shape.PATTERN):
            return _quoted(str(value))
        return self._value(value, fact)

    def _member(self, item: object, fact: FactDef, shape: Shape | None) -> str:
        if isinstance(item, Window):
            return window_text(item)
        return _quoted(str(item)) if shape is Shape.PHRASES else self._value(item, fact)

    def _value(self, value: object, fact: FactDef) -> str:
        for key, words in fact.choices:
            if key == value:
                return str(words)
        if fact.kind is Kind.DURATION and isinstance(value, int | float) and not isinstance(value, bool):
            return duration_words(int(value))
        if isinstance(value, int | float) and not isinstance(value, bool):
            return f"{_number(value)}{fact.unit}"
        if fact.kind in (Kind.NAME, Kind.CHOICE) and isinstance(value, str):
            return self._name(fact.name, value)
        if isinstance(value, bool):
            return _("yes") if value else _("no")
        return _quoted(str(value)) if fact.kind in (Kind.OPEN, Kind.WORD, Kind.WORDS) else str(value)


def _subject(fact: FactDef) -> str:
    subject = str(fact.subject or fact.yes or fact.label)
    return subject % {"name": fact.name.partition(".")[2]} if "%(name)s" in subject else subject


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else f"{value:.6g}"


def _quoted(text: str) -> str:
    return _("“%(text)s”") % {"text": text}


def window_text(window: Window) -> str:
    """ "09:00–18:00 on Monday and Tuesday"."""
    times = {"start": window.start.strftime("%H:%M"), "end": window.end.strftime("%H:%M")}
    if len(window.days) == len(Day):
        return _("%(start)s–%(end)s every day") % times
    return _("%(start)s–%(end)s on %(days)s") % {**times, "days": _days(window.days)}


def _days(days: Sequence[Day]) -> str:
    """Three or more days after one another as a span."""
    order = list(Day)
    first, last = order.index(days[0]), order.index(days[-1])
    if len(days) > 2 and last - first == len(days) - 1:
        return _("%(first)s to %(last)s") % {"first": _DAY_WORDS[days[0]], "last": _DAY_WORDS[days[-1]]}
    return joined([str(_DAY_WORDS[day]) for day in days])


def _saw_in_text(check: Check, value: object) -> str:
    if check.operator is Operator.KEYWORD and isinstance(value, list):
        if not value:
            return _("None of the words is in it.")
        return ngettext("It has the word %(words)s.", "It has the words %(words)s.", len(value)) % {
            "words": joined([_quoted(str(word)) for word in value])
        }
    text = str(value)
    return _("It is %(value)s.") % {"value": _quoted(text if len(text) <= 80 else f"{text[:79]}…")}


def _and(clauses: Sequence[str]) -> str:
    return _("%(first)s, and %(last)s") % {"first": ", ".join(clauses[:-1]), "last": clauses[-1]}


def _or(clauses: Sequence[str]) -> str:
    return _("%(first)s, or %(last)s") % {"first": ", ".join(clauses[:-1]), "last": clauses[-1]}


def _none(clauses: Sequence[str]) -> str:
    if len(clauses) == 1:
        return _("it is not so that %(clause)s") % {"clause": clauses[0]}
    return _("none of these is so: %(clauses)s") % {"clauses": "; ".join(clauses)}


def _or_list(words: Sequence[str]) -> str:
    if len(words) < 2:
        return "".join(words)
    return _("%(first)s or %(last)s") % {"first": ", ".join(words[:-1]), "last": words[-1]}


_HEADINGS: Mapping[Join, Promise] = {
    Join.ALL: gettext_lazy("All of these:"),
    Join.ANY: gettext_lazy("At least one of these:"),
    Join.NONE: gettext_lazy("None of these:"),
}

_TEMPLATES: Mapping[Operator, Promise] = {
    Operator.IS: gettext_lazy("%(fact)s is %(value)s"),
    Operator.IS_NOT: gettext_lazy("%(fact)s is known and is not %(value)s"),
    Operator.ONE_OF: gettext_lazy("%(fact)s is %(value)s"),
    Operator.NONE_OF: gettext_lazy("%(fact)s is known and is not %(value)s"),
    Operator.AT_LEAST: gettext_lazy("%(fact)s is %(value)s"),
    Operator.AT_MOST: gettext_lazy("%(fact)s is %(value)s"),
    Operator.LT: gettext_lazy("%(fact)s is below %(value)s"),
    Operator.LE: gettext_lazy("%(fact)s is %(value)s or less"),
    Operator.GT: gettext_lazy("%(fact)s is above %(value)s"),
    Operator.GE: gettext_lazy("%(fact)s is %(value)s or more"),
    Operator.BETWEEN: gettext_lazy("%(fact)s is between %(value)s"),
    Operator.CONTAINS: gettext_lazy("%(fact)s contains %(value)s"),
    Operator.STARTS_WITH: gettext_lazy("%(fact)s starts with %(value)s"),
    Operator.KEYWORD: gettext_lazy("%(fact)s has the word %(value)s or one that means the same"),
    Operator.MATCHES: gettext_lazy("%(fact)s matches the pattern %(value)s"),
    Operator.WITHIN: gettext_lazy("%(fact)s is within %(value)s"),
    Operator.OUTSIDE: gettext_lazy("%(fact)s is outside %(value)s"),
    Operator.KNOWN: gettext_lazy("%(fact)s is known"),
    Operator.UNKNOWN: gettext_lazy("%(fact)s is not known"),
}

_BY_KIND: Mapping[Kind, Mapping[Operator, Promise]] = {
    Kind.WORDS: {
        Operator.CONTAINS: gettext_lazy("%(fact)s include %(value)s"),
        Operator.ONE_OF: gettext_lazy("%(fact)s include %(value)s"),
        Operator.NONE_OF: gettext_lazy("%(fact)s are known and do not include %(value)s"),
        Operator.KNOWN: gettext_lazy("%(fact)s are known"),
        Operator.UNKNOWN: gettext_lazy("%(fact)s are not known"),
    },
    Kind.FLAG: {
        Operator.KNOWN: gettext_lazy("it is known whether %(fact)s"),
        Operator.UNKNOWN: gettext_lazy("it is not known whether %(fact)s"),
    },
    Kind.WEEKDAY: {
        Operator.IS: gettext_lazy("%(fact)s is %(value)s"),
        Operator.NONE_OF: gettext_lazy("%(fact)s is not %(value)s"),
    },
}

_LABELS: Mapping[Operator, Promise] = {
    Operator.IS: gettext_lazy("is"),
    Operator.IS_NOT: gettext_lazy("is not"),
    Operator.ONE_OF: gettext_lazy("is one of"),
    Operator.NONE_OF: gettext_lazy("is none of"),
    Operator.AT_LEAST: gettext_lazy("is at least as critical as"),
    Operator.AT_MOST: gettext_lazy("is at most as critical as"),
    Operator.LT: gettext_lazy("is below"),
    Operator.LE: gettext_lazy("is at most"),
    Operator.GT: gettext_lazy("is above"),
    Operator.GE: gettext_lazy("is at least"),
    Operator.BETWEEN: gettext_lazy("is between"),
    Operator.CONTAINS: gettext_lazy("contains"),
    Operator.STARTS_WITH: gettext_lazy("starts with"),
    Operator.KEYWORD: gettext_lazy("has the word"),
    Operator.MATCHES: gettext_lazy("matches the pattern"),
    Operator.WITHIN: gettext_lazy("is within"),
    Operator.OUTSIDE: gettext_lazy("is outside"),
    Operator.KNOWN: gettext_lazy("is known"),
    Operator.UNKNOWN: gettext_lazy("is not known"),
}

_LABELS_BY_KIND: Mapping[Kind, Mapping[Operator, Promise]] = {
    Kind.WORDS: {
        Operator.CONTAINS: gettext_lazy("include"),
        Operator.ONE_OF: gettext_lazy("include one of"),
        Operator.NONE_OF: gettext_lazy("include none of"),
        Operator.KNOWN: gettext_lazy("are known"),
        Operator.UNKNOWN: gettext_lazy("are not known"),
    },
    Kind.DURATION: {
        Operator.LT: gettext_lazy("is shorter than"),
        Operator.GT: gettext_lazy("is longer than"),
    },
}

_DAY_WORDS: Mapping[Day, Promise] = {
    Day.MON: gettext_lazy("Monday"),
    Day.TUE: gettext_lazy("Tuesday"),
    Day.WED: gettext_lazy("Wednesday"),
    Day.THU: gettext_lazy("Thursday"),
    Day.FRI: gettext_lazy("Friday"),
    Day.SAT: gettext_lazy("Saturday"),
    Day.SUN: gettext_lazy("Sunday"),
}

"""The kinds of facts, the operators each kind knows, and what stands at an operator's right side.

One table says all of it: the reader, the compiler, the sentences, the schema and the form builder go by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Kind(StrEnum):
    """What sort of value a fact is."""

    RANK = "rank"
    """A place on a scale on which 1 is the worst: severity, tier."""
    CHOICE = "choice"
    """One of a closed set of keys."""
    NAME = "name"
    """What a system calls something (a slug, a rule's name); compared exactly."""
    WORD = "word"
    """A short text that people write; compared without regard to case and surrounding blanks."""
    OPEN = "open"
    """A value nobody declared: a label, a custom field. A word, and a number too where it reads as one."""
    WORDS = "words"
    """A set of words: tags."""
    FLAG = "flag"
    NUMBER = "number"
    DURATION = "duration"
    """Elapsed seconds."""
    HISTORY = "history"
    """When something happened before, as seconds ago; asked for the number of times within a span."""
    TEXT = "text"
    """Prose, searched for words and patterns."""
    WEEKDAY = "weekday"
    """The day of the week on the wall clock of a zone."""
    TIME = "time"
    """The present instant on the wall clock of a zone, held against weekly windows."""
    CALENDAR = "calendar"
    """Yes or no, as a business calendar has it for the present instant."""


class Operator(StrEnum):
    IS = "is"
    IS_NOT = "is_not"
    ONE_OF = "one_of"
    NONE_OF = "none_of"
    AT_LEAST = "at_least"
    """At least as bad: SEV-1 is at least SEV-2."""
    AT_MOST = "at_most"
    LT = "lt"
    LE = "le"
    GT = "gt"
    GE = "ge"
    BETWEEN = "between"
    """Both ends belong to it."""
    CONTAINS = "contains"
    STARTS_WITH = "starts_with"
    KEYWORD = "keyword"
    """Any of the words or phrases, as whole words, or a synonym of one; "pay*" is every word that begins so."""
    MATCHES = "matches"
    """A pattern of `policies.conditions.patterns`, found anywhere."""
    WITHIN = "within"
    OUTSIDE = "outside"
    KNOWN = "known"
    UNKNOWN = "unknown"


class Shape(StrEnum):
    """What an operator wants at its right side."""

    NOTHING = "nothing"
    ONE = "one"
    MANY = "many"
    SIZE = "size"
    """A number, a duration or a count."""
    RANGE = "range"
    FRAGMENT = "fragment"
    """A piece of text."""
    PHRASES = "phrases"
    PATTERN = "pattern"
    WINDOWS = "windows"


_EQUAL = {
    Operator.IS: Shape.ONE,
    Operator.IS_NOT: Shape.ONE,
    Operator.ONE_OF: Shape.MANY,
    Operator.NONE_OF: Shape.MANY,
}
_PRESENT = {Operator.KNOWN: Shape.NOTHING, Operator.UNKNOWN: Shape.NOTHING}
_MEASURED = {
    Operator.LT: Shape.SIZE,
    Operator.LE: Shape.SIZE,
    Operator.GT: Shape.SIZE,
    Operator.GE: Shape.SIZE,
    Operator.BETWEEN: Shape.RANGE,
}
_WRITTEN = {
    Operator.CONTAINS: Shape.FRAGMENT,
    Operator.STARTS_WITH: Shape.FRAGMENT,
    Operator.MATCHES: Shape.PATTERN,
}

OPERATORS: Mapping[Kind, Mapping[Operator, Shape]] = MappingProxyType(
    {
        Kind.RANK: {**_EQUAL, Operator.AT_LEAST: Shape.ONE, Operator.AT_MOST: Shape.ONE, **_PRESENT},
        Kind.CHOICE: {**_EQUAL, **_PRESENT},
        Kind.NAME: {**_EQUAL, **_WRITTEN, **_PRESENT},
        Kind.WORD: {**_EQUAL, **_WRITTEN, **_PRESENT},
        Kind.OPEN: {**_EQUAL, **_WRITTEN, **_MEASURED, **_PRESENT},
        Kind.WORDS: {
            Operator.CONTAINS: Shape.ONE,
            Operator.ONE_OF: Shape.MANY,
            Operator.NONE_OF: Shape.MANY,
            **_PRESENT,
        },
        Kind.FLAG: {Operator.IS: Shape.ONE, **_PRESENT},
        Kind.NUMBER: {**_MEASURED, **_PRESENT},
        Kind.DURATION: {**_MEASURED, **_PRESENT},
        Kind.HISTORY: {**_MEASURED, **_PRESENT},
        Kind.TEXT: {Operator.KEYWORD: Shape.PHRASES, **_WRITTEN, **_PRESENT},
        Kind.WEEKDAY: {Operator.IS: Shape.ONE, Operator.ONE_OF: Shape.MANY, Operator.NONE_OF: Shape.MANY},
        Kind.TIME: {Operator.WITHIN: Shape.WINDOWS, Operator.OUTSIDE: Shape.WINDOWS},
        Kind.CALENDAR: {Operator.IS: Shape.ONE},
    }
)
"""The operators of each kind in the order a form offers them; the first is the one meant when none is written."""

CLOCK_KINDS = (Kind.WEEKDAY, Kind.TIME, Kind.CALENDAR)
"""Facts that follow from the present instant. Nobody hands them over."""

YES_OR_NO = (Kind.FLAG, Kind.CALENDAR)

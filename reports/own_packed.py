"""Answers to the house's own questions as bytes: those of a day's incidents beside each other, so that a year of them is read in one go.

JSON is read incident by incident: of 200,000 that took three quarters of a second for each question, and of a million four. Packed are
questions of a few answers (``PACKED``). A question with too many different ones on a day, and one whose answers are of no such kind, are
named, and asked of the incidents then: whoever is told nothing of a question knows that it has no answer there.
"""

import zlib
from array import array
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from struct import Struct
from typing import Any

import orjson
from django.db.models.fields.json import KeyTransform

from incidents.models import CustomField, Incident
from reports.figures.times import little
from reports.models import DayAnswers

PACKED = (CustomField.Kind.FLAG, CustomField.Kind.CHOICE)
"""Fields whose answer is one of a few."""
MOST = 65_535
"""Different answers on one day."""
_HEAD = Struct("<BII")
_FORMAT = 1


class AnswersOfDay:
    """What was packed of one day. Raises ValueError for bytes of another format."""

    def __init__(self, data: bytes) -> None:
        plain = zlib.decompress(data)
        form, size, self._count = _HEAD.unpack_from(plain)
        if form != _FORMAT:
            raise ValueError(f"packed answers of format {form}")
        begin = _HEAD.size + size
        head = orjson.loads(plain[_HEAD.size : begin])
        self._texts: Mapping[str, Sequence[str]] = head["texts"]
        self._others: Sequence[str] = head["others"]
        self._numbers = memoryview(plain)[begin:]

    def knows(self, key: str) -> bool:
        """Whether all answers to ``key`` are here."""
        return key not in self._others

    def texts(self, key: str) -> Sequence[str]:
        """The different answers to ``key``."""
        return self._texts.get(key, ())

    def numbers(self, key: str, places: Mapping[str, int]) -> Iterable[tuple[int, int]]:
        """Each incident that has any answer, with the number that ``places`` gives to the one to ``key``; nought where it has none."""
        if key not in self._texts:
            return ()
        table = [0, *(places[text] for text in self._texts[key])]
        codes = self._column("H", 8 + 2 * list(self._texts).index(key))
        ids = self._column("q", 0)
        return zip(ids, map(table.__getitem__, codes), strict=True)

    def _column(self, code: str, before: int) -> "array[int]":
        """One column, with so many bytes of a row ``before`` it."""
        found = array(code)
        begin = before * self._count
        found.frombytes(self._numbers[begin : begin + found.itemsize * self._count])
        return little(found)


def answers_packed(answers: Mapping[int, Mapping[str, Any]], keys: Iterable[str]) -> bytes:
    """The ``answers`` by incident; those to ``keys``, the others by name."""
    asked = frozenset(keys)
    texts: dict[str, dict[str, int]] = {}
    others: set[str] = set()
    for given in answers.values():
        for key, answer in given.items():
            text = text_of(answer)
            if key in asked and text is not None:
                found = texts.setdefault(key, {})
                found.setdefault(text, len(found) + 1)
            elif answer not in (None, ""):
                others.add(key)
    others |= {key for key, found in texts.items() if len(found) > MOST}
    kept = {key: found for key, found in texts.items() if key not in others}
    head = orjson.dumps({"texts": {key: list(found) for key, found in kept.items()}, "others": sorted(others)})
    columns = [
        array("H", (found.get(text_of(given.get(key)) or "", 0) for given in answers.values()))
        for key, found in kept.items()
    ]
    numbers = [array("q", answers), *columns] if kept else []
    plain = _HEAD.pack(_FORMAT, len(head), len(answers) if kept else 0) + head
    return zlib.compress(plain + b"".join(little(one).tobytes() for one in numbers), 1)


def text_of(answer: Any) -> str | None:
    """An answer to one of ``PACKED`` as the database writes it out of JSON; None for what is none."""
    if isinstance(answer, bool):
        return "true" if answer else "false"
    return answer if isinstance(answer, str) and answer else None


def answers_pack(days: Mapping[date, Sequence[int]]) -> None:
    """Pack the answers on these incidents of each day anew."""
    kinds = dict(CustomField.objects.values_list("key", "kind"))
    keys = [key for key, kind in kinds.items() if kind in PACKED]
    rows = [
        DayAnswers(day=day, data=answers_packed(_given(ids) if kinds and ids else {}, keys))
        for day, ids in days.items()
    ]
    DayAnswers.objects.bulk_create(rows, update_conflicts=True, unique_fields=["day"], update_fields=["data"])


AT_ONCE = 5_000


def _given(ids: Sequence[int]) -> dict[int, Mapping[str, Any]]:
    """What people answered on these incidents."""
    found: dict[int, Mapping[str, Any]] = {}
    for begin in range(0, len(ids), AT_ONCE):
        some = Incident.objects.filter(pk__in=ids[begin : begin + AT_ONCE], facts__has_key="custom").order_by()
        rows: Any = some.values_list("pk", KeyTransform("custom", "facts"))
        found.update((pk, given) for pk, given in rows if isinstance(given, dict) and given)
    return found

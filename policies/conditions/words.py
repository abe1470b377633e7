"""Words in prose: folded so that case and accents do not matter, found as whole words, with their synonyms."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

MAX_TEXT = 20_000
"""Characters of a text that are searched; the rest of a longer one is not looked at."""

_WORD = re.compile(r"\w+")
_ACCENTS = re.compile("[\u0300-\u036f]")
_UNSPACED = re.compile("[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
"""Scripts that set no blanks between words (Thai, Lao, Khmer, Chinese, Japanese): there a word is found anywhere."""

Synonyms = Mapping[str, tuple[tuple[str, ...], ...]]
"""By language: groups of words and phrases that mean the same. Groups that share a word, also across languages, are
one: a reporter writes in whichever language they like."""


def caseless(text: str) -> str:
    """How short texts (environment, region, labels) are compared."""
    return text.strip().casefold()


def folded(text: str) -> str:
    """How prose is compared: "Café" and "CAFE" are the same."""
    if text.isascii():
        return text.lower()
    return _ACCENTS.sub("", unicodedata.normalize("NFKD", text)).casefold()


class Prose:
    """A text to be searched, taken apart once and only when asked."""

    def __init__(self, text: str) -> None:
        self.text = text[:MAX_TEXT]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Prose) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    @cached_property
    def folded(self) -> str:
        return folded(self.text)

    @cached_property
    def words(self) -> frozenset[str]:
        return frozenset(_WORD.findall(self.folded))

    @cached_property
    def line(self) -> str:
        """The words in order with one blank before, between and after, for phrases."""
        return f" {' '.join(_WORD.findall(self.folded))} "


class Keywords:
    """Words and phrases to look for. `synonyms` widens them; what a person reads is always their own word."""

    def __init__(self, phrases: Iterable[str], synonyms: Synonyms) -> None:
        self._single: dict[str, str] = {}
        self._finders: list[tuple[str, Callable[[Prose], bool]]] = []
        alike = _alike(synonyms)
        for phrase in phrases:
            for form in (phrase, *alike.get(_key(phrase), ())):
                self._add(form)
        self._singles = frozenset(self._single)

    def _add(self, phrase: str) -> None:
        key = _key(phrase)
        if _UNSPACED.search(key):
            self._finders.append((phrase, lambda prose: key in prose.folded))
        elif phrase.rstrip().endswith("*"):
            beginning = f" {key}"
            self._finders.append((phrase, lambda prose: beginning in prose.line))
        elif " " in key:
            whole = f" {key} "
            self._finders.append((phrase, lambda prose: whole in prose.line))
        elif key:
            self._single.setdefault(key, phrase)

    def found(self, prose: Prose) -> bool:
        if not self._singles.isdisjoint(prose.words):
            return True
        return any(finds(prose) for _phrase, finds in self._finders)

    def which(self, prose: Prose) -> tuple[str, ...]:
        """The words that are in the text, as they were written here or in the table of synonyms."""
        single = [phrase for key, phrase in self._single.items() if key in prose.words]
        return (*single, *(phrase for phrase, finds in self._finders if finds(prose)))


def _key(phrase: str) -> str:
    """The comparable form: folded words with one blank between. Punctuation says nothing: "sign-in" is "sign in"."""
    return " ".join(_WORD.findall(folded(phrase)))


def has_words(phrase: str) -> bool:
    return bool(_key(phrase))


def _alike(synonyms: Synonyms) -> Mapping[str, tuple[str, ...]]:
    """For each word the words that mean the same."""
    groups: list[dict[str, str]] = []
    for language in synonyms.values():
        for words in language:
            merged = {_key(word): word for word in words}
            for group in [group for group in groups if not group.keys().isdisjoint(merged)]:
                merged = {**group, **merged}
                groups.remove(group)
            groups.append(merged)
    return {key: tuple(group.values()) for group in groups for key in group}

"""What somebody typed into a search box, as words and phrases. Pure; whatever is typed means something or nothing, never an error.

Words are beginnings ("pay" finds "payments"); "quoted words" stand side by side. All of them must be there. Accents and capitals do not
count. Both databases cut text where these functions cut it: at everything that is no letter or digit.
"""

import re
import unicodedata
from dataclasses import dataclass

MOST_WORDS = 12
LONGEST = 60
_QUOTED = re.compile(r'"([^"]*)"')
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Terms of one word or, for a phrase, several. Empty means: nothing to look for.

    ``spelled`` says of some words which there are that begin so, where that was looked up (``incidents.search.lookup.spelled``).
    """

    terms: tuple[tuple[str, ...], ...]
    spelled: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.terms)

    def postgres(self, *, weights: str) -> str:
        """As PostgreSQL's to_tsquery reads it; ``weights`` are the parts of an incident that are looked through ("ABC"),
        "" means all of them."""
        return " & ".join(self._postgres_term(term, weights) for term in self.terms)

    def _postgres_term(self, term: tuple[str, ...], weights: str) -> str:
        if len(term) == 1:
            return f"'{term[0]}':*{weights}"
        part = f":{weights}" if weights else ""
        return "(" + " <-> ".join(f"'{word}'{part}" for word in term) + ")"

    def sqlite(self, *, columns: tuple[str, ...]) -> str:
        """As SQLite's FTS5 reads it; ``columns`` are the parts that are looked through."""
        terms = " AND ".join(self._begun(term[0]) if len(term) == 1 else f'"{" ".join(term)}"' for term in self.terms)
        return f"{{{' '.join(columns)}}} : ({terms})"

    def _begun(self, word: str) -> str:
        """What begins with ``word``: FTS5 gathers all that say it before it gives the first, unless the words are named."""
        named = dict(self.spelled).get(word, ())
        return "(" + " OR ".join(f'"{one}"' for one in named) + ")" if named else f'"{word}"*'


def wanted(text: str) -> Wanted:
    """The words and phrases in ``text``, the first dozen of them."""
    phrases = [tuple(_words(quoted)) for quoted in _QUOTED.findall(text)]
    single = [(word,) for word in _words(_QUOTED.sub(" ", text))]
    found = [term for term in dict.fromkeys([*phrases, *single]) if term]
    return Wanted(tuple(found[:MOST_WORDS]))


def _words(text: str) -> list[str]:
    plain = "".join(one for one in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(one))
    return [word[:LONGEST] for word in _WORD.findall(plain)][:MOST_WORDS]

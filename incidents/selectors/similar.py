"""What an incident that somebody begins to file may be already: open ones like it, how one like it was mended, known articles.

Few rows are looked at, however many incidents there are: the newest open ones of the service and, where words were typed, those that the
full-text index finds. How like they are is counted over the words of their titles.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any

from django.core.cache import cache
from django.db.models import Q
from django.db.models.functions import Coalesce

from incidents.models import Document, Incident, Service
from incidents.search import Wanted, among, newest, newest_among, spelled
from incidents.selectors.documents import documents_for_user
from oncall.models import User

LOOKED_AT = 100
"""Rows of each kind that are compared."""
LONGEST = 4
"""Of how many words the index is asked: the rarest words are long."""
SHOWN_OPEN, SHOWN_SOLVED, SHOWN_DOCUMENTS = 3, 1, 2
SOLVED_WITHIN = timedelta(days=180)
MENDED_SHOWN, MENDED_KEPT, MENDED_SECONDS = 3, 12, 600
WORDED = 2_000
"""Of many that share its words the newest of all are compared."""
LIKE, CLOSE = 0.34, 0.6
"""From which part of the words on it is worth showing, and from which it is very close."""
STEM = 5
"""Words that begin alike are the same word: "label" and "labels", "betaling" and "betalingen"."""
_WORD = re.compile(r"[a-z0-9]{2,}")
_COMMON = frozenset(
    # English, Italian, Dutch: what is in every title.
    (
        "the", "and", "for", "not", "with", "from", "are", "was", "has", "have", "does", "can", "cannot", "all", "some", "since",
        "when", "no", "on", "in", "is", "at", "of", "to", "il", "lo", "la", "le", "gli", "un", "una", "per", "con", "non", "che",
        "dei", "del", "della", "nel", "sono", "di", "da", "su", "de", "het", "een", "en", "van", "voor", "niet", "met", "bij",
        "na", "uit", "zijn", "te", "op", "er",
    )
)  # fmt: skip


@dataclass(frozen=True)
class Pairs(Wanted):
    """Any two of the words."""

    @property
    def pairs(self) -> list[Wanted]:
        found = list(combinations(self.terms, 2)) if len(self.terms) > 1 else [self.terms]
        return [Wanted(tuple(pair), self.spelled) for pair in found]

    def postgres(self, *, weights: str) -> str:
        return " | ".join(f"({pair.postgres(weights=weights)})" for pair in self.pairs)

    def sqlite(self, *, columns: tuple[str, ...]) -> str:
        return " OR ".join(f"({pair.sqlite(columns=columns)})" for pair in self.pairs)


@dataclass(frozen=True, slots=True)
class Alike:
    """An incident and how like it is, from 0 to 1. ``known`` are the words on both sides, as they are written in its title."""

    incident: Incident
    score: float
    known: tuple[str, ...] = ()

    @property
    def is_close(self) -> bool:
        return self.score >= CLOSE


@dataclass(frozen=True, slots=True)
class Similar:
    open: Sequence[Alike] = ()
    solved: Sequence[Alike] = ()
    documents: Sequence[Document] = ()

    def __bool__(self) -> bool:
        return bool(self.open or self.solved or self.documents)


def words_of(text: str) -> list[str]:
    """The words that say something, without accents and in small letters, each once. Pure."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().casefold()
    return list(dict.fromkeys(word for word in _WORD.findall(plain) if word not in _COMMON))


def likeness(asked: Sequence[str], title: str) -> tuple[float, tuple[str, ...]]:
    """Which part of the words ``asked`` (as `words_of` gives them) is in ``title``, and which words of it they are. Pure."""
    if not asked:
        return 0.0, ()
    stems = {word[:STEM] for word in asked}
    known = tuple(part for part in title.split() if stems & {word[:STEM] for word in words_of(part)})
    found = {word[:STEM] for part in known for word in words_of(part)} & stems
    return len(found) / len(stems), known


def similar_of(*, title: str, service: Service | None, user: User, at: datetime) -> Similar:
    """What ``user`` may see of it. Without words and without a service there is nothing to compare. At most nine queries."""
    asked = words_of(title)
    if not asked and service is None:
        return Similar()
    visible = Incident.objects.visible_once(user).select_related("owner", "service").defer("facts", "customer_impact")
    # What says the words is looked up once, and no more of it than anybody compares: a common word is in nearly all there are.
    pairs = spelled(_pairs(asked))
    worded = newest(pairs, inside=False, limit=WORDED + 1) if asked else []
    return Similar(
        _open(visible.unresolved(), asked, pairs, worded, service),
        _solved(visible.filter(among(worded[:WORDED])), asked, service, at),
        _documents(asked, service, user),
    )


def mended_before(incident: Incident, *, user: User, at: datetime) -> list[Alike]:
    """Those like ``incident`` that ended and say how they were mended, as far as ``user`` may see them; the most like one first.

    Which they are is looked up once in ten minutes for all who read it, because it is shown again at every nudge: two queries, and one
    each time. Of many that share its words the newest ``WORDED`` are compared. What is restricted is looked for, too, so that what
    is found does not depend on who asked first.
    """
    asked = words_of(incident.title)
    key = f"mended-before:{incident.pk}:{incident.service_id}:{'-'.join(asked)[:120]}"
    numbers: list[int] | None = cache.get(key)
    if numbers is None:
        alike = among(newest(_pairs(asked), inside=False, limit=WORDED)) if asked else Q(pk__in=())
        others = _ended(Incident.objects.exclude(pk=incident.pk).filter(alike), incident.service, at)
        found = _ranked(others.order_by("-id")[:LOOKED_AT], asked)
        numbers = [one.incident.pk for one in found if one.is_close][:MENDED_KEPT]
        cache.set(key, numbers, MENDED_SECONDS)
    rows = Incident.objects.visible_to(user).filter(pk__in=numbers).exclude(resolution="") if numbers else ()
    return [one for one in _ranked(rows, asked) if one.is_close][:MENDED_SHOWN]


def _open(
    found: Any, asked: Sequence[str], pairs: Pairs, worded: Sequence[int], service: Service | None
) -> list[Alike]:
    """The most like ones; of the chosen service also the worst that are open, whatever they are called. Where more are ``worded`` than
    were looked up, those among the open ones are looked for."""
    rows: dict[int, Incident] = {}
    if service is not None:
        rows |= _by_pk(found.filter(service=service).order_by("-started_at")[:LOOKED_AT])
    if asked:
        if len(worded) > WORDED:
            worded = newest_among(pairs, found, inside=False, limit=LOOKED_AT, few=True)
        rows |= _by_pk(found.filter(among(worded)).order_by("-id")[:LOOKED_AT])
    likely = _ranked(rows.values(), asked)
    if service is None or len(likely) >= SHOWN_OPEN:
        return likely[:SHOWN_OPEN]
    chosen = {one.incident.pk for one in likely}
    rest = [row for row in rows.values() if row.service_id == service.pk and row.pk not in chosen]
    rest.sort(key=lambda row: (row.severity, row.started_at))
    return [*likely, *(Alike(row, 0.0) for row in rest)][:SHOWN_OPEN]


def _solved(found: Any, asked: Sequence[str], service: Service | None, at: datetime) -> list[Alike]:
    """Of ``found``, which say the words, one like it that is over and says how it was mended."""
    if not asked:
        return []
    likely = _ranked(_ended(found, service, at).order_by("-id")[:LOOKED_AT], asked)
    return [one for one in likely if one.is_close][:SHOWN_SOLVED]


def _ended(found: Any, service: Service | None, at: datetime) -> Any:
    """What of ``found``, told by their numbers, ended not too long ago, and says how."""
    # No column of an index: SQLite would go through all that ever ended to see whether they are among these.
    ended = found.filter(resolved_at__isnull=False).alias(ended=Coalesce("resolved_at", "started_at"))
    past = ended.filter(ended__gte=at - SOLVED_WITHIN).exclude(resolution="")
    return past.filter(service=service) if service is not None else past


def _documents(asked: Sequence[str], service: Service | None, user: User) -> list[Document]:
    found = documents_for_user(user)
    wanted_ones = Q(services=service) if service is not None else Q(pk__in=())
    for word in asked[:8]:
        stem = word[: max(STEM, len(word) - 1)]
        wanted_ones |= Q(title__icontains=stem) | Q(keywords__icontains=stem)
    rows = {row.pk: row for row in found.filter(wanted_ones).distinct().order_by("title")[:LOOKED_AT]}
    scored = [(likeness(asked, f"{row.title} {row.keywords}")[0], row) for row in rows.values()]
    likely = sorted((one for one in scored if one[0] >= LIKE or not asked), key=lambda one: (-one[0], one[1].title))
    return [row for _score, row in likely[:SHOWN_DOCUMENTS]]


def _pairs(asked: Sequence[str]) -> Pairs:
    """Two of the longest words (one, where only one was typed): one common word is in too many."""
    longest = sorted(asked, key=len, reverse=True)[:LONGEST]
    return Pairs(tuple((word[:STEM] if len(word) > STEM else word,) for word in longest))


def _by_pk(rows: Iterable[Incident]) -> dict[int, Incident]:
    return {row.pk: row for row in rows}


def _ranked(rows: Iterable[Incident], asked: Sequence[str]) -> list[Alike]:
    found = [Alike(row, *likeness(asked, row.title)) for row in rows]
    return sorted(
        (one for one in found if one.score >= LIKE),
        key=lambda one: (-one.score, one.incident.severity, -one.incident.pk),
    )

"""Words to rows: the incidents that match, and how well."""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BigAutoField, FloatField, Lookup, Q, QuerySet
from django.db.models.expressions import RawSQL

from incidents.search.schema import TABLE
from incidents.search.words import Wanted

WantedAs = TypeVar("WantedAs", bound=Wanted)
_COLUMNS = ("title", "body", "said", "inside")
_TERMS = f"temp.{TABLE}_terms"
SPELLED = 12
"""Of so many words that begin alike each is named."""
# From each word found the index is asked for the next one, so that nothing is read of how many say it.
_BEGUN = f"""
WITH RECURSIVE found (word, number, term) AS (
    SELECT value, 1, (SELECT term FROM {_TERMS} WHERE term >= value LIMIT 1) FROM json_each(%s)
    UNION ALL
    SELECT word, number + 1, (SELECT term FROM {_TERMS} WHERE term >= found.term || char(1) LIMIT 1) FROM found
    WHERE number <= {SPELLED} AND substr(found.term, 1, length(word)) = word
)
SELECT word, term FROM found WHERE substr(term, 1, length(word)) = word
"""  # noqa: S608  own names, values are parameters


def spelled(words: WantedAs) -> WantedAs:
    """``words`` with what there is that begins so, where that is little: one query on SQLite, none on PostgreSQL.

    FTS5 puts everything together that says a beginning before it gives the first incident: 50 ms for a word that a million say, each
    time it is asked. A word that is named it reads from its newest on. Letters beyond ASCII are left to its own way of cutting text.
    """
    if connection.vendor != "sqlite":
        return words
    beginnings = sorted({term[0] for term in words.terms if len(term) == 1 and term[0].isascii()})
    if not beginnings:
        return words
    connection.ensure_connection()
    # Of this connection alone, and of no rows of its own.
    connection.connection.execute(
        f"CREATE VIRTUAL TABLE IF NOT EXISTS {_TERMS} USING fts5vocab('main', '{TABLE}', 'instance')"
    )
    found: dict[str, list[str]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_BEGUN, [json.dumps(beginnings)])
        for word, term in cursor.fetchall():
            found[word].append(term)
    known = ((word, tuple(terms)) for word, terms in found.items())
    named = tuple((word, terms) for word, terms in known if len(terms) <= SPELLED and all(map(str.isascii, terms)))
    return replace(words, spelled=named)


def matching(words: Wanted, *, inside: bool, also: int | None = None) -> Q:
    """Incidents in which all the words are, and the one numbered ``also``; ``inside``: internal comments are looked through too.

    One list of numbers, not two conditions: with "or" PostgreSQL would look at every incident there is.
    """
    # The table's name is our own, the words are a parameter.
    if connection.vendor == "sqlite":
        query = f"SELECT rowid FROM {TABLE} WHERE {TABLE} MATCH %s"  # noqa: S608  own names, values are parameters
    else:
        query = f"SELECT incident_id FROM {TABLE} WHERE words @@ to_tsquery('simple', %s)"  # noqa: S608  own names, values are parameters
    params: tuple[Any, ...] = (_asked(words, inside=inside),)
    if also is not None:
        query, params = f"{query} UNION ALL SELECT %s", (*params, also)
    return Q(pk__in=RawSQL(query, params))  # noqa: S611  as above


FEW = 2_000
"""So many matches are told by their numbers."""


def matching_now(words: Wanted, *, inside: bool, also: int | None = None) -> Q:
    """As ``matching``, looked up at once (one query, two on SQLite): few are told by their numbers. PostgreSQL takes every beginning of a
    word for one that very many say, and walked through a million incidents in the order that was asked for until fifty of them said it."""
    words = spelled(words)
    found = newest(words, inside=inside, limit=FEW + 1)
    if len(found) > FEW:
        return matching(words, inside=inside, also=also)
    return among(found if also is None else [*found, also])


def newest(words: Wanted, *, inside: bool, limit: int) -> list[int]:
    """The numbers of the newest ``limit`` incidents in which all the words are: one query."""
    asked = _asked(words, inside=inside)
    if connection.vendor == "sqlite":
        query = f"SELECT rowid FROM {TABLE} WHERE {TABLE} MATCH %s ORDER BY rowid DESC LIMIT %s"  # noqa: S608  our own name
        given: list[Any] = [asked, limit]
    else:
        query, given = _NEWEST, [_NEAR * limit, asked, limit, asked, limit, limit, limit]
    with connection.cursor() as cursor:
        cursor.execute(query, given)
        return [number for (number,) in cursor.fetchall()]


_NEAR = 20
"""Of this many times as many as are wanted the newest are looked into: a word that every twentieth incident says is found there."""
# PostgreSQL takes every beginning of a word for one that every fiftieth incident says: for a rare one it walked through all there are,
# the newest first, and gathering a common one reads the whole index of the word. So the newest are looked into, and only where they
# do not say it often enough the index is asked for all of them (a plan of its own, begun only then).
_NEWEST = f"""
WITH near AS MATERIALIZED (
    SELECT incident_id FROM (SELECT incident_id, words FROM {TABLE} ORDER BY incident_id DESC LIMIT %s) AS newest
    WHERE words @@ to_tsquery('simple', %s) ORDER BY incident_id DESC LIMIT %s
), everywhere AS MATERIALIZED (
    SELECT incident_id FROM {TABLE} WHERE words @@ to_tsquery('simple', %s) AND (SELECT COUNT(*) FROM near) < %s
)
SELECT incident_id FROM near WHERE (SELECT COUNT(*) FROM near) >= %s
UNION ALL SELECT incident_id FROM everywhere
ORDER BY incident_id DESC LIMIT %s
"""  # noqa: S608  own names, values are parameters


def newest_among(
    words: Wanted, incidents: QuerySet[Any], *, inside: bool, limit: int, few: bool = False, one_by_one: bool = False
) -> list[int]:
    """The numbers of the newest ``limit`` of ``incidents`` in which all the words are: one query. ``one_by_one`` is for words that so
    many incidents say that looking at one after another, the newest first, takes less than gathering all that say the words or all
    ``incidents``; ``few`` for so few of these that looking into each does.

    SQLite puts the beginnings of a word together for each time it is asked: it is asked once, and each number it finds is looked up
    among ``incidents`` (the plus sign keeps it from asking for each of these), or looked at for itself where that ends soon.
    """
    asked = _asked(words, inside=inside)
    sqlite = connection.vendor == "sqlite"
    try:
        sql, params = _is_one_of(incidents, one_by_one=one_by_one) if sqlite else _numbers(incidents)
    except EmptyResultSet:
        return []
    if sqlite:
        query = f"SELECT rowid FROM {TABLE} WHERE {TABLE} MATCH %s AND {sql} ORDER BY rowid DESC LIMIT %s"  # noqa: S608  own names, values are parameters
        given = [asked, *params, limit]
    elif few or one_by_one:
        query = (
            f"SELECT id FROM (SELECT i.id FROM ({sql}) AS i (id) ORDER BY i.id DESC OFFSET 0) AS ordered "  # noqa: S608  own names, values are parameters
            f"WHERE (SELECT words @@ to_tsquery('simple', %s) FROM {TABLE} WHERE incident_id = ordered.id) LIMIT %s"
        )
        given = [*params, asked, limit]
    else:
        found = incidents.filter(matching(words, inside=inside)).order_by("-pk")
        return list(found.values_list("pk", flat=True)[:limit])
    with connection.cursor() as cursor:
        cursor.execute(query, given)
        return [number for (number,) in cursor.fetchall()]


LITTLE = 5_000
"""So few incidents are listed on SQLite rather than each that says the words looked at: that would not end soon."""


def _is_one_of(incidents: QuerySet[Any], *, one_by_one: bool) -> tuple[str, list[Any]]:
    """The condition upon SQLite's index that it is one of ``incidents``, and its parameters; ``one_by_one`` as for ``newest_among``, unless
    they are LITTLE."""
    sql, params = _numbers(incidents)
    if not one_by_one:
        return f"+rowid IN ({sql})", params
    this, own = _numbers(incidents.filter(pk=RawSQL(f"{TABLE}.rowid", ())))  # noqa: S611  our own name
    few = f"(SELECT COUNT(*) FROM ({sql} LIMIT {LITTLE + 1})) <= {LITTLE}"  # noqa: S608  Django's own SQL
    return f"CASE WHEN {few} THEN +rowid IN ({sql}) ELSE EXISTS ({this}) END", [*params, *params, *own]


def _numbers(incidents: QuerySet[Any]) -> tuple[str, list[Any]]:
    """The SQL of their numbers. Raises EmptyResultSet where it is known that there are none."""
    sql, params = incidents.order_by().values("pk").query.get_compiler(connection=connection).as_sql()
    return sql, list(params)


@BigAutoField.register_lookup
class _Among(Lookup[Any]):
    """``pk__among=[…]``: one parameter however many numbers there are.

    PostgreSQL reads an array as a list of places to look at. As rows to join (``unnest``) it held thousands of them against every
    incident there is.
    """

    lookup_name = "among"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        left, params = self.process_lhs(compiler, connection)
        numbers = list(self.rhs)
        if connection.vendor == "sqlite":
            return f"{left} IN (SELECT value FROM json_each(%s))", (*params, json.dumps(numbers))  # noqa: S608  a column of Django's
        return f"{left} = ANY(%s::bigint[])", (*params, numbers)


def among(numbers: Iterable[int]) -> Q:
    """The incidents of these numbers, however many: one parameter, and not one for each."""
    return Q(pk__among=tuple(numbers))


def rank(words: Wanted, *, inside: bool) -> RawSQL:
    """How well an incident matches, as a value to order by, the best highest: the title counts most, then what was written of it.

    It is worked out for each row that is put in order, so ask it of few.
    """
    asked: tuple[Any, ...] = (_asked(words, inside=inside),)
    if connection.vendor == "sqlite":
        query = (
            f"(SELECT -bm25({TABLE}, 10.0, 4.0, 1.0, 1.0) FROM {TABLE} "  # noqa: S608  our own name
            f'WHERE {TABLE} MATCH %s AND rowid = "incidents_incident"."id")'
        )
    else:
        query = (
            f"(SELECT ts_rank('{{0.1, 0.1, 0.4, 1.0}}', words, to_tsquery('simple', %s)) FROM {TABLE} "  # noqa: S608  own names, values are parameters
            'WHERE incident_id = "incidents_incident"."id")'
        )
    return RawSQL(query, asked, output_field=FloatField())  # noqa: S611  the words are a parameter


def _asked(words: Wanted, *, inside: bool) -> str:
    if connection.vendor == "sqlite":
        return words.sqlite(columns=_COLUMNS if inside else _COLUMNS[:3])
    # Whoever looks through all parts names none: the index alone knows then, and no row is read again for the weights of its words.
    return words.postgres(weights="" if inside else "ABC")

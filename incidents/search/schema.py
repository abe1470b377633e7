"""The index: one row for each incident, kept in step by triggers of the database.

Parts, by weight: A the title; B summary, what customers notice, cause and fix; C comments that the requester may read; D internal ones.
PostgreSQL keeps them in one tsvector under a GIN index, SQLite in the columns of an FTS5 table.

A statement that stores five hundred incidents (COPY) fires one trigger for all of them on PostgreSQL. SQLite loses the triggers of a table
that a migration copies to alter it: such a migration repeats ``search_kept()``. So it does the index of merged incidents, by which intake
finds where their alerts go now.
"""

from collections.abc import Sequence
from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from escalation_site.kernel.migrating import TablesRun

TABLE = "incidents_search"
PREFIX = "wb_search"
LONGEST_TEXT = 100_000
"""Characters of one text that are looked through: a tsvector holds a megabyte and no more."""
SAID = "'incident.comment', 'incident.correct', 'incident.decide'"
_MERGED_INDEX = (
    "CREATE INDEX IF NOT EXISTS incident_merged_key ON incidents_incident (integration_id, dedup_key) "
    "WHERE merged_into_id IS NOT NULL"
)

# --- SQLite

_SQLITE_BODY = "{row}.summary || ' ' || {row}.customer_impact || ' ' || {row}.resolution"
# What a requester wrote is public where nothing else is said of it (incidents.services.talk.is_public).
_SQLITE_PUBLIC = (
    "COALESCE(json_extract(NEW.data, '$.public'), "
    "(SELECT role = 'reporter' FROM oncall_user WHERE id = NEW.actor_id), 0) = 1"
)
_SQLITE_TABLE = (
    f"CREATE VIRTUAL TABLE IF NOT EXISTS {TABLE} "
    "USING fts5(title, body, said, inside, tokenize = 'unicode61 remove_diacritics 2')"
)
# Table and trigger names are our own.
_SQLITE_TRIGGERS = {
    "open": f"""AFTER INSERT ON incidents_incident BEGIN
        INSERT INTO {TABLE} (rowid, title, body, said, inside)
        VALUES (NEW.id, NEW.title, {_SQLITE_BODY.format(row="NEW")}, '', ''); END""",  # noqa: S608  own names, values are parameters
    "edit": f"""AFTER UPDATE OF title, summary, customer_impact, resolution ON incidents_incident
        WHEN OLD.title IS NOT NEW.title OR OLD.summary IS NOT NEW.summary
            OR OLD.customer_impact IS NOT NEW.customer_impact OR OLD.resolution IS NOT NEW.resolution
        BEGIN UPDATE {TABLE} SET title = NEW.title, body = {_SQLITE_BODY.format(row="NEW")}
        WHERE rowid = NEW.id; END""",  # noqa: S608  own names, values are parameters
    "drop": f"AFTER DELETE ON incidents_incident BEGIN DELETE FROM {TABLE} WHERE rowid = OLD.id; END",  # noqa: S608  own names, values are parameters
    "say": f"""AFTER INSERT ON incidents_timelineevent WHEN NEW.kind IN ({SAID}) BEGIN
        UPDATE {TABLE} SET
            said = said || CASE WHEN {_SQLITE_PUBLIC} THEN ' ' || NEW.text ELSE '' END,
            inside = inside || CASE WHEN {_SQLITE_PUBLIC} THEN '' ELSE ' ' || NEW.text END
        WHERE rowid = NEW.incident_id; END""",  # noqa: S608  own names, values are parameters
}
_SQLITE_FILL = f"""
INSERT INTO {TABLE} (rowid, title, body, said, inside)
SELECT i.id, i.title, {_SQLITE_BODY.format(row="i")}, '', COALESCE(
    (SELECT group_concat(e.text, ' ') FROM incidents_timelineevent e WHERE e.incident_id = i.id AND e.kind IN ({SAID})), '')
FROM incidents_incident i WHERE i.id NOT IN (SELECT rowid FROM {TABLE})
"""  # noqa: S608  our own names

# --- PostgreSQL

_CUT = ".-_/:@#,;()[]{}<>\"!?=+*&%$|~^`''\\\\"
_POSTGRES_FUNCTIONS = (
    # As the words of a query are cut: accents away, and no punctuation that PostgreSQL would read as a host, a path or a number.
    f"""CREATE OR REPLACE FUNCTION {PREFIX}_plain(whole text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $f$
    SELECT translate(
        CASE WHEN octet_length(whole) = char_length(whole) THEN left(whole, {LONGEST_TEXT})
        ELSE regexp_replace(normalize(left(whole, {LONGEST_TEXT}), NFKD), U&'[\\0300-\\036f]', '', 'g') END,
        E'{_CUT}', repeat(' ', {len(_CUT) - 2})) $f$""",
    f"""CREATE OR REPLACE FUNCTION {PREFIX}_words(title text, body text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $f$
    SELECT setweight(to_tsvector('simple'::regconfig, {PREFIX}_plain(title)), 'A')
        || setweight(to_tsvector('simple'::regconfig, {PREFIX}_plain(body)), 'B') $f$""",
    f"""CREATE OR REPLACE FUNCTION {PREFIX}_open() RETURNS trigger LANGUAGE plpgsql AS $f$
    BEGIN
        INSERT INTO {TABLE} (incident_id, words)
        SELECT id, {PREFIX}_words(title, concat_ws(' ', summary, customer_impact, resolution)) FROM fresh
        ON CONFLICT (incident_id) DO UPDATE SET words = EXCLUDED.words;
        RETURN NULL;
    END $f$""",  # noqa: S608  own names, values are parameters
    f"""CREATE OR REPLACE FUNCTION {PREFIX}_edit() RETURNS trigger LANGUAGE plpgsql AS $f$
    BEGIN
        UPDATE {TABLE}
        SET words = {PREFIX}_words(NEW.title, concat_ws(' ', NEW.summary, NEW.customer_impact, NEW.resolution))
            || ts_filter(words, '{{c,d}}')
        WHERE incident_id = NEW.id;
        RETURN NULL;
    END $f$""",  # noqa: S608  own names, values are parameters
    f"""CREATE OR REPLACE FUNCTION {PREFIX}_say() RETURNS trigger LANGUAGE plpgsql AS $f$
    DECLARE
        weight "char" := 'D';
    BEGIN
        IF COALESCE((NEW.data ->> 'public')::boolean,
            (SELECT role = 'reporter' FROM oncall_user WHERE id = NEW.actor_id), false) THEN
            weight := 'C';
        END IF;
        UPDATE {TABLE} SET words = words || setweight(to_tsvector('simple', {PREFIX}_plain(NEW.text)), weight)
        WHERE incident_id = NEW.incident_id;
        RETURN NULL;
    EXCEPTION WHEN program_limit_exceeded THEN
        RETURN NULL;  -- a megabyte of different words has been said: it cannot be found by the rest
    END $f$""",  # noqa: S608  own names, values are parameters
    f"""CREATE OR REPLACE FUNCTION {PREFIX}_empty() RETURNS trigger LANGUAGE plpgsql AS $f$
    BEGIN
        TRUNCATE {TABLE};
        RETURN NULL;
    END $f$""",
    f"""CREATE OR REPLACE FUNCTION {PREFIX}_drop() RETURNS trigger LANGUAGE plpgsql AS $f$
    BEGIN
        DELETE FROM {TABLE} WHERE incident_id = OLD.id;
        RETURN NULL;
    END $f$""",  # noqa: S608  own names, values are parameters
)
_POSTGRES_TRIGGERS = {
    "open": "AFTER INSERT ON incidents_incident REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT",
    "edit": """AFTER UPDATE OF title, summary, customer_impact, resolution ON incidents_incident FOR EACH ROW
        WHEN ((OLD.title, OLD.summary, OLD.customer_impact, OLD.resolution)
            IS DISTINCT FROM (NEW.title, NEW.summary, NEW.customer_impact, NEW.resolution))""",
    "drop": "AFTER DELETE ON incidents_incident FOR EACH ROW",
    "empty": "AFTER TRUNCATE ON incidents_incident FOR EACH STATEMENT",
    "say": f"AFTER INSERT ON incidents_timelineevent FOR EACH ROW WHEN (NEW.kind IN ({SAID}))",
}
_POSTGRES_TABLE = (
    f"CREATE TABLE IF NOT EXISTS {TABLE} (incident_id bigint PRIMARY KEY, words tsvector NOT NULL)",
    f"CREATE INDEX IF NOT EXISTS {TABLE}_words ON {TABLE} USING gin (words)",
)
_POSTGRES_FILL = f"""
INSERT INTO {TABLE} (incident_id, words)
SELECT i.id, {PREFIX}_words(i.title, concat_ws(' ', i.summary, i.customer_impact, i.resolution)) || COALESCE(
    (SELECT setweight(to_tsvector('simple', {PREFIX}_plain(string_agg(e.text, ' '))), 'D')
     FROM incidents_timelineevent e WHERE e.incident_id = i.id AND e.kind IN ({SAID})), ''::tsvector)
FROM incidents_incident i ON CONFLICT (incident_id) DO NOTHING
"""  # noqa: S608  our own names

_ON = {"say": "incidents_timelineevent"}


def triggers_switch(schema_editor: BaseDatabaseSchemaEditor, *, on: bool) -> None:
    """Take the triggers away or put them back, as the benchmark does to know their price. What is written meanwhile is filled in."""
    sqlite = schema_editor.connection.vendor == "sqlite"
    if on:
        _keep(None, schema_editor)
    else:
        for statement in _sqlite_dropped() if sqlite else _postgres_dropped():
            schema_editor.execute(statement, params=None)


def _statements(vendor: str) -> Sequence[str]:
    if vendor == "sqlite":
        dropped = _sqlite_dropped()
        made = [f"CREATE TRIGGER {PREFIX}_{name} {text}" for name, text in _SQLITE_TRIGGERS.items()]
        return [_SQLITE_TABLE, *dropped, *made, _SQLITE_FILL, _MERGED_INDEX]
    dropped = _postgres_dropped()
    made = [
        f"CREATE TRIGGER {PREFIX}_{name} {text} EXECUTE FUNCTION {PREFIX}_{name}()"
        for name, text in _POSTGRES_TRIGGERS.items()
    ]
    return [*_POSTGRES_TABLE, *_POSTGRES_FUNCTIONS, *dropped, *made, _POSTGRES_FILL, _MERGED_INDEX]


def _sqlite_dropped() -> list[str]:
    return [f"DROP TRIGGER IF EXISTS {PREFIX}_{name}" for name in _SQLITE_TRIGGERS]


def _postgres_dropped() -> list[str]:
    return [
        f"DROP TRIGGER IF EXISTS {PREFIX}_{name} ON {_ON.get(name, 'incidents_incident')}"
        for name in _POSTGRES_TRIGGERS
    ]


def _keep(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for statement in _statements(schema_editor.connection.vendor):
        schema_editor.execute(statement, params=None)


def _forget(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    sqlite = schema_editor.connection.vendor == "sqlite"
    triggers = (
        [f"DROP TRIGGER IF EXISTS {PREFIX}_{name}" for name in _SQLITE_TRIGGERS] if sqlite else _postgres_dropped()
    )
    for statement in (*triggers, "DROP INDEX IF EXISTS incident_merged_key", f"DROP TABLE IF EXISTS {TABLE}"):
        schema_editor.execute(statement, params=None)


def search_kept() -> TablesRun:
    """A migration operation that makes the index, its triggers and what they need, or puts back what is missing of them."""
    return TablesRun(_keep, _forget)

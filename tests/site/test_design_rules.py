"""Rules of the design that the source itself can be asked about: where the clock is read, and that nothing is written without words."""

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import polib
import pytest
from django.conf import settings

from incidents.checkpoint_words import ASKING
from incidents.models import Page
from incidents.timeline_words import WORDINGS
from reports.ledger_words import ACTIONS, OBJECTS
from tests.site import crawl
from tests.site.crawl_addresses import routes

ROOT: Path = settings.BASE_DIR
APPS = ("audit", "escalation_site", "incidents", "notifications", "oncall", "policies", "reports")
# The one place where the clock is read.
CLOCK = {"escalation_site/kernel/instants.py"}
CLOCKS = {("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"), ("timezone", "now")}
# Where "at" is handed in and the clock is never read, not even through the one place.
GIVEN_THE_INSTANT = re.compile(
    r"(^|/)(services|selectors|models|querysets|changes|permissions|rota|machine|values|definition|forecast|sentences|"
    r"decisions|statements|wording|timeline_words|metrics|targets)(\.py$|/)"
)
_NAMESPACES = sorted({action.split(".")[0] for action in ACTIONS} | set(OBJECTS))
GETTEXT = {"_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy", "pgettext", "pgettext_lazy", "npgettext"}
LEDGER_WORD = re.compile(rf"({'|'.join(_NAMESPACES)})\.[a-z_]+")


@lru_cache(maxsize=1)
def sources() -> dict[str, ast.Module]:
    """Our own modules, parsed, by their path from the root; neither tests nor migrations."""
    paths = [path for app in APPS for path in sorted((ROOT / app).rglob("*.py")) if "migrations" not in path.parts]
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


@lru_cache(maxsize=1)
def calls() -> list[tuple[str, ast.Call]]:
    """Every call in them, gone for once: to walk the trees takes a second of a processor."""
    return [(name, node) for name, tree in sources().items() for node in ast.walk(tree) if isinstance(node, ast.Call)]


def called(call: ast.Call) -> str:
    """The name of what is called, without what it belongs to."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def test_the_clock_is_read_in_one_place_only() -> None:
    found = [
        f"{name}:{call.lineno}"
        for name, call in calls()
        if name not in CLOCK
        and isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and (call.func.value.id, call.func.attr) in CLOCKS
    ]

    assert found == []


def test_services_selectors_and_pure_modules_are_given_the_instant_and_never_read_the_clock() -> None:
    found = [
        f"{name}:{call.lineno}"
        for name, call in calls()
        if GIVEN_THE_INSTANT.search(name) and isinstance(call.func, ast.Name) and call.func.id == "now"
    ]

    assert found == []


# --- words


def timeline_kinds() -> Iterator[tuple[str, str | None]]:
    """(where, kind) of every line written to a timeline; None where the source does not spell the kind."""
    for name, call in calls():
        place = f"{name}:{call.lineno}"
        if called(call) == "timeline" and len(call.args) > 1:
            kind = call.args[1]
        elif called(call) == "TimelineEvent":
            kind = next((keyword.value for keyword in call.keywords if keyword.arg == "kind"), ast.Constant(None))
        else:
            continue
        yield place, kind.value if isinstance(kind, ast.Constant) and isinstance(kind.value, str) else None


# Where the kind is put together, and what it can be.
SPELLED_ELSEWHERE = {
    "incidents/changes.py": set[str](),
    "incidents/services/saying.py": {"incident.comment", "incident.correct", "incident.decide"},
    "incidents/services/helping.py": {"incident.call_in", "incident.tell"},
    "incidents/services/joining.py": {"incident.brief_read"},
    "incidents/services/reviews.py": {"review.publish", "review.correct"},
    "incidents/services/linking.py": {
        f"incident.{way}_{kind}"
        for way in ("link", "linked")
        for kind in ("duplicate", "caused_by", "blocks", "related")
    },
    "incidents/services/paging.py": {f"page.{state}" for state in Page.State.values if state != Page.State.PENDING},
    "incidents/services/escalator.py": {"escalation.enter_level", "escalation.catch_all"},
    "incidents/services/checkpoints.py": {
        f"checkpoint.{end}" for end in ("confirm", "decline", "set_aside", "time_out", "unheard", "withdraw")
    },
    "incidents/routing/again.py": {"routing.guarded", "routing.protected"},
    "incidents/routing/recording.py": {
        "routing.fail",
        "routing.team_gone",
        "routing.policy_gone",
        "routing.severity",
        "routing.suppress_guarded",
    },
    "incidents/services/opening.py": {"routing.page_nobody", "problem.propose"},
    "incidents/services/major.py": {
        "incident.major_person",
        "incident.major_rule",
        "incident.major_level",
        "incident.overseer",
        "incident.overseer_unreached",
    },
}


def test_every_kind_of_timeline_line_has_words() -> None:
    written = {kind for _place, kind in timeline_kinds() if kind} | set().union(*SPELLED_ELSEWHERE.values())

    assert len(written) > 20
    assert sorted(written - WORDINGS.keys()) == []


def test_a_kind_that_is_put_together_is_put_together_in_a_place_this_test_knows() -> None:
    places = {place.rsplit(":", 1)[0] for place, kind in timeline_kinds() if kind is None}

    assert sorted(place for place in places if place not in SPELLED_ELSEWHERE and not place.startswith(DEMO)) == []


DEMO = "escalation_site/demo/"  # writes again what the services wrote, kind for kind (tests/site/test_demo_history.py)


@lru_cache(maxsize=1)
def ledger_actions() -> set[str]:
    """Every text in the source that reads like a ledger action, and those made of a noun by audit.rows.row_set.

    The ``source`` of a serializer's field is a way to a value and no action.
    """
    ways = {id(keyword.value) for _name, call in calls() for keyword in call.keywords if keyword.arg == "source"}
    found = {
        node.value
        for tree in sources().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and LEDGER_WORD.fullmatch(node.value)
        if id(node) not in ways
    }
    for _name, call in calls():
        for keyword in call.keywords:
            noun = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
            if keyword.arg == "noun" and isinstance(noun, str):
                found |= {f"{noun}.create", f"{noun}.change"}
    return found


def test_every_action_of_the_ledger_has_words_in_the_audit_browser() -> None:
    # What a checkpoint asks about reads like an action, and has words of its own.
    known = ACTIONS.keys() | WORDINGS.keys() | ASKING.keys()

    assert len(ledger_actions()) > 40
    assert sorted(ledger_actions() - known) == []


def test_every_kind_of_object_the_ledger_names_has_words() -> None:
    named = {
        keyword.value.value
        for _name, call in calls()
        for keyword in call.keywords
        if keyword.arg == "object_type" and isinstance(keyword.value, ast.Constant)
    }

    assert len(named) > 5
    assert sorted(map(str, named - OBJECTS.keys())) == []


# --- addresses


@pytest.mark.skipif(not crawl.TABLE.exists(), reason="the crawl has not been written yet")
@pytest.mark.requirement("R299")
def test_whoever_writes_versions_without_a_signal_binds_them_to_their_action() -> None:
    """Bulk writes send no signal: they name the action themselves, and only one place builds versions by hand."""
    bulk = {"bulk_create_with_history", "bulk_update_with_history", "bulk_history_create", "bulk_history_update"}
    silent, built = [], set()
    for name, call in calls():
        given = {keyword.arg for keyword in call.keywords}
        if called(call) in bulk and "default_change_reason" not in given:
            silent.append(f"{name}:{call.lineno}")
        if "history_type" in given and called(call) not in ("filter", "exclude", "get"):
            built.add(name)

    assert silent == []
    assert built == {"incidents/changes.py"}


def test_every_address_stands_in_the_table_of_what_it_answers_to_whom() -> None:
    labels = {
        line[5:77].split()[0] for line in crawl.TABLE.read_text(encoding="utf-8").splitlines() if line[:1] in "GP"
    }

    assert [route for route in routes() if f"/{route}" not in labels] == []


def test_what_is_said_to_people_inside_an_f_string_is_collected_for_translation() -> None:
    """xgettext does not look into one: such a text has to stand elsewhere, too, or outside of it."""
    collected = {entry.msgid for entry in polib.pofile(str(ROOT / "locale" / "it" / "LC_MESSAGES" / "django.po"))}
    inside = (
        (name, call)
        for name, tree in sources().items()
        for string in ast.walk(tree)
        if isinstance(string, ast.JoinedStr)
        for call in ast.walk(string)
        if isinstance(call, ast.Call) and called(call) in GETTEXT
    )
    assert [
        f"{name}:{call.lineno}: {text.value!r}"
        for name, call in inside
        for text in call.args
        if isinstance(text, ast.Constant) and text.value not in collected
    ] == []

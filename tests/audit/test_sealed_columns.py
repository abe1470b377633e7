"""A release may add a column to a history, and every leaf that was sealed before keeps its bytes."""

from pathlib import Path

import pytest
from django.db.models import Q

from audit.leaves import ENTRIES, tables
from oncall.models import Skill

FIRST_RELEASE = Path(__file__).with_name("sealed_columns.txt")
SKILLS = "oncall_historicalskill"


def first_release() -> dict[str, set[str]]:
    lines = FIRST_RELEASE.read_text(encoding="utf-8").splitlines()
    return {name: set(columns.split()) for name, _colon, columns in (line.partition(": ") for line in lines)}


def now() -> dict[str, set[str]]:
    return {
        name: {field.attname for field in table.model._meta.concrete_fields}
        for name, table in tables().items()
        if name != ENTRIES
    }


@pytest.mark.requirement("R299")
def test_when_a_history_gets_a_column_then_its_model_says_what_older_rows_hold_in_it() -> None:
    """A new history may be added to the file as it is; a new column of an old one belongs into its model's SEALED_LATER."""
    known = first_release()
    assert {
        name: sorted(columns - known[name] - set(tables()[name].later))
        for name, columns in now().items()
        if name in known and columns - known[name] - set(tables()[name].later)
    } == {}
    assert sorted(set(now()) - set(known)) == []


def test_when_a_history_loses_a_column_then_its_leaves_could_not_be_proved_any_more() -> None:
    """Take it from the model with ``excluded_fields`` never; what is not used any more stays in the history."""
    here = now()
    gone = {name: sorted(columns - here.get(name, set())) for name, columns in first_release().items()}
    assert {name: columns for name, columns in gone.items() if columns} == {}


@pytest.mark.django_db
def test_when_a_column_came_later_then_old_rows_keep_their_leaf_and_other_values_stand_in_theirs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("databases", "networks"):
        Skill.objects.create(name=name, slug=name)

    def contents() -> list[bytes]:
        return [row.secret["what"][1] for row in tables()[SKILLS].rows(Q())]

    before, other = contents()
    monkeypatch.setattr(Skill, "SEALED_LATER", {"slug": "databases"}, raising=False)
    assert contents() == [before.replace(b',"slug":"databases"', b""), other]
    assert b'"slug":"networks"' in other
    assert b'"slug":"databases"' in before

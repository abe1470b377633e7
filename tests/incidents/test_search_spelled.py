"""Words that are named find what their beginning finds; and boards and plans find what is open among all that says them."""

from typing import Any

import pytest
from django.db import connection

from incidents.models import Incident
from incidents.search import matching, newest, newest_among, spelled, wanted
from incidents.search.lookup import SPELLED
from incidents.selectors.searching import open_that_say
from incidents.services.lifecycle import incident_open, incident_resolve
from tests.world.harness import World

TITLES = (
    "Gateway trouble", "Gateways in Baltic ports", "gate 7 is shut", "Gatè with an accent", "Nothing of the kind",
    "Größe der Gateway-Warteschlange", "шлюз и Gateway", "pay-per-use payments", "Payments 12", "paid twice", "a", "gateway gateway",
)  # fmt: skip
TYPED = (
    "gateway",
    "gate",
    "g",
    "pay",
    "paid",
    "gate pay",
    "größe",
    "шлюз",
    '"gateway trouble"',
    "gateway 7",
    "zzz",
    "s",
    "INC-3",
    "",
)


@pytest.fixture
def house(world: World) -> World:
    """Open and over, one of them restricted; and more words that begin alike than are named."""
    cast = world.cast
    more = tuple(f"storm{number} over the coast" for number in range(SPELLED + 2))
    for number, title in enumerate((*TITLES, *more)):
        values: dict[str, Any] = {"summary": "", "severity": 4, "service": cast.gateway, "reporter": cast.sofie}
        one = incident_open(title=title, at=world.now, **values)
        if number % 3 == 0:
            incident_resolve(incident_id=one.pk, actor=cast.marta, at=world.now)
        if number % 4 == 0:
            Incident.objects.filter(pk=one.pk).update(restricted=True)
    return world


@pytest.mark.requirement("R194")
def test_when_the_words_are_named_then_they_find_what_their_beginning_finds(house: World) -> None:
    everything = Incident.objects.all()
    for typed in (*TYPED, "storm", "storm1"):
        words = wanted(typed)
        if not words:
            continue
        expected = list(everything.filter(matching(words, inside=True)).order_by("-pk").values_list("pk", flat=True))
        for asked in (words, spelled(words)):
            assert newest(asked, inside=True, limit=100) == expected, typed
            for one_by_one in (False, True):
                found = newest_among(asked, everything, inside=True, limit=100, one_by_one=one_by_one)
                assert found == expected, typed


@pytest.mark.sqlite
def test_words_are_named_where_they_are_few(house: World, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        found = dict(spelled(wanted("gatew pay storm größe zzz")).spelled)
    assert found["gatew"] == ("gateway", "gateways")
    assert set(found["pay"]) == {"pay", "payments"}
    # Too many begin with "storm", the letters of "größe" are cut by FTS5 alone, and nothing begins with "zzz".
    assert not {"storm", "große", "grosse", "zzz"} & set(found)


@pytest.mark.requirement("R196", "R197")
def test_boards_and_plans_find_what_is_open_among_all_that_says_the_words(
    house: World, django_assert_max_num_queries: Any
) -> None:
    for user in (house.cast.marta, house.cast.nils, house.cast.sofie):
        visible = Incident.objects.visible_to(user)
        inside = user.role != "reporter"
        for typed in (*TYPED, "storm"):
            with django_assert_max_num_queries(2 if connection.vendor == "sqlite" else 1):
                asked = open_that_say(typed, visible, inside=inside)
            words = wanted(typed)
            number = 3 if typed == "INC-3" else None
            expected = visible.filter(matching(words, inside=inside, also=number)) if words else visible
            assert set(asked.unresolved()) == set(expected.unresolved()), typed

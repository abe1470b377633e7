"""A query composed once gives the rows that the ORM's own would give, whatever values it is asked with."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from escalation_site.kernel.composed import Composed
from escalation_site.kernel.instants import now
from incidents.models import EscalationRun, Incident
from oncall.models import User
from tests.world.harness import World


def _plain(rows: list[Incident]) -> list[dict[str, object]]:
    return [{field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields} for row in rows]


def test_when_it_is_asked_for_rows_and_what_they_lead_to_then_it_gives_them_as_the_orm_does(world: World) -> None:
    for name in ("One", "Two", "Three"):
        world.alert(name)
    world.settle()
    for _incident in range(3):
        world.expect_page("marta", level=1)
    composed = Composed(lambda ids: Incident.objects.filter(pk__in=ids).select_related("service__policy", "owner"))
    numbers = list(Incident.objects.values_list("pk", flat=True))
    for wanted in (numbers[:1], numbers, numbers[1:]):
        expected = list(Incident.objects.filter(pk__in=wanted).select_related("service__policy", "owner"))
        with CaptureQueriesContext(connection) as queries:
            found = composed(ids=wanted)
            assert [one.service.policy for one in found] == [one.service.policy for one in expected]
            assert [one.owner for one in found] == [None] * len(wanted)
        assert len(queries) == 1
        assert _plain(found) == _plain(expected)
    assert composed(ids=[]) == []


def test_when_instants_documents_and_a_limit_are_asked_for_then_they_come_as_the_orm_gives_them(world: World) -> None:
    for name in ("One", "Two"):
        world.alert(name)
    world.settle()
    for _incident in range(2):
        world.expect_page("marta", level=1)
    due = Composed(
        lambda at: (
            EscalationRun.objects.filter(next_due_at__lte=at, superseded=False)
            .order_by("pk")
            .values_list("pk", "next_due_at", "state")
        ),
        limited=True,
    )
    later = world.now + timedelta(hours=1)
    expected = list(EscalationRun.objects.order_by("pk").values_list("pk", "next_due_at", "state"))
    assert due(at=later, limit=5) == expected
    assert due(at=later, limit=1) == expected[:1]
    assert due(at=world.now - timedelta(hours=1), limit=5) == []


def test_when_more_is_fetched_for_all_of_them_together_then_it_comes_with_them(world: World) -> None:
    composed = Composed(lambda names: User.objects.filter(username__in=names).prefetch_related("memberships"))
    found = composed(names=["marta", "jonas"])
    with CaptureQueriesContext(connection) as queries:
        assert all(one.memberships.all() for one in found)
    assert len(queries) == 0


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_on_postgresql_rows_are_locked_by_it_as_by_the_orm() -> None:
    user = User.objects.create(username="lena", email="lena@example.org")
    composed = Composed(lambda ids: User.objects.filter(pk__in=ids).select_for_update(skip_locked=True))
    with CaptureQueriesContext(connection) as queries:
        for _time in range(2):
            with transaction.atomic():
                assert composed(ids=[user.pk]) == [user]
    asked = [query["sql"] for query in queries if "oncall_user" in query["sql"]]
    assert [one.endswith("FOR UPDATE SKIP LOCKED") for one in asked] == [True, True]


@pytest.mark.django_db
def test_when_the_query_says_percent_itself_then_its_places_are_told_all_the_same() -> None:
    User.objects.create(username="ann", first_name="100% Ann", email="ann@example.org", date_joined=now())
    composed = Composed(lambda name, ids: User.objects.filter(first_name__contains="100%", username=name, pk__in=ids))
    assert [one.username for one in composed(name="ann", ids=list(User.objects.values_list("pk", flat=True)))] == [
        "ann"
    ]

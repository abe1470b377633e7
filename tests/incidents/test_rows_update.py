"""Rows written together: the same values as when each is saved by itself."""

from datetime import timedelta

from django.db import transaction

from escalation_site.kernel.rows import rows_update
from incidents.models import EscalationRun, Incident
from tests.world.harness import World


def test_when_rows_are_updated_together_then_each_keeps_its_own_values_and_other_columns_stay(world: World) -> None:
    for number in range(3):
        world.alert(instance=f"host-{number}")
    world.settle()
    for _page in range(3):
        world.expect_page("marta", level=1)
    with transaction.atomic():
        runs = list(EscalationRun.objects.order_by("pk"))
        for number, run in enumerate(runs):
            run.state = {**run.state, "note": f"it's {number} % ö"}
            run.phase = f"p{number}"
            run.next_due_at = world.now + timedelta(microseconds=number) if number else None
            run.level = 7  # not named below
        rows_update(runs, ["state", "phase", "next_due_at"])
        for number, run in enumerate(EscalationRun.objects.order_by("pk")):
            assert (run.state, run.phase, run.next_due_at) == (
                runs[number].state,
                f"p{number}",
                runs[number].next_due_at,
            )
            assert run.level == 0
        transaction.set_rollback(True)


def test_when_no_row_has_a_value_then_all_of_them_are_emptied(world: World) -> None:
    for number in range(2):
        world.alert(instance=f"host-{number}")
    world.settle()
    for _page in range(2):
        world.expect_page("marta", level=1)
    with transaction.atomic():
        Incident.objects.update(owner=world.cast.marta, snoozed_until=world.now)
        incidents = list(Incident.objects.all())
        for incident in incidents:
            incident.owner, incident.snoozed_until, incident.restricted = None, None, True
        rows_update(incidents, ["owner", "snoozed_until", "restricted"])
        emptied = Incident.objects.filter(owner=None, snoozed_until=None, restricted=True)
        assert emptied.count() == 2
        transaction.set_rollback(True)


def test_when_there_are_no_rows_then_nothing_is_asked_of_the_database(db: None) -> None:
    rows_update([], ["state"])

"""Accounts switched off before absences existed: who leaves is on call no more, and since when is known."""

from datetime import timedelta
from importlib import import_module

from django.apps import apps

from oncall.models import Absence
from tests.world.harness import World


def test_when_an_account_was_switched_off_long_ago_then_it_is_away_since_then(world: World) -> None:
    migration = import_module("oncall.migrations.0006_away_for_good")
    marta = world.cast.marta
    left_at = world.now + timedelta(days=1)
    world.jump_to(left_at)
    marta.is_active = False
    marta.save()
    world.jump(days=30)
    marta.phone = ""
    marta.save()
    migration.away_for_good(apps, None)
    migration.away_for_good(apps, None)
    absence = Absence.objects.get()
    assert (absence.user, absence.kind, absence.state) == (marta, "left", "approved")
    assert (absence.start, absence.end.year) == (left_at, 2999)

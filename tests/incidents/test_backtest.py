"""The back-test: what another reading of a policy would have done with the incidents there were."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from escalation_site.kernel.errors import DomainError
from incidents.backtest import backtest, is_night
from incidents.models import Page
from incidents.services.lifecycle import incident_acknowledge, incident_open
from policies.definition import TargetDef, TargetKind, policy_parse
from tests.incidents.running import begun
from tests.world.cast import levels
from tests.world.harness import NIGHT, World

MINUTE = timedelta(minutes=1)
SLOW, QUICK = policy_parse(levels()), policy_parse(levels(ack=("2m", "2m", "2m")))


def opened(world: World, *, answered_after: timedelta, at: datetime = NIGHT, is_test: bool = False) -> None:
    cast = world.cast
    incident = incident_open(
        title="A", summary="", severity=1, service=cast.gateway, reporter=None, at=at, is_test=is_test
    )
    incident_acknowledge(incident_id=incident.pk, actor=cast.marta, at=at + answered_after)


@pytest.mark.requirement("R077")
def test_pages_time_to_page_and_people_woken_stand_beside_those_of_the_version_in_force(world: World) -> None:
    """Answered after three minutes at night: the quicker draft has called the second level by then."""
    opened(world, answered_after=3 * MINUTE)
    pages = Page.objects.count()

    found = backtest(world.cast.policy, current=SLOW, draft=QUICK, since=NIGHT - MINUTE, until=NIGHT + MINUTE)

    assert (found.incidents, found.current.pages, found.draft.pages) == (1, 1, 2)
    assert (found.current.woken, found.draft.woken) == (1, 2)
    assert found.draft.median_to_page == timedelta(0)
    assert Page.objects.count() == pages


def test_what_the_engine_did_is_what_the_version_in_force_would_do(world: World) -> None:
    opened(world, answered_after=MINUTE)
    opened(world, answered_after=4 * MINUTE, at=NIGHT + timedelta(hours=9))

    found = backtest(world.cast.policy, current=SLOW, draft=SLOW, since=NIGHT - MINUTE, until=NIGHT + timedelta(days=1))

    assert found.current == found.draft
    assert found.current.pages == Page.objects.count() == 2
    assert found.current.woken == 1


def test_incidents_of_tests_and_of_other_times_are_left_out(world: World) -> None:
    opened(world, answered_after=MINUTE, is_test=True)
    opened(world, answered_after=MINUTE, at=NIGHT - timedelta(days=2))

    found = backtest(world.cast.policy, current=SLOW, draft=QUICK, since=NIGHT - MINUTE, until=NIGHT + MINUTE)

    assert found.incidents == 0
    assert found.draft.median_to_page is None


def test_an_incident_is_walked_again_with_what_the_rules_gave_it(world: World) -> None:
    """Half the time, and a specialist beside the first level: the draft is tried on the same terms."""
    cast = world.cast
    incident = begun(world, timers_percent=50, straight_to=(TargetDef(TargetKind.USER, "tomas"),))
    world.expect_page("marta")
    world.expect_page("tomas")
    incident_acknowledge(incident_id=incident.pk, actor=cast.marta, at=NIGHT + 4 * MINUTE)

    found = backtest(world.cast.policy, current=SLOW, draft=QUICK, since=NIGHT - MINUTE, until=NIGHT + MINUTE)

    # Marta and Tomás at once; Jonas after half of five minutes; with the draft, half of two and Elena too.
    assert (found.current.pages, found.draft.pages) == (3, 5)


def test_a_range_that_ends_before_it_begins_is_refused(world: World) -> None:
    with pytest.raises(DomainError):
        backtest(world.cast.policy, current=SLOW, draft=QUICK, since=NIGHT, until=NIGHT)


def test_night_is_from_ten_in_the_evening_to_six_in_the_morning() -> None:
    hours = [hour for hour in range(24) if is_night(datetime(2026, 11, 22, hour, tzinfo=UTC))]

    assert hours == [0, 1, 2, 3, 4, 5, 22, 23]


def test_the_command_shows_both_in_a_table(world: World, tmp_path: Path) -> None:
    opened(world, answered_after=3 * MINUTE, at=NIGHT - timedelta(days=1))
    draft, out = tmp_path / "draft.json", StringIO()
    draft.write_text(json.dumps(levels(ack=("2m", "2m", "2m"))))

    call_command("backtest_policy", "critical-payments", "--days", "7", "--draft", str(draft), stdout=out)

    assert "1 incidents of 7 days" in out.getvalue()
    assert [line.split() for line in out.getvalue().splitlines() if line.startswith("pages")] == [
        ["pages", "1", "2", "+1"]
    ]

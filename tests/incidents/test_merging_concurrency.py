"""Merging while others act: whatever comes first, there is one record in the end, and nobody waits for ever."""

import pytest

from incidents.models import Alert, Incident, Page
from incidents.services.intake import inbox_process
from incidents.services.lifecycle import incident_acknowledge
from incidents.services.merging import incident_merge, incident_unmerge
from incidents.services.runs import runs_step
from tests.incidents.test_concurrency import LATER, at_once, cast, opened
from tests.world.cast import Cast
from tests.world.harness import NIGHT

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
__all__ = ["cast"]


@pytest.mark.requirement("R193")
def test_when_two_are_merged_into_each_other_while_others_act_then_one_of_them_keeps_all(cast: Cast) -> None:
    for _round in range(3):
        one, other = opened(cast, 2)

        def merge(first: Incident = one, second: Incident = other) -> Incident:
            return incident_merge(incident_id=first.pk, other_id=second.pk, actor=cast.marta, at=LATER)

        def merge_back(first: Incident = other, second: Incident = one) -> Incident:
            return incident_merge(incident_id=first.pk, other_id=second.pk, actor=cast.marta, at=LATER)

        def take(pk: int = one.pk) -> Incident:
            return incident_acknowledge(incident_id=pk, actor=cast.jonas, at=LATER)

        results = at_once(merge, merge_back, take, lambda: runs_step(at=LATER), lambda: inbox_process(at=LATER))
        one.refresh_from_db()
        other.refresh_from_db()
        merged = [row for row in (one, other) if row.merged_into_id is not None]
        assert len(merged) == 1, results
        assert sum(isinstance(result, Incident) for result in results[:2]) == 1
        before = Page.objects.filter(incident=merged[0]).count()
        runs_step(at=LATER.replace(hour=NIGHT.hour + 3))
        assert Page.objects.filter(incident=merged[0]).count() == before
        assert not Alert.objects.exclude(incident__merged_into=None).exists()
        again = at_once(*[lambda pk=merged[0].pk: incident_unmerge(incident_id=pk, actor=cast.marta, at=LATER)] * 2)
        assert sum(isinstance(result, Incident) for result in again) == 1

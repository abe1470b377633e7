"""What a row of the list says of its incident."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from incidents.models import Incident
from tests.world.harness import World

CELL = re.compile(r'<span class="c-sla nowrap" role="cell">(.*?)</span>\n', re.DOTALL)


@pytest.mark.requirement("R195")
def test_when_time_was_promised_then_a_row_counts_it_down_and_says_by_how_much_it_is_over(
    night: World, browser_of: Callable[[str], Client], file_incident: Callable[..., Incident]
) -> None:
    for title, minutes in (("Late", -4), ("Soon", 90), ("Free", None)):
        incident = file_incident(title)
        due = night.now + timedelta(minutes=minutes) if minutes else None
        Incident.objects.filter(pk=incident.pk).update(sla_due_at=due)
    page = browser_of("marta").get("/incidents/", {"sort": "sla"}).content.decode()
    late, soon, free = CELL.findall(page)
    assert "over by 4 min" in late
    assert "data-due" not in late, "nothing is left to count down"
    assert '<span class="digits">1 h 30</span>' in soon
    assert "No target" in free

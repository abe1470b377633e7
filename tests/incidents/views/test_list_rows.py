"""What a row of the list says of its incident."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.template import Context
from django.test import Client

from incidents.models import Incident
from incidents.selectors.steps import Next, Standing
from incidents.templatetags.incident_rows import next_step
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


@pytest.mark.requirement("R195")
def test_when_a_step_is_of_any_kind_then_a_row_says_what_happens_next_and_runs_nothing_that_was_typed(
    night: World, file_incident: Callable[..., Incident]
) -> None:
    incident, at = file_incident(), night.now
    later = at + timedelta(minutes=30)
    said = {
        Standing(Next.CALL, total=2, current=1, at=later, since=at, to="Level 2: <b>"): "ringing: Ada, &lt;i&gt;",
        Standing(Next.CALL, total=2, current=1, answered=True, at=later, since=at, to="x"): "unless mitigated",
        Standing(Next.RESOLVED): "recovered by itself",
        Standing(Next.NO_POLICY): "the service has no policy",
        Standing(Next.NOBODY): "by decision",
        Standing(Next.ASKED, at=later, since=at): "A person decides",
        Standing(Next.SET_ASIDE, at=at): "administrators were told",
        Standing(Next.EXHAUSTED, total=2, current=2, at=at): "catch-all told",
        Standing(Next.SNOOZED, at=later, to="<b>"): "then &lt;b&gt;",
        Standing(Next.SNOOZED, at=later, to="x", suppressed=True): "Silent by a rule until",
        Standing(Next.NONE, total=2, current=2): "no resolution timeout",
    }
    assert {step.next for step in said} == set(Next)
    for step, words in said.items():
        drawn = next_step(Context({"at": at}), incident, step, ("Ada", "<i>"))
        assert words in drawn, step.next
        assert "<b>Level" not in drawn
        assert "<i>" not in drawn

"""What severity follows where nothing is answered, and which criteria hold where nobody published any."""

import pytest

from escalation_site.kernel.errors import DomainError
from incidents.services.assess import judged
from policies.books import CRITERIA, Reading, book_read
from policies.criteria import READY, CriteriaDef, criteria_dump, propose

READING: Reading[CriteriaDef] = Reading(0, None, READY)


def test_when_nothing_is_answered_and_a_default_is_known_then_it_is_the_severity() -> None:
    assert judged(READING, propose(READY, {}), chosen=None, otherwise=4).severity == 4
    with pytest.raises(DomainError) as refused:
        judged(READING, propose(READY, {}), chosen=None)
    assert refused.value.field == "severity"
    with pytest.raises(DomainError) as refused:
        judged(READING, propose(READY, {}), chosen=9)
    assert refused.value.field == "severity"


@pytest.mark.django_db
def test_when_nobody_published_criteria_then_those_that_watchbell_comes_with_hold() -> None:
    reading = book_read(CRITERIA)
    assert (reading.number, reading.version_id) == (0, None)
    assert criteria_dump(reading.value) == criteria_dump(READY)

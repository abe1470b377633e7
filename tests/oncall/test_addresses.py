"""Schedules share their addresses with pages: no schedule may take a page's name."""

import pytest
from django.core.exceptions import ValidationError
from django.urls import URLPattern, URLResolver, get_resolver

from oncall.models import Schedule
from oncall.models.schedules import RESERVED_SLUGS


def first_parts(patterns: list[URLPattern | URLResolver], before: str = "") -> set[str]:
    """The fixed first parts of every address below /oncall/."""
    found: set[str] = set()
    for pattern in patterns:
        address = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            found |= first_parts(pattern.url_patterns, address)
        elif address.startswith("oncall/"):
            found.add(address.removeprefix("oncall/").partition("/")[0])
    return {part for part in found if part and "<" not in part}


def test_every_page_below_oncall_has_its_name_kept_from_schedules() -> None:
    assert first_parts(get_resolver().url_patterns) <= RESERVED_SLUGS


@pytest.mark.django_db
@pytest.mark.parametrize("slug", ["workload", "mine", "new"])
def test_when_a_schedule_would_take_a_page_s_name_then_it_is_refused_at_its_field(slug: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Schedule(name="Night watch", slug=slug).full_clean()
    assert "slug" in refused.value.message_dict

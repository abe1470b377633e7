"""Template tags and components: what they write, and that they never write a style attribute."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django import forms
from django.conf import settings
from django.contrib.staticfiles import finders
from django.template import Context, Template
from django.utils.safestring import mark_safe

from escalation_site.ui import samples, shapes

AT = datetime(2026, 11, 22, 2, 15, tzinfo=UTC)
TEMPLATES = Path(settings.BASE_DIR) / "templates"


class ReportForm(forms.Form):
    title = forms.CharField(label="What is wrong?", help_text="In one line.")
    seen = forms.CharField(label="What do people see?", required=False)


def drawn(source: str, **values: Any) -> str:
    return Template("{% load watchbell %}" + source).render(Context({"at": AT, **values}))


def test_when_a_severity_is_shown_then_its_label_is_written() -> None:
    assert "SEV-1" in drawn("{% severity 1 %}")
    assert "Critical" in drawn('{% severity 1 "Critical" %}')


def test_when_a_state_is_shown_then_weight_icon_and_word_say_it() -> None:
    html = drawn('{% state "acknowledged" %}')
    assert 'class="state acked"' in html
    assert "#user-check" in html
    assert "Acknowledged" in html


def test_when_a_state_is_unknown_then_it_is_its_own_word() -> None:
    assert "Parked" in drawn('{% state "parked" %}')


def test_when_a_clock_is_drawn_then_it_works_without_scripts_too() -> None:
    html = drawn("{% clock due start=start announce='Elena is called' %}", due=AT + timedelta(seconds=531), start=AT)
    assert ">8:51<" in html
    assert 'data-announce="Elena is called"' in html
    assert "<noscript>" in html


def test_when_less_than_two_minutes_are_left_then_the_clock_is_ember() -> None:
    assert 'class="clock warn"' in drawn("{% clock due %}", due=AT + timedelta(seconds=74))
    assert 'class="clock"' in drawn("{% clock due %}", due=AT + timedelta(minutes=30))


def test_when_there_is_no_instant_then_nothing_is_drawn() -> None:
    assert drawn("{% clock none_at %}{% when none_at %}", none_at=None) == ""


@pytest.mark.parametrize(
    ("call", "label", "bars"),
    [
        ("{% rungs total=4 current=2 %}", "Level 2 of 4", ["past", "now", "next", "next"]),
        ("{% rungs total=3 current=2 answered=True %}", "Level 2 of 3", ["past", "ack", "next"]),
        ("{% rungs total=2 current=2 finished=True %}", "All 2 levels called", ["past", "past"]),
    ],
)
def test_when_a_ladder_is_drawn_then_its_label_says_the_same_as_its_bars(
    call: str, label: str, bars: list[str]
) -> None:
    html = drawn(call)
    assert f'aria-label="{label}"' in html
    assert [part.split('"')[0] for part in html.split('<i class="')[1:]] == bars


def test_when_a_person_has_a_name_with_markup_then_it_is_escaped() -> None:
    assert "<b>" not in drawn("{% person name %}", name="<b>Bob</b> X")


def test_when_the_same_words_were_safe_before_then_they_are_escaped_all_the_same() -> None:
    """What is drawn is kept, and marked text equals text that is not."""
    shapes.person(mark_safe("<b>x</b> y"))
    shapes.severity(1, mark_safe("<b>x</b> y"))
    assert "<b>" not in shapes.person("<b>x</b> y")
    assert "<b>" not in shapes.severity(1, "<b>x</b> y")


def test_when_nobody_owns_it_then_the_place_is_shown_empty() -> None:
    assert "No owner" in drawn("{% person None %}")


def test_when_a_person_is_drawn_twice_then_the_hue_is_the_same() -> None:
    assert shapes.person_hue("42") == shapes.person_hue("42")
    assert {shapes.person_hue(str(key)) for key in range(200)} == {1, 2, 3, 4, 5, 6}


@pytest.mark.parametrize(
    ("name", "letters"), [("Jonas de Wit", "JW"), ("Priya", "P"), ("", "?"), ("Élodie Ørsted", "ÉØ")]
)
def test_when_initials_are_taken_then_first_and_last_word_count(name: str, letters: str) -> None:
    assert shapes.initials(name) == letters


@pytest.mark.parametrize(("percent", "width"), [(35, "35%"), (-4, "0%"), (140, "100%"), (33.333, "33.33%")])
def test_when_a_meter_is_drawn_then_it_stays_within_its_track(percent: float, width: str) -> None:
    assert f'width="{width}"' in shapes.meter(percent)


def test_when_a_field_is_required_then_it_is_said_in_words() -> None:
    form = ReportForm()
    assert "required</span>" in drawn("{% field form.title %}", form=form)
    assert "required</span>" not in drawn("{% field form.seen %}", form=form)


def test_when_a_field_is_wrong_then_the_control_points_at_the_sentence() -> None:
    html = drawn("{% field form.title %}", form=ReportForm({}))
    assert 'aria-invalid="true"' in html
    assert 'aria-describedby="id_title_help id_title_error"' in html
    assert 'id="id_title_error"' in html
    assert 'id="id_title_help"' in html


def test_when_a_form_is_quiet_then_help_and_required_are_left_out() -> None:
    html = drawn("{% field form.title quiet=True %}", form=ReportForm())
    assert "In one line." not in html
    assert "required</span>" not in html


def test_when_the_query_is_changed_then_the_rest_of_it_stays(rf: Any) -> None:
    request = rf.get("/incidents/?state=open&page=2")
    assert drawn("{% query_with page=3 %}", request=request) == "?state=open&amp;page=3"
    assert drawn('{% query_with page="" %}', request=request) == "?state=open"


def test_when_an_icon_is_named_in_a_template_then_the_sprite_has_it() -> None:
    path = finders.find("img/icons.svg")
    assert path
    sprite = Path(str(path)).read_text(encoding="utf-8")
    named = {look.icon for look in shapes.STATES.values()}
    for template in TEMPLATES.rglob("*.html"):
        text = template.read_text(encoding="utf-8")
        named |= {part.split('"')[0] for part in text.split('{% icon "')[1:]}
    missing = sorted(name for name in named if f'id="{name}"' not in sprite)
    assert missing == []


def test_when_a_template_is_written_then_it_has_no_style_and_no_inline_script() -> None:
    for template in TEMPLATES.rglob("*.html"):
        text = template.read_text(encoding="utf-8")
        for refused in (' style="', "<style", " onclick=", " onload=", " onchange=", "javascript:", "hx-on"):
            assert refused not in text, f"{template.name}: {refused}"


def test_when_the_samples_are_made_then_each_component_has_one() -> None:
    context = samples.everything(AT)
    assert context["charts"]["line"].line
    assert len(context["ladder"]) == 4
    assert context["form"].errors

"""What a dashboard shows by the hundred is written by Python: everything from outside is escaped, nothing is left out."""

from dataclasses import replace

from reports.dashboard import Range
from reports.panels import Hour, Week
from reports.templatetags.board_parts import hour_heads, hour_rows, range_rows, ranges

LINE = Range(
    "Tea & <b>cake</b>",
    None,
    "/reports/?a=1&team=tea",
    "4:00",
    "9:00",
    "5:00",
    12,
    3,
    "/reports/?waits",
    "",
    "10%",
    "20%",
    "10%",
    "15%",
)


def test_when_a_team_is_named_with_signs_of_html_then_they_are_only_text() -> None:
    drawn = ranges([LINE])
    assert 'href="/reports/?a=1&amp;team=tea">Tea &amp; &lt;b&gt;cake&lt;/b&gt;</a>' in drawn
    assert "<b>4:00</b> · 9:00" in drawn
    rows = range_rows([LINE])
    linked = (
        '<a class="link" href="/reports/?a=1&amp;team=tea">12</a>',
        '<a class="link" href="/reports/?waits">3</a>',
    )
    cells = "".join(f'<td class="r">{cell}</td>' for cell in ("4:00", "9:00", "5:00", *linked))
    assert rows == f'<tr><th scope="row">Tea &amp; &lt;b&gt;cake&lt;/b&gt;</th>{cells}</tr>'


def test_when_a_number_is_not_known_then_no_mark_is_drawn_for_it() -> None:
    drawn = ranges([replace(LINE, median_at="", before_at="")])
    assert "<circle" not in drawn
    assert "<rect" not in drawn
    whole = ranges([LINE])
    assert (whole.count("<circle"), whole.count('class="p90"'), whole.count('class="was"')) == (2, 1, 1)


def test_when_a_line_is_a_severitys_then_its_shape_stands_there() -> None:
    assert "<svg" in ranges([replace(LINE, rank=1, label="SEV-1", median_at="", before_at="")]).partition("</a>")[0]


def test_each_hour_of_the_week_has_its_shade_its_number_and_what_leads_to_what_it_counts() -> None:
    hours = tuple(Hour(hour, hour % 5) for hour in range(24))
    drawn = hour_rows(Week("", (("Mon", hours, sum(range(24))),), "", "/list/?a=1&which=all"))
    link = "/list/?a=1&amp;which=all&amp;hour=0-"
    assert drawn.startswith(
        f'<tr><th scope="row">Mon</th><td class="c s0">0</td><td class="c s1"><a href="{link}1">1</a></td>'
    )
    assert drawn.endswith(f'<td class="c s3"><a href="{link}23">23</a></td><td class="r strong">276</td></tr>')
    assert hour_heads().count("<th") == drawn.count('<td class="c ') == 24

"""What a dashboard shows by the hundred is written by Python: everything from outside is escaped, nothing is left out."""

from dataclasses import replace

from escalation_site.templatetags.watchbell import chart_dots, table_rows
from escalation_site.ui.charts import Dot
from reports.dashboard import Range
from reports.heat import Cell, Heat, Line
from reports.panels import Hour, Week
from reports.templatetags.board_parts import heat_rows, hour_heads, hour_rows, range_rows, ranges

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


def test_each_week_of_a_person_has_its_shade_its_pages_and_those_at_night() -> None:
    cells = (Cell(0, 0, 0), Cell(7, 2, 3, "/pages/?a=1&b=2", "/pages/?asleep"))
    drawn = heat_rows(Heat(("2 Nov", "9 Nov"), (Line("<i>Jonas</i>", cells, 7, 2, "/all", "/nights"),), 0, ""))
    assert drawn == (
        '<tr><th scope="row" class="trunc">&lt;i&gt;Jonas&lt;/i&gt;</th><td class="c s0">0</td>'
        '<td class="c s3"><a href="/pages/?a=1&amp;b=2">7</a> (<a href="/pages/?asleep">2</a>)</td>'
        '<td class="r strong"><a class="link" href="/all">7</a> <span class="muted">(<a class="link" href="/nights">2</a>)</span></td></tr>'
    )


def test_a_charts_table_links_its_second_cell_where_something_is_behind_it() -> None:
    drawn = table_rows([(("2 Nov", "4 <min>", "9 min"), "/list/?a=1&b=2"), (("9 Nov", "–", "–"), "")])
    assert drawn == (
        '<tr><th scope="row">2 Nov</th><td class="r"><a class="link" href="/list/?a=1&amp;b=2">4 &lt;min&gt;</a></td>'
        '<td class="r">9 min</td></tr><tr><th scope="row">9 Nov</th><td class="r">–</td><td class="r">–</td></tr>'
    )


def test_a_charts_dot_stands_in_its_place_with_its_words() -> None:
    drawn = chart_dots([Dot(3.5, 20.0, "2 Nov: <4 min>")])
    assert drawn == '<circle class="dot" cx="3.5%" cy="20.0" r="3.2"><title>2 Nov: &lt;4 min&gt;</title></circle>'

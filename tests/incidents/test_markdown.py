"""What people write becomes HTML that is safe to show."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.markdown import markdown_html, mentioned_names
from tests.world.harness import World

pytestmark = pytest.mark.django_db


ALLOWED = {"a": {"href", "rel", "title"}, "ol": {"start"}, "span": {"class", "title"}}
TAGS = {
    "a",
    "blockquote",
    "br",
    "code",
    "em",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "s",
    "span",
    "strong",
    "ul",
    "h3",
    "h4",
    "h5",
    "h6",
} | {"table", "tbody", "td", "th", "thead", "tr"}


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.bad: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS or {name for name, _value in attrs} - ALLOWED.get(tag, set()):
            self.bad.append(tag)
        address = dict(attrs).get("href") or "/"
        if not address.startswith(("/incidents/", "http://", "https://", "mailto:", "/")):
            self.bad.append(address)


def _allowed(html: str) -> bool:
    found = _Tags()
    found.feed(html)
    return not found.bad


def test_when_markdown_is_written_then_it_is_shown_as_meant(world: World) -> None:
    html = markdown_html(
        "# Found it\n\n**Disk** full on `db3`, see INC-12 and https://wiki.example.org/a_b_c?x=1.\n\n- @marta looks\n"
    )
    assert "<h3>Found it</h3>" in html
    assert "<strong>Disk</strong> full on <code>db3</code>" in html
    assert '<a href="/incidents/12/" rel="noopener noreferrer nofollow">INC-12</a>' in html
    assert '<a href="https://wiki.example.org/a_b_c?x=1" rel="noopener noreferrer nofollow">' in html
    assert f'<span class="mention" title="@marta">{world.cast.marta.name}</span>' in html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "![x](https://elsewhere.example.org/spy.png)",
        '[x](https://a.example.org "\\" onclick=alert(1)")',
        '<https://a.example.org/" onclick="alert(1)>',
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        '<a href="https://a.example.org" style="position:fixed">x</a>',
    ],
)
def test_when_somebody_writes_html_or_scripts_then_nothing_of_it_acts(text: str) -> None:
    assert _allowed(markdown_html(text))


def test_when_a_name_stands_in_code_an_address_or_belongs_to_nobody_then_it_is_no_mention(world: World) -> None:
    assert mentioned_names("@Marta and @jonas. not a@marta, `@elena`, https://x.example.org/@hugo, @marta again") == [
        "marta",
        "jonas",
    ]
    assert "@nobody" in markdown_html("@nobody")
    assert "mention" not in markdown_html("`@marta` @nobody")


def test_when_the_same_text_is_shown_again_then_nobody_is_looked_up_again(
    world: World, django_assert_num_queries: object
) -> None:
    first = markdown_html("Ask @marta")
    with django_assert_num_queries(0):  # type: ignore[operator]  # the fixture is a context manager
        assert markdown_html("Ask @marta") == first
        markdown_html("Nobody is named here")


@given(st.text(max_size=200))
def test_when_anything_is_written_then_only_known_tags_come_out(text: str) -> None:
    assert _allowed(markdown_html(text.replace("@", "")))

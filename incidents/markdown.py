"""What people write, as HTML that is safe to show: Markdown without raw HTML or images, mentions as chips, INC-123 as links.

Two locks: the parser knows no HTML, and nh3 keeps only the tags and attributes named here.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

import nh3
from django.core.cache import cache as shared_cache
from django.urls import reverse
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from oncall.models import User

__all__ = ["markdown_html", "mentioned_names"]

MAX_LENGTH = 20_000
CACHE_SECONDS = 3600
REMEMBERED = 2000
_RENDERING = "1"
"""Part of the cache's key: raise it when the same text is to look otherwise."""

# A person, an incident or an address, none of them in the midst of a word.
_SPECIAL = re.compile(
    r"(?<![\w@/.-])(?:@(?P<mention>[A-Za-z0-9](?:[A-Za-z0-9._+-]{0,148}[A-Za-z0-9])?)"
    r"|INC-(?P<incident>[1-9][0-9]{0,17})(?![\w-])"
    r"|(?P<address>https?://[^\s<>\"'`\\]*[^\s<>\"'`\\.,;:!?)\]}]))"
)
_TAGS = {
    "a", "blockquote", "br", "code", "em", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "s", "span", "strong", "table",
    "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_ATTRIBUTES = {"a": {"href", "class"}, "span": {"class", "title"}, "ol": {"start"}}


def markdown_html(text: str) -> SafeString:
    """``text`` as HTML. The same text is made once in an hour, with the names people have then."""
    if not text.strip():
        return mark_safe("")
    if "@" not in text:
        return _unnamed(text)
    key = f"markdown:{_RENDERING}:{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()}"
    found = shared_cache.get(key)
    if not isinstance(found, str):
        found = _made(text)
        shared_cache.set(key, found, CACHE_SECONDS)
    return mark_safe(found)  # noqa: S308  cleaned by nh3 when it was made


@lru_cache(maxsize=REMEMBERED)
def _unnamed(text: str) -> SafeString:
    """What names nobody looks the same for ever: each process remembers it, and no cache is asked line by line."""
    return mark_safe(_made(text))  # noqa: S308  cleaned by nh3


def mentioned_names(text: str) -> list[str]:
    """The user names behind "@", in lower case, each once, in their order; those in code are no mentions."""
    return list(dict.fromkeys(name.lower() for name in _mentions(_parser().parse(text[:MAX_LENGTH]))))


def _made(text: str) -> str:
    parser = _parser()
    tokens = parser.parse(text[:MAX_LENGTH])
    html = parser.renderer.render(tokens, parser.options, {"people": _people(_mentions(tokens))})
    return nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )


def _mentions(tokens: Sequence[Token]) -> list[str]:
    inside = (child for token in tokens for child in token.children or ())
    return [child.content for child in inside if child.type == "mention"]


def _people(names: Sequence[str]) -> dict[str, str]:
    """User name → name of those who are there: one query, none where nobody is mentioned."""
    if not names:
        return {}
    found = User.objects.filter(
        is_active=True, username__in={name for typed in names for name in (typed, typed.lower())}
    )
    return {person.username.lower(): person.name for person in found}


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True})
    parser.enable(["table", "strikethrough"]).disable(["image", "html_block", "html_inline"])
    parser.core.ruler.push("specials", _specials)
    parser.add_render_rule("mention", _mention)
    parser.add_render_rule("incident", _incident)
    parser.add_render_rule("address", _address)
    parser.add_render_rule("heading_open", _heading)
    parser.add_render_rule("heading_close", _heading)
    return parser


def _specials(state: StateCore) -> None:
    """Part plain text into text, people, incidents and addresses. What stands in a link or in code stays as it is."""
    for token in state.tokens:
        if token.type == "inline":
            token.children = _parted(token.children or [])


def _parted(children: Sequence[Token]) -> list[Token]:
    parts: list[Token] = []
    links = 0
    for child in children:
        links += child.nesting if child.type in ("link_open", "link_close") else 0
        parts.extend(_split(child) if child.type == "text" and not links else [child])
    return parts


def _split(text: Token) -> list[Token]:
    parts, position = [], 0
    for found in _SPECIAL.finditer(text.content):
        kind = found.lastgroup or "text"
        parts.append(Token("text", "", 0, content=text.content[position : found.start()], level=text.level))
        parts.append(Token(kind, "", 0, content=found[kind], level=text.level))
        position = found.end()
    return [*parts, Token("text", "", 0, content=text.content[position:], level=text.level)]


def _mention(_self: RendererHTML, tokens: Sequence[Token], index: int, _options: OptionsDict, env: EnvType) -> str:
    """Whoever is nobody here stays as it was typed."""
    typed = tokens[index].content
    people: Mapping[str, str] = env.get("people", {})
    name = people.get(typed.lower())
    return format_html('<span class="mention" title="@{}">{}</span>', typed, name) if name else escape(f"@{typed}")


def _incident(_self: RendererHTML, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: EnvType) -> str:
    """A link that tells no title: whoever may not see the incident finds nothing behind it."""
    number = tokens[index].content
    return format_html('<a href="{}">INC-{}</a>', reverse("incidents:incident", args=(int(number),)), number)


def _address(_self: RendererHTML, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: EnvType) -> str:
    address = tokens[index].content
    return format_html('<a href="{}">{}</a>', address, address.partition("://")[2])


def _heading(self: Any, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    """Headings of a comment stand below those of its page."""
    token = tokens[index]
    token.tag = f"h{min(6, len(token.markup) + 2)}" if token.markup.startswith("#") else "h3"
    return str(self.renderToken(tokens, index, options, env))

"""Reading a YAML file so that every mistake can be shown with its file, line and field.

The grammar is that of YAML 1.2, also understood of JSON: only ``true`` and ``false`` are truth values, ``22:00`` is a
text (YAML 1.1 reads the number 1320) and so is a date. Anchors, aliases and merge keys work.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml
from django.utils.translation import gettext as _

from escalation_site.configuration.problems import ConfigurationInvalid, Keys, Problem, Problems

MOST_VALUES = 200_000
_TAG = "tag:yaml.org,2002:"
_PLAIN_TAGS = (_TAG + "map", _TAG + "seq")


class _Loader(yaml.SafeLoader):
    """Composes nodes and constructs scalars; what a plain word means is settled below."""

    yaml_implicit_resolvers: dict[str, Any] = {}


for _kind, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", list("-+0123456789")),
    ("float", r"[-+]?(?:0|[1-9][0-9]*)\.[0-9]+(?:[eE][-+]?[0-9]+)?", list("-+0123456789")),
    ("merge", r"<<", ["<"]),
):
    _Loader.add_implicit_resolver(_TAG + _kind, re.compile(f"^(?:{_pattern})$"), _first)


@dataclass(frozen=True, slots=True)
class Item:
    """One value of the file with its place: ``members`` of a mapping by name, ``entries`` of a list, ``data`` for
    all as plain data.
    """

    data: Any
    line: int
    keys: Keys
    problems: Problems = field(repr=False, compare=False)
    members: dict[str, Item] = field(default_factory=dict, repr=False)
    entries: tuple[Item, ...] = ()

    def wrong(self, message: str) -> None:
        """Note that something is the matter here; reading goes on, so that a person sees every mistake at once."""
        self.problems.add(self.line, self.keys, message)

    def nearest(self, keys: Sequence[str | int]) -> Item:
        """The item that ``keys`` lead to from here, or the last one on the way that exists."""
        item = self
        for key in keys:
            if isinstance(key, int) and key < len(item.entries):
                item = item.entries[key]
            elif isinstance(key, str) and key in item.members:
                item = item.members[key]
            else:
                break
        return item

    def wrong_at(self, keys: Sequence[str | int], message: str) -> None:
        """As ``wrong``, for a mistake below this item: the line is that of the nearest item there is, the path is
        complete.
        """
        self.problems.add(self.nearest(keys).line, (*self.keys, *keys), message)


def document_read(text: str, *, source: str) -> Item:
    """The file's content as items; ``source`` is its name, for messages.

    Raises ConfigurationInvalid when it is no YAML or no mapping. Mistakes that leave the rest readable (a key given
    twice) are noted in the items' ``problems``.
    """
    problems = Problems(source)
    loader = None
    try:
        # The constructor itself refuses characters that no YAML may hold.
        loader = _Loader(text)
        node = loader.get_single_node()
        item = _Builder(loader, problems).build(node, ()) if node else Item({}, 1, (), problems)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        _refuse(
            source,
            mark.line + 1 if mark else 1,
            _("is not valid YAML: %(fault)s") % {"fault": error.problem or error.context},
        )
    except yaml.reader.ReaderError as error:
        _refuse(source, text.count("\n", 0, error.position) + 1, _("holds a character that YAML does not allow"))
    finally:
        if loader:
            loader.dispose()
    if item.data is None:
        return Item({}, 1, (), problems)
    if not isinstance(item.data, dict):
        _refuse(source, item.line, _("must be a mapping of sections (users, teams, …)"))
    return item


def _refuse(source: str, line: int, message: str) -> None:
    raise ConfigurationInvalid((Problem(source, line, (), message),))


class _Builder:
    """Turns composed nodes into items.

    An anchor may be used many times; the count keeps a small file from growing without end.
    """

    def __init__(self, loader: _Loader, problems: Problems) -> None:
        self.loader = loader
        self.problems = problems
        self.count = 0
        self.open: set[int] = set()

    def build(self, node: yaml.Node, keys: Keys) -> Item:
        self.count += 1
        if self.count > MOST_VALUES or id(node) in self.open:
            fault = _("repeats itself without end") if id(node) in self.open else _("is too large")
            raise yaml.MarkedYAMLError(problem=fault, problem_mark=node.start_mark)
        self.open.add(id(node))
        try:
            return self._build(node, keys)
        finally:
            self.open.discard(id(node))

    def _build(self, node: yaml.Node, keys: Keys) -> Item:
        line = node.start_mark.line + 1
        if not isinstance(node, yaml.ScalarNode) and node.tag not in _PLAIN_TAGS:
            raise yaml.MarkedYAMLError(
                problem=_("has a tag that is not known: %(tag)s") % {"tag": node.tag}, problem_mark=node.start_mark
            )
        if isinstance(node, yaml.MappingNode):
            members = self._members(node, keys)
            return Item({name: item.data for name, item in members.items()}, line, keys, self.problems, members=members)
        if isinstance(node, yaml.SequenceNode):
            entries = tuple(self.build(child, (*keys, index)) for index, child in enumerate(node.value))
            return Item([item.data for item in entries], line, keys, self.problems, entries=entries)
        return Item(self._scalar(node), line, keys, self.problems)

    def _members(self, node: yaml.MappingNode, keys: Keys) -> dict[str, Item]:
        seen: set[str] = set()
        for key_node, _value in node.value:
            name = self._name(key_node)
            if name in seen and name != "<<":
                self.problems.add(key_node.start_mark.line + 1, (*keys, name), _("is given twice"))
            seen.add(name)
        self.loader.flatten_mapping(node)
        members = {}
        for key_node, value_node in node.value:
            name = self._name(key_node)
            item = self.build(value_node, (*keys, name))
            # Shown where its name stands: that is where a person looks, and an empty value has no line of its own.
            line = key_node.start_mark.line + 1
            members[name] = Item(item.data, line, item.keys, self.problems, item.members, item.entries)
        return members

    def _name(self, node: yaml.Node) -> str:
        value = self._scalar(node) if isinstance(node, yaml.ScalarNode) else None
        if not isinstance(value, Hashable) or value is None:
            raise yaml.MarkedYAMLError(problem=_("a name must be a text"), problem_mark=node.start_mark)
        return value if isinstance(value, str) else str(node.value)

    def _scalar(self, node: yaml.Node) -> Any:
        if node.tag == _TAG + "merge":
            return node.value
        return self.loader.construct_object(node)

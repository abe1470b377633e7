"""Reading a definition (a policy, a schedule) that has a reader of its own, with the file's lines put to what it
finds.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from escalation_site.configuration.document import Item
from escalation_site.configuration.problems import Keys, did_you_mean


def unknown_fields(item: Item, schema: Mapping[str, Any], root: Mapping[str, Any] | None = None) -> set[Keys]:
    """Note every field below ``item`` that ``schema`` does not know, with the nearest one it does; returns where they
    are.

    Follows ``properties``, ``items``, ``anyOf``/``oneOf`` and ``$ref`` into ``$defs``: what our own schemas are made
    of.
    """
    root = root or schema
    noted: set[Keys] = set()
    options = list(_options(schema, root))
    known = {name: part for option in options for name, part in option.get("properties", {}).items()}
    if known:
        for name, member in item.members.items():
            if name in known:
                noted |= unknown_fields(member, known[name], root)
            else:
                member.wrong(
                    _("is not a known field.")
                    + did_you_mean(name, known)
                    + " "
                    + _("Known are: %(known)s.") % {"known": ", ".join(known)}
                )
                noted.add(member.keys)
    for option in options:
        if "items" in option:
            for entry in item.entries:
                noted |= unknown_fields(entry, option["items"], root)
            break
    return noted


def _options(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    reference = schema.get("$ref")
    if reference:
        target: Any = root
        for key in str(reference).removeprefix("#/").split("/"):
            target = target[key]
        yield from _options(target, root)
    yield schema
    for group in ("anyOf", "oneOf"):
        for option in schema.get(group, ()):
            yield from _options(option, root)


def problems_placed(item: Item, problems: Iterable[tuple[Keys, str]], *, noted: set[Keys]) -> None:
    """Note what the definition's own reader found, each (keys below ``item``, message), but what is noted already."""
    for keys, message in problems:
        if (*item.keys, *keys) not in noted:
            item.wrong_at(keys, message)

"""The JSON form of channel criteria.

{"rules": [
    {"key": "wake", "name": "Wake people", "when": {"fact": "severity", "operator": "at_least", "value": "SEV-2"},
     "use": ["voice", "sms", "push"], "reason": "E-mail wakes nobody."}
]}

The first rule that holds says by which kinds of contact method people are paged; without one their own order holds.
"""

from __future__ import annotations

import re
from typing import Any

from django.utils.translation import gettext as _

from policies.channels.values import MAX_RULES, ChannelRule, ChannelsDef
from policies.conditions import VOCABULARY, Vocabulary, condition_definitions, condition_dump, condition_read
from policies.definition import MAX_NAME_LENGTH
from policies.reading import DefinitionInvalid, Node, Problem
from policies.routing.document import KEY_PATTERN, MAX_REASON
from policies.ways import KINDS, Way

_KEY = re.compile(KEY_PATTERN, re.ASCII)


def channels_parse(data: object, *, vocabulary: Vocabulary = VOCABULARY) -> ChannelsDef:
    """The criteria that `data` (parsed JSON or YAML) describes. Raises DefinitionInvalid naming every field at fault."""
    problems: list[Problem] = []
    fields = Node(data, (), problems).fields("rules")
    rules = fields["rules"].items(lambda item: _rule(item, vocabulary), most=MAX_RULES)
    keys = [rule.key for rule in rules]
    for index, key in enumerate(keys):
        if key and key in keys[:index]:
            fields["rules"].child(index, None).child("key", None).wrong(_("is the key of an earlier rule too"))
    if problems:
        raise DefinitionInvalid(tuple(problems))
    return ChannelsDef(rules)


def _rule(node: Node, vocabulary: Vocabulary) -> ChannelRule:
    fields = node.fields("key", "name", "reason", "when", "use", "enabled")
    key = fields["key"].text(required=True, most=MAX_NAME_LENGTH)
    if key and not _KEY.match(key):
        fields["key"].wrong(_("must be small letters, digits, “-” and “_” only, at most 60"))
    use = fields["use"].items(lambda item: item.choice(tuple(Way), default=Way.EMAIL), least=1, most=len(KINDS))
    return ChannelRule(
        key=key,
        name=fields["name"].text(required=True, most=MAX_NAME_LENGTH),
        when=condition_read(fields["when"], vocabulary=vocabulary),
        use=tuple(dict.fromkeys(way.value for way in use)),
        reason=fields["reason"].text(most=MAX_REASON),
        enabled=fields["enabled"].flag(default=True),
    )


def channels_dump(channels: ChannelsDef, *, vocabulary: Vocabulary = VOCABULARY) -> dict[str, Any]:
    """The JSON form, always the same for the same criteria; `channels_parse` reads it back to an equal value."""
    return {
        "rules": [
            {
                "key": rule.key,
                "name": rule.name,
                "reason": rule.reason,
                "when": condition_dump(rule.when, vocabulary=vocabulary),
                "use": list(rule.use),
                "enabled": rule.enabled,
            }
            for rule in channels.rules
        ]
    }


def channels_schema(*, vocabulary: Vocabulary = VOCABULARY) -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the form `channels_parse` reads, which has the last word."""
    rule = {
        "type": "object",
        "additionalProperties": False,
        "required": ["key", "name", "when", "use"],
        "properties": {
            "key": {"type": "string", "pattern": KEY_PATTERN},
            "name": {"type": "string", "minLength": 1, "maxLength": MAX_NAME_LENGTH},
            "reason": {"type": ["string", "null"], "maxLength": MAX_REASON},
            "when": {
                "anyOf": [
                    {"$ref": "#/$defs/condition"},
                    {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["all"],
                        "properties": {"all": {"type": "array", "maxItems": 0}},
                    },
                ]
            },
            "use": {
                "type": "array",
                "minItems": 1,
                "maxItems": len(KINDS),
                "items": {"enum": list(KINDS)},
                "description": "the kinds of contact method that people are paged by",
            },
            "enabled": {"type": ["boolean", "null"]},
        },
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Channel criteria",
        "type": "object",
        "additionalProperties": False,
        "properties": {"rules": {"type": ["array", "null"], "maxItems": MAX_RULES, "items": rule}},
        "$defs": condition_definitions(vocabulary=vocabulary),
    }

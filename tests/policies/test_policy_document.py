"""The documentation of policies shows a policy that may be used."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema
import yaml

from policies.definition import POLICY_SCHEMA, TargetKind, policy_parse, policy_warnings

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "escalation-policies.md").read_text(encoding="utf-8")


def test_when_the_documented_policy_is_read_then_it_has_neither_problems_nor_warnings() -> None:
    shown = re.search(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL)
    assert shown
    data = yaml.safe_load(shown[1])

    assert list(jsonschema.Draft202012Validator(POLICY_SCHEMA).iter_errors(data)) == []
    assert policy_warnings(policy_parse(data)) == ()


def test_when_a_kind_of_target_is_known_then_it_is_documented() -> None:
    assert [kind for kind in TargetKind if f"`{kind}`" not in DOCUMENT] == []

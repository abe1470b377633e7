"""Parts of a policy's document that other documents hold too: its targets."""

from policies.definition.dumping import _target_dump as target_dump
from policies.definition.parsing import _targets as targets_read
from policies.definition.schema import _TARGET_SCHEMA as TARGET_SCHEMA

__all__ = ["TARGET_SCHEMA", "target_dump", "targets_read"]

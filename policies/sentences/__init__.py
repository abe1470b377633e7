"""A policy in words, generated from its data: who is told, when, how, and what follows.

Whole sentences go through gettext with named placeholders, never pieces of them, so that every language may put the
parts where it wants them. Names of targets come from the caller, who knows the people and the schedules.
"""

from __future__ import annotations

from dataclasses import dataclass

from policies.definition import PolicyDef
from policies.sentences.closing import closing_sentences
from policies.sentences.levels import LevelText, TargetNamer, level_text, raci_text
from policies.sentences.words import because_text, channels_words, duration_words, joined

__all__ = [
    "LevelText",
    "PolicyText",
    "TargetNamer",
    "because_text",
    "channels_words",
    "duration_words",
    "joined",
    "policy_text",
    "raci_text",
]


@dataclass(frozen=True, slots=True)
class PolicyText:
    """A policy in words: its levels in order, then what holds for all of them."""

    levels: tuple[LevelText, ...]
    closing: tuple[str, ...]


def policy_text(policy: PolicyDef, name_target: TargetNamer) -> PolicyText:
    """The policy in the active language."""
    levels = tuple(level_text(policy, index, name_target) for index in range(len(policy.levels)))
    return PolicyText(levels, closing_sentences(policy, name_target))

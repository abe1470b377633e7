"""The versions of a policy in words: what each says, and how it differs from another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from policies.definition import PolicyDef
from policies.models import EscalationPolicy, PolicyVersion
from policies.pages import TargetNames
from policies.sentences import LevelText, policy_text
from policies.services import version_definition


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a diff; an empty side is nothing."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Past:
    """One version, whether new incidents get it, and what it changed."""

    version: PolicyVersion
    in_force: bool
    changes: tuple[Change, ...]


def history_of(policy: EscalationPolicy) -> list[Past]:
    """Newest first: at most five queries, however many versions."""
    versions = list(policy.versions.select_related("author").order_by("-number"))
    texts = lines_of_all(versions)
    return [
        Past(version, version.pk == policy.current_version_id, changes_between(older, text))
        for version, text, older in zip(versions, texts, [*texts[1:], {}], strict=True)
    ]


def versions_compared(before: PolicyVersion | None, after: PolicyVersion) -> tuple[Change, ...]:
    """How ``after`` differs from ``before``; from nothing where that is None."""
    texts = lines_of_all([one for one in (before, after) if one is not None])
    return changes_between(texts[0] if before else {}, texts[-1])


def lines_of_all(versions: Sequence[PolicyVersion]) -> list[Mapping[str, str]]:
    definitions = [version_definition(version) for version in versions]
    names = TargetNames(definitions)
    return [lines_of(definition, names) for definition in definitions]


def lines_of(definition: PolicyDef, names: TargetNames) -> dict[str, str]:
    """Everything the policy says, in sentences, by what it is about."""
    text = policy_text(definition, names)
    lines = {_("Levels"): " → ".join(level.name for level in text.levels)}
    passed: dict[str, int] = {}
    for level in text.levels:
        passed[level.name] = passed.get(level.name, 0) + 1
        # Levels keep their name when others come before them; of two with one name the number tells them apart.
        title = level.name if passed[level.name] == 1 else f"{level.name} ({passed[level.name]})"
        for part, sentence in _level_lines(level).items():
            lines[_("%(level)s: %(field)s") % {"level": title, "field": part}] = sentence
    lines[_("For all levels")] = " ".join(text.closing)
    return {field: sentence for field, sentence in lines.items() if sentence}


def _level_lines(level: LevelText) -> dict[str, str]:
    return {
        _("who is told"): " ".join(sentence for sentence in (level.tell, level.also) if sentence),
        _("what is expected"): level.duty,
        _("time"): level.answer,
        _("what else holds"): " ".join(level.more),
        _("how"): level.how,
    }


def changes_between(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Change, ...]:
    """What differs, in the order of ``after``; what is gone comes last."""
    fields = dict.fromkeys([*after, *before])
    return tuple(
        Change(field, before.get(field, ""), after.get(field, ""))
        for field in fields
        if before.get(field, "") != after.get(field, "")
    )

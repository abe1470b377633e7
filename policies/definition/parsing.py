"""Policies from JSON, with every problem named."""

from __future__ import annotations

from django.utils.translation import gettext as _

from policies.definition.dumping import policy_dump
from policies.definition.values import (
    ENTRY_ORIGINS,
    MAX_CYCLES,
    MAX_DUTY_LENGTH,
    MAX_LEVELS,
    MAX_NAME_LENGTH,
    MAX_REF_LENGTH,
    MAX_TARGETS,
    TIMEOUT_ORIGINS,
    AckMode,
    Entry,
    LevelDef,
    MeasuredFrom,
    PolicyDef,
    Role,
    TargetDef,
    TargetKind,
    Timeout,
)
from policies.reading import DefinitionInvalid, Node, Problem


def policy_parse(data: object) -> PolicyDef:
    """The policy that `data` (parsed JSON or YAML) describes; durations may be texts ("5m") or whole seconds.

    Raises DefinitionInvalid naming every problem found, each with the path of its field.
    """
    problems: list[Problem] = []
    policy = _policy(Node(data, (), problems))
    if problems:
        raise DefinitionInvalid(tuple(problems))
    return policy


def policy_problems(policy: PolicyDef) -> tuple[Problem, ...]:
    """What is wrong with a policy made in code; empty when it may be used."""
    try:
        policy_parse(policy_dump(policy))
    except DefinitionInvalid as error:
        return error.problems
    return ()


_LEAD_KINDS = (TargetKind.TEAM_LEAD, TargetKind.MANAGER)


def _policy(node: Node) -> PolicyDef:
    fields = node.fields("levels", "cycles", "catch_all", "mitigated_satisfies_resolution")
    return PolicyDef(
        levels=fields["levels"].items(_level, least=1, most=MAX_LEVELS),
        cycles=fields["cycles"].count(most=MAX_CYCLES, default=1),
        catch_all=_targets(fields["catch_all"], least=0),
        mitigated_satisfies_resolution=fields["mitigated_satisfies_resolution"].flag(default=True),
    )


def _level(node: Node) -> LevelDef:
    fields = node.fields("name", "duty", "start", "targets", "ack_timeout", "resolve_timeout", "ack_mode")
    level = LevelDef(
        name=fields["name"].text(required=True, most=MAX_NAME_LENGTH),
        duty=fields["duty"].text(most=MAX_DUTY_LENGTH),
        start=_entry(fields["start"]),
        targets=_targets(fields["targets"], least=1),
        ack_timeout=_timeout(fields["ack_timeout"]),
        resolve_timeout=_timeout(fields["resolve_timeout"]),
        ack_mode=fields["ack_mode"].choice(tuple(AckMode), default=AckMode.ANY),
    )
    if node.is_mapping and level.ack_timeout is None and level.resolve_timeout is None:
        node.wrong(_("needs an acknowledgement timeout or a resolution timeout, or nothing would ever follow it"))
    return level


def _entry(node: Node) -> Entry:
    """`{"delay": "20m", "measured_from": "start"}`, or the delay alone, from the level before."""
    if node.value is None:
        return Entry()
    if not node.is_mapping:
        return Entry(node.seconds(least=0))
    fields = node.fields("delay", "measured_from")
    return Entry(
        delay_seconds=0 if fields["delay"].value is None else fields["delay"].seconds(least=0),
        measured_from=fields["measured_from"].choice(ENTRY_ORIGINS, default=MeasuredFrom.PREVIOUS),
    )


def _timeout(node: Node) -> Timeout | None:
    """`{"after": "10m", "measured_from": "level"}`, the duration alone, or None for no such timeout."""
    if node.value is None:
        return None
    if not node.is_mapping:
        return Timeout(node.seconds(least=1))
    fields = node.fields("after", "measured_from")
    return Timeout(
        seconds=fields["after"].seconds(least=1),
        measured_from=fields["measured_from"].choice(TIMEOUT_ORIGINS, default=MeasuredFrom.LEVEL),
    )


def _targets(node: Node, *, least: int) -> tuple[TargetDef, ...]:
    targets = node.items(_target, least=least, most=MAX_TARGETS)
    for index, target in enumerate(targets):
        if target in targets[:index]:
            node.child(index, None).wrong(_("names the same target a second time"))
    return targets


def _target(node: Node) -> TargetDef:
    fields = node.fields("kind", "ref", "role")
    if node.is_mapping and fields["kind"].value is None:
        fields["kind"].wrong(_("must not be empty"))
    kind = fields["kind"].choice(tuple(TargetKind), default=TargetKind.USER)
    role = None
    if fields["role"].value is not None:
        role = fields["role"].choice(tuple(Role), default=Role.PRIMARY)
        if kind is not TargetKind.SCHEDULE:
            fields["role"].wrong(_("belongs to schedules only"))
    return TargetDef(kind=kind, ref=_ref(fields["ref"], required=kind not in _LEAD_KINDS), role=role)


def _ref(node: Node, *, required: bool) -> str | int | None:
    """A slug or a primary key."""
    if isinstance(node.value, int) and not isinstance(node.value, bool):
        return node.count(most=2**63 - 1, default=1)
    return node.text(required=required, most=MAX_REF_LENGTH) or None

"""What one immutable version of an escalation policy says: its values, its JSON form, and what is wrong with it.

Pure: nothing here touches the ORM, the clock or the network. All durations are elapsed whole seconds, so that a change
of clocks moves no timer.

How a ladder is meant to be read (`policies.escalation` walks it):

- A level is *entered* (its targets are paged) and stays in force until it is answered or one of its timeouts passes.
- Its acknowledgement timeout passes while nobody has acknowledged: the next level is entered after that level's own
  `start.delay`. Its resolution timeout passes while the incident is neither resolved nor (if mitigation counts)
  mitigated: the next level is entered at once, even if somebody has acknowledged.
- A level without an acknowledgement timeout gives people until its resolution timeout to answer.
- "start", as the instant from which a delay or timeout is measured, is the start of the incident's run in the first
  cycle and the start of the repeat in later ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext as _

from policies.durations import DURATION_PATTERN, duration_text
from policies.reading import MAX_SECONDS, DefinitionInvalid, Node, Problem

MAX_LEVELS = 20
MAX_TARGETS = 20
MAX_CYCLES = 50
MAX_NAME_LENGTH = 100
MAX_DUTY_LENGTH = 1_000
MAX_REF_LENGTH = 200


class TargetKind(StrEnum):
    SCHEDULE = "schedule"
    USER = "user"
    TEAM = "team"
    TEAM_LEAD = "team_lead"
    MANAGER = "manager"


class Role(StrEnum):
    """Which of a schedule's people: the one on call first, or the stand-in."""

    PRIMARY = "primary"
    SECONDARY = "secondary"


class MeasuredFrom(StrEnum):
    """The instant from which a duration runs. A delay knows PREVIOUS and START, a timeout LEVEL and START."""

    PREVIOUS = "previous"
    LEVEL = "level"
    START = "start"


ENTRY_ORIGINS = (MeasuredFrom.PREVIOUS, MeasuredFrom.START)
TIMEOUT_ORIGINS = (MeasuredFrom.LEVEL, MeasuredFrom.START)


class AckMode(StrEnum):
    """Whose acknowledgement answers a level with several people: that of any one of them."""

    ANY = "any"


@dataclass(frozen=True, slots=True)
class TargetDef:
    """Someone to be told, resolved to people at the moment the level is entered.

    `ref` is a slug or a primary key. It may be None for TEAM_LEAD and MANAGER, which then mean those of the team that
    owns the incident's service. `role` belongs to schedules; None means everyone on call there.
    """

    kind: TargetKind
    ref: str | int | None = None
    role: Role | None = None


@dataclass(frozen=True, slots=True)
class Timeout:
    """`seconds` (above 0) from the level's entry, or from the start (MeasuredFrom.START)."""

    seconds: int
    measured_from: MeasuredFrom = MeasuredFrom.LEVEL


@dataclass(frozen=True, slots=True)
class Entry:
    """When a level is entered after the one before it went unanswered: `delay_seconds` (0 or more) later, or that
    long after the start (at once if that has passed)."""

    delay_seconds: int = 0
    measured_from: MeasuredFrom = MeasuredFrom.PREVIOUS


@dataclass(frozen=True, slots=True)
class LevelDef:
    """One rung. It has at least one target and at least one timeout; `duty` says what those told are expected to do."""

    name: str
    targets: tuple[TargetDef, ...]
    ack_timeout: Timeout | None = None
    resolve_timeout: Timeout | None = None
    start: Entry = Entry()
    ack_mode: AckMode = AckMode.ANY
    duty: str = ""


@dataclass(frozen=True, slots=True)
class PolicyDef:
    """A whole ladder. `cycles` is how often it is walked before the incident is exhausted and `catch_all` is told.

    An empty `catch_all` leaves that to the site's own. With `mitigated_satisfies_resolution` the resolution clocks are
    held for as long as the incident is mitigated.
    """

    levels: tuple[LevelDef, ...]
    cycles: int = 1
    catch_all: tuple[TargetDef, ...] = ()
    mitigated_satisfies_resolution: bool = True


def policy_dump(policy: PolicyDef) -> dict[str, Any]:
    """The JSON form of `policy`, in full (defaults too) and always the same for the same policy.

    `policy_parse` reads it back to an equal value.
    """
    return {
        "levels": [_level_dump(level) for level in policy.levels],
        "cycles": policy.cycles,
        "catch_all": [_target_dump(target) for target in policy.catch_all],
        "mitigated_satisfies_resolution": policy.mitigated_satisfies_resolution,
    }


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


def _target_dump(target: TargetDef) -> dict[str, Any]:
    return {"kind": target.kind.value, "ref": target.ref, "role": target.role.value if target.role else None}


def _timeout_dump(timeout: Timeout | None) -> dict[str, Any] | None:
    if timeout is None:
        return None
    return {"after": duration_text(timeout.seconds), "measured_from": timeout.measured_from.value}


def _level_dump(level: LevelDef) -> dict[str, Any]:
    return {
        "name": level.name,
        "duty": level.duty,
        "start": {
            "delay": duration_text(level.start.delay_seconds),
            "measured_from": level.start.measured_from.value,
        },
        "targets": [_target_dump(target) for target in level.targets],
        "ack_timeout": _timeout_dump(level.ack_timeout),
        "resolve_timeout": _timeout_dump(level.resolve_timeout),
        "ack_mode": level.ack_mode.value,
    }


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


_DURATION_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "string", "pattern": DURATION_PATTERN, "examples": ["5m", "90s", "1h30m"]},
        {"type": "integer", "minimum": 0, "maximum": MAX_SECONDS, "description": "seconds"},
    ]
}


def _object_schema(required: list[str], **properties: object) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}


def _timeout_schema(description: str) -> dict[str, Any]:
    origins = {"enum": [origin.value for origin in TIMEOUT_ORIGINS], "default": "level"}
    long_form = _object_schema(["after"], after=_DURATION_SCHEMA, measured_from=origins)
    return {"description": description, "anyOf": [{"type": "null"}, _DURATION_SCHEMA, long_form]}


_TARGET_SCHEMA = _object_schema(
    ["kind"],
    kind={"enum": [kind.value for kind in TargetKind]},
    ref={"type": ["string", "integer", "null"], "maxLength": MAX_REF_LENGTH, "description": "slug or primary key"},
    role={"enum": [None, *(role.value for role in Role)], "description": "schedules only"},
)

_LEVEL_SCHEMA = _object_schema(
    ["name", "targets"],
    name={"type": "string", "minLength": 1, "maxLength": MAX_NAME_LENGTH},
    duty={"type": "string", "maxLength": MAX_DUTY_LENGTH},
    start={
        "description": "when the level is entered after the one before it went unanswered",
        "anyOf": [
            {"type": "null"},
            _DURATION_SCHEMA,
            _object_schema(
                [],
                delay=_DURATION_SCHEMA,
                measured_from={"enum": [origin.value for origin in ENTRY_ORIGINS], "default": "previous"},
            ),
        ],
    },
    targets={"type": "array", "minItems": 1, "maxItems": MAX_TARGETS, "items": _TARGET_SCHEMA},
    ack_timeout=_timeout_schema("time to acknowledge before the next level"),
    resolve_timeout=_timeout_schema("time to resolve or mitigate before the next level, acknowledged or not"),
    ack_mode={"enum": [mode.value for mode in AckMode], "default": "any"},
)

POLICY_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Escalation policy",
    **_object_schema(
        ["levels"],
        levels={"type": "array", "minItems": 1, "maxItems": MAX_LEVELS, "items": _LEVEL_SCHEMA},
        cycles={"type": "integer", "minimum": 1, "maximum": MAX_CYCLES, "default": 1},
        catch_all={"type": "array", "maxItems": MAX_TARGETS, "items": _TARGET_SCHEMA, "default": []},
        mitigated_satisfies_resolution={"type": "boolean", "default": True},
    ),
}
"""JSON Schema (draft 2020-12) of the form `policy_parse` reads. What it accepts may still break a rule that crosses
fields (a level without any timeout, a role on a person); `policy_parse` has the last word."""

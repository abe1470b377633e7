"""Policies from JSON, with every problem named."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from django.utils.translation import gettext as _

from policies.definition.checks import never_repeats
from policies.definition.dumping import OWN, UNTIL_ANSWERED, policy_dump
from policies.definition.values import (
    CRITICAL,
    DEFAULT_FINAL_TIMES,
    ENTRY_ORIGINS,
    MAX_CYCLES,
    MAX_DUTY_LENGTH,
    MAX_LEVELS,
    MAX_NAME_LENGTH,
    MAX_REF_LENGTH,
    MAX_REPEATS,
    MAX_TARGETS,
    MAX_UP,
    PLACE_KINDS,
    TIMEOUT_ORIGINS,
    AckMode,
    BySeverity,
    Entry,
    Final,
    Hours,
    IfUnreachable,
    LevelDef,
    MeasuredFrom,
    Pick,
    PolicyDef,
    Raci,
    Repeat,
    Role,
    TargetDef,
    TargetKind,
    Timeout,
)
from policies.reading import DefinitionInvalid, Node, Problem
from policies.severity import Severity
from policies.ways import Way


def policy_parse(data: object) -> PolicyDef:
    """The policy that `data` (parsed JSON or YAML) describes; durations may be texts ("5m") or whole seconds.

    Raises DefinitionInvalid naming every problem found, each with the path of its field.
    """
    problems: list[Problem] = []
    policy = _policy(Node(data, (), problems))
    if problems:
        raise DefinitionInvalid(tuple(problems))
    return policy


def targets_parse(data: object) -> tuple[TargetDef, ...]:
    """Targets by themselves, as `target_dump` writes each. Raises DefinitionInvalid as `policy_parse`."""
    problems: list[Problem] = []
    found = targets_read(Node(data, (), problems), least=0, places=True)
    if problems:
        raise DefinitionInvalid(tuple(problems))
    return found


def policy_problems(policy: PolicyDef) -> tuple[Problem, ...]:
    """What is wrong with a policy made in code; empty when it may be used."""
    try:
        policy_parse(policy_dump(policy))
    except DefinitionInvalid as error:
        return error.problems
    return ()


_SEVERITY = re.compile(r"(?:sev-?)?([1-5])", re.ASCII | re.IGNORECASE)
_OWN_KINDS = (TargetKind.TEAM_LEAD, TargetKind.MANAGER, TargetKind.SERVICE_OWNER)
"""Those that need no reference: the incident's service says whose they are."""
_SEVERAL_KINDS = (TargetKind.TEAM, TargetKind.FUNCTIONAL_TEAM, TargetKind.POLICY)
_MANY_KINDS = (TargetKind.SCHEDULE, TargetKind.TEAM, TargetKind.FUNCTIONAL_TEAM, TargetKind.TEAM_LEAD)


def _policy(node: Node) -> PolicyDef:
    fields = node.fields(
        "levels",
        "cycles",
        "catch_all",
        "mitigated_satisfies_resolution",
        "ack_expires",
        "cycle_severities",
        "starts_at",
        "inform_skipped",
        "final",
        "overseer",
    )
    levels = fields["levels"].items(_level, least=1, most=MAX_LEVELS)
    return PolicyDef(
        levels=levels,
        cycles=fields["cycles"].count(most=MAX_CYCLES, default=1),
        catch_all=targets_read(fields["catch_all"], least=0, places=True),
        mitigated_satisfies_resolution=fields["mitigated_satisfies_resolution"].flag(default=True),
        cycle_severities=_severities(fields["cycle_severities"], default=()),
        starts_at=_by_severity(fields["starts_at"], lambda level: _level_number(level, len(levels))),
        inform_skipped=fields["inform_skipped"].flag(default=True),
        final=_final(fields["final"]),
        ack_expires_seconds=None if fields["ack_expires"].value is None else fields["ack_expires"].seconds(least=60),
        overseer=None if fields["overseer"].value is None else _target(fields["overseer"]),
    )


def _level(node: Node) -> LevelDef:
    fields = node.fields(
        "name",
        "duty",
        "start",
        "targets",
        "ack_timeout",
        "resolve_timeout",
        "ack_mode",
        "repeat",
        "if_unreachable",
        "raci",
        "major",
        "channels",
    )
    level = LevelDef(
        name=fields["name"].text(required=True, most=MAX_NAME_LENGTH),
        duty=fields["duty"].text(most=MAX_DUTY_LENGTH),
        start=_entry(fields["start"]),
        targets=targets_read(fields["targets"], least=1, places=True),
        ack_timeout=_timeout(fields["ack_timeout"]),
        resolve_timeout=_timeout(fields["resolve_timeout"]),
        ack_mode=fields["ack_mode"].choice(tuple(AckMode), default=AckMode.ANY),
        repeat=_repeat(fields["repeat"]),
        if_unreachable=fields["if_unreachable"].choice(tuple(IfUnreachable), default=IfUnreachable.NEXT_LEVEL),
        raci=_raci(fields["raci"]),
        major=fields["major"].flag(default=False),
        channels=_channels(fields["channels"]),
    )
    if node.is_mapping and level.ack_timeout is None and level.resolve_timeout is None and level.repeat is None:
        node.wrong(_("needs an acknowledgement timeout or a resolution timeout, or nothing would ever follow it"))
    if level.repeat is not None and never_repeats(level):
        fields["repeat"].child("every", None).wrong(_("is so long that the level has ended before it is told again"))
    return level


def _channels(node: Node) -> tuple[Way, ...]:
    """`["sms", "chat"]`, in any order; "own" or nothing is as each person chose."""
    if node.value is None or node.value == OWN:
        return ()
    if isinstance(node.value, str):
        node.wrong(_('must be "own" or a list of channels'))
        return ()
    named = node.items(_channel, least=1, most=len(Way))
    return tuple(way for way in Way if way in named)


def _channel(node: Node) -> Way:
    if node.value is None:
        node.wrong(_("must not be empty"))
    return node.choice(tuple(Way), default=Way.EMAIL)


def _entry(node: Node) -> Entry:
    """`{"delay": "20m", "measured_from": "start"}`, or the delay alone, from the level before."""
    if node.value is None:
        return Entry()
    if not node.is_mapping:
        return Entry(node.seconds(least=0))
    fields = node.fields("delay", "measured_from", "by_severity", "hours", "otherwise")
    entry = Entry(
        delay_seconds=0 if fields["delay"].value is None else fields["delay"].seconds(least=0),
        measured_from=fields["measured_from"].choice(ENTRY_ORIGINS, default=MeasuredFrom.PREVIOUS),
        by_severity=_by_severity(fields["by_severity"], lambda value: value.seconds(least=0)),
        hours=fields["hours"].choice(tuple(Hours), default=Hours.ALL),
        otherwise_seconds=None if fields["otherwise"].value is None else fields["otherwise"].seconds(least=0),
    )
    _check_otherwise(entry, fields["otherwise"])
    return entry


def _timeout(node: Node) -> Timeout | None:
    """`{"after": "10m", "measured_from": "level"}`, the duration alone, or None for no such timeout."""
    if node.value is None:
        return None
    if not node.is_mapping:
        return Timeout(node.seconds(least=1))
    fields = node.fields("after", "measured_from", "by_severity", "hours", "otherwise")
    timeout = Timeout(
        seconds=fields["after"].seconds(least=1),
        measured_from=fields["measured_from"].choice(TIMEOUT_ORIGINS, default=MeasuredFrom.LEVEL),
        by_severity=_by_severity(fields["by_severity"], lambda value: value.seconds(least=1)),
        hours=fields["hours"].choice(tuple(Hours), default=Hours.ALL),
        otherwise_seconds=None if fields["otherwise"].value is None else fields["otherwise"].seconds(least=1),
    )
    _check_otherwise(timeout, fields["otherwise"])
    if timeout.measured_from is MeasuredFrom.BEFORE_SLA and timeout.otherwise_seconds is None:
        fields["otherwise"].wrong(_("is needed: how long people have where the incident has no SLA"))
    return timeout


def _check_otherwise(duration: Entry | Timeout, node: Node) -> None:
    if duration.otherwise_seconds is not None and duration.measured_from is not MeasuredFrom.BEFORE_SLA:
        node.wrong(_("belongs to what is measured before the end of the SLA only"))


def _repeat(node: Node) -> Repeat | None:
    """`{"every": "5m", "times": 3, "severities": ["SEV-1"]}`, or the duration alone: until answered, if critical."""
    if node.value is None:
        return None
    if not node.is_mapping:
        return Repeat(node.seconds(least=1))
    fields = node.fields("every", "times", "severities")
    until_answered = fields["times"].value in (None, UNTIL_ANSWERED)
    return Repeat(
        every_seconds=fields["every"].seconds(least=1),
        times=None if until_answered else fields["times"].count(most=MAX_REPEATS, default=1),
        severities=_severities(fields["severities"], default=CRITICAL),
    )


def _raci(node: Node) -> Raci | None:
    """`{"responsible": [target, …], "accountable": target, "consulted": [target, …], "informed": [target, …]}`."""
    if node.value is None:
        return None
    fields = node.fields("responsible", "accountable", "consulted", "informed")
    return Raci(
        responsible=targets_read(fields["responsible"], least=1),
        accountable=_accountable(fields["accountable"]),
        consulted=targets_read(fields["consulted"], least=0),
        informed=targets_read(fields["informed"], least=0, places=True),
    )


def _accountable(node: Node) -> TargetDef:
    """A target, or a list of exactly one."""
    if isinstance(node.value, list) and len(node.value) == 1:
        node = node.child(0, node.value[0])
    if node.value is None or isinstance(node.value, list):
        node.wrong(_("must be exactly one person: whoever answers for the level"))
        return TargetDef(TargetKind.USER)
    target = _target(node)
    if target.kind in _SEVERAL_KINDS or (target.kind is TargetKind.SCHEDULE and target.role is None):
        node.wrong(_("names several people, but exactly one may answer for the level"))
    return target


def _final(node: Node) -> Final | None:
    """`{"target": {"kind": "user", "ref": "cto"}, "every": "15m", "times": 20}`."""
    if node.value is None:
        return None
    fields = node.fields("target", "every", "times")
    return Final(
        target=_target(fields["target"]),
        every_seconds=fields["every"].seconds(least=1),
        times=fields["times"].count(most=MAX_REPEATS, default=DEFAULT_FINAL_TIMES),
    )


def _level_number(node: Node, levels: int) -> int:
    """A level as people count, from 1, as the core does, from 0."""
    number = node.count(most=MAX_LEVELS, default=1)
    if number > max(levels, 1):
        node.wrong(_("names level %(number)d of %(levels)d") % {"number": number, "levels": levels})
    return number - 1


def _by_severity(node: Node, read: Callable[[Node], int]) -> BySeverity:
    """`{"SEV-1": …, "SEV-2": …}`."""
    if node.value is None:
        return ()
    if not isinstance(node.value, Mapping):
        node.wrong(_("must be an object with named fields"))
        return ()
    found: dict[int, int] = {}
    for name, value in node.value.items():
        member = node.child(str(name), value)
        severity = _severity(member, name)
        if severity in found:
            member.wrong(_("names the same severity a second time"))
        found[severity] = read(member)
    return tuple(sorted(found.items()))


def _severities(node: Node, *, default: tuple[int, ...]) -> tuple[int, ...]:
    if node.value is None:
        return default
    found = node.items(lambda item: _severity(item, item.value), least=1, most=len(Severity))
    return tuple(sorted(set(found)))


def _severity(node: Node, name: object) -> int:
    """ "SEV-2" or 2."""
    match = _SEVERITY.fullmatch(str(name)) if isinstance(name, str | int) and not isinstance(name, bool) else None
    if match is None:
        node.wrong(_("must be a severity from SEV-1 to SEV-5"))
        return Severity.SEV1.value
    return int(match[1])


def targets_read(node: Node, *, least: int, places: bool = False) -> tuple[TargetDef, ...]:
    targets = node.items(lambda item: _target(item, places=places), least=least, most=MAX_TARGETS)
    for index, target in enumerate(targets):
        if target in targets[:index]:
            node.child(index, None).wrong(_("names the same target a second time"))
    return targets


def _target(node: Node, *, places: bool = False) -> TargetDef:
    """A target; with `places` it may be a destination, which is told and is nobody."""
    fields = node.fields("kind", "ref", "role", "up", "pick")
    if node.is_mapping and fields["kind"].value is None:
        fields["kind"].wrong(_("must not be empty"))
    kind = fields["kind"].choice(tuple(TargetKind), default=TargetKind.USER)
    role = None
    if fields["role"].value is not None:
        role = fields["role"].choice(tuple(Role), default=Role.PRIMARY)
        if kind is not TargetKind.SCHEDULE:
            fields["role"].wrong(_("belongs to schedules only"))
    if kind in PLACE_KINDS and not places:
        fields["kind"].wrong(_("is a place and nobody: name people here"))
    if kind is TargetKind.SERVICE_OWNER and fields["ref"].value is not None:
        fields["ref"].wrong(_("must be left out: it is the owner of the incident's own service"))
    target = TargetDef(
        kind=kind,
        ref=_ref(fields["ref"], required=kind not in _OWN_KINDS),
        role=role,
        up=_up(fields["up"], kind),
        pick=fields["pick"].choice(tuple(Pick), default=Pick.ALL),
    )
    if target.pick is Pick.ROUND_ROBIN and (kind not in _MANY_KINDS or role is not None):
        fields["pick"].wrong(_("needs a target of several people: a schedule without a role, or a team"))
    return target


def _up(node: Node, kind: TargetKind) -> int:
    if node.value in (None, 0):
        return 0
    if kind is not TargetKind.MANAGER:
        node.wrong(_("belongs to managers only"))
    return node.count(most=MAX_UP, default=1)


def _ref(node: Node, *, required: bool) -> str | int | None:
    """A slug or a primary key."""
    if isinstance(node.value, int) and not isinstance(node.value, bool):
        return node.count(most=2**63 - 1, default=1)
    return node.text(required=required, most=MAX_REF_LENGTH) or None

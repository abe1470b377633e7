"""From a draft of the form to the document that is stored, and back. Pure.

    Draft → document (``document_of``) → ``policy_parse``
    PolicyDef → Draft (``draft_of``)

The reader of documents has the last word on what is right; ``field_of`` says which field of the form a problem of the
document belongs to.
"""

from collections.abc import Sequence
from typing import Any

from policies.definition import (
    OWN,
    BySeverity,
    Entry,
    Hours,
    IfUnreachable,
    LevelDef,
    MeasuredFrom,
    PolicyDef,
    TargetDef,
    Timeout,
    policy_parse,
    severity_name,
)
from policies.durations import duration_text
from policies.editing.draft import (
    NAMED,
    RACI,
    SEVERITIES,
    TIMINGS,
    Draft,
    LevelDraft,
    number,
    target_document,
    target_text,
)
from policies.reading import DefinitionInvalid

Keys = Sequence[str | int]
_DOCUMENT_NAMES = {"delay": "start", "ack": "ack_timeout", "resolve": "resolve_timeout"}
_FORM_NAMES = {name: timing for timing, name in _DOCUMENT_NAMES.items()}


# --- from a policy


def draft_of(policy: PolicyDef, **texts: str) -> Draft:
    """``texts`` are those of the policy's own row: name, team, description."""
    final = policy.final
    return Draft(
        texts={
            **texts,
            "cycles": str(policy.cycles),
            "ack_expires": duration_text(policy.ack_expires_seconds) if policy.ack_expires_seconds else "",
            "final_every": duration_text(final.every_seconds) if final else "",
            "final_times": str(final.times) if final else "",
            **{f"start_sev{severity}": str(level + 1) for severity, level in policy.starts_at},
        },
        levels=[_level_of(level) for level in policy.levels],
        catch_all=_texts(policy.catch_all),
        final=target_text(final.target) if final else "",
        overseer=target_text(policy.overseer) if policy.overseer else "",
        cycle_severities=[severity_name(severity) for severity in policy.cycle_severities],
        mitigated=policy.mitigated_satisfies_resolution,
        inform_skipped=policy.inform_skipped,
    )


def _texts(targets: Sequence[TargetDef]) -> list[str]:
    return [target_text(target) for target in targets]


def _level_of(level: LevelDef) -> LevelDraft:
    delay, raci, repeat = level.start, level.raci, level.repeat
    timings: dict[str, Entry | Timeout | None] = {
        "delay": delay,
        "ack": level.ack_timeout,
        "resolve": level.resolve_timeout,
    }
    told_by = NAMED if level.channels else OWN
    texts = {"name": level.name, "duty": level.duty, "told_by": told_by, "ack_mode": level.ack_mode.value}
    for name, timing in timings.items():
        texts |= _timing_of(name, timing)
    if repeat is not None:
        texts["repeat_every"] = duration_text(repeat.every_seconds)
        texts["repeat_times"] = "" if repeat.times is None else str(repeat.times)
    texts["if_unreachable"] = level.if_unreachable.value
    lists = {"target": _texts(level.targets)}
    if raci is not None:
        lists |= {name: _texts(getattr(raci, name)) for name in RACI if name != "accountable"}
        lists["accountable"] = [target_text(raci.accountable)]
    return LevelDraft(
        texts=texts,
        lists=lists,
        channels=[way.value for way in level.channels],
        repeat_severities=[severity_name(severity) for severity in repeat.severities] if repeat else [],
        finer=level.if_unreachable is not IfUnreachable.NEXT_LEVEL or any(_is_finer(one) for one in timings.values()),
        repeat=repeat is not None,
        raci=raci is not None,
        major=level.major,
    )


def _is_finer(timing: Entry | Timeout | None) -> bool:
    usual = (MeasuredFrom.PREVIOUS, MeasuredFrom.LEVEL)
    return timing is not None and bool(
        timing.measured_from not in usual or timing.by_severity or timing.hours is not Hours.ALL
    )


def _timing_of(name: str, timing: Entry | Timeout | None) -> dict[str, str]:
    if timing is None:
        return {}
    seconds = timing.delay_seconds if isinstance(timing, Entry) else timing.seconds
    nothing = isinstance(timing, Entry) and not seconds
    otherwise = timing.otherwise_seconds
    return {
        name: "" if nothing else duration_text(seconds),
        f"{name}_from": timing.measured_from.value,
        f"{name}_hours": timing.hours.value,
        f"{name}_otherwise": "" if otherwise is None else duration_text(otherwise),
        **_severities_of(name, timing.by_severity),
    }


def _severities_of(name: str, by_severity: BySeverity) -> dict[str, str]:
    return {f"{name}_sev{severity}": duration_text(seconds) for severity, seconds in by_severity}


# --- to the document


def document_of(draft: Draft) -> dict[str, Any]:
    """What `policy_parse` reads. What does not go with what is chosen stays behind in the form."""
    starts = {severity_name(one): number(draft.text(f"start_sev{one}")) for one in SEVERITIES}
    final = {
        "target": target_document(draft.final) if draft.final else None,
        "every": draft.text("final_every") or None,
        "times": number(draft.text("final_times")) if draft.text("final_times") else None,
    }
    return {
        "levels": [_level_document(level) for level in draft.levels],
        "cycles": number(draft.text("cycles")) if draft.text("cycles") else None,
        "catch_all": _targets(draft.catch_all),
        "mitigated_satisfies_resolution": draft.mitigated,
        "ack_expires": draft.text("ack_expires") or None,
        "cycle_severities": draft.cycle_severities or None,
        "starts_at": {name: level for name, level in starts.items() if level != ""} or None,
        "inform_skipped": draft.inform_skipped,
        "final": final if draft.final or draft.text("final_every") else None,
        "overseer": target_document(draft.overseer) if draft.overseer else None,
    }


def _targets(texts: Sequence[str]) -> list[dict[str, str | int]]:
    return [target_document(text) for text in texts if text]


def _level_document(level: LevelDraft) -> dict[str, Any]:
    document: dict[str, Any] = {
        "name": level.text("name"),
        "duty": level.text("duty"),
        "targets": _targets(level.targets("target")),
        "ack_mode": level.text("ack_mode") or None,
        "major": level.major,
        "channels": list(level.channels) if level.text("told_by") == NAMED else None,
        **{_DOCUMENT_NAMES[name]: _timing_document(level, name) for name in TIMINGS},
    }
    if level.finer:
        document["if_unreachable"] = level.text("if_unreachable") or None
    if level.repeat:
        document["repeat"] = {
            "every": level.text("repeat_every") or None,
            "times": number(level.text("repeat_times")) if level.text("repeat_times") else None,
            "severities": list(level.repeat_severities),
        }
    if level.raci:
        cells: dict[str, Any] = {name: _targets(level.targets(name)) for name in RACI}
        document["raci"] = {**cells, "accountable": cells["accountable"] or None}
    return document


def _timing_document(level: LevelDraft, name: str) -> dict[str, Any] | str | None:
    length = level.text(name)
    if not level.finer:
        return length or None
    origin = level.text(f"{name}_from")
    finer = {
        "by_severity": {
            severity_name(one): level.text(f"{name}_sev{one}") for one in SEVERITIES if level.text(f"{name}_sev{one}")
        }
        or None,
        "hours": level.text(f"{name}_hours") if level.text(f"{name}_hours") != Hours.ALL else None,
        "otherwise": level.text(f"{name}_otherwise") or None if origin == MeasuredFrom.BEFORE_SLA else None,
    }
    if name != "delay" and not length and not any(finer.values()):
        return None
    return {"delay" if name == "delay" else "after": length or None, "measured_from": origin or None, **finer}


def targets_named(draft: Draft) -> tuple[TargetDef, ...]:
    """The targets of a draft that can be read, whatever is wrong with the rest of it."""
    found: list[TargetDef] = []
    for text in dict.fromkeys(draft.targets()):
        level = {"name": "-", "targets": [target_document(text)], "ack_timeout": "1m"}
        try:
            found += policy_parse({"levels": [level]}).levels[0].targets
        except DefinitionInvalid:
            continue
    return tuple(found)


# --- which field a problem belongs to


def field_of(keys: Keys, draft: Draft) -> str:
    """The name of the form's field that a problem at ``keys`` of the document belongs to; "" for the whole."""
    match tuple(keys):
        case ("levels", int(row), *rest) if row < len(draft.levels):
            return f"level-{row}-{_level_field(tuple(rest), draft.levels[row])}"
        case ("catch_all", int(row), *_):
            return f"catch_all-{_row_of(draft.catch_all, row)}"
        case ("starts_at", str(name), *_):
            return f"start_sev{name[-1]}"
        case ("final", str(part), *_):
            return "final-0" if part == "target" else f"final_{part}"
        case ("final", *_):
            return "final-0"
        case ("overseer", *_):
            return "overseer-0"
        case ("mitigated_satisfies_resolution", *_):
            return "mitigated"
        case (str(name), *_) if name in ("levels", "cycles", "cycle_severities", "inform_skipped", "ack_expires"):
            return name
    return ""


def _level_field(keys: tuple[Any, ...], level: LevelDraft) -> str:
    match keys:
        case ("targets", int(row), *_):
            return f"target-{_row_of(level.targets('target'), row)}"
        case ("targets", *_):
            return "target-0"
        case ("raci", "accountable", *_):
            return "accountable-0"
        case ("raci", str(cell), int(row), *_):
            return f"{cell}-{_row_of(level.targets(cell), row)}"
        case ("raci", str(cell), *_):
            return f"{cell}-0"
        case ("raci", *_):
            return "accountable-0" if level.raci else "raci"
        case ("repeat", str(part), *_):
            return f"repeat_{part}"
        case ("repeat", *_):
            return "repeat_every"
        case (str(name), *rest) if name in _FORM_NAMES:
            return _timing_field(_FORM_NAMES[name], tuple(rest))
        case (str(name), *_):
            return name
    return "ack"


def _timing_field(name: str, keys: tuple[Any, ...]) -> str:
    match keys:
        case ("by_severity", str(severity), *_):
            return f"{name}_sev{severity[-1]}"
        case ("by_severity", *_):
            return f"{name}_sev1"
        case ("measured_from", *_):
            return f"{name}_from"
        case (str(part), *_) if part in ("hours", "otherwise"):
            return f"{name}_{part}"
    return name


def _row_of(texts: Sequence[str], place: int) -> int:
    """The row of the form that the entry at ``place`` of the document stems from: blank rows are left out there."""
    filled = [row for row, text in enumerate(texts) if text]
    return filled[place] if place < len(filled) else 0

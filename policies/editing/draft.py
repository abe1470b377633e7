"""A policy as it stands in the form: texts as typed, in the order of the page. Pure.

    form data → Draft (``draft_sent``) → form data (``sent_of``)

``documents`` leads from a draft to what is stored, and back. A target is one text (``target_text``), because one select
offers whom a level tells together with which of them: "schedule|payments|primary||".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from policies.definition import MAX_LEVELS, MAX_TARGETS, TargetDef
from policies.severity import Severity

TIMINGS = ("delay", "ack", "resolve")
"""The three durations of a level: how long it waits, how long its people have to answer, and to resolve."""
SEVERITIES = tuple(severity.value for severity in Severity)
FINER = tuple(
    f"{timing}_{part}"
    for timing in TIMINGS
    for part in ("from", "hours", "otherwise", *(f"sev{severity}" for severity in SEVERITIES))
)
LEVEL_TEXTS = (
    "name",
    "duty",
    "told_by",
    *TIMINGS,
    *FINER,
    "ack_mode",
    "if_unreachable",
    "repeat_every",
    "repeat_times",
)
NAMED = "named"
"""What `told_by` says where the level names its channels; OWN where each person is told as they chose."""
RACI = ("responsible", "accountable", "consulted", "informed")
LISTS = ("target", *RACI)
"""The lists of targets of a level; "accountable" holds one at most."""
POLICY_TEXTS = (
    "name",
    "team",
    "description",
    "cycles",
    "ack_expires",
    "final_every",
    "final_times",
    *(f"start_sev{severity}" for severity in SEVERITIES),
)
MAX_GUIDELINES = 20


class Sent(Protocol):
    """What a form sends: a QueryDict, or anything that reads like one."""

    def get(self, name: str, default: str, /) -> str: ...

    def getlist(self, name: str, /) -> list[str]: ...

    def __contains__(self, name: str, /) -> bool: ...


@dataclass(slots=True)
class LevelDraft:
    """One rung. ``finer``, ``repeat`` and ``raci`` say whether those parts of the form are open. ``channels`` hold where
    `told_by` is NAMED; otherwise they wait there for it to be chosen again."""

    texts: dict[str, str] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=lambda: {"target": [""]})
    channels: list[str] = field(default_factory=list)
    repeat_severities: list[str] = field(default_factory=list)
    finer: bool = False
    repeat: bool = False
    raci: bool = False
    major: bool = False

    def text(self, name: str) -> str:
        return self.texts.get(name, "")

    def targets(self, name: str) -> list[str]:
        return self.lists.setdefault(name, [])


@dataclass(slots=True)
class Draft:
    texts: dict[str, str] = field(default_factory=dict)
    levels: list[LevelDraft] = field(default_factory=list)
    catch_all: list[str] = field(default_factory=list)
    final: str = ""
    overseer: str = ""
    cycle_severities: list[str] = field(default_factory=list)
    mitigated: bool = True
    inform_skipped: bool = True
    guidelines: list[tuple[str, str]] = field(default_factory=list)
    """Title and address of the documents that go with the policy; they are no part of a version."""

    def text(self, name: str) -> str:
        return self.texts.get(name, "")

    def targets(self) -> list[str]:
        """Every target it names."""
        of_levels = [text for level in self.levels for texts in level.lists.values() for text in texts]
        return [text for text in (*of_levels, *self.catch_all, self.final, self.overseer) if text]


# --- targets


def target_text(target: TargetDef) -> str:
    """One text for a target; a primary key is told from a name by "#", a name with "|" or "#" in it is escaped."""
    ref = f"#{target.ref}" if isinstance(target.ref, int) else _escaped(target.ref or "")
    role = target.role.value if target.role else ""
    return "|".join((target.kind.value, ref, role, str(target.up or ""), target.pick.value))


def target_document(text: str) -> dict[str, str | int]:
    """What `policy_parse` reads for ``text``; nonsense gives nonsense, which it names."""
    kind, ref, role, up, pick = (*text.split("|"), "", "", "", "", "")[:5]
    found: dict[str, str | int] = {"kind": kind}
    if ref:
        found["ref"] = number(ref[1:]) if ref.startswith("#") else _unescaped(ref)
    if role:
        found["role"] = role
    if up:
        found["up"] = number(up)
    if pick:
        found["pick"] = pick
    return found


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("|", "%7C").replace("#", "%23")


def _unescaped(text: str) -> str:
    return text.replace("%23", "#").replace("%7C", "|").replace("%25", "%")


def number(text: str) -> int | str:
    """A whole number where the text is one; anything else stays as typed, for the reader of documents to name."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else text


# --- from the form, and to it


def draft_sent(data: Sent) -> Draft:
    return Draft(
        texts={name: data.get(name, "").strip() for name in POLICY_TEXTS},
        levels=[_level_sent(data, f"level-{row}") for row in _rows(data, "level-{}-name", MAX_LEVELS)],
        catch_all=_targets_sent(data, "catch_all"),
        final=data.get("final-0", ""),
        overseer=data.get("overseer-0", ""),
        cycle_severities=data.getlist("cycle_severities"),
        mitigated="mitigated" in data,
        inform_skipped="inform_skipped" in data,
        guidelines=[
            (data.get(f"guideline-{row}-title", "").strip(), data.get(f"guideline-{row}-url", "").strip())
            for row in _rows(data, "guideline-{}-title", MAX_GUIDELINES)
        ],
    )


def _level_sent(data: Sent, prefix: str) -> LevelDraft:
    return LevelDraft(
        texts={name: data.get(f"{prefix}-{name}", "").strip() for name in LEVEL_TEXTS},
        lists={name: _targets_sent(data, f"{prefix}-{name}") for name in LISTS},
        channels=data.getlist(f"{prefix}-channels"),
        repeat_severities=data.getlist(f"{prefix}-repeat_severities"),
        finer=f"{prefix}-if_unreachable" in data,
        repeat=f"{prefix}-repeat_every" in data,
        raci=f"{prefix}-accountable-0" in data,
        major=f"{prefix}-major" in data,
    )


def _targets_sent(data: Sent, prefix: str) -> list[str]:
    return [data.get(f"{prefix}-{row}", "") for row in _rows(data, f"{prefix}-{{}}", MAX_TARGETS)]


def _rows(data: Sent, pattern: str, most: int) -> Iterable[int]:
    """The numbers of the rows that were sent; one more than allowed, so that the reader of documents can say so."""
    for row in range(most + 1):
        if pattern.format(row) not in data:
            return
        yield row


def sent_of(draft: Draft) -> Mapping[str, list[str]]:
    """What the browser sends back for the draft as the page shows it."""
    sent = {name: [draft.text(name)] for name in POLICY_TEXTS}
    for name, held in (("mitigated", draft.mitigated), ("inform_skipped", draft.inform_skipped)):
        if held:
            sent[name] = ["on"]
    sent["cycle_severities"], sent["final-0"] = list(draft.cycle_severities), [draft.final]
    sent["overseer-0"] = [draft.overseer]
    sent |= {f"catch_all-{row}": [text] for row, text in enumerate(draft.catch_all)}
    for row, (title, url) in enumerate(draft.guidelines):
        sent[f"guideline-{row}-title"], sent[f"guideline-{row}-url"] = [title], [url]
    for row, level in enumerate(draft.levels):
        sent |= {f"level-{row}-{name}": values for name, values in _level_to_send(level).items()}
    return sent


def _level_to_send(level: LevelDraft) -> dict[str, list[str]]:
    names = ["name", "duty", "told_by", *TIMINGS, "ack_mode"]
    if level.finer:
        names += [*FINER, "if_unreachable"]
    if level.repeat:
        names += ["repeat_every", "repeat_times"]
    sent = {name: [level.text(name)] for name in names}
    sent["channels"] = list(level.channels)
    if level.major:
        sent["major"] = ["on"]
    if level.repeat:
        sent["repeat_severities"] = list(level.repeat_severities)
    for name in LISTS if level.raci else ("target",):
        sent |= {f"{name}-{row}": [text] for row, text in enumerate(level.targets(name))}
    return sent

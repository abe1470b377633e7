"""One request to write a policy: what it begins from, what it offers, what it says, and saving it."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from oncall.editing.permissions import teams_of
from oncall.models import Team, User
from policies.care import draft_findings
from policies.definition import PolicyDef, TargetDef, TargetKind, policy_dump
from policies.editing.acts import fresh_level
from policies.editing.check import Checked, Known, check, read
from policies.editing.documents import draft_of, field_of, targets_named
from policies.editing.draft import Draft
from policies.editing.fields import Choices
from policies.editing.history import Change, versions_compared
from policies.editing.offering import Offer, first_example_people, offer_for
from policies.editing.page import control_of, place_words
from policies.editing.services import PolicyValues, policy_create, policy_edit
from policies.examples import EXAMPLES, Example, People
from policies.lint import Weight, words_of
from policies.models import EscalationPolicy, PolicyVersion
from policies.pages import Rung, TargetNames, drawn
from policies.services import version_definition

NOTHING = "-"
"""Stands in the ready examples for a schedule or a team where there is none."""


@dataclass(frozen=True, slots=True)
class Editor:
    """One request to write a policy: a new one where ``policy`` is None. ``base`` is the version it stems from."""

    policy: EscalationPolicy | None
    base: PolicyVersion | None
    draft: Draft
    reason: str
    reader: User
    at: datetime
    everything: bool = False
    focus: str = ""


# --- where it begins


def newest_of(policy: EscalationPolicy) -> PolicyVersion | None:
    return policy.versions.select_related("author").order_by("-number").first()


def draft_at(policy: EscalationPolicy, version: PolicyVersion | None) -> Draft:
    texts = {"name": policy.name, "team": str(policy.team_id or ""), "description": policy.description}
    if version is None:
        draft = Draft(texts={**texts, "cycles": "1"})
        draft.levels.append(fresh_level(draft))
    else:
        draft = draft_of(version_definition(version), **texts)
    draft.guidelines = [(one.title, one.url) for one in policy.guidelines.all()]
    return draft


def blank_draft(user: User) -> Draft:
    draft = Draft(texts={"team": _first_team(user), "cycles": "1"})
    draft.levels.append(fresh_level(draft))
    return draft


def example_draft(user: User, example: Example) -> Draft:
    """A ready example with the person's own schedule and team in it, so that only names need a second look."""
    texts = {"name": str(example.name), "team": _first_team(user), "description": str(example.use)}
    draft = draft_of(example_policy(user, example), **texts)
    for level in draft.levels:
        for name, targets in level.lists.items():
            # Where there is no schedule yet, whom to tell is left to choose.
            level.lists[name] = ["" if f"|{NOTHING}|" in text else text for text in targets]
    return draft


def example_policy(user: User, example: Example) -> PolicyDef:
    schedule, own, specialists = first_example_people(user)
    return example.build(
        People(
            schedule=schedule.slug if schedule else NOTHING,
            specialists=specialists.slug if specialists else NOTHING,
            senior=TargetDef(TargetKind.TEAM_LEAD, own.slug if own else None),
        )
    )


def examples_shown(user: User) -> list[tuple[Example, tuple[Rung, ...]]]:
    """Every ready example with its levels, as it would begin for this person."""
    policies = [example_policy(user, example) for example in EXAMPLES]
    names = TargetNames(policies)
    return [(example, drawn(policy, names)[1]) for example, policy in zip(EXAMPLES, policies, strict=True)]


def _first_team(user: User) -> str:
    team = next(iter(teams_of(user)), None)
    return str(team.pk) if team else ""


def _team_of(draft: Draft) -> Team | None:
    text = draft.text("team")
    return Team.objects.filter(pk=int(text)).first() if text.isdecimal() and len(text) < 19 else None


# --- what it offers


def teams_offered(editor: Editor) -> Choices:
    teams = teams_of(editor.reader)
    own = editor.policy.team if editor.policy else None
    listed = teams if own is None or own in teams else [own, *teams]
    return [("", _("No team: every manager may change it")), *((str(team.pk), team.name) for team in listed)]


def offer_of(editor: Editor) -> Offer:
    team = _team_of(editor.draft)
    return offer_for(
        team_id=team.pk if team else None,
        named=targets_named(editor.draft),
        everything=editor.everything,
        without=editor.policy.slug if editor.policy else "",
    )


# --- what it says


def edit_check(editor: Editor) -> Checked:
    policy, unread = read(editor.draft)
    own = {team.pk for team in teams_of(editor.reader)}
    if editor.policy is not None and editor.policy.team_id:
        own.add(editor.policy.team_id)
    known = Known(
        own_teams=own,
        exists=TargetNames([policy] if policy else []).knows,
        slug=editor.policy.slug if editor.policy else "",
        pk=editor.policy.pk if editor.policy else None,
    )
    return check(editor.draft, policy, unread, reason=editor.reason, known=known)


@dataclass(frozen=True, slots=True)
class FindingLine:
    """One of the linter's findings beside the form: ``target`` is the control it is about, "" for none."""

    title: str
    cost: str
    where: str
    target: str
    stalls: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """The draft drawn as a ladder, in sentences, and what the linter says of it."""

    rungs: tuple[Rung, ...]
    closing: tuple[str, ...]
    findings: tuple[FindingLine, ...]


def edit_preview(editor: Editor, policy: PolicyDef) -> Preview:
    text, rungs = drawn(policy, TargetNames([policy]))
    return Preview(rungs, text.closing, _findings(editor, policy))


def _findings(editor: Editor, policy: PolicyDef) -> tuple[FindingLine, ...]:
    row = editor.policy or EscalationPolicy(name=editor.draft.text("name"), team=_team_of(editor.draft))
    found = sorted(draft_findings(policy=row, definition=policy, at=editor.at), key=lambda one: one.weight)
    lines = []
    for one in found:
        words = words_of(one.code, one.data)
        keys = tuple(int(part) if part.isdecimal() else part for part in one.place.split(".") if part)
        field = field_of(keys, editor.draft) if keys else ""
        target = control_of(field) if field else ""
        where = place_words(field, editor.draft) if field else ""
        lines.append(FindingLine(words.title, words.cost, where, target, one.weight is Weight.STALLS))
    return tuple(lines)


@dataclass(frozen=True, slots=True)
class Theirs:
    """What somebody else saved meanwhile."""

    version: PolicyVersion
    changes: tuple[Change, ...]


def theirs_of(base: PolicyVersion | None, newest: PolicyVersion) -> Theirs:
    return Theirs(newest, versions_compared(base, newest))


# --- saving it


def edit_save(editor: Editor, policy: PolicyDef) -> EscalationPolicy:
    """Raises what ``policy_create`` and ``policy_edit`` raise."""
    draft = editor.draft
    values = PolicyValues(
        name=draft.text("name"),
        team=_team_of(draft),
        description=draft.text("description").replace("\r\n", "\n"),
        guidelines=tuple(row for row in draft.guidelines if any(row)),
    )
    definition = policy_dump(policy)
    if editor.policy is None:
        return policy_create(
            values=values, definition=definition, author=editor.reader, at=editor.at, reason=editor.reason
        )
    version = policy_edit(
        policy=editor.policy,
        base=editor.base.number if editor.base else 0,
        values=values,
        definition=definition,
        author=editor.reader,
        at=editor.at,
        reason=editor.reason,
    )
    return version.policy

"""What is wrong with a draft, field by field, and the policy it describes where nothing is."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.utils.translation import gettext as _

from policies.definition import OWN, Pick, PolicyDef, TargetDef, TargetKind, policy_parse
from policies.editing.documents import document_of, field_of
from policies.editing.draft import NAMED, Draft, target_text
from policies.models import Guideline
from policies.reading import DefinitionInvalid, Problem

LONGEST_REASON = 200
LONGEST_NAME = 100
_may_be_linked = URLValidator(schemes=("http", "https"))


class Wrong(NamedTuple):
    """``field`` is the form's, "" for the whole."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Checked:
    """``policy`` is None where the draft describes none."""

    policy: PolicyDef | None
    problems: tuple[Wrong, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """What a draft may name. ``exists`` says whether a target refers to anything; ``slug`` is that of the policy."""

    own_teams: Collection[int]
    exists: Callable[[TargetDef], bool]
    slug: str = ""
    pk: int | None = None


def read(draft: Draft) -> tuple[PolicyDef | None, tuple[Wrong, ...]]:
    """The policy a draft describes, or what is wrong with it as a document."""
    try:
        return policy_parse(document_of(draft)), ()
    except DefinitionInvalid as error:
        return None, tuple(_wrong(problem, draft) for problem in error.problems)


def _wrong(problem: Problem, draft: Draft) -> Wrong:
    return Wrong(field_of(problem.keys, draft), problem.message)


def check(draft: Draft, policy: PolicyDef | None, unread: tuple[Wrong, ...], *, reason: str, known: Known) -> Checked:
    """``policy`` and ``unread`` are what ``read`` found."""
    problems = [*_row_problems(draft, reason, known), *unread, *_unsaid(draft), *_guideline_problems(draft)]
    if policy is not None:
        problems += _strangers(draft, policy, known)
    return Checked(policy, tuple(problems))


def _row_problems(draft: Draft, reason: str, known: Known) -> list[Wrong]:
    found = []
    name, team = draft.text("name"), draft.text("team")
    if not name:
        found.append(Wrong("name", _("must not be empty")))
    if len(name) > LONGEST_NAME:
        found.append(Wrong("name", _("is longer than %(most)d characters") % {"most": LONGEST_NAME}))
    if len(reason) > LONGEST_REASON:
        found.append(Wrong("reason", _("is longer than %(most)d characters") % {"most": LONGEST_REASON}))
    if team and not (team.isdecimal() and len(team) < 19 and int(team) in known.own_teams):
        found.append(Wrong("team", _("You manage no such team.")))
    unshown = _("holds characters that cannot be shown")
    texts = (("name", name), ("reason", reason), ("description", draft.text("description").replace("\r\n", "")))
    return found + [Wrong(field, unshown) for field, text in texts if not text.replace("\n", "").isprintable()]


def _unsaid(draft: Draft) -> list[Wrong]:
    """Levels that do not say how their people are told. A document may leave it out, which says "as each person chose"; whoever
    writes a level here says so (R130)."""
    unsaid = _("must be chosen")
    return [
        Wrong(f"level-{number}-told_by", unsaid)
        for number, level in enumerate(draft.levels)
        if level.text("told_by") not in (OWN, NAMED)
    ]


def _guideline_problems(draft: Draft) -> list[Wrong]:
    found = []
    most = Guideline._meta.get_field("title").max_length or 0
    for row, (title, url) in enumerate(draft.guidelines):
        if not title and not url:
            continue
        if not title:
            found.append(Wrong(f"guideline-{row}-title", _("must not be empty")))
        if len(title) > most:
            found.append(Wrong(f"guideline-{row}-title", _("is longer than %(most)d characters") % {"most": most}))
        if not title.isprintable():
            found.append(Wrong(f"guideline-{row}-title", _("holds characters that cannot be shown")))
        try:
            _may_be_linked(url)
            Guideline._meta.get_field("url").run_validators(url)
        except ValidationError as error:
            found.append(Wrong(f"guideline-{row}-url", error.messages[0]))
    return found


def _strangers(draft: Draft, policy: PolicyDef, known: Known) -> list[Wrong]:
    """Targets that refer to nothing: a reader of documents cannot know."""
    nobody, itself = _("There is no such target any more: nobody would be told."), _("A policy cannot lead to itself.")
    wrong = {target_text(target): nobody for target in policy.all_targets if not known.exists(target)}
    for target in policy.all_targets:
        if target.kind is TargetKind.POLICY and target.ref in {known.slug or None, known.pk} - {None}:
            wrong[target_text(target)] = itself
    if not wrong:
        return []
    return [Wrong(field, wrong[usual]) for field, text in _fields_of(draft) if (usual := _as_written(text)) in wrong]


def _as_written(text: str) -> str:
    """A target's text as `target_text` writes it."""
    kind, ref, role, up, pick = (*text.split("|"), "", "", "", "", "")[:5]
    return "|".join((kind, ref, role, up, pick or Pick.ALL))


def _fields_of(draft: Draft) -> list[tuple[str, str]]:
    found = [
        (f"level-{number}-{name}-{row}", text)
        for number, level in enumerate(draft.levels)
        for name, texts in level.lists.items()
        for row, text in enumerate(texts)
    ]
    return [
        *found,
        *((f"catch_all-{row}", text) for row, text in enumerate(draft.catch_all)),
        ("final-0", draft.final),
        ("overseer-0", draft.overseer),
    ]

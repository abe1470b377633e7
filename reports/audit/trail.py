"""One incident followed from its first signal to its review, through everything the ledger has about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from audit.models import LedgerEntry
from audit.selectors import LedgerFilter, entries_matching
from reports.ledger import Line, line

PAGE = 200
SIGNALS, DECISIONS, STEPS, PAGES, ATTEMPTS, PEOPLE, REVIEW, OTHER = (
    "signals", "decisions", "steps", "pages", "attempts", "people", "review", "other",
)  # fmt: skip
STAGES: Mapping[str, str | Promise] = {
    SIGNALS: _("Signals"),
    DECISIONS: _("Decisions"),
    STEPS: _("Escalation steps"),
    PAGES: _("Pages"),
    ATTEMPTS: _("Attempts to deliver"),
    PEOPLE: _("What people did"),
    REVIEW: _("Review"),
    OTHER: _("What else"),
}
_NAMESPACES = {
    "alert": SIGNALS, "signal": SIGNALS, "routing": DECISIONS, "checkpoint": DECISIONS, "escalation": STEPS, "page": PAGES,
    "delivery": ATTEMPTS, "attempt": ATTEMPTS, "message": ATTEMPTS, "review": REVIEW, "survey": REVIEW, "problem": REVIEW,
    "incident": PEOPLE, "task": PEOPLE, "role": PEOPLE, "plan": PEOPLE, "objective": PEOPLE, "attachment": PEOPLE,
    "vendor_case": PEOPLE, "complaint": PEOPLE, "time": PEOPLE,
}  # fmt: skip
DECIDED = (
    "incident.assess", "incident.decide", "incident.escalate", "incident.major", "incident.major_end", "incident.mark",
    "incident.override", "incident.priority", "incident.severity", "incident.snooze", "incident.terms",
)  # fmt: skip
"""What people, or rules for them, decided about an incident."""
ANSWERED = ("incident.acknowledge", "incident.unacknowledge", "incident.ack_expire", "page.decline")
"""When a page was answered, and when that answer ended."""
TOLD = (
    "incident.tell", "incident.call_in", "incident.teams_post", "incident.team_join", "routing.tell", "routing.send_for",
    "escalation.inform_level", "escalation.catch_all", "escalation.final", "escalation.post", "vendor_case.send", "digest.send",
    "message.failed", "post.failed",
)  # fmt: skip
"""Who was told without being paged, and whom a message did not reach."""
ENDED = (
    "alert.recover", "incident.mitigate", "incident.resolve", "incident.reopen", "incident.close", "incident.merge",
    "incident.unmerge", "review.publish",
)  # fmt: skip
"""How an incident came to its end, and began again."""


@dataclass(frozen=True, slots=True)
class Step:
    """One entry with the part of the way it belongs to."""

    stage: str
    line: Line

    @property
    def words(self) -> str | Promise:
        return STAGES[self.stage]


@dataclass(frozen=True, slots=True)
class Trail:
    """Entries in the order in which they were written. ``later`` is the key of the next page, None at the end."""

    steps: Sequence[Step]
    later: int | None


def stage_of(action: str) -> str:
    """The part of the way from signal to review that an action belongs to."""
    return DECISIONS if action in DECIDED else _NAMESPACES.get(action.partition(".")[0], OTHER)


def is_automated(entry: LedgerEntry) -> bool:
    """Whether no person did it: an engine's step, a rule's decision, what a monitor said."""
    return entry.actor_kind != LedgerEntry.ActorKind.USER


def trail_of(subject: str, *, stage: str = "", after: int = 0, size: int = PAGE) -> Trail:
    """The entries of ``subject`` from key ``after`` on, of one stage where it is given: one query by an index."""
    entries = entries_matching(LedgerFilter(subject=subject)).order_by("id").filter(id__gt=after)
    if stage in STAGES:
        entries = _of_stage(entries, stage)
    found = list(entries[: size + 1])
    return Trail(
        [Step(stage_of(entry.action), line(entry)) for entry in found[:size]],
        found[size - 1].pk if len(found) > size else None,
    )


def _of_stage(entries: QuerySet[LedgerEntry], stage: str) -> QuerySet[LedgerEntry]:
    def begins(names: list[str]) -> Q:
        wanted = Q()
        for name in names:
            wanted |= Q(action__startswith=f"{name}.")
        return wanted

    if stage == OTHER:
        return entries.exclude(begins(list(_NAMESPACES)))
    own = begins([name for name, of in _NAMESPACES.items() if of == stage])
    if stage == DECISIONS:
        return entries.filter(own | Q(action__in=DECIDED))
    return entries.filter(own).exclude(action__in=DECIDED)

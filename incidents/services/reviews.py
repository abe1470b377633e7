"""The review of an incident, written (R112): a draft that knows what changed meanwhile, published once, corrected in the open."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from escalation_site.kernel.errors import Conflict, DomainError
from incidents.models import Incident, Review, Task
from incidents.permissions import require_responder
from incidents.services.working import Work, working
from oncall.models import User

TEXTS = ("root_cause", "mitigation", "follow_up", "lessons")
NEEDED = ("root_cause", "mitigation", "follow_up")
"""What a published review must say."""
MAX_TEXT = 20_000


class ReviewEditedMeanwhile(Conflict):
    """Somebody saved ``review`` after this edit began; nothing was stored."""

    default_code = "edited_meanwhile"

    def __init__(self, review: Review) -> None:
        super().__init__(
            _("%(name)s saved it after you began. Your words are below; take over what you need, then save again.")
            % {"name": review.author.name}
        )
        self.review = review


def review_save(
    *,
    incident_id: int,
    values: Mapping[str, str],
    actor: User,
    at: datetime,
    seen: datetime | None = None,
    publish: bool = False,
    source: str = "web",
) -> Review:
    """Write the review's four texts; the first save makes it. What is the same already does nothing.

    ``seen`` is the ``edited_at`` the edit began from, None for a review that was not there. Once published it stays so, and what
    is saved is a correction: a version of its own. Raises ReviewEditedMeanwhile, DomainError naming an empty part of what is
    published, Conflict for publishing while the incident is open, NotAllowed for people who may not respond.
    """
    with working(incident_id, actor=actor, at=at, source=source) as work:
        incident = work.incident
        require_responder(actor, incident)
        review = Review.objects.select_related("author").filter(incident=incident).first()
        if (review.edited_at if review else None) != seen and review is not None:
            raise ReviewEditedMeanwhile(review)
        row = review or Review(incident=incident, created_at=at)
        texts = {name: values.get(name, "").strip()[:MAX_TEXT] for name in TEXTS}
        before = {name: getattr(row, name) for name in TEXTS}
        publishes = publish and row.published_at is None
        if publishes and incident.is_open:
            raise Conflict(_("Resolve it first: a review looks back."))
        if publishes or row.published_at is not None:
            _require_whole(texts)
        if review is not None and texts == before and not publishes:
            return row
        _store(row, texts, actor=actor, at=at, publishes=publishes)
        _enter(work, row, before=before if review else {}, after=texts, publishes=publishes)
    return row


def _require_whole(texts: Mapping[str, str]) -> None:
    for name in NEEDED:
        if not texts[name]:
            raise DomainError(_("A published review says this too."), field=name)


def _store(row: Review, texts: Mapping[str, str], *, actor: User, at: datetime, publishes: bool) -> None:
    for name, text in texts.items():
        setattr(row, name, text)
    row.author, row.edited_at = actor, at
    if publishes:
        row.published_at = at
    history: Any = row
    history._history_user, history._history_date = actor, at
    row.save()


def _enter(work: Work, row: Review, *, before: Mapping[str, str], after: Mapping[str, str], publishes: bool) -> None:
    """The ledger has every save, the timeline what others read."""
    if publishes:
        action = "review.publish"
    elif row.published_at is not None:
        action = "review.correct"
    else:
        action = "review.change" if before else "review.create"
    differing = [name for name in TEXTS if before.get(name, "") != after[name]]
    work.changes.ledger(
        work.incident,
        action,
        object_type="review",
        object_id=str(row.pk),
        before={name: before[name] for name in differing if name in before},
        after={name: after[name] for name in differing},
    )
    if publishes:
        work.changes.timeline(work.incident, action, source=work.changes.source)
    elif row.published_at is not None:
        work.changes.timeline(work.incident, action, number=str(version_of(row)), source=work.changes.source)


def version_of(review: Review) -> int:
    """Which version of the published review this is, counted from 1; 0 for a draft."""
    history: Any = Review.history
    return int(history.filter(id=review.pk, published_at__isnull=False).count())


def review_begun(incident: Incident) -> dict[str, str]:
    """What the record says already: the texts a first draft begins with. Two queries."""
    tasks = list(incident.tasks.order_by("position", "id").values_list("state", "title", "ended_at"))
    decided = incident.timeline.filter(kind="incident.decide").order_by("at", "id").values_list("at", "text")
    done = [(at or incident.started_at, title) for state, title, at in tasks if state == Task.State.DONE]
    left = [title for state, title, _at in tasks if state in (Task.State.TODO, Task.State.DOING)]
    return {
        "root_cause": incident.resolution,
        "mitigation": _listed(text for _at, text in sorted([*decided, *done])),
        "follow_up": _listed(left),
        "lessons": "",
    }


def _listed(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)

"""What waits for a person's word, as the pages show it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from incidents.checkpoint_words import START, Asking, asking, otherwise_words, question_words
from incidents.models import Checkpoint, Incident
from incidents.selectors.beside import CHECKPOINTS, has
from incidents.selectors.steps import Asked
from oncall.models import User

MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Shown:
    """One question with its words. ``people`` were asked; ``outcome`` is how it ended, "" while it is open."""

    checkpoint: Checkpoint
    question: str
    otherwise: str
    words: Asking
    people: Sequence[User]
    outcome: str

    @property
    def is_open(self) -> bool:
        return self.checkpoint.outcome == Checkpoint.Outcome.OPEN

    @property
    def asked(self) -> Asked:
        return Asked(self.checkpoint.created_at, self.checkpoint.due_at)

    @property
    def takes_severity(self) -> bool:
        """Whether the answer may give the incident another severity."""
        return self.checkpoint.action == START


def checkpoints_of(incident: Incident) -> list[Shown]:
    """All questions about ``incident``, open ones first, then the newest: one query, and one more where there are any; none where it
    is known that there are not."""
    if not has(incident, CHECKPOINTS):
        return []
    rows = list(
        Checkpoint.objects.filter(incident=incident).select_related("decided_by").prefetch_related("asks__user")
    )
    rows.sort(key=lambda one: (one.outcome != Checkpoint.Outcome.OPEN, -one.pk))
    return [shown(one) for one in rows[:MOST_SHOWN]]


def checkpoints_asking(user: User) -> list[Shown]:
    """The open questions that ask ``user``, the soonest first: one query, and one more where there are any."""
    rows = (
        Checkpoint.objects.filter(outcome=Checkpoint.Outcome.OPEN, asks__user=user)
        .select_related("incident__service")
        .prefetch_related("asks__user")
        .order_by("due_at", "pk")
    )
    return [shown(one) for one in rows[:MOST_SHOWN]]


def shown(checkpoint: Checkpoint) -> Shown:
    """``checkpoint`` in words. Its ``asks`` with their people, and ``decided_by``, should be loaded."""
    return Shown(
        checkpoint=checkpoint,
        question=question_words(checkpoint.action, checkpoint.data),
        otherwise=otherwise_words(checkpoint.action, checkpoint.fallback, checkpoint.data),
        words=asking(checkpoint.action),
        people=[ask.user for ask in checkpoint.asks.all()],
        outcome=_outcome(checkpoint),
    )


def _outcome(checkpoint: Checkpoint) -> str:
    words = asking(checkpoint.action)
    otherwise = otherwise_words(checkpoint.action, checkpoint.fallback, checkpoint.data)
    match checkpoint.outcome:
        case Checkpoint.Outcome.OPEN:
            return ""
        case Checkpoint.Outcome.CONFIRMED:
            return str(words.confirmed)
        case Checkpoint.Outcome.DECLINED:
            return str(words.declined)
        case Checkpoint.Outcome.WITHDRAWN:
            return _("It need not be decided any more.")
        case _ if checkpoint.decided_at is not None and checkpoint.decided_at < checkpoint.due_at:
            return _("Nobody could be asked: %(otherwise)s") % {"otherwise": otherwise}
        case _:
            return _("Nobody decided in time: %(otherwise)s") % {"otherwise": otherwise}


def asked_about(incidents: Iterable[Incident]) -> dict[int, Asked]:
    """How long a person is waited for before anybody is paged, by incident: one query, none for no incidents."""
    ids = [incident.pk for incident in incidents]
    rows = Checkpoint.objects.filter(incident__in=ids, action=START, outcome=Checkpoint.Outcome.OPEN)
    found = rows.values_list("incident_id", "created_at", "due_at") if ids else ()
    return {pk: Asked(since, until) for pk, since, until in found}

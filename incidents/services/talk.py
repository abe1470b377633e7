"""What people do with what is said on an incident: correct it, pin it, make it a decision. The timeline itself is only ever added to."""

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from escalation_site.kernel.errors import Conflict, DomainError, NotAllowed
from incidents.models import Incident, TimelineEvent, TimelinePin
from incidents.permissions import require_reader, require_responder
from incidents.services.saying import Saying, said_enter
from incidents.services.working import working
from oncall.models import User

CORRECTABLE = ("incident.comment", "incident.decide")


def line_for(incident: Incident, event_id: int) -> TimelineEvent:
    """The line of that number on ``incident``. Raises DomainError where there is none."""
    found = TimelineEvent.objects.filter(incident=incident, pk=event_id).select_related("actor").first()
    if found is None:
        raise DomainError(_("There is no such line on this incident."))
    return found


def is_public(event: TimelineEvent) -> bool:
    """Whether the requester reads what was said: said so, or said by a reporter."""
    by_reporter = event.actor is not None and event.actor.role == User.Role.REPORTER
    return bool(event.data.get("public", by_reporter))


def comment_correct(
    *, incident_id: int, event_id: int, text: str, actor: User, at: datetime, source: str = "web"
) -> TimelineEvent:
    """Say better what ``actor`` said before: a line of its own, so that what was said first stays to be read (R010).

    Raises DomainError when it is empty or no words of a person, NotAllowed when somebody else said it, Conflict when it reads so already.
    """
    if not text.strip():
        raise DomainError(_("Write something first."), field="text")
    with working(incident_id, actor=actor, at=at, source=source) as work:
        require_reader(actor, work.incident)
        first = line_for(work.incident, event_id)
        if first.kind not in CORRECTABLE:
            raise DomainError(_("Only what a person said can be corrected."))
        if first.actor_id != actor.pk:
            raise NotAllowed(_("Only whoever said it can correct it."))
        now_said = _corrections(first).values_list("text", flat=True).first() or first.text
        if now_said == text.strip():
            raise Conflict(_("It reads so already."), field="text")
        saying = Saying("incident.correct", text.strip(), is_public(first), _told(first))
        return said_enter(work.incident, saying, changes=work.changes, of=first.pk)


def _corrections(first: TimelineEvent) -> QuerySet[TimelineEvent]:
    """The newest first."""
    found = TimelineEvent.objects.filter(incident=first.incident_id, kind="incident.correct", data__of=first.pk)
    return found.order_by("-id")


def _told(first: TimelineEvent) -> frozenset[int]:
    """Who was told of it before: a correction tells only those it names anew."""
    before = [first.data, *_corrections(first).values_list("data", flat=True)]
    return frozenset(pk for data in before for pk in data.get("mentions", ()))


@transaction.atomic
def decision_record(
    *,
    incident_id: int,
    text: str,
    actor: User,
    at: datetime,
    said_in: int | None = None,
    public: bool = False,
    source: str = "web",
) -> TimelineEvent:
    """Record what was decided; it is pinned. ``said_in`` is the message it was said in, whose words it takes where ``text`` is empty.

    Raises DomainError without words, NotAllowed for people who may not respond, Conflict when the message is a decision already.
    """
    with working(incident_id, actor=actor, at=at, source=source) as work:
        require_responder(actor, work.incident)
        more: dict[str, int] = {}
        if said_in is not None:
            text = text.strip() or _words_of(work.incident, said_in)
            more = {"of": said_in}
        if not text.strip():
            raise DomainError(_("Say what was decided."), field="text")
        event = said_enter(work.incident, Saying("incident.decide", text.strip(), public), changes=work.changes, **more)
    TimelinePin.objects.create(event=event, by=actor, at=at)
    return event


def _words_of(incident: Incident, event_id: int) -> str:
    """What a message says now. Raises DomainError for a line without words, Conflict when it was made a decision before."""
    first = line_for(incident, event_id)
    if first.kind not in CORRECTABLE:
        raise DomainError(_("Only what a person said can become a decision."))
    decided = TimelineEvent.objects.filter(incident=incident, kind="incident.decide", data__of=first.pk)
    if first.kind == "incident.decide" or decided.exists():
        raise Conflict(_("It is a decision already."))
    return _corrections(first).values_list("text", flat=True).first() or first.text


def words_of(incident: Incident, event_id: int) -> str:
    """What the line says now: its last correction, else its own words."""
    first = line_for(incident, event_id)
    return _corrections(first).values_list("text", flat=True).first() or first.text


def line_pin(*, incident_id: int, event_id: int, actor: User, at: datetime, source: str = "web") -> TimelinePin:
    """Show a line above all others. Pinning twice does nothing. Raises NotAllowed for people who may not respond."""
    with working(incident_id, actor=actor, at=at, source=source) as work:
        require_responder(actor, work.incident)
        event = line_for(work.incident, event_id)
        pin, fresh = TimelinePin.objects.get_or_create(event=event, defaults={"by": actor, "at": at})
        if fresh:
            work.changes.ledger(work.incident, "incident.pin", data={"line": event.pk, "kind": event.kind})
    return pin


def line_unpin(*, incident_id: int, event_id: int, actor: User, at: datetime, source: str = "web") -> None:
    """Put it back among the others. A line that is not pinned stays as it is. Raises NotAllowed for people who may not respond."""
    with working(incident_id, actor=actor, at=at, source=source) as work:
        require_responder(actor, work.incident)
        gone, _rows = TimelinePin.objects.filter(event__incident=work.incident, event=event_id).delete()
        if gone:
            work.changes.ledger(work.incident, "incident.unpin", data={"line": event_id})

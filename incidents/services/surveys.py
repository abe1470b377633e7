"""How content whoever filed an incident is with how it went."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from escalation_site.kernel.errors import Conflict, DomainError
from incidents.models import Survey
from incidents.permissions import require_requester
from incidents.services.working import working
from oncall.models import User

SCORES = range(6)
MAX_TEXT = 2_000


def survey_answer(
    *, incident_id: int, score: int, actor: User, at: datetime, text: str = "", source: str = "web"
) -> Survey:
    """``actor``, who filed it, says how it went: ``score`` from 0 (bad) to 5 (very good). A second answer takes the place of the first.

    Raises Conflict while it is open, DomainError naming the field at fault, NotAllowed for anybody else.
    """
    if score not in SCORES:
        raise DomainError(_("Choose a figure from 0 to 5."), field="score")
    if len(text) > MAX_TEXT:
        raise DomainError(_("Write at most %(most)d characters.") % {"most": MAX_TEXT}, field="text")
    with working(incident_id, actor=actor, at=at, source=source) as work:
        incident = work.incident
        require_requester(actor, incident)
        if incident.is_open:
            raise Conflict(_("It is still open. Say how it went once it is resolved."))
        survey = Survey.objects.filter(incident=incident, user=actor).first()
        before = None if survey is None else {"score": survey.score, "text": survey.text}
        after = {"score": score, "text": text.strip()}
        if survey is not None and before == after:
            return survey
        survey = survey or Survey(incident=incident, user=actor)
        survey.score, survey.text, survey.at = score, text.strip(), at
        history: Any = survey
        history._history_date, history._history_user = at, actor
        survey.save()
        work.changes.ledger(
            incident,
            "survey.change" if before else "survey.create",
            object_type="survey",
            object_id=str(survey.pk),
            object_label=incident.reference,
            before=before,
            after=after,
        )
        work.changes.timeline(incident, "survey.answer", text=survey.text, source=source, score=score)
    return survey

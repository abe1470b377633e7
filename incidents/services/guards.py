"""What must be there before an incident enters a stage (R129), and who may let it pass all the same."""

from collections.abc import Callable, Mapping, Sequence

from django.utils.translation import gettext as _

from escalation_site.kernel.errors import DomainError, NotAllowed
from escalation_site.ui.durations import list_of
from incidents.changes import Changes
from incidents.models import Incident, Review, Stage, StageGuard, Task
from incidents.permissions import may_override
from oncall.models import User

GUARDED = "guarded"
"""The code of a refusal that a reason could override."""


def guards_missing(incident: Incident, stage: Stage, *, resolution: str = "") -> list[StageGuard]:
    """The guards of ``stage`` that ``incident`` does not satisfy: a query for them, and one for each that looks elsewhere.

    ``resolution`` is what somebody is about to write.
    """
    guards = StageGuard.objects.filter(stage=stage, severity__gte=incident.severity).order_by("kind")
    return [guard for guard in guards if not _THERE[StageGuard.Kind(guard.kind)](incident, resolution)]


def guards_pass(incident: Incident, stage: Stage, *, actor: User, changes: Changes, override: str = "") -> None:
    """Let ``incident`` enter ``stage``, with what is missing overridden by the reason ``override``, which is put on record.

    Raises DomainError (code ``guarded``) naming all that is missing, NotAllowed for somebody who may not override it.
    """
    missing = guards_missing(incident, stage)
    if not missing:
        return
    reason = override.strip()
    if not reason:
        raise refusal(missing, stage)
    if not may_override(actor, incident):
        raise NotAllowed(_("Only managers and administrators may pass over what must be there."))
    kinds = [guard.kind for guard in missing]
    changes.ledger(incident, "incident.override", data={"stage": stage.key, "missing": kinds, "reason": reason})
    changes.timeline(incident, "incident.override", text=reason, name=stage.name, missing=kinds)


def refusal(missing: Sequence[StageGuard], stage: Stage, *, field: str = "stage") -> DomainError:
    """What is said where something is missing."""
    return DomainError(
        _("Before “%(stage)s”: %(missing)s.")
        % {"stage": stage.label, "missing": list_of([guard.get_kind_display() for guard in missing])},
        field=field,
        code=GUARDED,
    )


def _resolution(incident: Incident, about_to_write: str) -> bool:
    return bool(about_to_write.strip() or incident.resolution.strip())


def _review(incident: Incident, _text: str) -> bool:
    return Review.objects.filter(incident=incident, published_at__isnull=False).exists()


def _tasks(incident: Incident, _text: str) -> bool:
    ended = (Task.State.DONE, Task.State.DROPPED)
    return not Task.objects.filter(incident=incident).exclude(state__in=ended).exists()


def _owner(incident: Incident, _text: str) -> bool:
    return incident.owner_id is not None


_THERE: Mapping[StageGuard.Kind, Callable[[Incident, str], bool]] = {
    StageGuard.Kind.RESOLUTION: _resolution,
    StageGuard.Kind.REVIEW: _review,
    StageGuard.Kind.TASKS: _tasks,
    StageGuard.Kind.OWNER: _owner,
}

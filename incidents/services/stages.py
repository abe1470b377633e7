"""An incident moves from stage to stage by the ways that are open (R129), and is closed at last."""

from datetime import datetime

from django.utils.translation import gettext as _

from escalation_site.kernel.errors import Conflict, DomainError
from escalation_site.ui.durations import list_of
from incidents.models import Incident, Stage, Transition
from incidents.permissions import require_responder
from incidents.services.guards import guards_pass
from incidents.services.working import stage as stage_named
from incidents.services.working import working
from incidents.stages import CLOSED, ENDS, way_is_open
from oncall.models import User

State = Incident.State


def ways_of() -> set[tuple[str, str]]:
    """The ways that are written down, as pairs of keys: one query."""
    return set(Transition.objects.values_list("before__key", "after__key"))


def stages_ahead(incident: Incident) -> list[Stage]:
    """The stages a person may move it to now; where it ends has verbs of its own (resolve, close, reopen). Two queries."""
    if not incident.is_open:
        return []
    ways = ways_of()
    return [
        stage
        for stage in Stage.objects.order_by("position")
        if stage.key not in ENDS and way_is_open(ways, incident.stage.key, stage.key)
    ]


def stage_clash(incident: Incident, seen: str | None) -> Conflict | None:
    """What to say where somebody moved it after ``seen`` (a stage's key; None asks for nothing) was its stage."""
    if seen is None or seen == incident.stage.key:
        return None
    words = _("Somebody moved it to “%(stage)s” meanwhile. Look again and choose.")
    return Conflict(words % {"stage": incident.stage.label}, field="stage")


def incident_stage(
    *,
    incident_id: int,
    stage: Stage,
    actor: User,
    at: datetime,
    override: str = "",
    seen: str | None = None,
    source: str = "web",
) -> Incident:
    """Move it to another stage of the life cycle; resolving and closing have their own services.

    The same stage again does nothing. ``seen`` is the key of the stage that whoever decides had before their eyes. Raises DomainError
    for a way that is not open, naming those that are, and for what must be there first (code ``guarded``), which ``override`` (a
    reason) passes over where ``actor`` may; Conflict when it is resolved or in another stage than ``seen`` by now.
    """
    with working(incident_id, actor=actor, at=at, source=source) as work:
        incident, before = work.incident, work.incident.stage
        require_responder(actor, incident)
        if stage.key in ENDS:
            raise DomainError(
                _("Close it instead.") if stage.key == CLOSED else _("Resolve it instead."), field="stage"
            )
        if not incident.is_open:
            raise Conflict(_("It is resolved. Reopen it first."), field="stage")
        if before.pk == stage.pk:
            return incident
        if clash := stage_clash(incident, seen):
            raise clash
        if not way_is_open(ways_of(), before.key, stage.key):
            raise _no_way(incident, stage)
        guards_pass(incident, stage, actor=actor, changes=work.changes, override=override)
        work.changes.set(incident, "incident.stage", stage=stage)
        work.changes.timeline(incident, "incident.stage", name=stage.name, before=before.name, source=source)
    return incident


def incident_close(*, incident_id: int, actor: User, at: datetime, override: str = "", source: str = "web") -> Incident:
    """Nothing more is to be done about it, its review included. Closing twice does nothing.

    Raises Conflict while it is open, DomainError for what must be there first (code ``guarded``), which ``override`` (a reason)
    passes over where ``actor`` may.
    """
    with working(incident_id, actor=actor, at=at, source=source) as work:
        incident = work.incident
        require_responder(actor, incident)
        if incident.is_open:
            raise Conflict(_("It is open. Resolve it first."))
        if incident.closed_at is not None:
            return incident
        closed = stage_named(CLOSED)
        guards_pass(incident, closed, actor=actor, changes=work.changes, override=override)
        work.changes.set(incident, "incident.close", stage=closed, closed_at=at)
        work.changes.timeline(incident, "incident.close", source=source)
    return incident


def _no_way(incident: Incident, wanted: Stage) -> DomainError:
    before = incident.stage
    open_ways = [stage.label for stage in stages_ahead(incident)]
    if not open_ways:
        return DomainError(
            _("From “%(before)s” there is no way to “%(after)s”.") % {"before": before.label, "after": wanted.label},
            field="stage",
        )
    return DomainError(
        _("From “%(before)s” it goes on to %(ways)s, not to “%(after)s”.")
        % {"before": before.label, "ways": list_of(open_ways), "after": wanted.label},
        field="stage",
    )

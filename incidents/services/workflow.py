"""The life cycle, written: stages and their order, the ways from one to another, and what must be there first (R129)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from audit.rows import row_set
from audit.services import EntryValue, entry_append
from escalation_site.kernel.errors import Conflict, DomainError
from incidents.changes import actor_of
from incidents.models import Stage, StageGuard, Transition
from incidents.permissions import require_configurer
from incidents.stages import ENDS, NEEDED
from oncall.models import User
from policies.severity import Severity

_ASIDE = 10_000
"""Where stages wait while they change places: a place is taken once."""


@dataclass(frozen=True, slots=True, order=True)
class Guard:
    """What must be there before ``stage`` (a key) is entered, for ``severity`` or worse."""

    stage: str
    kind: str
    severity: int = int(Severity.SEV5)


@dataclass(frozen=True, slots=True)
class Workflow:
    """Which stage may follow which, as pairs of keys, and the guards."""

    ways: frozenset[tuple[str, str]] = frozenset()
    guards: frozenset[Guard] = frozenset()

    def document(self) -> dict[str, Any]:
        """As the ledger and configuration files have it."""
        return {
            "ways": [list(way) for way in sorted(self.ways)],
            "guards": [
                {"stage": guard.stage, "kind": guard.kind, "severity": guard.severity} for guard in sorted(self.guards)
            ],
        }


def workflow_now() -> Workflow:
    """As it is: two queries."""
    guards = StageGuard.objects.values_list("stage__key", "kind", "severity")
    return Workflow(
        frozenset(Transition.objects.values_list("before__key", "after__key")),
        frozenset(Guard(*guard) for guard in guards),
    )


@transaction.atomic
def workflow_set(*, wanted: Workflow, actor: User | None, at: datetime, seen: Mapping[str, Any] | None = None) -> bool:
    """Make ways and guards exactly these; returns whether anything differed. ``actor`` None is the system.

    ``seen`` is the document the change began from. Raises Conflict when it is another by now, DomainError for a way or a guard
    that makes no sense, NotAllowed for anybody but administrators.
    """
    if actor is not None:
        require_configurer(actor)
    stages = {stage.key: stage for stage in Stage.objects.select_for_update().order_by("pk")}
    before = workflow_now()
    if seen is not None and dict(seen) != before.document():
        raise Conflict(_("Somebody changed the workflow meanwhile. Look at it as it is now."), code="edited_meanwhile")
    _require_sense(wanted, stages)
    if wanted == before:
        return False
    _ways_write(before.ways, wanted.ways, stages, actor, at)
    _guards_write(before.guards, wanted.guards, stages, actor, at)
    entry_append(
        EntryValue(
            at=at,
            action="workflow.change",
            object_type="workflow",
            object_id="1",
            object_label=_("Workflow"),
            subject="workflow",
            actor=actor_of(actor),
            before=before.document(),
            after=wanted.document(),
        )
    )
    return True


def _require_sense(wanted: Workflow, stages: Mapping[str, Stage]) -> None:
    for before, after in wanted.ways:
        if before not in stages or after not in stages or before == after:
            raise DomainError(_("There is no way from “%s” to “%s”.") % (before, after), field="ways")
        if {before, after} & set(ENDS):
            raise DomainError(_("Resolving, closing and reopening are always open."), field="ways")
    for guard in wanted.guards:
        if (
            guard.stage not in stages
            or guard.kind not in StageGuard.Kind.values
            or guard.severity not in Severity.values
        ):
            raise DomainError(_("There is no such guard."), field="guards")
    if len({(guard.stage, guard.kind) for guard in wanted.guards}) < len(wanted.guards):
        raise DomainError(_("A stage asks for each thing once."), field="guards")


def _stamped(row: Any, actor: User | None, at: datetime) -> Any:
    row._history_user, row._history_date = actor, at
    return row


def _ways_write(
    before: Collection[tuple[str, str]],
    wanted: Collection[tuple[str, str]],
    stages: Mapping[str, Stage],
    actor: User | None,
    at: datetime,
) -> None:
    for row in Transition.objects.select_related("before", "after"):
        if (row.before.key, row.after.key) not in wanted:
            _stamped(row, actor, at).delete()
    for here, there in sorted(set(wanted) - set(before)):
        _stamped(Transition(before=stages[here], after=stages[there]), actor, at).save()


def _guards_write(
    before: Collection[Guard],
    wanted: Collection[Guard],
    stages: Mapping[str, Stage],
    actor: User | None,
    at: datetime,
) -> None:
    kept = {(guard.stage, guard.kind): guard for guard in wanted}
    for row in StageGuard.objects.select_related("stage"):
        guard = kept.get((row.stage.key, row.kind))
        if guard is None:
            _stamped(row, actor, at).delete()
        elif guard.severity != row.severity:
            row.severity = guard.severity
            _stamped(row, actor, at).save()
    present = {(guard.stage, guard.kind) for guard in before}
    for guard in sorted(wanted):
        if (guard.stage, guard.kind) not in present:
            row = StageGuard(stage=stages[guard.stage], kind=guard.kind, severity=guard.severity)
            _stamped(row, actor, at).save()


@transaction.atomic
def stage_set(*, stage: Stage, values: Mapping[str, Any], actor: User | None, at: datetime) -> Stage:
    """Give ``stage``, new or stored, a key and a name; a new one comes before the ends unless it has a ``position``.

    A key is for ever. Raises DomainError and ValidationError naming what is at fault, NotAllowed for anybody but administrators.
    """
    if actor is not None:
        require_configurer(actor)
    wanted = dict(values)
    if not stage._state.adding and wanted.get("key", stage.key) != stage.key:
        raise DomainError(_("The key of a stage stays as it was made."), field="key")
    places = stage._state.adding and "position" not in wanted
    if places:
        wanted["position"] = (Stage.objects.aggregate(last=Max("position"))["last"] or 0) + 1
    row_set(stage, wanted, noun="stage", at=at, actor=actor_of(actor), user=actor)
    if places:
        keys = list(Stage.objects.order_by("position").values_list("key", flat=True))
        others = [key for key in keys if key not in ENDS]
        stages_order(keys=[*others, *(key for key in ENDS if key in keys)], actor=actor, at=at)
        stage.refresh_from_db()
    cache.delete("incident-stages")
    return stage


@transaction.atomic
def stages_order(*, keys: Sequence[str], actor: User | None, at: datetime) -> None:
    """Put the stages in the order of ``keys``, all of them, with the ends last. Raises DomainError for anything else."""
    if actor is not None:
        require_configurer(actor)
    rows = {stage.key: stage for stage in Stage.objects.select_for_update().order_by("pk")}
    if set(keys) != set(rows) or len(keys) != len(rows):
        raise DomainError(_("Name every stage once."), field="order")
    if [key for key in keys if key in ENDS] != [key for key in keys[-len(ENDS) :] if key in ENDS]:
        raise DomainError(_("Resolved and closed come last."), field="order")
    moved = [(place, rows[key]) for place, key in enumerate(keys, 1) if rows[key].position != place]
    for place, stage in moved:
        Stage.objects.filter(pk=stage.pk).update(position=_ASIDE + place)
    for place, stage in moved:
        row_set(stage, {"position": place}, noun="stage", at=at, actor=actor_of(actor), user=actor)
    cache.delete("incident-stages")


@transaction.atomic
def stage_remove(*, stage: Stage, actor: User | None, at: datetime) -> None:
    """Take a stage away that no incident is in. Raises DomainError for one that Watchbell itself needs, Conflict for one in use."""
    if actor is not None:
        require_configurer(actor)
    if stage.key in NEEDED:
        raise DomainError(
            _("Watchbell moves incidents to “%(name)s” itself. Rename it instead.") % {"name": stage.label}
        )
    if stage.incidents.exists():
        raise Conflict(_("There are incidents in “%(name)s”. Move them first.") % {"name": stage.label})
    pk, name = stage.pk, str(stage)
    for row in (*stage.ways_out.all(), *stage.ways_in.all(), *stage.guards.all()):
        _stamped(row, actor, at).delete()
    _stamped(stage, actor, at).delete()
    entry_append(
        EntryValue(
            at=at,
            action="stage.remove",
            object_type="stage",
            object_id=str(pk),
            object_label=name,
            subject=f"stage:{pk}",
            actor=actor_of(actor),
            before={"key": stage.key, "name": stage.name},
        )
    )
    cache.delete("incident-stages")

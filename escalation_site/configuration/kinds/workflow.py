"""The workflow: the order of the stages, which may follow which, and what must be there first."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from escalation_site.configuration.definitions import unknown_fields
from escalation_site.configuration.document import Item
from escalation_site.configuration.fields import SEVERITY_SCHEMA, Missing, Scope, severity_of
from escalation_site.configuration.kind import Fields, Kind, Writing
from incidents.models import Stage, StageGuard
from incidents.services.workflow import Guard, Workflow, stages_order, workflow_now, workflow_set
from incidents.stages import ENDS
from policies.definition import severity_name

_KEYS = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}


class WorkflowKind(Kind):
    """One document for the whole house: what it leaves out is then not there any more, but for the order."""

    section = "workflow"
    help = "The order of the stages, which may follow which, and what must be there first."
    model = Stage
    single = True
    fields = ()
    after = ("stages",)

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": False, "properties": self.properties()}

    def properties(self) -> dict[str, Any]:
        guard = {
            "type": "object",
            "additionalProperties": False,
            "required": ["stage", "kind"],
            "properties": {
                "stage": {"type": "string"},
                "kind": {"enum": list(StageGuard.Kind.values)},
                "severity": SEVERITY_SCHEMA.copy(),
            },
        }
        return {
            "order": {"description": "All stages, in their order; resolved and closed last.", **_KEYS},
            "ways": {
                "description": "For each stage those that may follow it. One that is left out leads everywhere.",
                "type": "object",
                "additionalProperties": _KEYS,
            },
            "guards": {
                "description": "What must be there before a stage is entered, for a severity or worse.",
                "type": "array",
                "items": guard,
            },
        }

    def names(self) -> set[str]:
        return set()

    def read(self, item: Item, scope: Scope, *, exists: bool) -> Fields:
        before = len(item.problems.found)
        unknown_fields(item, self.schema())
        document: dict[str, Any] = {"ways": _ways(item, scope), "guards": _guards(item, scope)}
        if "order" in item.members:
            document["order"] = _names(item.members["order"], scope)
        return {"definition": document} if len(item.problems.found) == before else {}

    def current(self) -> dict[str, Fields]:
        found = workflow_now()
        ways: dict[str, list[str]] = {}
        for here, there in sorted(found.ways):
            ways.setdefault(here, []).append(there)
        guards = [
            {"stage": one.stage, "kind": one.kind, "severity": severity_name(one.severity)}
            for one in sorted(found.guards)
        ]
        order = list(Stage.objects.order_by("position").values_list("key", flat=True))
        return {"": {"definition": {"ways": ways, "guards": guards, "order": order}}}

    def differs(self, name: str, before: Any, wanted: Any) -> bool:
        return bool({**before, **wanted} != before)

    def write(self, writing: Writing, name: str, wanted: Fields, changed: Mapping[str, Any]) -> Stage:
        document = changed["definition"]
        if "order" in document:
            stages_order(keys=document["order"], actor=writing.user, at=writing.at)
        ways = frozenset((here, there) for here, several in document["ways"].items() for there in several)
        guards = frozenset(Guard(one["stage"], one["kind"], int(one["severity"][-1])) for one in document["guards"])
        workflow_set(wanted=Workflow(ways, guards), actor=writing.user, at=writing.at)
        return Stage.objects.earliest("position")


def _names(item: Item, scope: Scope) -> list[str]:
    """The stages an item lists; what is none is noted."""
    if not isinstance(item.data, list):
        item.wrong(_("must be a list of names from “%(section)s”") % {"section": "stages"})
        return []
    found = [scope.reference(entry, "stages") for entry in item.entries]
    return [name for name in found if not isinstance(name, Missing)]


def _ways(item: Item, scope: Scope) -> dict[str, list[str]]:
    ways = item.members.get("ways")
    if ways is None:
        return {}
    found: dict[str, list[str]] = {}
    for here, member in sorted(ways.members.items()):
        if not scope.knows("stages", here):
            member.wrong(_("“%(name)s” is not among the %(section)s.") % {"name": here, "section": "stages"})
        several = sorted(_names(member, scope))
        if {here, *several} & set(ENDS):
            member.wrong(_("Resolving, closing and reopening are always open."))
        if several:
            found[here] = several
    return found


def _guards(item: Item, scope: Scope) -> list[dict[str, Any]]:
    guards = item.members.get("guards")
    found = []
    for entry in guards.entries if guards is not None else ():
        stage, kind, severity = (entry.members.get(name) for name in ("stage", "kind", "severity"))
        if stage is None or kind is None or kind.data not in StageGuard.Kind.values:
            entry.wrong(_("needs a stage and one of %(names)s") % {"names": ", ".join(StageGuard.Kind.values)})
            continue
        name, rank = scope.reference(stage, "stages"), severity_of(severity) if severity is not None else 5
        if not isinstance(name, Missing) and not isinstance(rank, Missing):
            found.append({"stage": name, "kind": kind.data, "severity": severity_name(rank)})
    return sorted(found, key=lambda one: (one["stage"], one["kind"], one["severity"]))


KIND = WorkflowKind()

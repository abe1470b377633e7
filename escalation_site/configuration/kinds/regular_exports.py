"""Regular exports: lists and reports that are sent to somebody, with the rights they have when it is sent."""

from collections.abc import Mapping
from datetime import time
from typing import Any

from escalation_site.configuration.fields import Choice, Flag, Whole
from escalation_site.configuration.kind import Fields, Writing
from escalation_site.configuration.regular import Filters, OwnedKind, TimeOfDay, time_text, whole
from reports.exports.services import export_schedule_set
from reports.exports.sources import SOURCES
from reports.models import ExportSchedule, Format

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_PLAIN = ("source", "format", "cadence", "day", "active")
_DEFAULTS: Fields = {"filters": "", "format": "xlsx", "weekday": "mon", "day": 1, "active": True}


class RegularExports(OwnedKind):
    section = "regular_exports"
    help = "Lists and reports that are sent regularly, by owner and name: “elena/My week”. The owner may change them."
    model = ExportSchedule
    fields = (
        Choice("source", "What is sent.", required=True, choices=tuple(SOURCES)),
        Filters("filters", "Its filters, as in the address of the page: period=28d&severity=1."),
        Choice("format", "xlsx unless said.", empty="xlsx", choices=tuple(Format.values)),
        Choice("cadence", "How often.", required=True, choices=tuple(ExportSchedule.Cadence.values)),
        Choice("weekday", "For what comes weekly; mon unless said.", empty="mon", choices=_DAYS),
        Whole("day", "For what comes monthly; 1 unless said, 31 is the last day.", empty=1, least=1, most=31),
        TimeOfDay("send_at", "When, on the owner's clock.", required=True),
        Flag("active", "false: it is not sent.", empty=True),
    )

    def current(self) -> dict[str, Fields]:
        return {
            f"{row.owner.username}/{row.name}": {
                **{name: getattr(row, name) for name in _PLAIN},
                "filters": row.query,
                "weekday": _DAYS[row.weekday],
                "send_at": time_text(row.send_at),
            }
            for row in ExportSchedule.objects.select_related("owner")
        }

    def write(self, writing: Writing, name: str, wanted: Fields, changed: Mapping[str, Any]) -> ExportSchedule:
        owner, label = self.owner(writing, name)
        values = whole(self.current().get(name, {}), changed, _DEFAULTS)
        return export_schedule_set(
            schedule=ExportSchedule.objects.filter(owner=owner, name=label).first(),
            owner=owner,
            name=label,
            query=values["filters"],
            weekday=_DAYS.index(values["weekday"]),
            send_at=time.fromisoformat(values["send_at"]),
            actor=writing.actor,
            at=writing.at,
            **{field: values[field] for field in _PLAIN},
        )


KIND = RegularExports()

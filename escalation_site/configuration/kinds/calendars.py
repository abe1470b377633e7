"""Business calendars: when the organisation works."""

from collections.abc import Mapping
from typing import Any

from escalation_site.configuration.definitions import problems_placed
from escalation_site.configuration.document import Item
from escalation_site.configuration.fields import Flag, Scope, Text
from escalation_site.configuration.kind import Fields, Kind, Writing
from policies.calendars import calendar_dump, calendar_parse, calendar_schema
from policies.calendars.services import DOCUMENT, calendar_document, calendar_set
from policies.models import WorkCalendar
from policies.reading import DefinitionInvalid

_ALWAYS = [{"start": "00:00", "end": "24:00"}]


class Calendars(Kind):
    section = "calendars"
    help = "Business calendars, by slug: working hours on the clock of a zone, and holidays."
    model = WorkCalendar
    fields = (
        Text("name", "Name, unique among calendars.", required=True, most=80),
        Flag("default", "true: meant wherever business hours are asked for and no other is named."),
    )

    def properties(self) -> dict[str, Any]:
        return {**super().properties(), **calendar_schema()}

    def read(self, item: Item, scope: Scope, *, exists: bool) -> Fields:
        given = super().read(item, scope, exists=exists)
        data = {name: item.data[name] for name in DOCUMENT if name in item.data}
        # What a file leaves out stays; its hours need not be said again to add a holiday.
        stands_in = {"windows": _ALWAYS} if exists else {}
        try:
            document = calendar_dump(calendar_parse({**stands_in, **data}))
        except DefinitionInvalid as error:
            problems_placed(item, ((problem.keys, problem.message) for problem in error.problems), noted=set())
            return given
        return given | {name: value for name, value in document.items() if name in data or not exists}

    def current(self) -> dict[str, Fields]:
        return {
            calendar.slug: {
                "name": calendar.name,
                "default": calendar.is_default,
                **calendar_document(calendar),
            }
            for calendar in WorkCalendar.objects.all()
        }

    def write(self, writing: Writing, name: str, wanted: Fields, changed: Mapping[str, Any]) -> WorkCalendar:
        calendar = WorkCalendar.objects.filter(slug=name).first() or WorkCalendar(slug=name)
        values = dict(changed)
        if "default" in values:
            values["is_default"] = values.pop("default")
        return calendar_set(
            calendar=calendar,
            values=values,
            actor=writing.user,
            at=writing.at,
            data={"reason": writing.reason} if writing.reason else None,
        )


KIND = Calendars()

"""Writing calendars: checked, with their history row and their ledger entry."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from audit.rows import row_set
from audit.services import Actor, EntryValue, entry_append
from escalation_site.kernel.errors import Conflict, DomainError
from oncall.holiday_calendars import holiday_calendar_names, public_holidays
from oncall.models import User
from policies.calendars.document import calendar_dump, calendar_parse, holidays_dump
from policies.models import WorkCalendar
from policies.reading import DefinitionInvalid, Problem

DOCUMENT = ("zone", "windows", "holidays")


def calendar_document(calendar: WorkCalendar) -> dict[str, Any]:
    """What the row says, in the form `calendar_parse` reads."""
    return {name: getattr(calendar, name) for name in DOCUMENT}


@transaction.atomic
def calendar_set(
    *,
    calendar: WorkCalendar,
    values: Mapping[str, Any],
    actor: User | None,
    at: datetime,
    data: Mapping[str, Any] | None = None,
) -> WorkCalendar:
    """Give ``calendar``, new or stored, these field values; nothing is written where nothing differs.

    The one that becomes the default takes that from the one which was. ``data`` stands in the ledger beside the change.
    Raises DefinitionInvalid naming every field at fault, ValidationError for what the model refuses (a name that is
    taken).
    """
    document = calendar_dump(calendar_parse({**calendar_document(calendar), **_document_of(values)}))
    wanted = {**values, **document}
    who = _actor(actor)
    if values.get("is_default"):
        for other in WorkCalendar.objects.select_for_update().filter(is_default=True).exclude(pk=calendar.pk):
            row_set(other, {"is_default": False}, noun="work_calendar", at=at, actor=who, user=actor)
    row_set(calendar, wanted, noun="work_calendar", at=at, actor=who, user=actor, data=data)
    return calendar


def _document_of(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in DOCUMENT if name in values}


@transaction.atomic
def calendar_delete(*, calendar: WorkCalendar, actor: User | None, at: datetime) -> None:
    """Take it away. Raises Conflict while services name it, and for the default one, by which others count."""
    locked = WorkCalendar.objects.select_for_update().get(pk=calendar.pk)
    if locked.is_default:
        raise Conflict(_("It is the default one. Make another the default first."))
    names = list(locked.services.order_by("name").values_list("name", flat=True)[:4])
    if names:
        shown = ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
        raise Conflict(_("Services still work by it: %(names)s.") % {"names": shown})
    entry_append(
        EntryValue(
            at=at,
            action="work_calendar.delete",
            object_type="work_calendar",
            object_id=str(locked.pk),
            object_label=str(locked),
            subject=f"work_calendar:{locked.pk}",
            actor=_actor(actor),
            before={"name": locked.name, "slug": locked.slug, **calendar_document(locked)},
        )
    )
    history: Any = locked
    history._history_date, history._history_user = at, actor
    locked.delete()


def _actor(user: User | None) -> Actor:
    return Actor("user", str(user.pk), user.name) if user else Actor.system("system")


def holidays_added(holidays: object, *, place: str, year: int) -> list[dict[str, str]]:
    """``holidays`` (rows of a calendar) with the public ones of a country or a part of one ("IT", "DE-BY") in that year.

    Plain rows to edit: days that are listed keep their names, and a later table of the library moves nothing. Raises
    DomainError for a place the library does not know, and for a year it may know nothing of.
    """
    if place not in holiday_calendar_names():
        raise DomainError(_("Choose a country, or a part of one."), field="place")
    if not 2000 <= year <= 2100:
        raise DomainError(_("Choose a year from 2000 to 2100."), field="year")
    found = public_holidays(place, since=date(year, 1, 1), until=date(year, 12, 31))
    if not found:
        raise DomainError(_("No public holidays are known there for that year."), field="year")
    added = holidays_dump(found)
    known = [row for row in holidays if isinstance(row, Mapping)] if isinstance(holidays, list) else []
    days = {str(row.get("date", "")) for row in known}
    return sorted(
        [dict(row) for row in known] + [row for row in added if row["date"] not in days],
        key=lambda row: str(row.get("date", "")),
    )


def holidays_pasted(text: str) -> list[dict[str, str]]:
    """Rows of a pasted list: on each line a day and, after a comma, a semicolon, a tab or spaces, its name.

    Days are written 2026-12-25 or 25.12.2026 or 25/12/2026. Raises DefinitionInvalid naming the lines at fault.
    """
    rows, problems = [], []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        day, name = _split(line.strip())
        found = _day(day)
        if found is None:
            message = _("Line %(number)d: “%(text)s” does not begin with a date such as 2026-12-25.")
            problems.append(Problem(("pasted",), message % {"number": number, "text": line.strip()[:40]}))
        else:
            rows.append({"date": found.isoformat(), "name": name})
    if problems:
        raise DefinitionInvalid(tuple(problems))
    return rows


def _split(line: str) -> tuple[str, str]:
    for index, character in enumerate(line):
        if character in ",;\t ":
            return line[:index], line[index:].strip(',;\t "')
    return line, ""


def _day(text: str) -> date | None:
    """Of a day first, as most of the world writes it with dots and slashes."""
    parts = text.replace("/", ".").split(".")
    try:
        if len(parts) == 3:
            return date(int(parts[2]), int(parts[1]), int(parts[0]))
        return date.fromisoformat(text)
    except ValueError:
        return None

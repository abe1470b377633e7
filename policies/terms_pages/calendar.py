"""The editor of a business calendar: the form as it was sent, and the page it is drawn on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from escalation_site.kernel.errors import DomainError
from policies.calendars import MAX_HOLIDAYS, MAX_WINDOWS
from policies.calendars.services import holidays_added, holidays_pasted
from policies.conditions import VOCABULARY, Day
from policies.editing.fields import Shown, mend
from policies.models import WorkCalendar
from policies.reading import DefinitionInvalid, Problem
from policies.terms_pages.rows import Row, Wrong, number_sent, numbered, rows_act, rows_sent, text_sent

WINDOWS, HOLIDAYS = "w", "h"
_WORK_DAYS = ("mon", "tue", "wed", "thu", "fri")
_BLANK_WINDOW: Row = {"days": list(_WORK_DAYS), "start": "09:00", "end": "18:00"}
_BLANK_HOLIDAY: Row = {"date": "", "name": ""}


class CalendarFields(Shown):
    """Of the calendar itself, and what brings holidays."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)
    zone = forms.CharField(
        label=gettext_lazy("Time zone"),
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off", "spellcheck": "false"}),
        help_text=gettext_lazy("Such as Europe/Rome: hours and days are read on its clock."),
    )
    is_default = forms.BooleanField(
        label=gettext_lazy("The default calendar"),
        required=False,
        help_text=gettext_lazy("Meant wherever business hours are asked for and no other calendar is named."),
    )
    place = forms.CharField(
        label=gettext_lazy("Country, or part of one"),
        required=False,
        widget=forms.TextInput(
            attrs={"list": "holiday-calendars", "autocomplete": "off", "spellcheck": "false", "placeholder": "IT"}
        ),
    )
    year = forms.CharField(
        label=gettext_lazy("Year"),
        required=False,
        widget=forms.NumberInput(attrs={"min": "2000", "max": "2100", "inputmode": "numeric"}),
    )
    pasted = forms.CharField(
        label=gettext_lazy("Paste a list"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text=gettext_lazy("A day on each line, with its name: 2026-12-25 Christmas Day."),
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("Why it changes. It stands in the ledger."),
    )


@dataclass(slots=True)
class CalendarDraft:
    """What was typed: the calendar's own fields, and its document in the rows of the form."""

    own: dict[str, Any]
    document: dict[str, Any]

    @property
    def values(self) -> dict[str, Any]:
        """For `calendar_set`."""
        return {"name": self.own["name"], "is_default": self.own["is_default"], "zone": self.own["zone"], **self.rows}

    @property
    def rows(self) -> dict[str, Any]:
        """Days that are left empty altogether are none."""
        days = [row for row in self.document["holidays"] if row["date"] or row["name"]]
        return {"windows": self.document["windows"], "holidays": days}

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What a form may leave out and a document may not: a document without days means every day."""
        return tuple(
            Problem(("windows", index, "days"), _("Choose at least one day."))
            for index, row in enumerate(self.document["windows"])
            if not row["days"]
        )


@dataclass(frozen=True, slots=True)
class WindowRow:
    name: str
    number: int
    days: Sequence[tuple[str, str, bool]]
    start: str
    end: str
    wrong: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class HolidayRow:
    name: str
    number: int
    date: str
    title: str
    wrong: str


@dataclass(frozen=True, slots=True)
class CalendarPage:
    fields: CalendarFields
    windows: Sequence[WindowRow]
    holidays: Sequence[HolidayRow]
    wrong: Sequence[Wrong]
    focus: str


def draft_of(calendar: WorkCalendar, *, zone: str) -> CalendarDraft:
    """What is stored; for a new one office hours in ``zone``."""
    if calendar._state.adding:
        own = {"name": "", "zone": zone, "is_default": not WorkCalendar.objects.exists(), "reason": ""}
        return CalendarDraft(own, {"windows": [dict(_BLANK_WINDOW)], "holidays": []})
    own = {"name": calendar.name, "zone": calendar.zone, "is_default": calendar.is_default, "reason": ""}
    return CalendarDraft(own, {"windows": list(calendar.windows), "holidays": list(calendar.holidays)})


def draft_sent(data: QueryDict) -> CalendarDraft:
    own: dict[str, Any] = {
        name: text_sent(data, name) for name in ("name", "zone", "place", "year", "pasted", "reason")
    }
    own["is_default"] = bool(data.get("is_default"))

    def window(name: str) -> Row:
        end = data.get(f"{name}-end", "").strip()
        # A field of the browser for times knows no 24:00.
        return {
            "days": data.getlist(f"{name}-days"),
            "start": data.get(f"{name}-start", "").strip(),
            "end": "24:00" if end == "00:00" else end,
        }

    def holiday(name: str) -> Row:
        return {key: data.get(f"{name}-{key}", "").strip() for key in ("date", "name")}

    return CalendarDraft(
        own,
        {
            "windows": rows_sent(data, WINDOWS, window, most=MAX_WINDOWS),
            "holidays": rows_sent(data, HOLIDAYS, holiday, most=MAX_HOLIDAYS),
        },
    )


def act(draft: CalendarDraft, wanted: str) -> tuple[str, tuple[Problem, ...]]:
    """Do what a button says: the element to go to, and what stood in the way."""
    document = draft.document
    try:
        if wanted == "public-add":
            added = holidays_added(draft.rows["holidays"], place=draft.own["place"], year=_year(draft.own["year"]))
            document["holidays"] = added[:MAX_HOLIDAYS]
            return "holidays", ()
        if wanted == "pasted-add":
            _paste(draft)
            return "holidays", ()
    except DefinitionInvalid as error:
        return "", error.problems
    except DomainError as error:
        return "", (Problem((error.field,), error.message),)
    lists = {
        WINDOWS: (document["windows"], _BLANK_WINDOW, "start"),
        HOLIDAYS: (document["holidays"], _BLANK_HOLIDAY, "date"),
    }
    return rows_act(lists, wanted), ()


def _year(text: str) -> int:
    year = number_sent(text)
    return year if isinstance(year, int) else 0


def _paste(draft: CalendarDraft) -> None:
    days = {row["date"]: row for row in draft.rows["holidays"]}
    for row in holidays_pasted(draft.own["pasted"]):
        days.setdefault(row["date"], row)
    draft.document["holidays"] = [days[day] for day in sorted(days)][:MAX_HOLIDAYS]
    draft.own["pasted"] = ""


def page_of(draft: CalendarDraft, problems: Sequence[Problem] = (), *, focus: str = "", year: int = 0) -> CalendarPage:
    """``year`` is offered for public holidays where none was typed."""
    fields = CalendarFields({**draft.own, "year": draft.own.get("year") or str(year or "")})
    wrong = []
    said: dict[str, str] = {}
    for problem in problems:
        place = _element(problem, draft)
        if not (len(problem.keys) == 1 and mend(fields, str(problem.keys[0]), problem.message)):
            said.setdefault(place, problem.message)
        wrong.append(Wrong(place, _where(problem, fields), problem.message))
    return CalendarPage(
        fields,
        [_window(index, row, said) for index, row, _first, _last in numbered(draft.document["windows"])],
        [
            HolidayRow(
                f"{HOLIDAYS}-{index}", index + 1, row["date"], row["name"], said.get(f"{HOLIDAYS}-{index}-date", "")
            )
            for index, row, _first, _last in numbered(draft.document["holidays"])
        ],
        wrong,
        focus,
    )


def _window(index: int, row: Row, said: Mapping[str, str]) -> WindowRow:
    name = f"{WINDOWS}-{index}"
    choices = VOCABULARY.names["weekday"].choices
    chosen = row.get("days", list(Day))
    end = str(row.get("end", ""))
    return WindowRow(
        name,
        index + 1,
        [(str(key), str(words), str(key) in chosen) for key, words in choices],
        str(row.get("start", "")),
        "00:00" if end == "24:00" else end,
        {key: said.get(f"{name}-{key}", "") for key in ("days", "start", "end")},
    )


def _element(problem: Problem, draft: CalendarDraft) -> str:
    """The id of the element a problem belongs to."""
    match problem.keys:
        case ("windows", int(index), *rest):
            return f"{WINDOWS}-{index}-{rest[0] if rest else 'start'}"
        case ("holidays", int(index), *_rest):
            filled = [place for place, row in enumerate(draft.document["holidays"]) if row["date"] or row["name"]]
            return f"{HOLIDAYS}-{filled[index] if index < len(filled) else index}-date"
        case ("windows", *_rest):
            return f"{WINDOWS}-add"
        case ("holidays", *_rest):
            return f"{HOLIDAYS}-add"
        case (str(name), *_rest) if name in CalendarFields.base_fields:
            return f"id_{name}"
    return "policy-form"


def _where(problem: Problem, fields: CalendarFields) -> str:
    match problem.keys:
        case ("windows", int(index), *_rest):
            return _("Hours %(number)d") % {"number": index + 1}
        case ("holidays", int(index), *_rest):
            return _("Holiday %(number)d") % {"number": index + 1}
        case ("windows", *_rest):
            return _("Working hours")
        case (str(name), *_rest) if name in fields.fields:
            return str(fields.fields[name].label)
    return ""

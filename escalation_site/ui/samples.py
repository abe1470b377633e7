"""Sample values for the design page: one of each kind of row, field, chart and person."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.core.paginator import Paginator

from escalation_site.ui import charts, lanes

_CAST = ("Jonas de Wit", "Priya Raman", "Tomás Oliveira", "Marta Ferri", "Elena Conti", "Hugo Brandt")


class SampleForm(forms.Form):
    """One field of each kind that the product's forms use."""

    title = forms.CharField(label="What is wrong?")
    service = forms.ChoiceField(label="Affected service", choices=[("", "Choose one"), ("pay", "Payments gateway")])
    until = forms.DateTimeField(label="Until", help_text="24-hour clock, your zone.")
    tier = forms.CharField(label="SLA tier", required=False, initial="Platinum")
    details = forms.CharField(label="What do people see?", widget=forms.Textarea(attrs={"rows": 2}), required=False)
    evidence = forms.FileField(label="Evidence", required=False)
    channels = forms.MultipleChoiceField(
        label="Tell me by",
        choices=[("mail", "E-mail"), ("sms", "SMS")],
        widget=forms.CheckboxSelectMultiple(attrs={"class": "check"}),
        required=False,
    )
    again = forms.ChoiceField(
        label="Repeat",
        choices=[("once", "Once"), ("until", "Until answered")],
        widget=forms.RadioSelect(attrs={"class": "check"}),
    )
    quiet = forms.BooleanField(label="Keep it inside the team", required=False)


def _form() -> SampleForm:
    form = SampleForm(
        {
            "title": "Labels do not print",
            "until": "Sat 28 Nov, 08:00",
            "again": "once",
            "channels": ["mail"],
            "tier": "Platinum",
        }
    )
    form.is_valid()
    return form


def _ladder(at: datetime) -> list[dict[str, Any]]:
    marta = {
        "person": _CAST[3],
        "name": _CAST[3],
        "result": "No answer, 5 min",
        "tone": "warn",
        "why": "primary on Payments",
        "receipts": [
            {"title": "E-mail delivered", "icon": "mail", "at": at - timedelta(minutes=9)},
            {"title": "Call rang out", "icon": "phone-missed", "at": at - timedelta(minutes=7)},
        ],
    }
    jonas = {"person": _CAST[0], "name": _CAST[0], "result": "Took it", "tone": "acc", "why": "senior on Payments"}
    elena = {"person": _CAST[4], "name": _CAST[4], "how": "By call, then SMS.", "why": "engineering manager on duty"}
    return [
        {"phase": "past", "level": 1, "title": "Level 1", "at": at - timedelta(minutes=9), "people": [marta]},
        {
            "phase": "current",
            "level": 2,
            "answered": True,
            "title": "Level 2, both at once",
            "at": at - timedelta(minutes=4),
            "people": [jonas],
            "clock_label": "Resolution timeout",
            "due_at": at + timedelta(minutes=34, seconds=20),
            "then": "Elena Conti is called",
        },
        {"phase": "next", "level": 3, "title": "Level 3, next", "at": at + timedelta(minutes=34), "people": [elena]},
        {"phase": "later", "level": 4, "title": "Level 4", "people": [{"person": _CAST[5], "name": _CAST[5]}]},
    ]


def _charts() -> dict[str, Any]:
    medians = (324, 310, 331, 296, 262, None, 226, 222)
    tails = (1020, 940, 1050, 910, 820, None, 768, 665)
    before = (318, 322, 315, 327, 320, 321, 316, 322)
    points = [
        charts.LinePoint(f"Week {week + 40}", median, tail, old)
        for week, (median, tail, old) in enumerate(zip(medians, tails, before, strict=True))
    ]
    line = charts.line_chart(
        points,
        title="Time to acknowledge, by week",
        description="The median fell from 5 min 24 s to 3 min 42 s over eight weeks; p90 fell from 17 to 11 minutes.",
        heads=("Week", "Median", "To p90", "Median before"),
    )
    causes = charts.bar_chart(
        [("No answer in time", 29), ("Nobody on call", 18), ("Unreachable", 7), ("Raised by hand", 4)],
        title="Why incidents went past level 1",
        description="Half of them because nobody answered in time.",
        heads=("Cause", "Incidents"),
        tone=lambda value: "quiet" if value < 5 else "",
    )
    opened = charts.column_chart(
        [("Mon", 12), ("Tue", 9), ("Wed", 14), ("Thu", 7), ("Fri", 11), ("Sat", 3), ("Sun", 4)],
        title="Incidents opened",
        description="Fewest at the weekend.",
        heads=("Day", "Incidents"),
    )
    return {"line": line, "causes": causes, "opened": opened}


def _lane() -> dict[str, Any]:
    since = datetime(2026, 11, 16, tzinfo=UTC)
    until = since + timedelta(days=7)
    days = [since + timedelta(days=day) for day in range(7)]
    spans = [
        lanes.Span(since, since + timedelta(hours=9), _CAST[1]),
        lanes.Span(since + timedelta(hours=9), since + timedelta(days=3), _CAST[3]),
        lanes.Span(
            since + timedelta(days=3),
            since + timedelta(days=4),
            "24 h",
            kind="gap",
            title="Nobody is on call, Thu 19 Nov",
        ),
        lanes.Span(since + timedelta(days=4), until, _CAST[0], kind="mine"),
    ]
    return {
        "blocks": lanes.blocks(spans, since=since, until=until),
        "weekends": lanes.weekends(days, since=since, until=until),
        "day_lines": lanes.day_lines(days, since=since, until=until),
        "now": lanes.place(since + timedelta(days=5, hours=7), since=since, until=until),
    }


def everything(at: datetime) -> dict[str, Any]:
    """Context of ``site/design.html`` as of ``at``."""
    return {
        "cast": _CAST,
        "clocks": [
            {
                "due": at + timedelta(minutes=8, seconds=51),
                "start": at - timedelta(minutes=1),
                "then": "Elena Conti is called",
            },
            {"due": at + timedelta(minutes=1, seconds=14), "start": at - timedelta(minutes=9), "then": ""},
            {"due": at + timedelta(hours=1, minutes=5, seconds=5), "start": at - timedelta(minutes=20), "then": ""},
        ],
        "began": at - timedelta(minutes=32),
        "late": timedelta(minutes=4),
        "answer": timedelta(minutes=6, seconds=50),
        "form": _form(),
        "ladder": _ladder(at),
        "changes": [
            {"field": "Impact", "before": "Partly failing", "after": "Customer-facing outage"},
            {"field": "Commander", "before": "", "after": "Jonas de Wit"},
        ],
        "tabs": [
            {"label": "Open", "url": "?state=open", "count": 15, "current": True},
            {"label": "Triggered", "url": "?state=triggered", "count": 6, "current": False},
            {"label": "Resolved", "url": "?state=resolved", "count": 41, "current": False},
        ],
        "page": Paginator(range(120), 50).page(2),
        "charts": _charts(),
        "lane": _lane(),
        "colours": [
            "canvas",
            "surface",
            "sunken",
            "line",
            "line-control",
            "ink-3",
            "ink-2",
            "ink",
            "inverse",
            "accent",
            "accent-solid",
            "accent-tint",
            "sev1",
            "sev2",
            "sev3",
            "sev4",
            "ok",
            "auto",
        ],
    }

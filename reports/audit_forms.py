"""The filters of the ledger's browser."""

from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Any

from django import forms
from django.db.models import Q, Value
from django.db.models.functions import Concat
from django.http import QueryDict
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.timezone import get_current_timezone, make_aware
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from audit.models import LedgerEntry
from audit.selectors import LedgerFilter, around
from oncall.models import User
from reports.ledger import subject_from
from reports.ledger_words import OBJECTS, SOURCES, action_words

TEXT_REACH = timedelta(days=30)
MOST_ACTORS = 50


class MomentField(forms.DateTimeField):
    """A date and time as the browser's own control sends it; read on the reader's clock by ``filters``. Addresses may name its offset:
    that hour of two which a clock shows twice is told by nothing else."""

    def __init__(self, *, seconds: bool = False, **options: Any) -> None:
        exact = {"step": "1"} if seconds else {}
        options["widget"] = forms.DateTimeInput(
            attrs={"type": "datetime-local", **exact}, format="%Y-%m-%dT%H:%M:%S" if seconds else "%Y-%m-%dT%H:%M"
        )
        super().__init__(input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"], required=False, **options)

    def to_python(self, value: Any) -> datetime | None:
        moment = _with_offset(value) or super().to_python(value)
        return moment.replace(tzinfo=None) if moment else None

    def bound_data(self, data: Any, initial: Any) -> Any:
        """The control shows the reader's clock."""
        moment = _with_offset(data)
        return moment.replace(tzinfo=None) if moment else super().bound_data(data, initial)


def _with_offset(text: Any) -> datetime | None:
    """The instant that is named with its offset, on the reader's clock, which remembers whether it is the second of two; else None."""
    try:
        found = parse_datetime(text.strip()) if isinstance(text, str) else None
        return found.astimezone(get_current_timezone()) if found is not None and found.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


class LedgerFilters(forms.Form):
    since = MomentField(label=_("From"))
    until = MomentField(label=_("Before"))
    who = forms.CharField(label=_("Who"), required=False, max_length=150)
    action = forms.CharField(label=_("Action"), required=False, max_length=60)
    subject = forms.CharField(label=_("Incident"), required=False, max_length=60)
    object_type = forms.ChoiceField(label=_("Object"), required=False, choices=[("", _("anything")), *OBJECTS.items()])
    source = forms.ChoiceField(label=_("By way of"), required=False, choices=[("", _("any way")), *SOURCES.items()])
    text = forms.CharField(label=_("Named"), required=False, max_length=100)
    together = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if data.get("since") and data.get("until") and data["until"] <= data["since"]:
            self.add_error("until", _("The end must come after the start."))
        return data

    def filters(self, *, at: datetime, zone: tzinfo) -> LedgerFilter:
        """What the (validated) form asks for, its times read on the clock of ``zone``; fields at fault count as not
        given.
        """
        data = self.cleaned_data
        if data.get("together"):
            entry = LedgerEntry.objects.filter(pk=data["together"]).first()
            if entry is not None:
                return around(entry)
        since, until = (make_aware(data[name], zone) if data.get(name) else None for name in ("since", "until"))
        narrow = data.get("who") or data.get("action") or data.get("subject")
        wide = data.get("text") or data.get("object_type") or data.get("source")
        if wide and since is None and not narrow:
            # Names and kinds of objects, and ways, have no index of their own: look through a month, not through everything.
            since = (until or at) - TEXT_REACH
        return LedgerFilter(
            since=since,
            until=until,
            actor_ids=actor_ids(data["who"]) if data.get("who") else None,
            action=data.get("action", ""),
            subject=subject_from(data.get("subject", "")),
            object_type=data.get("object_type", ""),
            source=data.get("source", ""),
            text=data.get("text", ""),
        )


def filters_told(query: str) -> list[str]:
    """What a query of the browser asks for, filter by filter in words; what it does not understand is left out."""
    form = LedgerFilters(QueryDict(query))
    form.is_valid()
    return [
        gettext("%(filter)s: %(value)s") % {"filter": form.fields[name].label, "value": _told(name, value)}
        if name != "together"
        else gettext("All entries of one action")
        for name, value in form.cleaned_data.items()
        if value
    ]


def _told(name: str, value: Any) -> str:
    if isinstance(value, datetime):
        return date_format(value, "SHORT_DATETIME_FORMAT")
    if name == "action":
        return action_words(value)
    words: Mapping[str, Mapping[str, Any]] = {"object_type": OBJECTS, "source": SOURCES}
    return str(words[name][value] if name in words else value)


def actor_ids(text: str) -> tuple[str, ...]:
    """The ids that entries of ``text`` carry: people whose name, user name or address has it, and a part of the
    system called so.
    """
    people = User.objects.annotate(whole=Concat("first_name", Value(" "), "last_name")).filter(
        Q(whole__icontains=text) | Q(username__icontains=text) | Q(email__iexact=text)
    )
    return (text.strip().lower(), *(str(pk) for pk in people.values_list("pk", flat=True)[:MOST_ACTORS]))

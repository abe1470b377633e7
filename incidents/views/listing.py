"""The incident list (mock-up 01): what its address asks for, and the page."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Page as ListPage
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from escalation_site.kernel.instants import now
from escalation_site.ui.context import frame_of
from escalation_site.ui.durations import list_of
from incidents.custom_filters import CUSTOM, UNKNOWN, custom_filters
from incidents.filters import EVERY, SORTS, IncidentFilter, reference_number, whose_are
from incidents.models import CustomField, Incident, SavedView
from incidents.querysets import teams_of
from incidents.search import among, spelled, wanted
from incidents.selectors.listing import (
    COUNTED,
    QUICK,
    RANKED,
    TABS,
    count_text,
    counted,
    counts_by_number,
    grouped,
    in_tab,
    in_tab_narrowed,
    loaded,
    rows_of,
    sorted_in,
    tab_counts,
    tab_counts_named,
)
from incidents.selectors.saved import Kept, begins_with, views_of
from incidents.selectors.searching import Matches, matches_of
from incidents.span_filters import INSTANTS, spans_said
from incidents.views.answers import page_or_fragment, wants_fragment
from oncall.models import User
from policies.priority import priority_name

PER_PAGE = 50
URGENT = ("1", "2")
"""The priorities of the quick filter."""
_WRITTEN = {"severity": "SEV-", "priority": "P"}
_ALONE = frozenset(("q", "tab", "sort", "page", "view"))
"""What an address may say beside words without narrowing what they find."""
_OWN_CHIPS = {"whose", "major", *INSTANTS}
BY_AGE = ("resolved", EVERY)
"""Tabs of what is over, which has no next step to be sorted by."""
TAB_LABELS = {
    "open": gettext_lazy("Open"),
    "triggered": gettext_lazy("Triggered"),
    "acknowledged": gettext_lazy("Acknowledged"),
    "resolved": gettext_lazy("Resolved"),
    EVERY: gettext_lazy("All"),
}
EMPTY = {
    "open": gettext_lazy("Nothing is open"),
    "triggered": gettext_lazy("Nothing rings"),
    "acknowledged": gettext_lazy("Nobody is working on an incident"),
    "resolved": gettext_lazy("Nothing has been resolved"),
    EVERY: gettext_lazy("There are no incidents"),
}


class _CountedPaginator(Paginator[int]):
    """A paginator that is told the count: the tabs have asked for it already. It ends where counting stopped."""

    def __init__(self, found: Any, per_page: int, total: int) -> None:
        self._total = min(total, COUNTED)
        super().__init__(found, per_page)

    @cached_property
    def count(self) -> int:
        return self._total


class Asked:
    """What a list's address asks for: tab, filters, order. Pages, bulk answers and exports read it in one way.

    ``few`` is for a page: of very many incidents that say the words it shows the newest. A file has all of them.
    """

    def __init__(self, request: HttpRequest, *, few: bool = False) -> None:
        self.query = request.GET
        self.user: Any = request.user
        tab, sort = self.query.get("tab", ""), self.query.get("sort", "")
        self.tab = tab if tab in TAB_LABELS else TABS[0]
        self.sort = sort if sort in SORTS else ""
        self.words = self.query.get("q", "").strip()
        self._teams = _teams_at_hand(request) if few else None
        visible = Incident.objects.all()
        self.visible = visible.visible_once(self.user, teams=self._teams) if few else visible.visible_to(self.user)
        self._request = request
        self.matches = self._matches() if few and self.words else None
        if self.matches is not None:
            self.visible = self.visible.filter(among(self.matches.ids))
        looked_up = self.matches is not None
        self.filters = IncidentFilter(self.query, queryset=self.visible, request=request, looked_up=looked_up)

    def _matches(self) -> Matches | None:
        """What says the words; None where that is too much and something else narrows it."""
        asked, inside = wanted(self.words), self.user.role != User.Role.REPORTER
        if not asked:
            return Matches(())
        asked = spelled(asked)
        own = reference_number(self.words)
        return matches_of(
            asked,
            self.visible,
            inside=inside,
            also=own,
            narrowed=self._narrowed(),
            tab="resolved" if self.tab == EVERY else self.tab,
            little=self.user.role == User.Role.REPORTER,
        )

    def _narrowed(self) -> Any:
        """What the other filters leave, whosever they are: the quick filters count these, too. None where there are no others."""
        if not self._has_filters:
            return None
        return IncidentFilter(self.query, queryset=self.visible, request=self._request, looked_up=True).anybodys

    @property
    def _has_filters(self) -> bool:
        """Whether anything but words is asked for."""
        return bool(set(self.query) - _ALONE)

    @property
    def _is_narrowed(self) -> bool:
        """Whether filters leave some out, and no words do: those lead by what the index of words finds."""
        return self._has_filters and not self.words

    @property
    def ranked(self) -> bool:
        """Whether words put what they find in order: not those that nearly every incident says."""
        return self.matches is not None and not self.matches.common

    @property
    def more(self) -> bool:
        """Whether the tab holds more than the list looked up or counts."""
        return self.counts[self.tab] > COUNTED or self.more_in(self.tab)

    def more_in(self, tab: str) -> bool:
        """Whether more of a tab say the words than the list looked up."""
        tabs = ("open", "resolved") if tab == EVERY else (tab,)
        return self.matches is not None and any(map(self.matches.more, tabs))

    @property
    def found(self) -> Any:
        return self._each_once(self.filters.qs)

    def _each_once(self, found: Any) -> Any:
        """Without those merged into another one, which stands for them; unless they are asked for, or words are looked for."""
        return found if self.words or self.query.get("merged") else found.filter(merged_into=None)

    def _counted(self, everybodys: Any, others: Mapping[str, Q]) -> dict[str, int]:
        """Of each tab, and of those of the tab that are each of ``others``: one query, or two where it takes knowing how many there are to
        count them well."""
        if not self._is_narrowed:
            tab = in_tab(everybodys, self.tab)
            return tab_counts(self.found, {name: tab.filter(one) for name, one in others.items()})
        if not counts_by_number(self.tab):
            tab = in_tab_narrowed(everybodys, self.tab)
            return tab_counts(self.found, {name: tab.filter(one) for name, one in others.items()}, narrowed=True)
        found = tab_counts(self.found, {}, narrowed=True)
        tab = in_tab_narrowed(everybodys, self.tab, many=found[self.tab] > COUNTED)
        return found | counted({}, quick={name: tab.filter(one) for name, one in others.items()})

    @cached_property
    def counts(self) -> dict[str, int]:
        """Of each tab, and of the quick filters: one query, or two."""
        chosen = self.filters.asked_whose
        quick = {"everybody": "", "mine": "mine", "team": "team"}
        teams = self._teams
        others = {name: whose_are(self.user, whose, teams=teams) for name, whose in quick.items() if whose != chosen}
        if teams is not None and "team" in others and (named := self.filters.teams_named):
            # Those of both: the database would look into every incident of the reader's teams.
            others["team"] = Q(team__in=[pk for pk in teams if pk in named])
        everybodys = self._each_once(self.filters.anybodys)
        if self.matches is None:
            found = self._counted(everybodys, others)
        else:
            found = tab_counts_named(everybodys, self.tab, whose_are(self.user, chosen, teams=teams), others)
        found[EVERY] = min(found["open"] + found["resolved"], COUNTED + 1)
        # What is chosen is what the tab holds: counted once.
        return found | {name: min(found[self.tab], QUICK + 1) for name, whose in quick.items() if whose == chosen}

    def in_order(self) -> QuerySet[Incident]:
        inside = self.user.role != User.Role.REPORTER
        total = self.counts[self.tab]
        words = self.words if self.ranked else ""
        return sorted_in(
            self.found,
            tab=self.tab,
            sort=self.sort,
            total=total,
            words=words,
            inside=inside,
            named=self.matches is not None,
            narrowed=self._is_narrowed,
        )

    def page(self) -> ListPage[int]:
        """The numbers of one page."""
        ids = self.in_order().values_list("pk", flat=True)
        return _CountedPaginator(ids, PER_PAGE, self.counts[self.tab]).get_page(self.query.get("page"))

    @property
    def sort_label(self) -> Any:
        total = self.counts[self.tab]
        if self.ranked and not self.sort and total <= RANKED:
            return _("Best match")
        if self.tab in BY_AGE and self.sort != "oldest":
            return SORTS["newest"]
        return _("Severity, then age") if not self.sort and total > COUNTED else SORTS[self.sort]


def _teams_at_hand(request: HttpRequest) -> list[int]:
    """The reader's teams: the frame of a whole page asks for them anyway."""
    if wants_fragment(request):
        return teams_of(request.user)
    return [team.pk for team in frame_of(request).counts.teams if team.pk is not None]


@require_safe
@login_required
def incident_list(request: HttpRequest) -> HttpResponse:
    """Incidents the reader may see, by tab, filters and order; 50 to a page. htmx gets the tabs and the table alone."""
    user: Any = request.user
    views = views_of(user, place=SavedView.Place.LIST, current=request.GET.get("view", ""))
    if not request.GET and (begins := begins_with(views)):
        return redirect(begins.url)
    context = list_context(request, now(), views)
    return page_or_fragment(request, "incidents/incident_list.html", "incidents/partials/_list.html", context)


def list_context(request: HttpRequest, at: datetime, views: Sequence[Kept] | None = None) -> dict[str, Any]:
    """Everything the list shows: six queries. ``views`` are the saved ones, where they are read already."""
    asked = Asked(request, few=True)
    query, counts = asked.query, asked.counts
    page = asked.page()
    rows = rows_of(loaded(list(page.object_list)), at=at)
    return {
        "at": at,
        "tab": asked.tab,
        "tabs": _tabs(asked),
        "chips": _chips(asked.filters, query),
        "whose": [*_whose(asked), _urgent(query), _major(query)],
        "views": views_of(asked.user, place=SavedView.Place.LIST, current=query.get("view", ""))
        if views is None
        else views,
        "kept_query": _address(query).removeprefix("?"),
        "filters_url": f"{reverse('incidents:filters')}{_address(query)}",
        "hidden": hidden_fields(query, "q"),
        "page": page,
        "more": asked.more,
        "most": count_text(counts[asked.tab], more=asked.more),
        "groups": grouped(rows, counts, more=asked.more_in(asked.tab)),
        "sorts": _sorts(query, asked.sort, asked.tab),
        "sort_label": asked.sort_label,
        "empty_title": EMPTY[asked.tab],
        "last_resolved": _last_resolved(request.user) if not rows else None,
        "may_act": bool(getattr(request.user, "may_respond", False)),
    }


@require_safe
@login_required
def list_filters(request: HttpRequest) -> HttpResponse:
    """The form of all filters, read when it is opened: its lists ask for a query each."""
    user: Any = request.user
    asked = IncidentFilter(request.GET, queryset=Incident.objects.visible_to(user), request=request, every=True)
    own = custom_filters(CustomField.objects.filter(active=True))
    asked.filters.update({name: one for name, one in own.items() if name not in asked.filters})
    # A range asks for one value too; whether it is known stands among the rest.
    drawn = [name for name in own if f"{name}.from" not in own]
    # So does an instant: links ask for it, and a form that took it to the minute would lose which ones were meant.
    kept = [name for name in asked.form.fields if name in INSTANTS or (name.startswith(CUSTOM) and name not in drawn)]
    context = {
        "fields": "incidents/partials/_filters.html",
        "form": asked.form,
        "own": [asked.form[name] for name in drawn if not name.endswith(".known")],
        "own_known": [asked.form[name] for name in drawn if name.endswith(".known")],
        "hidden": hidden_fields(request.GET, *(name for name in asked.form.fields if name not in kept)),
    }
    return page_or_fragment(request, "incidents/list_filters.html", "incidents/partials/_filters.html", context)


def hidden_fields(query: QueryDict, *but: str) -> list[tuple[str, str]]:
    """What an address says besides ``but``, value by value, for a form that keeps it."""
    left_out = {*but, "page", "view"}
    return [(name, value) for name, values in query.lists() if name not in left_out for value in values]


def _last_resolved(user: Any) -> Incident | None:
    """For an empty list: the last fact there is."""
    return in_tab(Incident.objects.visible_to(user), "resolved").order_by("-resolved_at").first()


def _address(query: QueryDict, **changes: str) -> str:
    """The list's address with some values changed ("" removes one), from its first page. It is no saved view any more."""
    query = query.copy()
    for name in ("page", "view"):
        query.pop(name, None)
    for name, value in changes.items():
        if value:
            query[name] = value
        else:
            query.pop(name, None)
    return f"?{query.urlencode()}"


def _tabs(asked: Asked) -> list[dict[str, Any]]:
    query, counts = asked.query, asked.counts
    return [
        {
            "label": TAB_LABELS[tab],
            "count": counts[tab],
            "shown": count_text(counts[tab], more=asked.more_in(tab)),
            "url": _address(query, tab="" if tab == TABS[0] else tab),
            "current": tab == asked.tab,
        }
        for tab in (*TABS, *([EVERY] if asked.tab == EVERY else ()))
    ]


def _sorts(query: QueryDict, current: str, tab: str) -> list[dict[str, Any]]:
    """The orders that mean something in this tab."""
    names = ("newest", "oldest") if tab in BY_AGE else tuple(SORTS)
    now_on = current if current in names else names[0]
    return [{"label": SORTS[sort], "url": _address(query, sort=sort), "current": sort == now_on} for sort in names]


def _whose(asked: Asked) -> list[dict[str, Any]]:
    """The quick filters, each on or off; those of the house, of the reader and of their teams with their counts (R264)."""
    labels = {"": _("Everybody’s"), "mine": _("Mine"), "team": _("My teams’")}
    labels |= {"nobody": _("Nobody owns"), "filed": _("Filed by me")}
    query, counts, more = asked.query, asked.counts, asked.more_in(asked.tab)
    chosen = query.get("whose", "")
    return [
        {
            "label": label,
            "url": _address(query, whose="" if whose == chosen else whose),
            "current": whose == chosen,
            "count": counts.get(whose or "everybody"),
            "shown": count_text(counts[whose or "everybody"], more=more, most=QUICK)
            if (whose or "everybody") in counts
            else "",
        }
        for whose, label in labels.items()
    ]


def _urgent(query: QueryDict) -> dict[str, Any]:
    """Those at the top, by severity, impact or because an SLA runs down; everything else stays out of sight."""
    on = sorted(query.getlist("priority")) == list(URGENT)
    plain = query.copy()
    plain.setlist("priority", [] if on else list(URGENT))
    return {"label": " – ".join(priority_name(int(step)) for step in URGENT), "url": _address(plain), "current": on}


def _major(query: QueryDict) -> dict[str, Any]:
    on = query.get("major") == "yes"
    return {"label": _("Major"), "url": _address(query, major="" if on else "yes"), "current": on}


def _chips(filters: IncidentFilter, query: QueryDict) -> list[dict[str, str]]:
    """The filters that are on, each with the address that takes it off."""
    filters.form.is_valid()
    chips = []
    for name, value in filters.form.cleaned_data.items():
        words = _words(filters, name, value)
        if words and name not in _OWN_CHIPS and (name != "priority" or sorted(value) != list(URGENT)):
            label = str(filters.form.fields[name].label)
            chips.append({"name": label, "value": words, "url": _address(query, **{name: ""})})
    for said in spans_said(filters.form):
        off = _address(query, **dict.fromkeys(said.names, ""))
        chips.append({"name": said.label, "value": said.words, "url": off})
    return chips


def _words(filters: IncidentFilter, name: str, value: Any) -> str:
    """A filter's value as people say it: the names of what was chosen."""
    if value is None or value in ("", []):
        return ""
    if name in _WRITTEN:
        return list_of([_("Unknown") if one == UNKNOWN else f"{_WRITTEN[name]}{one}" for one in value])
    if value is True or value is False:
        return str(_("Yes") if value else _("No"))
    several = list(value) if isinstance(value, QuerySet | list | tuple | set) else [value]
    if not several or UNKNOWN in several or not isinstance(several[0], str):
        return list_of([str(_("Unknown") if one == UNKNOWN else one) for one in several])
    # Asked of texts only: a choice of rows would look them up.
    labels = {str(key): str(label) for key, label in getattr(filters.form.fields[name], "choices", ())}
    return list_of([labels.get(one, one) for one in several])

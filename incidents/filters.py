"""The filters and orders of incident lists, as an address says them: the list, the board, exports and the API read the same words."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import django_filters
from django import forms
from django.db.models import (
    Case,
    Exists,
    F,
    FilteredRelation,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    TextField,
    Value,
    When,
)
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Coalesce
from django.utils.functional import cached_property
from django.utils.timezone import get_current_timezone
from django.utils.translation import gettext_lazy as _

from escalation_site.kernel.instants import now
from incidents.custom_filters import UNKNOWN, AnyOf, AnyRow, custom_filters, keys_in
from incidents.models import (
    Alert,
    Category,
    Customer,
    CustomField,
    Incident,
    Integration,
    Service,
    Stage,
)
from incidents.querysets import teams_of
from incidents.search import matching_now, wanted
from incidents.span_filters import SpanFilters, SpanForm
from oncall.models import Team, User
from policies.priority import SCALE, priority_name
from policies.severity import Severity

SORTS = {
    "": _("Severity, then next step"),
    "priority": _("Priority, then severity"),
    "next": _("Next step first"),
    "sla": _("SLA time left"),
    "team": _("On-call group"),
    "oldest": _("Oldest first"),
    "newest": _("Newest first"),
}
EVERY = "all"
"""The tab of what is open and what is over together: what a link to all that began in a day asks for."""
SOON = timedelta(hours=1)
"""What "ends soon" means for an SLA."""
_YES_NO = [("yes", _("Yes")), ("no", _("No"))]
_BOXES = {"class": "check"}
_BY_STATE = Case(
    When(state=Incident.State.TRIGGERED, then=Value(0)),
    When(state=Incident.State.ACKNOWLEDGED, then=Value(1)),
    default=Value(2),
    output_field=IntegerField(),
)
_OPEN = Q(state__in=(Incident.State.TRIGGERED, Incident.State.ACKNOWLEDGED))


def reference_number(text: str) -> int | None:
    """The number in "INC-2417", "inc 2417" or "2417"; None for other words."""
    digits = text.strip().upper().removeprefix("INC").strip("- ")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 16 else None


def _several(model: type[Any], label: Any, *, to: str = "slug", unknown: bool = False) -> AnyRow:
    """Rows of ``model`` by ``to``; with ``unknown`` also those incidents that name none."""
    more = {"null_label": _("Unknown"), "null_value": UNKNOWN} if unknown else {}
    return AnyRow(label=label, queryset=model._default_manager.all(), to_field_name=to, **more)


def _scale(label: Any, names: Any) -> AnyOf:
    """One to five, or nobody said."""
    steps = [(step, names(step)) for step in SCALE]
    boxes = forms.CheckboxSelectMultiple(attrs=_BOXES)
    return AnyOf(label=label, choices=[*steps, (UNKNOWN, _("Unknown"))], widget=boxes)


class IncidentFilter(SpanFilters):
    """Filters add up; of one filter's values any will do. What is not understood is ignored, so that an old link still opens."""

    q = django_filters.CharFilter(
        label=_("Words"), method="filter_words", help_text=_("“Quoted words” stand together.")
    )
    severity = AnyOf(label=_("Severity"), choices=Severity.choices, widget=forms.CheckboxSelectMultiple(attrs=_BOXES))
    priority = _scale(_("Priority"), priority_name)
    impact = _scale(_("Impact"), str)
    urgency = _scale(_("Urgency"), str)
    state = AnyOf(label=_("State"), choices=Incident.State.choices, widget=forms.CheckboxSelectMultiple(attrs=_BOXES))
    stage = _several(Stage, _("Stage"), to="key")
    major = django_filters.ChoiceFilter(
        label=_("Major incidents"), choices=[("yes", _("Major incidents only"))], method="filter_major"
    )
    team = _several(Team, _("Team"))
    service = _several(Service, _("Service"))
    tier = AnyOf(
        label=_("Service tier"),
        field_name="service__tier",
        choices=Service.Tier.choices,
        widget=forms.CheckboxSelectMultiple(attrs=_BOXES),
    )
    category = django_filters.ModelMultipleChoiceFilter(
        label=_("Category"),
        queryset=Category.objects.all(),
        to_field_name="slug",
        method="filter_category",
        null_label=_("Unknown"),
        null_value=UNKNOWN,
    )
    customer = _several(Customer, _("Customer"), unknown=True)
    owner = _several(User, _("Owner"), to="username", unknown=True)
    reporter = _several(User, _("Reported by"), to="username", unknown=True)
    environment = django_filters.CharFilter(
        label=_("Environment"), method="filter_environment", help_text=_("“unknown” finds those that name none.")
    )
    source = AnyOf(
        label=_("Source"), choices=Incident.Source.choices, widget=forms.CheckboxSelectMultiple(attrs=_BOXES)
    )
    detection = AnyOf(
        label=_("How it was noticed"),
        choices=Incident.Detection.choices,
        widget=forms.CheckboxSelectMultiple(attrs=_BOXES),
    )
    integration = _several(Integration, _("Integration"), unknown=True)
    label = django_filters.CharFilter(
        label=_("Label of an alert"), method="filter_label", help_text=_("For example cluster=eu-1.")
    )
    sla = django_filters.ChoiceFilter(
        label=_("SLA"),
        choices=[
            ("late", _("Its time is over")),
            ("soon", _("Ends within the hour")),
            ("running", _("Has one")),
            ("none", _("Has none")),
        ],
        method="filter_sla",
    )
    since = django_filters.DateFilter(
        label=_("Started from"), method="filter_since", widget=forms.DateInput(attrs={"type": "date"})
    )
    until = django_filters.DateFilter(
        label=_("Started until"), method="filter_until", widget=forms.DateInput(attrs={"type": "date"})
    )
    restricted = django_filters.ChoiceFilter(label=_("Restricted"), choices=_YES_NO, method="filter_yes_no")
    is_test = django_filters.ChoiceFilter(label=_("Test"), choices=_YES_NO, method="filter_yes_no")
    merged = django_filters.ChoiceFilter(label=_("Merged"), choices=_YES_NO, method="filter_merged")
    whose = django_filters.ChoiceFilter(
        label=_("Whose"),
        empty_label=_("Everybody’s"),
        choices=[
            ("mine", _("Mine")),
            ("team", _("My teams’")),
            ("nobody", _("Nobody’s")),
            ("filed", _("Filed by me")),
        ],
        method="filter_whose",
    )

    base_filters: dict[str, django_filters.Filter]

    class Meta:
        model = Incident
        fields: tuple[str, ...] = ()
        form = SpanForm

    def __init__(
        self, data: Any = None, *args: Any, looked_up: bool = False, every: bool = False, **kwargs: Any
    ) -> None:
        """``looked_up``: the incidents given are those in which the words are (incidents.selectors.searching).

        ``every`` is for drawing the form. Else only the filters that ``data`` names are made: the fields of thirty, for an address
        that asks for none, took a tenth of a page's time.
        """
        self._looked_up = looked_up
        if not every:
            self.base_filters = {name: one for name, one in self.base_filters.items() if name in (data or ())}
        super().__init__(data, *args, **kwargs)
        if keys := keys_in(data or ()):
            self.filters.update(custom_filters(CustomField.objects.filter(key__in=keys)))

    def filter_words(self, found: QuerySet[Incident], _name: str, text: str) -> QuerySet[Incident]:
        """All the words, wherever an incident says them; a reference finds that incident too. Requesters do not look through what
        was said among colleagues."""
        if self._looked_up:
            return found
        words, number = wanted(text), reference_number(text)
        if not words:
            return found.none()
        user: Any = getattr(self.request, "user", None)
        inside = getattr(user, "role", "") != User.Role.REPORTER
        return found.filter(matching_now(words, inside=inside, also=number))

    def filter_major(self, found: QuerySet[Incident], _name: str, _chosen: str) -> QuerySet[Incident]:
        return found.filter(major_at__isnull=False)

    def filter_category(self, found: QuerySet[Incident], _name: str, chosen: Any) -> QuerySet[Incident]:
        """Those of the categories and of what is part of them: one query for the tree."""
        unknown = Q(category=None) if UNKNOWN in chosen else Q()
        wanted_ids = {category.pk for category in chosen if category != UNKNOWN}
        if not wanted_ids:
            return found.filter(unknown)
        parts = list(Category.objects.values_list("pk", "parent"))
        grown = True
        while grown:
            below = {pk for pk, parent in parts if parent in wanted_ids} - wanted_ids
            wanted_ids |= below
            grown = bool(below)
        return found.filter(unknown | Q(category__in=wanted_ids))

    def filter_environment(self, found: QuerySet[Incident], _name: str, text: str) -> QuerySet[Incident]:
        named = Q(environment__iexact=text)
        return found.filter(named | Q(environment="") if text.casefold() == UNKNOWN else named)

    def filter_label(self, found: QuerySet[Incident], _name: str, text: str) -> QuerySet[Incident]:
        """An alert of the incident has that label; without a value, has it at all."""
        key, equals, value = (part.strip() for part in text.partition("="))
        alerts = Alert.objects.filter(incident=OuterRef("pk"), labels__has_key=key)
        if equals:
            alerts = alerts.annotate(said=Cast(KeyTextTransform(key, "labels"), TextField())).filter(said=value)
        return found.filter(Exists(alerts))

    def filter_sla(self, found: QuerySet[Incident], _name: str, chosen: str) -> QuerySet[Incident]:
        at = now()
        match chosen:
            case "late":
                return found.filter(_OPEN, sla_due_at__lte=at)
            case "soon":
                return found.filter(_OPEN, sla_due_at__gt=at, sla_due_at__lte=at + SOON)
            case "running":
                return found.filter(sla_due_at__isnull=False)
            case _:
                return found.filter(sla_due_at=None)

    def filter_since(self, found: QuerySet[Incident], _name: str, day: date) -> QuerySet[Incident]:
        return found.filter(started_at__gte=_midnight(day))

    def filter_until(self, found: QuerySet[Incident], _name: str, day: date) -> QuerySet[Incident]:
        return found.filter(started_at__lt=_midnight(day + timedelta(days=1)))

    def filter_yes_no(self, found: QuerySet[Incident], name: str, chosen: str) -> QuerySet[Incident]:
        return found.filter(**{name: chosen == "yes"})

    def filter_merged(self, found: QuerySet[Incident], _name: str, chosen: str) -> QuerySet[Incident]:
        return found.filter(merged_into__isnull=chosen == "no")

    def filter_whose(self, found: QuerySet[Incident], _name: str, whose: str) -> QuerySet[Incident]:
        return found.filter(whose_are(self.request.user, whose))

    @cached_property
    def anybodys(self) -> QuerySet[Incident]:
        """What the filters leave without the one that asks whose they are."""
        found: QuerySet[Incident] = self.queryset.all()
        for name, value in self._understood.items():
            found = found if name == "whose" else self.filters[name].filter(found, value)
        return found

    @property
    def teams_named(self) -> frozenset[int]:
        """The numbers of the teams that are asked for; none where any will do."""
        return frozenset(team.pk for team in self._understood.get("team") or ())

    @property
    def asked_whose(self) -> str:
        """Whose are asked for; "" is everybody's."""
        return str(self._understood.get("whose") or "")

    @property
    def _understood(self) -> dict[str, Any]:
        """The filters' values; those that mean nothing are left out."""
        self.form.is_valid()
        return self.form.cleaned_data if self.is_bound else {}


def whose_are(user: Any, whose: str, *, teams: Sequence[int] | None = None) -> Q:
    """The incidents of ``user``, their teams, nobody or those they filed; "" is everybody's. ``teams`` are theirs, where known."""
    match whose:
        case "":
            return Q()
        case "mine":
            return Q(owner=user)
        case "team":
            return Q(team__in=teams_of(user) if teams is None else teams)
        case "nobody":
            return Q(owner=None)
        case _:
            return Q(reporter=user)


def _midnight(day: date) -> datetime:
    """The day's beginning where the reader is."""
    return datetime.combine(day, time.min, tzinfo=get_current_timezone())


def in_order(
    found: QuerySet[Incident], sort: str, *, tab: str, many: bool = False, named: bool = False
) -> QuerySet[Incident]:
    """``found`` by state, then as the reader asked; what has a next step comes before what has none.

    ``many``: more than anybody pages through. The next step is then left out of the order, because it would be looked up for each of
    them; those sorted by it alone come without the ones that have none. ``named``: ``found`` are told by their numbers and sorted as
    what they are, few: following the index of an order through everything there is until fifty of them came by took a second.
    """
    if tab == "resolved" and named:
        began, ended = Coalesce("started_at", "resolved_at"), Coalesce("resolved_at", "started_at")
        return found.order_by(began.asc() if sort == "oldest" else ended.desc(), "-pk")
    if tab == "resolved":
        return found.order_by("started_at" if sort == "oldest" else "-resolved_at", "-pk")
    if tab == EVERY and (many or sort in ("", "newest", "oldest")):
        # Of very many what is open is not put first: the index of when they began is walked for fifty of them.
        by_age = ("started_at", "pk") if sort == "oldest" else ("-started_at", "-pk")
        return found.order_by(*(() if many else (_BY_STATE,)), *by_age)
    order = (F("started_at").asc(),) if many else (F("current__next_due_at").asc(nulls_last=True),)
    if many and sort == "next":
        steps = found.filter(runs__superseded=False, runs__next_due_at__isnull=False)
        return steps.order_by("runs__next_due_at", "pk")
    if not many:
        # At most one run of an incident is current, so that joining doubles none; a look for each row took four times as long.
        found = found.annotate(current=FilteredRelation("runs", condition=Q(runs__superseded=False)))
    match sort:
        case "priority":
            return found.order_by(_BY_STATE, F("priority").asc(nulls_last=True), "severity", *order, "pk")
        case "next":
            return found.order_by(_BY_STATE, *order, "severity", "pk")
        case "sla":
            return found.order_by(_BY_STATE, F("sla_due_at").asc(nulls_last=True), "severity", "pk")
        case "team":
            return found.order_by(_BY_STATE, "team__name", "severity", *order, "pk")
        case "oldest":
            return found.order_by(_BY_STATE, "started_at", "pk")
        case "newest":
            return found.order_by(_BY_STATE, "-started_at", "-pk")
        case _:
            return found.order_by(_BY_STATE, "severity", *order, "pk")


def best_first(found: QuerySet[Incident], text: str, rank: Any) -> QuerySet[Incident]:
    """``found`` by how well it answers to what was typed: the incident of that number, then the best match."""
    number = reference_number(text) or 0
    named = Case(When(pk=number, then=Value(0)), default=Value(1), output_field=IntegerField())
    return found.order_by(named, rank.desc(), "severity", "-started_at", "-pk")

"""The filters of the incident list, as the address says them."""

from typing import Any

import django_filters
from django import forms
from django.db.models import Case, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Value, When
from django.utils.translation import gettext_lazy as _

from incidents.models import EscalationRun, Incident, Service
from oncall.models import Team
from policies.severity import Severity

SORTS = {
    "": _("Severity, then next step"),
    "next": _("Next step first"),
    "oldest": _("Oldest first"),
    "newest": _("Newest first"),
}
_BY_STATE = Case(
    When(state=Incident.State.TRIGGERED, then=Value(0)),
    When(state=Incident.State.ACKNOWLEDGED, then=Value(1)),
    default=Value(2),
    output_field=IntegerField(),
)


def _reference(text: str) -> int | None:
    """The number in "INC-2417", "inc 2417" or "2417"; None for other words."""
    digits = text.strip().upper().removeprefix("INC").strip("- ")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 16 else None


class IncidentFilter(django_filters.FilterSet):
    """Filters add up. What is not understood is ignored, so that an old link still opens."""

    q = django_filters.CharFilter(label=_("Words in the title"), method="filter_words")
    severity = django_filters.MultipleChoiceFilter(
        label=_("Severity"), choices=Severity.choices, widget=forms.CheckboxSelectMultiple(attrs={"class": "check"})
    )
    team = django_filters.ModelChoiceFilter(
        label=_("Team"), queryset=Team.objects.all(), to_field_name="slug", empty_label=_("All teams")
    )
    service = django_filters.ModelChoiceFilter(
        label=_("Service"), queryset=Service.objects.all(), to_field_name="slug", empty_label=_("All services")
    )
    environment = django_filters.CharFilter(label=_("Environment"), lookup_expr="iexact")
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

    class Meta:
        model = Incident
        fields: tuple[str, ...] = ()

    def filter_words(self, found: QuerySet[Incident], _name: str, text: str) -> QuerySet[Incident]:
        number = _reference(text)
        wanted = Q(title__icontains=text)
        return found.filter(wanted | Q(pk=number) if number is not None else wanted)

    def filter_whose(self, found: QuerySet[Incident], _name: str, whose: str) -> QuerySet[Incident]:
        user: Any = self.request.user
        match whose:
            case "mine":
                return found.filter(owner=user)
            case "team":
                return found.filter(team__in=user.memberships.values("team"))
            case "nobody":
                return found.filter(owner=None)
            case _:
                return found.filter(reporter=user)


def in_order(found: QuerySet[Incident], sort: str, *, tab: str) -> QuerySet[Incident]:
    """``found`` by state, then as the reader asked; what has a next step comes before what has none."""
    if tab == "resolved":
        return found.order_by("started_at" if sort == "oldest" else "-resolved_at", "-pk")
    current = EscalationRun.objects.filter(incident=OuterRef("pk"), superseded=False)
    found = found.annotate(next_due_at=Subquery(current.values("next_due_at")[:1]))
    soonest = F("next_due_at").asc(nulls_last=True)
    match sort:
        case "next":
            return found.order_by(_BY_STATE, soonest, "severity", "pk")
        case "oldest":
            return found.order_by(_BY_STATE, "started_at", "pk")
        case "newest":
            return found.order_by(_BY_STATE, "-started_at", "-pk")
        case _:
            return found.order_by(_BY_STATE, "severity", soonest, "pk")

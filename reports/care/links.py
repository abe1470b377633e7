"""Where a finding is mended: the page of what it is about, or a form where the reader may use one."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import NoReverseMatch, reverse

from incidents.models import Service
from oncall.editing.permissions import teams_of
from oncall.models import Schedule, User
from policies.models import EscalationPolicy


@dataclass(frozen=True, slots=True)
class Slugs:
    """What the addresses of policies, schedules and services are made of, by id; `writable` are the policies that the
    reader may edit."""

    policies: Mapping[int, str]
    schedules: Mapping[int, str]
    services: Mapping[int, str]
    writable: Collection[int] = ()


def slugs_read(abouts: Iterable[str], *, reader: User) -> Slugs:
    """At most five queries, however many findings."""
    ids: dict[str, set[int]] = {"policy": set(), "schedule": set(), "service": set()}
    for about in abouts:
        kind, _colon, pk = about.partition(":")
        if kind in ids and pk.isdecimal():
            ids[kind].add(int(pk))
    policies = list(EscalationPolicy.objects.filter(pk__in=ids["policy"])) if ids["policy"] else []
    own = {team.pk for team in teams_of(reader)} if policies else set()
    return Slugs(
        policies={policy.pk: policy.slug for policy in policies},
        schedules=_slugs(Schedule, ids["schedule"]),
        services=_slugs(Service, ids["service"]),
        writable={one.pk for one in policies if reader.may_manage and (one.team_id is None or one.team_id in own)},
    )


def _slugs(model: type[Schedule] | type[Service], ids: Collection[int]) -> dict[int, str]:
    return dict(model._default_manager.filter(pk__in=ids).values_list("pk", "slug")) if ids else {}


def fix_link(about: str, data: Mapping[str, object], *, slugs: Slugs, reader: User) -> str:
    """The address for `reader`; "" where they may open none."""
    kind, _colon, pk = about.partition(":")
    match kind:
        case "policy" if slug := slugs.policies.get(int(pk)):
            return (int(pk) in slugs.writable and _named("policies:policy_edit", slug)) or _named(
                "policies:policy", slug
            )
        case "schedule" if slug := slugs.schedules.get(int(pk)):
            day = str(data.get("first", ""))[:10]
            return _named("oncall:schedule", slug) + (f"?{urlencode({'from': day})}" if day else "")
        case "service" if slug := slugs.services.get(int(pk)):
            if reader.is_administrator:
                return _named("admin:incidents_service_change", int(pk))
            return _named("incidents:service", slug)
        case "book" if pk == "routing":
            query = urlencode({"rule": data["key"]}) if data.get("key") else ""
            return _named("policies:rules_edit") + f"?{query}" if reader.may_manage else _named("policies:rules")
        case "user" if reader.is_administrator:
            return _named("admin:oncall_user_change", int(pk))
    return ""


def _named(name: str, *args: object) -> str:
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""

"""What the selects of targets offer: everything a level may name, each said as it reads after "tell"."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from notifications.models import Destination
from oncall.editing.permissions import teams_of
from oncall.models import Membership, Schedule, Team, User
from oncall.permissions import responders
from policies.definition import Pick, Role, TargetDef, TargetKind
from policies.editing.draft import target_text
from policies.models import EscalationPolicy
from policies.pages import TargetNames

Group = tuple[str, Sequence[tuple[str, str]]]
_STEPS_UP = (0, 1, 2, 3)


@dataclass(frozen=True, slots=True)
class Offer:
    """Groups of (value, label), written as HTML once for all selects of a page: only what is selected differs."""

    groups: Sequence[Group]
    everything: bool
    html: SafeString = field(default=SafeString(""))

    def options(self, value: str) -> SafeString:
        """The options of a select in which ``value`` is chosen; one that is not offered is shown as it is written."""
        blank = format_html('<option value="">{}</option>', _("Choose whom"))
        if not value:
            return blank + self.html
        marked = format_html('<option value="{}">', value)
        chosen = marked.replace('">', '" selected>')
        if marked in self.html:
            return mark_safe(blank + self.html.replace(marked, chosen, 1))  # noqa: S308  # both parts are escaped
        return blank + format_html('<option value="{}" selected>{}</option>', value, value) + self.html

    @classmethod
    def of(cls, groups: Sequence[Group], *, everything: bool) -> "Offer":
        found = [group for group in groups if group[1]]
        html = format_html_join(
            "",
            '<optgroup label="{}">{}</optgroup>',
            ((label, format_html_join("", '<option value="{}">{}</option>', options)) for label, options in found),
        )
        return cls(found, everything, html)


def offer_for(*, team_id: int | None, named: Iterable[TargetDef], everything: bool, without: str = "") -> Offer:
    """What belongs to the team and what is named already, or with ``everything`` all there is. Six queries.

    ``without`` is the slug of the policy itself, which cannot lead to itself.
    """
    targets = tuple(named)
    all_of_it = everything or team_id is None
    schedules = [
        one
        for one in Schedule.objects.order_by("name")
        if all_of_it or one.team_id == team_id or _is_named(one.slug, one.pk, targets, TargetKind.SCHEDULE)
    ]
    team_kinds = (TargetKind.TEAM, TargetKind.TEAM_LEAD, TargetKind.MANAGER, TargetKind.FUNCTIONAL_TEAM)
    teams = list(Team.objects.order_by("name"))
    users = list(responders())
    if not all_of_it:
        members = set(Membership.objects.filter(team=team_id).values_list("user", flat=True))
        users = [one for one in users if one.pk in members or _is_named(one.username, one.pk, targets, TargetKind.USER)]
    policies = EscalationPolicy.objects.exclude(slug=without).order_by("name")
    groups: list[Group] = [
        (_("Of the service that has the incident"), [*_own_options()]),
        (_("On call"), [option for one in schedules for option in _schedule_options(one)]),
        (
            _("Teams"),
            [
                option
                for one in teams
                for option in _team_options(
                    one, whole=all_of_it or one.pk == team_id or _is_named(one.slug, one.pk, targets, *team_kinds)
                )
            ],
        ),
        (_("People"), [(target_text(TargetDef(TargetKind.USER, one.username)), one.name) for one in users]),
        (_("Other policies"), [_policy_option(one) for one in policies]),
        (_("Places, besides people"), [_place_option(one) for one in Destination.objects.order_by("name")]),
    ]
    return Offer.of([*groups, (_("Named already"), _others(groups, targets))], everything=all_of_it)


def _is_named(name: str, pk: int, targets: Sequence[TargetDef], *kinds: TargetKind) -> bool:
    return any(target.kind in kinds and target.ref in (name, pk) for target in targets)


def _own_options() -> Iterable[tuple[str, str]]:
    yield target_text(TargetDef(TargetKind.SERVICE_OWNER)), _("The owner of the service")
    yield target_text(TargetDef(TargetKind.TEAM_LEAD)), _("The lead of the service’s team")
    for up in _STEPS_UP:
        yield target_text(TargetDef(TargetKind.MANAGER, up=up)), _manager_label(_("the service’s team"), up)


def _manager_label(team: str, up: int) -> str:
    match up:
        case 0:
            return _("The manager of %(team)s") % {"team": team}
        case 1:
            return _("The next manager up from that of %(team)s") % {"team": team}
        case _:
            return _("The manager %(count)d steps up from that of %(team)s") % {"team": team, "count": up}


def _schedule_options(schedule: Schedule) -> Iterable[tuple[str, str]]:
    kind, slug, places = TargetKind.SCHEDULE, schedule.slug, {"schedule": schedule.name}
    yield target_text(TargetDef(kind, slug, Role.PRIMARY)), _("%(schedule)s: the primary") % places
    yield target_text(TargetDef(kind, slug, Role.SECONDARY)), _("%(schedule)s: the backup") % places
    yield target_text(TargetDef(kind, slug)), _("%(schedule)s: everybody on call") % places
    in_turn = TargetDef(kind, slug, pick=Pick.ROUND_ROBIN)
    yield target_text(in_turn), _("%(schedule)s: one of those on call, in turn") % places


def _team_options(team: Team, *, whole: bool) -> Iterable[tuple[str, str]]:
    slug, places = team.slug, {"team": team.name}
    yield target_text(TargetDef(TargetKind.FUNCTIONAL_TEAM, slug)), _("%(team)s: the specialists on call") % places
    yield target_text(TargetDef(TargetKind.TEAM_LEAD, slug)), _("%(team)s: the lead") % places
    if not whole:
        return
    yield target_text(TargetDef(TargetKind.TEAM, slug)), _("%(team)s: everybody") % places
    yield (
        target_text(TargetDef(TargetKind.TEAM, slug, pick=Pick.ROUND_ROBIN)),
        _("%(team)s: one person in turn") % places,
    )
    for up in _STEPS_UP[:2]:
        yield target_text(TargetDef(TargetKind.MANAGER, slug, up=up)), _manager_label(team.name, up)


def _policy_option(policy: EscalationPolicy) -> tuple[str, str]:
    label = _("The first level of %(policy)s") % {"policy": policy.name}
    return target_text(TargetDef(TargetKind.POLICY, policy.slug)), label


def _place_option(destination: Destination) -> tuple[str, str]:
    if destination.kind == Destination.Kind.CHAT:
        label = _("The chat channel %(name)s") % {"name": destination.name}
        return target_text(TargetDef(TargetKind.CHAT_CHANNEL, destination.slug)), label
    label = _("The webhook %(name)s") % {"name": destination.name}
    return target_text(TargetDef(TargetKind.WEBHOOK, destination.slug)), label


def _others(groups: Sequence[Group], targets: Iterable[TargetDef]) -> list[tuple[str, str]]:
    """Targets the draft names that no group offers: primary keys, people who have left, rarer forms."""
    offered = {value for _label, options in groups for value, _name in options}
    rest = [target for target in dict.fromkeys(targets) if target_text(target) not in offered]
    if not rest:
        return []
    names = TargetNames.of(rest)
    return [(target_text(target), names(target)) for target in rest]


def first_example_people(user: User) -> tuple[Schedule | None, Team | None, Team | None]:
    """For the ready examples: a schedule, the person's own team and a team of specialists to begin with."""
    own = next(iter(teams_of(user)), None)
    schedules = list(Schedule.objects.select_related("team").order_by("name"))
    schedule = next((one for one in schedules if own and one.team_id == own.pk), schedules[0] if schedules else None)
    other = Team.objects.exclude(pk=own.pk if own else 0).order_by("name").first()
    return schedule, own, other or own

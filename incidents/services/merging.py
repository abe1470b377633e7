"""Several records of one trouble become one, and come apart again where that was a mistake.

A merged incident is resolved and points at the one that took it in. Its alerts, its followers and its teams go over, its run ends, and
what its monitors say later goes to the other one. The escalation of the one that remains runs on as it was: merging pages nobody.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, Sum
from django.utils.translation import gettext as _

from escalation_site.kernel.errors import Conflict, DomainError, NotAllowed
from incidents.changes import Changes, actor_of, lock
from incidents.models import (
    Alert,
    EscalationRun,
    Follower,
    Incident,
    IncidentLink,
    RespondingTeam,
    TimelineEvent,
)
from incidents.permissions import require_responder
from incidents.services.escalator import Escalator
from incidents.services.linking import link_add, link_drop
from incidents.services.stored_runs import current_runs
from incidents.services.waiting import checkpoints_overtaken
from incidents.services.working import stage
from oncall.models import User
from policies.escalation import Acknowledged, Reopened, Resolved

State = Incident.State


@dataclass(frozen=True, slots=True)
class Moved:
    """What a merge took along, as its timeline line keeps it: a split puts exactly that back."""

    alerts: Sequence[int] = ()
    followers: Sequence[int] = ()
    teams: Sequence[int] = ()
    merged: Sequence[int] = ()
    linked: bool = False
    state: str = ""
    owner: int | None = None

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "Moved":
        return cls(**{name: data[name] for name in cls.__slots__ if name in data})


@dataclass
class _Both:
    """The two incidents, those merged into the first one before, and the tools. Everything locked."""

    source: Incident
    target: Incident
    earlier: Sequence[Incident]
    changes: Changes
    escalator: Escalator
    runs: dict[int, EscalationRun]


def _locked(source_id: int, target_id: int, earlier: Sequence[int], *, actor: User, at: datetime, source: str) -> _Both:
    """Lock them all, in the order of their ids; whoever may not act on both is refused without learning of the second."""
    rows = {row.pk: row for row in lock(sorted({source_id, target_id, *earlier}))}
    seen = set(Incident.objects.visible_to(actor).filter(pk__in=(source_id, target_id)).values_list("pk", flat=True))
    if target_id not in rows or target_id not in seen:
        raise DomainError(_("There is no incident of that number."), field="other")
    require_responder(actor, rows[source_id])
    require_responder(actor, rows[target_id])
    changes = Changes(at=at, actor=actor_of(actor), user=actor, source=source)
    incident, target = rows[source_id], rows[target_id]
    before = [rows[pk] for pk in earlier if pk in rows]
    return _Both(incident, target, before, changes, Escalator(changes), current_runs([incident, target]))


def _written(both: _Both) -> None:
    both.escalator.settle()
    both.changes.write()


@transaction.atomic
def incident_merge(
    *, incident_id: int, other_id: int, actor: User, at: datetime, reason: str = "", source: str = "web"
) -> Incident:
    """Merge the incident into the other one, which is returned and keeps everything.

    Raises Conflict where one of them is merged already or the other is over, NotAllowed where it would carry what is restricted to
    people who have no right to it.
    """
    if incident_id == other_id:
        raise DomainError(_("Choose another incident than this one."), field="other")
    merged_before = list(Incident.objects.filter(merged_into=incident_id).values_list("pk", flat=True))
    both = _locked(incident_id, other_id, merged_before, actor=actor, at=at, source=source)
    both.earlier = [one for one in both.earlier if one.merged_into_id == incident_id]
    incident, target, changes = both.source, both.target, both.changes
    _refuse_merge(incident, target, actor)
    moved = Moved(
        alerts=_alerts_over(incident, target, changes=changes),
        followers=_followers_over(incident, target, at=at),
        teams=_teams_over(incident, target, at=at),
        merged=[one.pk for one in both.earlier],
        linked=not IncidentLink.objects.filter(
            source=incident, target=target, kind=IncidentLink.Kind.DUPLICATE
        ).exists(),
        state=incident.state,
        owner=incident.owner_id,
    )
    _end(both)
    changes.set(
        incident, "incident.merge", merged_into=target, data={"into": target.reference, "reason": reason.strip()}
    )
    for one in both.earlier:
        changes.set(
            one, "incident.merge", merged_into=target, data={"into": target.reference, "with": incident.reference}
        )
    if moved.linked:
        link_add(incident, target, IncidentLink.Kind.DUPLICATE, changes=changes, tell=False)
    changes.timeline(incident, "incident.merge", text=reason.strip(), name=target.reference, **asdict(moved))
    changes.timeline(
        target,
        "incident.absorb",
        text=reason.strip(),
        name=incident.reference,
        title=incident.title,
        count=len(moved.alerts),
    )
    changes.ledger(
        target,
        "incident.absorb",
        after={"merged": incident.reference},
        data={"alerts": list(moved.alerts), "followers": list(moved.followers), "teams": list(moved.teams)},
    )
    _written(both)
    return target


def _refuse_merge(incident: Incident, target: Incident, actor: User) -> None:
    for one in (incident, target):
        if one.merged_into_id is not None:
            raise Conflict(
                _("%(reference)s is merged into INC-%(number)d already.")
                % {"reference": one.reference, "number": one.merged_into_id},
                field="other" if one is target else "",
            )
    if not target.is_open and incident.is_open:
        raise Conflict(_("%(reference)s is over: reopen it first.") % {"reference": target.reference}, field="other")
    if incident.restricted and not target.restricted:
        raise NotAllowed(
            _("%(reference)s is not restricted: people without a right to this one would read it there.")
            % {"reference": target.reference}
        )
    wider = incident.restricted and incident.team_id != target.team_id and actor.role != User.Role.ADMINISTRATOR
    if wider and not actor.memberships.filter(team=incident.team_id).exists():
        raise NotAllowed(_("Only its own team may show a restricted incident to another team."))


def _end(both: _Both) -> None:
    """Nobody is paged for the merged one any more: its run stops, what waits for a person is withdrawn."""
    incident, event = both.source, Resolved(both.changes.at)
    if not incident.is_open:
        return
    checkpoints_overtaken([incident], both.runs, event, escalator=both.escalator)
    if run := both.runs.get(incident.pk):
        both.escalator.event(run, event)
    both.changes.set(
        incident,
        "incident.resolve",
        data={"merged": True},
        state=State.RESOLVED,
        resolved_at=both.changes.at,
        resolved_by=both.changes.user,
        stage=stage("resolved"),
        snoozed_until=None,
        exhausted_at=None,
    )


def _alerts_over(incident: Incident, target: Incident, *, changes: Changes) -> list[int]:
    """Its alerts belong to the target from now on, and count there; so repeats and recoveries of them find it."""
    alerts = list(Alert.objects.filter(incident=incident).order_by("pk").values_list("pk", "count"))
    Alert.objects.filter(pk__in=[pk for pk, _count in alerts]).update(incident=target)
    target.alert_count += sum(count for _pk, count in alerts)
    changes.touch(target, "alert_count")
    return [pk for pk, _count in alerts]


def _followers_over(incident: Incident, target: Incident, *, at: datetime) -> list[int]:
    """Who followed it, and whoever filed it, follow the target, where they may see that."""
    gather = dict(incident.followers.values_list("user_id", "gathered"))
    wanted = set(gather)
    if incident.reporter_id is not None:
        wanted.add(incident.reporter_id)
    wanted -= set(target.followers.values_list("user_id", flat=True)) | {target.reporter_id}
    people = [
        user
        for user in User.objects.filter(pk__in=wanted, is_active=True).order_by("pk")
        if Incident.objects.visible_to(user).filter(pk=target.pk).exists()
    ]
    Follower.objects.bulk_create(
        [_follows(target, user, gathered=gather.get(user.pk, False), at=at) for user in people]
    )
    return [user.pk for user in people]


def _follows(incident: Incident, user: User, *, gathered: bool, at: datetime) -> Follower:
    return Follower(incident=incident, user=user, since=at, gathered=gathered, told_at=at if gathered else None)


def _teams_over(incident: Incident, target: Incident, *, at: datetime) -> list[int]:
    """The teams that had it respond to the target too: it is their trouble as well."""
    wanted = {incident.team_id, *incident.responding_teams.values_list("team_id", flat=True)}
    wanted -= {target.team_id, *target.responding_teams.values_list("team_id", flat=True)}
    rows = [RespondingTeam(incident=target, team_id=pk, joined_at=at) for pk in sorted(wanted)]
    RespondingTeam.objects.bulk_create(rows)
    return sorted(wanted)


def incident_unmerge(*, incident_id: int, actor: User, at: datetime, reason: str = "", source: str = "web") -> Incident:
    """They were two after all: the incident stands alone again, with what it brought and what its monitors said since.

    It is as open as it was, unless the other one is over by now: then so is it. Whoever had it has it again and nobody is paged; had
    nobody, its ladder is walked from the start. Raises Conflict where it is not merged.
    """
    target_id = Incident.objects.filter(pk=incident_id).values_list("merged_into", flat=True).first()
    if target_id is None:
        raise Conflict(_("It is not merged."))
    moved = _moved(incident_id)
    with _or_newer(), transaction.atomic():
        both = _locked(incident_id, target_id, moved.merged, actor=actor, at=at, source=source)
        incident, target, changes = both.source, both.target, both.changes
        if incident.merged_into_id != target_id:
            raise Conflict(_("It has changed meanwhile. Look again."))
        alerts = _alerts_back(incident, target, moved, changes=changes)
        target.followers.filter(user__in=moved.followers).delete()
        target.responding_teams.filter(team__in=moved.teams).delete()
        for one in both.earlier:
            if one.merged_into_id == target.pk:
                changes.set(one, "incident.merge", merged_into=incident, data={"into": incident.reference})
        link = IncidentLink.objects.filter(source=incident, target=target, kind=IncidentLink.Kind.DUPLICATE).first()
        if link is not None and moved.linked:
            link_drop(link, incident, target, changes=changes, tell=False)
        changes.set(incident, "incident.unmerge", merged_into=None, data={"from": target.reference, "alerts": alerts})
        changes.timeline(incident, "incident.unmerge", text=reason.strip(), name=target.reference)
        changes.timeline(target, "incident.release", text=reason.strip(), name=incident.reference)
        if target.is_open and moved.state != State.RESOLVED:
            _open_again(both, moved)
        _written(both)
    return incident


@contextmanager
def _or_newer() -> Iterator[None]:
    """Its monitor may have opened a newer one meanwhile; the database allows one open incident for a key."""
    try:
        yield
    except IntegrityError as error:
        raise Conflict(_("A newer incident is open for the same alert.")) from error


def _moved(incident_id: int) -> Moved:
    """What the merge that holds now took along."""
    lines = TimelineEvent.objects.filter(incident=incident_id, kind="incident.merge").order_by("-at", "-pk")
    return Moved.of(lines.values_list("data", flat=True).first() or {})


def _alerts_back(incident: Incident, target: Incident, moved: Moved, *, changes: Changes) -> list[int]:
    """What it brought, and what fired under the same keys since."""
    brought = Alert.objects.filter(pk__in=moved.alerts)
    same_key = Q(pk__in=moved.alerts)
    for integration, key in set(brought.values_list("integration", "dedup_key")):
        same_key |= Q(integration=integration, dedup_key=key)
    back = list(Alert.objects.filter(same_key, incident=target).order_by("pk").values_list("pk", "count"))
    Alert.objects.filter(pk__in=[pk for pk, _count in back]).update(incident=incident)
    count = sum(count for _pk, count in back)
    target.alert_count = max(target.alert_count - count, 0)
    incident.alert_count = Alert.objects.filter(incident=incident).aggregate(all=Sum("count"))["all"] or 0
    changes.touch(target, "alert_count")
    changes.touch(incident, "alert_count")
    return [pk for pk, _count in back]


def _open_again(both: _Both, moved: Moved) -> None:
    """As it was: with whoever had it, or ringing from the start."""
    incident, at, run = both.source, both.changes.at, both.runs.get(both.source.pk)
    had = User.objects.filter(pk=moved.owner, is_active=True) if moved.owner else User.objects.none()
    owner = had.first() if moved.state == State.ACKNOWLEDGED else None
    if run is not None:
        both.escalator.event(run, Reopened(at))
        if owner is not None:
            both.escalator.forget([run])
            both.escalator.event(run, Acknowledged(at, who=owner.pk))
    values: dict[str, Any] = {"state": State.ACKNOWLEDGED if owner else State.TRIGGERED, "owner": owner}
    if owner is None:
        values["acknowledged_at"] = None
    both.changes.set(
        incident, "incident.reopen", resolved_at=None, resolved_by=None, closed_at=None, stage=stage("triage"), **values
    )

"""Writes of digests: switched on and off for a team or for oneself, and sent once for each due instant."""

from collections.abc import Collection
from datetime import datetime, time, timedelta

from django.conf import settings
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from audit.rows import refusal_of, row_set
from audit.services import EntryValue, entry_append
from escalation_site.kernel.errors import DomainError, NotAllowed
from notifications.models import Destination
from notifications.services import messages_create
from notifications.values import MessageValue
from oncall.models import Team, User
from oncall.rota.clock import zone_named
from oncall.services import actor_of
from reports.digests.making import mail_for, post_for
from reports.digests.rights import audience, may_read, may_set, teams_below
from reports.models.digests import Digest, DigestReader
from reports.regular import Cadence, Regular

NOTICE_PRIORITY = 70
"""After every page and every other notice."""
TOO_LATE = timedelta(hours=6)
"""A stand-up later than this is nobody's morning any more: it is left out, and the ledger says so."""
CADENCES = {
    Digest.Kind.STANDUP: Cadence.DAILY,
    Digest.Kind.WEEK: Cadence.WEEKLY,
    Digest.Kind.MONTH: Cadence.MONTHLY,
}


def regular_of(digest: Digest) -> Regular:
    """When it is due: each morning, on Mondays, on the first of the month, on the clock of its zone."""
    return Regular(CADENCES[Digest.Kind(digest.kind)], digest.send_at, zone_named(digest.zone))


@transaction.atomic
def digest_set(
    *,
    kind: str,
    team: Team | None,
    send_at: time,
    actor: User | None,
    at: datetime,
    active: bool = True,
    time_zone: str = "",
    destination: Destination | None = None,
) -> Digest:
    """Switch a digest on or off for a team (or for the house), and say when it comes. ``actor`` is None for the system itself:
    whoever runs the machine and applies a file.

    Raises NotAllowed for whoever does not manage the team, DomainError naming the field at fault.
    """
    if actor is not None and not may_set(actor, team):
        raise NotAllowed(_("Managers switch digests on for their teams, administrators for the house."))
    if kind not in Digest.Kind.values:
        raise DomainError(_("Choose what is sent."), field="kind")
    if kind == Digest.Kind.MONTH and team is not None:
        raise DomainError(_("The ledger is the whole house’s: choose no team."), field="team")
    if destination is not None and (kind != Digest.Kind.STANDUP or destination.kind != Destination.Kind.CHAT):
        raise DomainError(_("Stand-ups are posted in chat channels, and nothing else is."), field="destination")
    row = Digest.objects.select_for_update(of=("self",)).filter(kind=kind, team=team).first() or Digest()
    row.kind, row.team, row.send_at, row.time_zone = kind, team, send_at, time_zone
    values = {
        "kind": kind,
        "team": team,
        "send_at": send_at,
        "time_zone": time_zone,
        "active": active,
        "destination": destination,
    }
    stored = Digest.objects.filter(pk=row.pk).first() if row.pk else None
    try:
        row.next_due_at = regular_of(row).next_after(at)
        row_set(_like(stored, row), values, noun="digest", at=at, actor=actor_of(actor), user=actor)
    except ValidationError as error:
        raise refusal_of(error, told_at={NON_FIELD_ERRORS: ""}) from error
    return Digest.objects.get(kind=kind, team=team)


def _like(stored: Digest | None, row: Digest) -> Digest:
    """What is stored, so that only what differs is put on record, with the new due instant."""
    if stored is None:
        return row
    stored.next_due_at = row.next_due_at
    return stored


@transaction.atomic
def digest_reader_set(*, digest: Digest, user: User, wanted: bool, at: datetime) -> DigestReader:
    """One's own word: to get it, or not to. Raises NotAllowed where the role may not read it."""
    if wanted and not may_read(user, digest):
        raise NotAllowed(_("Your role does not see this digest."))
    row = DigestReader.objects.filter(digest=digest, user=user).first() or DigestReader(digest=digest, user=user)
    row_set(row, {"wanted": wanted}, noun="digest_reader", at=at, actor=actor_of(user), user=user)
    return row


def digests_check(*, at: datetime) -> int:
    """Every minute: send what is due; how many digests went. Late, doubled or stale calls send nothing twice."""
    due = (
        Digest.objects.filter(active=True, next_due_at__lte=at)
        .select_related("team", "destination")
        .order_by("next_due_at", "pk")
    )
    return sum(digest_send(digest=digest, at=at) for digest in due)


def digest_send(*, digest: Digest, at: datetime) -> bool:
    """Send one that is due, to everybody who gets it; False where another was quicker or it is too late for it.

    What is said is gathered before the row is locked: the lock is held for the writes alone.
    """
    due = digest.next_due_at
    late = digest.kind == Digest.Kind.STANDUP and at - due > TOO_LATE
    values = [] if late else _messages(digest, due, at)
    with transaction.atomic():
        after = regular_of(digest).next_after(at)
        mine = Digest.objects.filter(pk=digest.pk, active=True, next_due_at=due)
        # Where it stands in time is no change of what somebody wanted: no row of history for it.
        if not mine.update(next_due_at=after, **({} if late else {"sent_at": at})):
            return False
        if values:
            messages_create(values, at=at)
        entry_append(
            EntryValue(
                at=at,
                action="digest.skip" if late else "digest.send",
                object_type="digest",
                object_id=str(digest.pk),
                object_label=str(digest),
                subject=f"digest:{digest.pk}",
                data={
                    "due": due.isoformat(),
                    "told": [value.recipient_id for value in values if value.recipient_id],
                    "posted": [digest.destination.slug]
                    if values and values[-1].destination_id and digest.destination
                    else [],
                },
            )
        )
    return not late


def _messages(digest: Digest, due: datetime, at: datetime) -> list[MessageValue]:
    teams = teams_below(digest)
    link = settings.PUBLIC_URL.rstrip("/") + reverse("digests:digest", args=(digest.pk,))
    values = []
    for user in audience(digest, teams):
        subject, text, html = mail_for(digest, user, teams, at=at)
        values.append(
            MessageValue(
                recipient_id=user.pk,
                kind="notice",
                urgency="low",
                subject=subject,
                body=text,
                body_html=html,
                link=link,
                idempotency_key=f"digest:{digest.pk}:{due:%Y%m%dT%H%MZ}:{user.pk}",
                priority=NOTICE_PRIORITY,
                context={"subject": f"digest:{digest.pk}"},
            )
        )
    return [*values, *_posts(digest, due, teams, link, at)]


def _posts(digest: Digest, due: datetime, teams: Collection[int] | None, link: str, at: datetime) -> list[MessageValue]:
    """What the channel is told, where one is named and in use."""
    place = digest.destination
    if place is None or not place.enabled:
        return []
    subject, text = post_for(digest, teams, at=at)
    return [
        MessageValue(
            destination_id=place.pk,
            kind="notice",
            urgency="low",
            subject=subject,
            body=text,
            link=link,
            idempotency_key=f"digest:{digest.pk}:{due:%Y%m%dT%H%MZ}:channel",
            priority=NOTICE_PRIORITY,
            about=f"digest:{digest.pk}",
            context={"subject": f"digest:{digest.pk}"},
        )
    ]

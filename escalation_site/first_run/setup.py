"""The writes of the first run. Each is one transaction through the services that everything else uses, and enters
the ledger.
"""

from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from audit.rows import row_set
from audit.services import Actor
from escalation_site.kernel.errors import Conflict
from incidents.models import Incident, Service
from incidents.services.catalogue import service_set
from incidents.services.lifecycle import incident_open
from notifications.services.contact_methods import contact_methods_set
from notifications.values import ContactMethodValue
from oncall.models import Membership, Schedule, Team, User
from oncall.services import actor_of, schedule_publish
from policies.definition import Timeout, policy_dump
from policies.examples import secondary_of, simple_policy
from policies.models import EscalationPolicy
from policies.services import policy_publish
from policies.severity import Severity

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FIRST_RUN = Actor.system("first run")


@dataclass(frozen=True, slots=True)
class Person:
    """What is asked about a person. Their one contact method is their e-mail address."""

    first_name: str
    last_name: str
    email: str
    time_zone: str


@transaction.atomic
def administrator_create(*, person: Person, username: str, password: str, at: datetime) -> User:
    """The first account. Raises Conflict as soon as there is anybody: whoever comes second has to sign in."""
    if connection.vendor == "postgresql":
        # Two people may press the button at once; there is no row yet that one could lock.
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {connection.ops.quote_name(User._meta.db_table)} IN EXCLUSIVE MODE")
    if User.objects.exists():
        raise Conflict(_("Somebody else was faster: there is an administrator now. Sign in."))
    return _person_create(
        person, username=username, role=User.Role.ADMINISTRATOR, password=password, actor=FIRST_RUN, at=at
    )


def _person_create(
    person: Person, *, username: str, role: str, password: str | None, actor: Actor, at: datetime
) -> User:
    user = User()
    if password is None:
        user.set_unusable_password()
    else:
        user.set_password(password)
    values = {
        "username": username,
        "role": role,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "email": person.email,
        "time_zone": person.time_zone,
    }
    row_set(user, values, noun="user", at=at, actor=actor)
    contact_methods_set(
        user_id=user.pk, values=[ContactMethodValue(kind="email", address=person.email)], at=at, actor=actor
    )
    return user


@transaction.atomic
def team_create(*, name: str, time_zone: str, backup: Person, actor: User, at: datetime) -> Team:
    """The team, led by ``actor``, and the second person in it. They choose a password through "forgotten password".

    Raises ValidationError where a name or an address is taken.
    """
    by = actor_of(actor)
    team = Team()
    row_set(
        team, {"name": name, "slug": slug_for(name), "time_zone": time_zone}, noun="team", at=at, actor=by, user=actor
    )
    second = _person_create(
        backup, username=_username(backup), role=User.Role.RESPONDER, password=None, actor=by, at=at
    )
    for user, role in ((actor, Membership.Role.LEAD), (second, Membership.Role.MEMBER)):
        row_set(
            Membership(), {"team": team, "user": user, "role": role}, noun="membership", at=at, actor=by, user=actor
        )
    return team


def _username(person: Person) -> str:
    base = slugify(person.email.partition("@")[0])[:100] or "backup"
    taken = set(User.objects.filter(username__istartswith=base).values_list("username", flat=True))
    return next(
        name for number in range(1, len(taken) + 3) if (name := base if number == 1 else f"{base}{number}") not in taken
    )


def slug_for(name: str) -> str:
    return slugify(name)[:60] or "first"


@transaction.atomic
def schedule_create(
    *, name: str, team: Team, first: User, second: User, weekday: int, handoff: time, actor: User, at: datetime
) -> Schedule:
    """Two people take turns week by week; whoever is not on call first is the backup. ``first`` begins at once."""
    schedule = Schedule()
    values = {"name": name, "slug": slug_for(name), "team": team, "time_zone": team.time_zone}
    row_set(schedule, values, noun="schedule", at=at, actor=actor_of(actor), user=actor)
    local = at.astimezone(ZoneInfo(team.time_zone)).replace(tzinfo=None)
    began = local - timedelta(days=(local.weekday() - weekday) % 7)
    if began.weekday() == local.weekday() and local.time() < handoff:
        began -= timedelta(days=7)
    turn = {"start": began.date().isoformat(), "rotation": "weekly", "handoff": f"{WEEKDAYS[weekday]} {handoff:%H:%M}"}
    layers = [
        {"name": "First", **turn, "participants": [first.pk, second.pk]},
        {"name": "Backup", "role": "secondary", **turn, "participants": [second.pk, first.pk]},
    ]
    schedule_publish(
        schedule=schedule,
        definition={"time_zone": team.time_zone, "layers": layers},
        author=actor,
        at=at,
        reason=_("First run"),
    )
    return schedule


@transaction.atomic
def policy_create(*, name: str, schedule: Schedule, answer_seconds: int, actor: User, at: datetime) -> EscalationPolicy:
    """The primary at once; the backup when nobody has acknowledged after ``answer_seconds``."""
    policy = EscalationPolicy()
    values = {"name": name, "slug": slug_for(name), "team": schedule.team}
    row_set(policy, values, noun="policy", at=at, actor=actor_of(actor), user=actor)
    simple = simple_policy(schedule=schedule.slug, backup=secondary_of(schedule.slug))
    first, *others = simple.levels
    definition = replace(simple, levels=(replace(first, ack_timeout=Timeout(answer_seconds)), *others))
    policy_publish(policy=policy, definition=policy_dump(definition), author=actor, at=at, reason=_("First run"))
    policy.refresh_from_db()
    return policy


def service_create(*, name: str, team: Team, policy: EscalationPolicy, actor: User, at: datetime) -> Service:
    values = {"name": name, "slug": slug_for(name), "team": team, "policy": policy}
    return service_set(service=Service(), values=values, actor=actor, at=at)


def test_incident(*, service: Service, actor: User, at: datetime) -> Incident:
    """A real incident, marked as a test, that walks the real policy."""
    return incident_open(
        title=_("Test: does a page arrive?"),
        summary=_("The first run of Watchbell sends this. Acknowledge it, or let it go on to the backup."),
        severity=Severity.SEV2,
        service=service,
        reporter=actor,
        at=at,
        is_test=True,
    )

"""Who gets a digest by default, who may ask for it, who may switch it on for a team."""

from collections.abc import Collection

from django.db.models import QuerySet

from oncall.editing.permissions import teams_of
from oncall.load.reading import sub_teams
from oncall.models import Team, User
from reports.models.digests import Digest, DigestReader

Kind = Digest.Kind
STAFF = (User.Role.RESPONDER, User.Role.MANAGER, User.Role.AUDITOR, User.Role.ADMINISTRATOR)
ALLOWED = {
    Kind.STANDUP: STAFF,
    Kind.WEEK: (User.Role.MANAGER, User.Role.AUDITOR, User.Role.ADMINISTRATOR),
    Kind.MONTH: (User.Role.AUDITOR, User.Role.ADMINISTRATOR),
}
"""The roles that may read a kind."""


def teams_below(digest: Digest) -> set[int] | None:
    """The team of a digest and those under it; None for the whole house."""
    return sub_teams(digest.team) if digest.team else None


def may_read(user: User, digest: Digest) -> bool:
    return user.is_active and user.role in ALLOWED[Kind(digest.kind)]


def may_set(user: User, team: Team | None) -> bool:
    """Managers for their own teams, administrators for all and for the house."""
    if not user.is_active or not user.may_manage:
        return False
    return user.is_administrator or (team is not None and team in teams_of(user))


def audience(digest: Digest, teams: Collection[int] | None) -> list[User]:
    """Who gets it, by name: those it is meant for who have not switched it off, and those who asked for it."""
    people = User.objects.filter(is_active=True, role__in=ALLOWED[Kind(digest.kind)])
    words = dict(DigestReader.objects.filter(digest=digest).values_list("user", "wanted"))
    meant = set(_meant(digest, people, teams).values_list("pk", flat=True))
    wanted = {pk for pk, said in words.items() if said}
    chosen = (meant | wanted) - {pk for pk, said in words.items() if not said}
    return sorted(people.filter(pk__in=chosen), key=lambda one: (one.name, one.pk))


def _meant(digest: Digest, people: QuerySet[User], teams: Collection[int] | None) -> QuerySet[User]:
    match digest.kind:
        case Kind.STANDUP if teams is not None:
            return people.filter(memberships__team__in=teams, role__in=(User.Role.RESPONDER, User.Role.MANAGER))
        case Kind.WEEK if teams is not None:
            return people.filter(memberships__team__in=teams, role=User.Role.MANAGER)
        case Kind.MONTH:
            return people.filter(role=User.Role.AUDITOR)
        case _:
            return people.filter(role__in=(User.Role.MANAGER, User.Role.ADMINISTRATOR))

"""Who sees what: the query that every list begins with, against the rule said in plain words for one incident at a time."""

from collections.abc import Iterable
from typing import Any

import pytest

from incidents import querysets
from incidents.models import (
    Checkpoint,
    CheckpointAsk,
    EscalationRun,
    Incident,
    Page,
    RespondingTeam,
    ResponseRole,
    RoleHolder,
    Task,
)
from oncall.models import Team, User
from tests.world.harness import World

OF_ANYBODY = {"reporter", "team", "responding", "asked"}
OF_STAFF = {"owner", "overseer", "paged", "role", "task"}
TIES = sorted(OF_ANYBODY | OF_STAFF)


def may_see(role: str, ties: Iterable[str], *, restricted: bool) -> bool:
    """The rule of DESIGN.md §8 for one incident that a person of ``role`` has ``ties`` to."""
    if role in ("auditor", "administrator"):
        return True
    concerns = OF_ANYBODY if role == "reporter" else OF_ANYBODY | OF_STAFF
    if concerns & set(ties):
        return True
    return not restricted and role != "reporter"


class Desk:
    """Nadia at her desk, a stranger at the next one, and incidents that each of them has something to do with."""

    def __init__(self, world: World) -> None:
        world.alert()
        world.settle()
        world.expect_page("marta", level=1)
        self._world, self._first = world, world.incident
        self._role = ResponseRole.objects.order_by("position")[0]
        self._run = EscalationRun.objects.get(incident=self._first)
        self.nadia, self._nadias = self._person("nadia")
        self._stranger, self._strangers = self._person("otto")
        self.expected: dict[int, tuple[frozenset[str], bool]] = {self._first.pk: (frozenset(), False)}

    def _person(self, username: str) -> tuple[User, Team]:
        user = User.objects.create(username=username, email=f"{username}@brightquay.example", role="responder")
        team = Team.objects.create(name=username.title(), slug=username)
        team.memberships.create(user=user)
        return user, team

    def incident(self, ties: frozenset[str], *, restricted: bool) -> None:
        """One that Nadia has ``ties`` to; the stranger has the other ones."""

        def who(tie: str) -> User:
            return self.nadia if tie in ties else self._stranger

        def whose(tie: str) -> Team:
            return self._nadias if tie in ties else self._strangers

        kept = {"owner": who("owner"), "overseer": who("overseer"), "reporter": who("reporter"), "team": whose("team")}
        same: dict[str, Any] = {"severity": 2, "source": "person", "stage": self._first.stage}
        same |= {"service": self._first.service, "started_at": self._world.now}
        incident = Incident.objects.create(title="One of many", restricted=restricted, **same, **kept)
        at = self._world.now
        RespondingTeam.objects.create(incident=incident, team=whose("responding"), joined_at=at)
        asked = Checkpoint.objects.create(
            incident=incident, action="incident.resolve", created_at=at, due_at=at, fallback="leave"
        )
        CheckpointAsk.objects.create(checkpoint=asked, user=who("asked"))
        RoleHolder.objects.create(incident=incident, role=self._role, user=who("role"), since=at)
        Task.objects.create(incident=incident, title="Look", assignee=who("task"), created_at=at, position=1)
        Page.objects.create(
            run=self._run,
            incident=incident,
            cycle=1,
            level=1,
            repeat=len(self.expected),
            recipient=who("paged"),
            created_at=at,
            link_nonce=f"nonce-{incident.pk}",
        )
        self.expected[incident.pk] = (ties, restricted)


@pytest.mark.requirement("R008")
def test_when_anybody_looks_then_they_see_what_the_rule_says_of_each_incident(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(world)
    for ties in (frozenset(), *(frozenset({tie}) for tie in TIES), frozenset(TIES)):
        for restricted in (False, True):
            desk.incident(ties, restricted=restricted)

    # Some are over.
    for pk in list(desk.expected)[::3]:
        Incident.objects.filter(pk=pk).update(state="resolved", resolved_at=world.now)

    seen_by_role = {}
    for role in User.Role.values:
        desk.nadia.role = role
        seen = set(Incident.objects.visible_to(desk.nadia).values_list("pk", flat=True))
        assert seen == {
            pk for pk, (ties, restricted) in desk.expected.items() if may_see(role, ties, restricted=restricted)
        }
        open_now = set(Incident.objects.unresolved().values_list("pk", flat=True))
        assert set(Incident.objects.visible_open(desk.nadia).values_list("pk", flat=True)) == seen & open_now
        one_by_one = {pk for pk in desk.expected if Incident.objects.visible_to(desk.nadia).filter(pk=pk).exists()}
        assert one_by_one == seen
        # Pages that ask many things look up once what is restricted and theirs, or ask for it anew where that is too much.
        for most in (1_000, 1):
            monkeypatch.setattr(querysets, "NAMED", most)
            assert set(Incident.objects.visible_once(desk.nadia).values_list("pk", flat=True)) == seen
        seen_by_role[role] = len(seen)

    assert seen_by_role["administrator"] == len(desk.expected)
    assert 0 < seen_by_role["reporter"] < seen_by_role["responder"] < len(desk.expected)

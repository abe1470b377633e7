"""The organisation stories happen in: the tests' cast, with more services, schedules and ways to reach people; and policies of
every shape, made by chance."""

from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any

from incidents.models import Integration, Service
from notifications.models import ContactMethod, Destination
from notifications.services.destinations import destination_set
from oncall.models import Schedule, User
from oncall.services import schedule_publish
from policies.models import EscalationPolicy, WorkCalendar
from policies.reading import DefinitionInvalid
from policies.services import policy_publish
from tests.world.cast import PAGERDUTY_KEY, cast_make, integration

BEGINNING = datetime(2026, 10, 23, 12, 0, tzinfo=UTC)
"""A Friday: the clocks of Europe go back in the night to Sunday."""

SERVICES = ("payments-gateway", "ledger", "search", "mail")
ORPHAN = "orphan"  # a service without a policy
RESPONDERS = ("marta", "jonas", "elena", "hugo", "tomas", "nils")
PHONED = ("marta", "jonas", "tomas", "elena")  # who has a second way to be reached
PLACES = {"war-room": "chat", "status-board": "webhook"}  # by kind: what is told and is nobody
UNREACHED = "nils"  # and who begins with none


OFFICE_HOURS = {"days": ["mon", "tue", "wed", "thu", "fri"], "start": "09:00", "end": "17:00"}


def routing_key(slug: str) -> str:
    return PAGERDUTY_KEY if slug == SERVICES[0] else f"{slug}-key-0123456789abcdef0123456789"


def organisation_make() -> None:
    """Everything that is the same in all stories, as rows."""
    cast = cast_make(at=BEGINNING)
    people = cast.people
    for slug, team, layer in (
        ("platform", cast.platform, {"rotation": "daily", "participants": [people["tomas"].pk, people["nils"].pk]}),
        (
            "nights",
            cast.payments,
            {
                "rotation": "daily",
                "participants": [people["elena"].pk, people["tomas"].pk],
                "restrictions": [{"start": "22:00", "end": "06:00"}],
            },
        ),
    ):
        schedule = Schedule.objects.create(name=slug.title(), slug=slug, team=team, time_zone="Europe/Lisbon")
        first = {"name": "First", "role": "primary", "start": "2025-01-06T09:00", **layer}
        definition = {"time_zone": "Europe/Lisbon", "layers": [first]}
        schedule_publish(schedule=schedule, definition=definition, author=people["hugo"], at=BEGINNING)
    for slug, owner in (("ledger", cast.payments), ("search", cast.platform), ("mail", cast.platform)):
        policy = EscalationPolicy.objects.create(name=f"Policy of {slug}", slug=f"{slug}-policy", team=owner)
        Service.objects.create(name=slug.title(), slug=slug, team=owner, policy=policy)
    Service.objects.create(name=ORPHAN.title(), slug=ORPHAN, team=cast.platform)
    for service in Service.objects.exclude(slug=SERVICES[0]):
        integration(service, "pagerduty", routing_key(service.slug), BEGINNING)
    WorkCalendar.objects.create(
        name="Office", slug="office", zone="Europe/Rome", windows=[OFFICE_HOURS], is_default=True
    )
    for username in PHONED:
        ContactMethod.objects.create(
            user=people[username], kind="sms", address=f"+39-{username}", position=people[username].pk % 2
        )
    ContactMethod.objects.filter(user=people[UNREACHED]).delete()
    for slug, kind in PLACES.items():
        destination_set(
            destination=Destination(),
            values={"name": slug.title(), "slug": slug, "kind": kind},
            address="https://places.example/x",
            actor=None,
            at=BEGINNING,
        )


@dataclass(frozen=True)
class Organisation:
    """The rows a story speaks of, by the names it uses."""

    people: dict[str, User]
    services: dict[str, Service]
    schedules: dict[str, Schedule]
    doors: dict[str, Integration]

    @classmethod
    def read(cls) -> "Organisation":
        return cls(
            {user.username: user for user in User.objects.all()},
            {service.slug: service for service in Service.objects.select_related("policy", "team")},
            {schedule.slug: schedule for schedule in Schedule.objects.all()},
            {
                door.service.slug: door
                for door in Integration.objects.filter(kind="pagerduty").select_related("service")
            },
        )

    def policy_renew(self, slug: str, chance: Random, *, at: datetime) -> None:
        """Publish another version of the policy of service ``slug``."""
        policy = self.services[slug].policy
        assert policy is not None
        number = policy.versions.count() + 1
        for _try in range(50):
            try:
                policy_publish(policy=policy, definition=ladder(chance, number), author=self.people["elena"], at=at)
            except DefinitionInvalid:
                continue  # chance made one that repeats for longer than its level lasts
            return
        raise AssertionError("no valid policy in fifty tries")


_TARGETS: tuple[dict[str, Any], ...] = (
    {"kind": "schedule", "ref": "payments", "role": "primary"},
    {"kind": "schedule", "ref": "payments", "role": "secondary"},
    {"kind": "schedule", "ref": "payments"},
    {"kind": "schedule", "ref": "platform"},
    {"kind": "schedule", "ref": "nights"},
    {"kind": "team", "ref": "payments", "pick": "round_robin"},
    {"kind": "team", "ref": "platform"},
    {"kind": "team_lead"},
    {"kind": "manager"},
    {"kind": "user", "ref": "hugo"},
    {"kind": "user", "ref": UNREACHED},
    {"kind": "user", "ref": "left-long-ago"},
    {"kind": "chat_channel", "ref": "war-room"},
    {"kind": "webhook", "ref": "status-board"},
    {"kind": "chat_channel", "ref": "nobody-made-it"},
)


_COUNTED: tuple[dict[str, Any], ...] = (
    {"hours": "business"},
    {"after": "10m", "measured_from": "before_sla", "otherwise": "20m"},
    {"after": "5m", "measured_from": "before_sla", "otherwise": "30m", "hours": "business"},
)
"""Times that do not simply pass: working hours, and what is left until the promised end."""


def ladder(chance: Random, version: int) -> dict[str, Any]:
    """A policy of any shape; its levels' names tell its version."""
    levels = [
        _level(chance, f"Level {number + 1} of v{version}") for number in range(chance.choice((1, 2, 2, 3, 3, 4)))
    ]
    policy: dict[str, Any] = {"levels": levels, "cycles": chance.choice((1, 1, 1, 2, 3))}
    if chance.random() < 0.3:
        policy["final"] = {
            "target": {"kind": "user", "ref": "hugo"},
            "every": f"{chance.choice((5, 15))}m",
            "times": chance.choice((1, 2, 5)),
        }
    if chance.random() < 0.3:
        policy["starts_at"] = {"SEV-1": len(levels), "SEV-2": 1}
        policy["inform_skipped"] = chance.random() < 0.7
    if policy["cycles"] > 1 and chance.random() < 0.3:
        policy["cycle_severities"] = ["SEV-1", "SEV-2"]
    if chance.random() < 0.4:
        policy["catch_all"] = [
            chance.choice(({"kind": "user", "ref": "elena"}, {"kind": "schedule", "ref": "platform"}))
        ]
    if chance.random() < 0.3:
        policy["mitigated_satisfies_resolution"] = False
    return policy


def _level(chance: Random, name: str) -> dict[str, Any]:
    level: dict[str, Any] = {"name": name, "targets": chance.sample(_TARGETS, k=chance.choice((1, 1, 2, 3)))}
    if chance.random() < 0.9:
        level["ack_timeout"] = {"after": f"{chance.choice((1, 5, 10, 30))}m"}
        if chance.random() < 0.3:
            level["ack_timeout"]["by_severity"] = {"SEV-1": "2m", "SEV-3": "20m"}
        elif chance.random() < 0.3:
            level["ack_timeout"] |= chance.choice(_COUNTED)
    if chance.random() < 0.4 or "ack_timeout" not in level:
        level["resolve_timeout"] = {"after": f"{chance.choice((20, 60, 180))}m"}
    if chance.random() < 0.3:
        level["repeat"] = {"every": chance.choice(("40s", "2m", "4m")), "times": chance.choice((1, 2, 4))}
        if chance.random() < 0.5:
            level["repeat"]["severities"] = ["SEV-1", "SEV-2", "SEV-3"]
    if chance.random() < 0.2:
        level["channels"] = chance.choice((["sms"], ["email"], ["sms", "email"]))
    if chance.random() < 0.25:
        level["ack_mode"] = "all"
    if chance.random() < 0.15:
        level["if_unreachable"] = "wait"
    if chance.random() < 0.3:
        level["start"] = {"delay": f"{chance.choice((0, 1, 7))}m"}
    return level

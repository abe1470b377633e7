"""A house with a long history: incidents by the hundred thousand, one in a hundred of them open, in twenty teams with forty services.

Rows are copied in the database (``benchmarks.clones``), so that a million takes minutes. What an incident is like follows from its number:
one in ten is SEV-1, one in ten says "storm", one in twenty belongs to a team, one in a thousand is restricted. One in ten is of staging,
one in ten hit a customer, had a category or an answer to a field of the house's own; of each there is one that one in twenty thousand has.
The open ones have a run, a page on its first level and five lines of timeline; one has five thousand lines. One in ten of the others was
paged for, too.
"""

from datetime import timedelta
from typing import Any

from django.db import connection

from benchmarks.clones import copies
from benchmarks.overdue import main as overdue
from escalation_site.kernel.instants import now
from incidents.models import (
    Category,
    Customer,
    CustomField,
    EscalationRun,
    Incident,
    Page,
    Service,
    Stage,
    Task,
    TimelineEvent,
)
from oncall.models import Membership, Schedule, Team, User
from oncall.services import schedule_publish

TEAMS, SERVICES, PEOPLE = 20, 40, 100
OPEN_IN = 100
LINES, MOST_LINES = 5, 5_000
PLANNED, TASKS = 100, 5
RARE = 20_000


def fill(count: int) -> None:
    """``count`` incidents in the fresh database of a bench site; see ``busiest`` and the names below for whom to ask as."""
    overdue(1, 0, now())
    teams = [Team(name=f"Team {number:02}", slug=f"team-{number:02}") for number in range(TEAMS)]
    Team.objects.bulk_create(teams)
    template = Service.objects.get()
    services = [
        Service(
            name=f"Service {number:02}", slug=f"service-{number:02}", team=teams[number // 2], policy=template.policy
        )
        for number in range(SERVICES)
    ]
    Service.objects.bulk_create(services)
    people = _people(teams)
    base = _incidents(count, teams[0].pk, services[0].pk, people[0].pk)
    _walks(count, base, people[0].pk)
    _lines(count, base)
    _tasks(base, people)
    # The product never asks SQLite for statistics, and without them it takes other indexes: so does the benchmark.
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def _people(teams: list[Team]) -> list[User]:
    """Five responders to a team, on call in turn; "one" is in two teams, "support" files, "admin" sees all."""
    people = [
        User(username=f"person-{number:03}", email=f"person-{number:03}@bench.example", role="responder")
        for number in range(PEOPLE)
    ]
    User.objects.bulk_create(people)
    User.objects.create(username="admin", email="admin@bench.example", role="administrator")
    support = User.objects.create(username="support", email="support@bench.example", role="reporter")
    one = User.objects.get(username="one")
    members = [(teams[number % TEAMS], person) for number, person in enumerate(people)]
    members += [(teams[0], one), (teams[1], one), (teams[2], support)]
    Membership.objects.bulk_create(Membership(team=team, user=user) for team, user in members)
    at = now() - timedelta(days=1)
    for number, team in enumerate(teams):
        schedule = Schedule.objects.create(name=team.name, slug=team.slug, team=team)
        turns = [person.pk for person in people[number::TEAMS]]
        layer = {"name": "primary", "role": "primary", "start": "2025-01-06T09:00", "rotation": "weekly"}
        definition = {"time_zone": "UTC", "layers": [{**layer, "participants": turns}]}
        schedule_publish(schedule=schedule, definition=definition, author=None, at=at)
    return people


def _minutes(column: str, number: str) -> str:
    """So many minutes before what the copied row holds."""
    if connection.vendor == "sqlite":
        return f"datetime(t.{column}, '-' || ({number}) || ' minutes')"
    return f"t.{column} - ({number}) * interval '1 minute'"


def _said() -> dict[str, str]:
    """What is said of the copied ones beside where they stand, in SQL: one in ten the usual, one in RARE what few are."""
    usual, rare = Customer.objects.bulk_create(
        [Customer(name="Harbour Authority", slug="harbour"), Customer(name="Lighthouse Trust", slug="lighthouse")]
    )
    network, cable = Category.objects.bulk_create(
        [Category(name="Network", slug="network"), Category(name="Sea cable", slug="sea-cable")]
    )
    options = ["Baltic", "Adriatic", "Antarctic"]
    CustomField.objects.create(key="region", label="Region", kind=CustomField.Kind.CHOICE, options=options)

    def told(number: int, often: str, seldom: str, otherwise: str) -> str:
        # The primes are others than those of the titles and the hundreds, so that what falls together in one does not in another.
        return f"CASE WHEN n %% {RARE} = {number * OPEN_IN} THEN {seldom} WHEN (n / {number}) %% 10 = 4 THEN {often} ELSE {otherwise} END"

    region = told(17, "'Baltic'", "'Antarctic'", "'Adriatic'")
    facts = {
        "sqlite": f"json_set(t.facts, '$.custom', json_object('region', {region}))",
        "postgresql": f"t.facts || jsonb_build_object('custom', jsonb_build_object('region', {region}))",
    }
    return {
        "environment": told(11, "'staging'", "'Recovery site'", "'production'"),
        "customer_id": told(13, str(usual.pk), str(rare.pk), "NULL"),
        "category_id": told(19, str(network.pk), str(cable.pk), "NULL"),
        "facts": facts[connection.vendor],
    }


def _incidents(count: int, team: int, service: int, person: int) -> int:
    """The incidents; the number before the first copy."""
    Incident.objects.filter(resolved_at=None).update(state="triggered", restricted=False)
    first, base = Incident.objects.earliest("pk"), Incident.objects.latest("pk").pk
    stages = dict(Stage.objects.values_list("key", "pk"))
    support = User.objects.get(username="support").pk
    # What falls together in one count must not in another: the hundreds are turned a little further each time.
    turned = f"(n + n / {OPEN_IN})"
    shut = f"n %% {OPEN_IN} <> 0"
    rings = f"n %% {2 * OPEN_IN} = 0"
    tenth = f"(n + n / {10 * OPEN_IN}) %% 10"
    ago = _minutes("started_at", "n")
    copies(
        Incident,
        first.pk,
        count,
        {
            "id": f"{base} + n",
            "dedup_key": "t.dedup_key || '-' || n",
            "title": "'Gateway trouble ' || n || CASE WHEN (n / 7) %% 10 = 3 THEN ' storm' ELSE '' END"
            " || CASE WHEN n %% 50000 = 0 THEN ' zanzibar' ELSE '' END",
            "severity": f"CASE WHEN {tenth} < 2 THEN 1 + {tenth} WHEN {tenth} < 4 THEN 3 WHEN {tenth} < 7 THEN 4 ELSE 5 END",
            "priority": f"1 + (n / {OPEN_IN}) %% 5",
            "team_id": f"{team} + ({turned} %% {SERVICES}) / 2",
            "service_id": f"{service} + {turned} %% {SERVICES}",
            "restricted": "CAST(n %% 997 = 0 AS boolean)",
            "reporter_id": f"CASE WHEN n %% 20011 = 0 THEN {support} END",
            "owner_id": f"CASE WHEN {rings} THEN NULL ELSE {person} + (n / {OPEN_IN}) %% {PEOPLE} END",
            "started_at": ago,
            "state": f"CASE WHEN {shut} THEN 'resolved' WHEN {rings} THEN 'triggered' ELSE 'acknowledged' END",
            "stage_id": f"CASE WHEN {shut} THEN {stages['closed']} WHEN {rings} THEN {stages['new']}"
            f" WHEN n %% 300 = 0 THEN {stages['triage']} WHEN n %% 500 = 0 THEN {stages['mitigating']}"
            f" ELSE {stages['investigating']} END",
            "acknowledged_at": f"CASE WHEN {rings} THEN NULL ELSE {ago} END",
            "resolved_at": f"CASE WHEN {shut} THEN {ago} END",
            "sla_due_at": f"CASE WHEN n %% 3 = 0 THEN {ago} END",
            **_said(),
        },
    )
    return int(base)


def _walks(count: int, base: int, person: int) -> None:
    """Runs and first pages: current ones of what is open, ended ones of a tenth of the rest."""
    run, page = EscalationRun.objects.earliest("pk"), Page.objects.earliest("pk")
    runs, pages = EscalationRun.objects.latest("pk").pk, Page.objects.latest("pk").pk
    open_now, others = count // OPEN_IN, count // 10
    for number, before, step, changes in (
        (open_now, 0, f"{OPEN_IN} * n", {"next_due_at": _minutes("next_due_at", "-n")}),
        (others, open_now, "10 * n - 9", {"next_due_at": "NULL", "phase": "'done'"}),
    ):
        incident = f"{base} + {step}"
        copies(EscalationRun, run.pk, number, {"id": f"{runs + before} + n", "incident_id": incident, **changes})
        copies(
            Page,
            page.pk,
            number,
            {
                "id": f"{pages + before} + n",
                "run_id": f"{runs + before} + n",
                "incident_id": incident,
                "recipient_id": f"{person} + n %% {PEOPLE}",
                "created_at": _minutes("created_at", step),
                "message_id": "NULL",
                "link_nonce": f"'bench-{before}-' || n",
            },
        )


def _lines(count: int, base: int) -> None:
    line = TimelineEvent.objects.earliest("pk")
    last = TimelineEvent.objects.latest("pk").pk
    number = LINES * count // OPEN_IN
    incident = f"{base} + {OPEN_IN} * ((n - 1) / {LINES} + 1)"
    copies(TimelineEvent, line.pk, number, {"id": f"{last} + n", "incident_id": incident})
    said = {
        "id": f"{last + number} + n",
        "incident_id": str(base + 2 * OPEN_IN),
        "kind": "CASE WHEN n %% 3 = 0 THEN 'incident.comment' ELSE t.kind END",
        "text": "CASE WHEN n %% 3 = 0 THEN 'Still looking, ' || n ELSE '' END",
        "at": _minutes("at", "n / 10"),
    }
    copies(TimelineEvent, line.pk, MOST_LINES, said)


def _tasks(base: int, people: list[User]) -> None:
    at = now()
    common: dict[str, Any] = {"created_at": at, "due_at": at + timedelta(hours=2)}
    Task.objects.bulk_create(
        Task(
            incident_id=base + OPEN_IN * (1 + number // TASKS),
            title=f"Task {number}",
            position=number,
            assignee=people[number % PEOPLE],
            **common,
        )
        for number in range(PLANNED * TASKS)
    )


def quiet() -> Incident:
    """An open incident as most are: a page, five lines, five tasks."""
    return Incident.objects.filter(tasks__isnull=False, state="triggered").exclude(pk=busy().pk).earliest("pk")


def busy() -> Incident:
    """The one with five thousand lines."""
    return Incident.objects.get(pk=TimelineEvent.objects.filter(kind="incident.comment").latest("pk").incident_id)

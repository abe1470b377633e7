"""Every address × every role × GET and POST, and what each answers.

    python -m tests.site.crawl --write     writes crawl_expectations.txt again; read the difference line by line

The addresses come from the URL configuration, so that a new page is in the table or fails the test. Each request is
undone, so that the order does not matter. A route that shows one incident is asked for three: of the people's own team,
a restricted one of another team, and one that is not there.
"""

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.db import connection, transaction
from django.http import StreamingHttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from audit.models import LedgerEntry
from incidents.checkpoint_words import SEVERITY
from incidents.links import page_url
from incidents.models import (
    ActionPlan,
    Alarm,
    Attachment,
    Category,
    Checkpoint,
    Complaint,
    Customer,
    CustomField,
    Document,
    EscalationRun,
    Incident,
    IncidentLink,
    Objective,
    RespondingTeam,
    ResponseRole,
    Review,
    RoleDuty,
    RoleHolder,
    RoutingDecision,
    SavedView,
    Task,
    TaskWait,
    TimeEntry,
    TimelineEvent,
    Vendor,
    VendorCase,
)
from incidents.services.attachments import attachment_add
from incidents.services.complaints import complaint_log
from incidents.services.lifecycle import incident_open
from notifications.channels.chat.tokens import claim_sign
from notifications.models import ChatAccount, Destination
from oncall.calendars.feeds import feed_create
from oncall.models import (
    Absence,
    CalendarFeed,
    CalendarSource,
    DutyClock,
    GapAcceptance,
    Handoff,
    HandoffNote,
    Override,
    Skill,
    Swap,
    SwapAsk,
    User,
)
from oncall.services import override_create
from oncall.swap_links import ask_link
from oncall.tokens import token_create
from policies.books import ROUTING, book_publish
from policies.models import Guideline, PolicyReview, WorkCalendar
from reports.care.findings import findings_check
from reports.care.reviews import review_open
from reports.figures.keeping import figures_follow_all
from reports.models import AuditPack, Dashboard, Digest, ExportFile, ExportSchedule, LedgerView
from tests.incidents.asking import asked
from tests.world.harness import World

TABLE = Path(__file__).with_name("crawl_expectations.txt")
PEOPLE = ("", "sofie", "marta", "elena", "amara", "hugo")
ROLES = ("anonymous", "reporter", "responder", "manager", "auditor", "administrator")
METHODS = ("GET", "POST")
WRITES = re.compile(r"^\s*(INSERT|UPDATE|DELETE|REPLACE|TRUNCATE|COPY)\b", re.IGNORECASE)
# A session is the browser's own memory (a message to show next, the second step's secret), not the organisation's.
# That a calendar program fetched is noted once an hour at most, for the owner to see.
OWN_MEMORY = ("django_session", 'UPDATE "oncall_calendarfeed" SET "last_used_at"')
# That somebody looked is on record, and is all that looking writes.
READ = ("incident.read", "incident.export", "ledger.read", "ledger.download")
ENTRY = 'INSERT INTO "audit_ledgerentry"'
# Not this machine, which may read some things nobody else may.
ELSEWHERE = "203.0.113.7"
BACKEND = "django.contrib.auth.backends.ModelBackend"
_PARAMETER = re.compile(r"<(?:[a-z]+:)?(\w+)>")
_GROUP = re.compile(r"\((?:\?P<(\w+)>)?(?:[^()\[\]]|\[[^\]]*\])*\)")


@dataclass(frozen=True, slots=True)
class Address:
    """One route with values in its places. ``label`` is how the table names it."""

    label: str
    path: str


@dataclass
class Answers:
    """What one address answered by method and role, and what went wrong."""

    address: Address
    got: dict[str, list[str]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        for method in METHODS:
            yield line(method, self.address.label, self.got[method])


def line(method: str, label: str, cells: Sequence[str]) -> str:
    return f"{method:<5}{label:<72}" + "".join(f"{cell:<14}" for cell in cells).rstrip()


def head() -> str:
    return line("", "", ROLES).rstrip()


# --- the addresses


def routes() -> list[str]:
    """Every route of the site, as written in the URL configuration, in its order."""

    def below(resolver: URLResolver, prefix: str) -> Iterator[str]:
        for one in resolver.url_patterns:
            route = prefix + _plain(str(one.pattern))
            if isinstance(one, URLResolver):
                yield from below(one, route)
            elif isinstance(one, URLPattern):
                yield route

    return list(dict.fromkeys(below(get_resolver(), "")))


def _plain(pattern: str) -> str:
    """A regular expression as a route: its groups become <name> or <n>."""
    if "^" not in pattern and "\\" not in pattern and "(" not in pattern:
        return pattern
    numbers = iter(range(1, 10))
    text = _GROUP.sub(lambda match: f"<{match[1] or next(numbers)}>", pattern)
    return text.replace("^", "").replace("$", "").replace("\\Z", "").replace("\\", "").replace("/?", "/")


def addresses(world: World) -> list[Address]:
    """Every route with the values of the cast. Raises KeyError for a place nobody has given a value yet."""
    values = _values(world)
    found = []
    for route in routes():
        if _of_an_incident(route):
            for kind, incident in _incidents(world).items():
                own = {**values, "pk": incident, "id": incident}
                found.append(Address(f"/{route} {kind}".rstrip(), _filled(route, own)))
        else:
            found.append(Address(f"/{route}", _filled(route, {**values, **_special(route, world)})))
    return found


def _of_an_incident(route: str) -> bool:
    return bool(re.match(r"(incidents/<int:pk>|api/v1/incidents/<(int:)?pk>)/", route))


def _incidents(world: World) -> dict[str, int]:
    own = Incident.objects.order_by("pk").first()
    other = Incident.objects.get(restricted=True)
    assert own is not None
    return {"": own.pk, "(restricted)": other.pk, "(nowhere)": 999_999}


def _filled(route: str, values: Mapping[str, Any]) -> str:
    return "/" + _PARAMETER.sub(lambda match: str(values[match[1]]), route)


def _values(world: World) -> dict[str, Any]:
    page = Incident.objects.order_by("pk")[0].pages.get()
    return {
        "token": page_url(page.link_nonce).rstrip("/").rsplit("/", 1)[1],
        "kind": "alertmanager",
        "key": "unknown",
        "verb": "acknowledge",
        "event": TimelineEvent.objects.filter(incident=Incident.objects.order_by("pk")[0]).values_list("pk", flat=True)[
            0
        ],
        "by": "stage",
        "link": IncidentLink.objects.values_list("pk", flat=True)[0],
        "number": Checkpoint.objects.values_list("pk", flat=True)[0],
        "slug": "payments",
        "role": "commander",
        "task": Task.objects.values_list("pk", flat=True)[0],
        "case": VendorCase.objects.values_list("pk", flat=True)[0],
        "vendor": "acme",
        "document": "restart",
        "do": "finish",
        "step": "closed",
        "part": "apply",
        "form": "markdown",
        "book": "routing",
        "version": 0,
        "app_label": "oncall",
        "content_type_id": 1,
        "object_id": 1,
        "url": "nowhere",
        "uidb36": "1",
        "provider_id": "oidc",
        "format": ".json",
        "1": 1,
        "2": 1,
    }


_SLUGS = {
    "calendars": "office",
    "destinations": "ops",
    "services": "payments-gateway",
    "policies": "critical-payments",
    "role-map": "critical-payments",
    "schedules": "payments",
    "categories": "security",
    "customers": "northwind",
    "vendors": "acme",
    "documents": "restart",
    "plan-templates": "outage",
}


_ROWS: dict[str, type[Any]] = {
    "oncall/overrides/<int:pk>/": Override,
    "oncall/absences/<int:pk>/": Absence,
    "oncall/swaps/<int:pk>/": Swap,
    "oncall/handoffs/<int:pk>/": Handoff,
    "oncall/handoffs/notes/<int:pk>/": HandoffNote,
    "oncall/calendars/feeds/<int:pk>/": CalendarFeed,
    "oncall/calendars/read/<int:pk>/": CalendarSource,
    "api/v1/checkpoints/<pk>/": Checkpoint,
    "api/v1/overrides/<pk>/": Override,
    "api/v1/absences/<pk>/": Absence,
    "api/v1/swaps/<pk>/": Swap,
    "api/v1/handoffs/<pk>/": Handoff,
    "api/v1/calendar-feeds/<pk>/": CalendarFeed,
    "policies/reviews/<int:pk>/": PolicyReview,
    "api/v1/policies/reviews/<pk>/": PolicyReview,
    "operations/runs/<int:pk>/": EscalationRun,
    "incidents/views/<int:pk>/": SavedView,
    "reports/boards/<int:pk>/": Dashboard,
    "incidents/workload/<int:pk>/": User,
    "api/v1/saved-views/<pk>/": SavedView,
    "incidents/attachments/<int:pk>/": Attachment,
    "api/v1/attachments/<pk>/": Attachment,
    "incidents/complaints/<int:pk>/": Complaint,
    "reports/exports/regular/<int:pk>/": ExportSchedule,
    "reports/exports/files/<int:pk>/": ExportFile,
    "reports/digests/<int:pk>/": Digest,
    "api/v1/exports/<pk>/": ExportFile,
    "api/v1/regular-exports/<pk>/": ExportSchedule,
    "api/v1/digests/<pk>/": Digest,
    "api/v1/dashboards/<pk>/": Dashboard,
    "api/v1/complaints/<pk>/": Complaint,
    "accounts/chat/<int:pk>/": ChatAccount,
    "audit/incidents/<int:pk>/": Incident,
    "audit/packs/<int:pk>/": AuditPack,
    "audit/versions/": Incident,
    "audit/views/<int:pk>/": LedgerView,
}
"""By the beginning of the route: whose row it is about."""
_FEED = "crawl-feed"


def _special(route: str, world: World) -> dict[str, Any]:
    """Values that mean something else on this route than elsewhere."""
    if match := re.match(r"admin/(\w+)/(\w+)/", route):
        return _admin_row(*match.groups())
    for start, model in _ROWS.items():
        if route.startswith(start):
            pk = model.objects.order_by("pk").values_list("pk", flat=True).first()
            assert pk is not None, f"{route}: the world has no {model.__name__}"
            return {"pk": pk, "verb": "cancel", "name": "incident"}
    if route.startswith(("reports/tabs/", "reports/by/")):
        return {"tab": "speed", "dimension": "service"}
    if route.startswith("incidents/export/"):
        return {"kind": "csv"}
    if route.startswith("policies/tools/rules/held/"):
        return {"key": "vip"}
    if route.startswith("calendar/"):
        return {"token": cache.get(_FEED)}
    if route.startswith("oncall/swaps/answer/"):
        return {"token": ask_link(SwapAsk.objects.get()).rstrip("/").rsplit("/", 1)[1], "verb": "refuse"}
    if route.startswith(("incidents/form/fields/", "api/v1/custom-fields/")):
        return {"key": "loss"}
    if route.startswith(("incidents/workflow/stages/", "api/v1/stages/")):
        return {"key": "triage"}
    if "<slug:slug>" in route or "<slug>" in route:
        return {"slug": next((slug for part, slug in _SLUGS.items() if f"{part}/" in route), "payments")}
    if route == "accounts/chat/<str:token>/":
        return {"token": claim_sign(host="chat.example", account="new", handle="new", at=world.now)}
    if route.startswith("accounts/tokens/"):
        return {"pk": world.cast.hugo.api_tokens.get().pk}
    if route.startswith(("audit/", "api/v1/ledger/")):
        return {"pk": LedgerEntry.objects.order_by("pk").values_list("pk", flat=True)[0]}
    # No row by luck: the numbers a test's rows get depend on the tests before it.
    return {}


def _admin_row(app: str, name: str) -> dict[str, Any]:
    """A row of the model this page of the admin is about, and a state of its history."""
    for model in admin.site._registry:
        if (model._meta.app_label, model._meta.model_name) == (app, name):
            row: Any = model._base_manager.order_by("pk").first()
            pk = row.pk if row is not None else 0
            history = getattr(row, "history", None)
            earlier = history.order_by("pk").first() if history is not None else None
            return {"object_id": pk, "id": pk, "1": pk, "2": earlier.pk if earlier else 0}
    return {}


# --- the crawl


def populate(world: World) -> None:
    """One of everything: an alert that pages Marta, a restricted incident of another team, an override, a token."""
    world.alert()
    world.settle()
    world.expect_page("marta")
    cast = world.cast
    asked(world, world.incident, cast.jonas, action=SEVERITY, data={"severity": 4})
    world.settle()
    world.expect_notice("jonas")
    gateway = cast.gateway
    secret = type(gateway).objects.create(name="Vault", slug="vault", team=cast.platform)
    incident_open(
        title="Keys leaked", summary="", severity=1, service=secret, reporter=cast.nils, at=world.now, restricted=True
    )
    override_create(
        schedule=cast.schedule,
        user=cast.jonas,
        start=world.now + timedelta(days=1),
        end=world.now + timedelta(days=2),
        actor=cast.jonas,
        at=world.now,
    )
    token_create(owner=cast.hugo, name="script", actor=cast.hugo, at=world.now)
    Destination.objects.create(
        name="Operations", slug="ops", kind="chat", host="hooks.example", address_sealed="sealed"
    )
    ChatAccount.objects.create(
        user=cast.hugo, host="chat.example", account="of-hugo", handle="hugo", linked_at=world.now
    )
    due = {"send_at": time(8), "next_due_at": world.now + timedelta(hours=6)}
    Digest.objects.create(kind="standup", team=cast.payments, **due)
    ExportSchedule.objects.create(owner=cast.elena, name="Weekly", source="report", created_at=world.now, **due)
    ExportFile.objects.create(owner=cast.elena, name="Weekly", source="report", format="csv", asked_at=world.now)
    _plan(world)


def _plan(world: World) -> None:
    """What people plan around a schedule, mostly Jonas's: an absence, a swap Marta is asked for, a handoff to him, a feed."""
    cast, now, later = world.cast, world.now + timedelta(days=3), world.now + timedelta(days=4)
    made = {"created_at": world.now}
    Skill.objects.create(name="PostgreSQL", slug="postgresql")
    Absence.objects.create(user=cast.jonas, start=now, end=later, state=Absence.State.PENDING, **made)
    swap = Swap.objects.create(
        schedule=cast.schedule, role="secondary", requester=cast.jonas, start=now, end=later, expires_at=now, **made
    )
    SwapAsk.objects.create(swap=swap, user=cast.marta, asked_at=world.now)
    Handoff.objects.create(
        schedule=cast.schedule, role="secondary", at=world.now, outgoing=cast.marta, incoming=cast.jonas, **made
    )
    HandoffNote.objects.create(schedule=cast.schedule, author=cast.jonas, text="Quiet night.", watch=True, **made)
    GapAcceptance.objects.create(
        schedule=cast.schedule, role="primary", start=now, end=later, accepted_by=cast.elena, accepted_at=world.now
    )
    DutyClock.objects.create(schedule=cast.schedule, checked_until=world.now)
    CalendarSource.objects.create(user=cast.jonas, created_by=cast.jonas, **made)
    _feed, plain = feed_create(owner=cast.jonas, schedule=None, actor=cast.jonas, at=world.now)
    cache.set(_FEED, plain)
    hours = [{"days": ["mon", "tue", "wed", "thu", "fri"], "start": "09:00", "end": "18:00"}]
    WorkCalendar.objects.create(name="Office", slug="office", zone="Europe/Rome", windows=hours)
    Guideline.objects.create(policy=cast.policy, title="How to declare", url="https://docs.brightquay.example/")
    review_open(policy=cast.policy, cause=PolicyReview.Cause.BY_HAND, actor=cast.elena, at=world.now)
    findings_check(at=world.now)
    _house(world)
    _form(world)
    _work(world)
    _waiting(world)
    # Kept figures are counted on by whoever asks for them, where the task of each minute has not been there yet.
    figures_follow_all(at=world.now)


def _form(world: World) -> None:
    """What the house asks besides, and a review of Marta's incident."""
    Category.objects.create(name="Security", slug="security")
    Customer.objects.create(name="Northwind", slug="northwind")
    CustomField.objects.create(key="loss", label="Loss per hour", kind=CustomField.Kind.NUMBER)
    made = {"created_at": world.now, "edited_at": world.now}
    Review.objects.create(
        incident=Incident.objects.earliest("pk"), author=world.cast.marta, root_cause="A full disk", **made
    )


def _waiting(world: World) -> None:
    """What people add to Marta's incident who only wait for its end: a file that is not for requesters, a complaint."""
    number = Incident.objects.earliest("pk").pk
    given: dict[str, Any] = {"incident_id": number, "actor": world.cast.jonas, "at": world.now}
    attachment_add(upload=ContentFile(b"Out of memory", name="boot.log"), **given)
    complaint_log(text="We lose money.", complainant="Northwind", **given)


def _work(world: World) -> None:
    """The work on Marta's incident: a task, a plan, a vendor that was called and one that was not, a document."""
    incident, now = Incident.objects.earliest("pk"), world.now
    made = {"incident": incident, "created_at": now}
    first = Task.objects.create(title="Restart it", **made)
    TaskWait.objects.create(task=Task.objects.create(title="Look again", **made), waits_on=first)
    Objective.objects.create(text="Payments work again", **made)
    ActionPlan.objects.create(edited_at=now, sections=[{"title": "Known", "text": "Nothing."}], **made)
    commander = ResponseRole.objects.get(key="commander")
    RoleHolder.objects.create(incident=incident, role=commander, user=world.cast.jonas, since=now)
    RoleDuty.objects.create(role=ResponseRole.objects.get(key="scribe"), user=world.cast.jonas)
    TimeEntry.objects.create(incident=incident, user=world.cast.jonas, minutes=5, at=now)
    for name in ("Acme", "Cardlink"):
        Vendor.objects.create(name=name, slug=name.lower()).services.add(incident.service)
    cardlink = Vendor.objects.get(slug="cardlink")
    VendorCase.objects.create(incident=incident, vendor=cardlink, opened_at=now, due_at=now)
    Document.objects.create(title="Restart the gateway", slug="restart", text="Turn it off.")


def _house(world: World) -> None:
    """What holds for the whole house, and what it noticed of itself."""
    incident, now = Incident.objects.earliest("pk"), world.now
    vip: dict[str, Any] = {"key": "vip", "name": "VIP", "when": {"fact": "vip"}, "then": {"problem": True}}
    rules = {"rules": [vip], "otherwise": {"timers_percent": 50}}
    version = book_publish(shape=ROUTING, definition=rules, author=world.cast.elena, at=now)
    RoutingDecision.objects.create(incident=incident, at=now, book_version=version, decision={})
    SavedView.objects.create(owner=world.cast.marta, name="Mine", query="whose=mine", created_at=now)
    Dashboard.objects.create(owner=world.cast.elena, name="Nights", created_at=now)
    AuditPack.objects.create(asked_by=world.cast.amara, asked_at=now, incident=incident)
    LedgerView.objects.create(owner=world.cast.amara, name="Pages", query="action=page.", created_at=now)
    secret = Incident.objects.get(restricted=True)
    IncidentLink.objects.create(source=incident, target=secret, kind=IncidentLink.Kind.RELATED, at=now)
    RespondingTeam.objects.create(incident=incident, team=world.cast.platform, joined_at=now)
    Alarm.objects.create(code="engine_silent", data={"seconds": 90}, opened_at=now)


def crawl(world: World) -> list[Answers]:
    """Ask every address of a populated world as everybody, each request undone afterwards."""
    clients = [_browser(world, username) for username in PEOPLE]
    known = LedgerEntry.objects.order_by("-pk").values_list("pk", flat=True)[0]
    with _listed_once():
        return [_ask(address, clients, known) for address in addresses(world)]


@contextmanager
def _listed_once() -> Iterator[None]:
    """The administration lists all its models beside each of its pages, and took half of each request for it."""
    made: dict[tuple[Any, str | None], Any] = {}
    site: Any = admin.site
    list_models = site.get_app_list

    def listed(request: Any, app_label: str | None = None) -> Any:
        key = (request.user.pk, app_label)
        if key not in made:
            made[key] = list_models(request, app_label)
        return deepcopy(made[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(site, "get_app_list", listed)
        yield


def _browser(world: World, username: str) -> Client:
    client = Client(raise_request_exception=False, REMOTE_ADDR=ELSEWHERE)
    if username:
        client.force_login(world.cast.people[username], backend=BACKEND)
    return client


def _ask(address: Address, clients: Sequence[Client], known: int) -> Answers:
    answers = Answers(address)
    for method in METHODS:
        answers.got[method] = []
        for role, client in zip(ROLES, clients, strict=True):
            cell, wrote = _one(client, method, address.path, known)
            answers.got[method].append(cell)
            if cell.startswith("5") and "readyz" not in address.path:
                answers.wrong.append(f"{method} {address.label} as {role}: {cell}")
            if method == "GET" and wrote:
                answers.wrong.append(f"GET {address.label} as {role} writes: {wrote[0][:160]}")
    return answers


def _one(client: Client, method: str, path: str, known: int) -> tuple[str, list[str]]:
    """What is answered, and what was written. A session that the request ends or changes is put back."""
    cache.clear()
    cookies = deepcopy(client.cookies)
    statements = Statements()
    with transaction.atomic():
        with connection.execute_wrapper(statements):
            response: Any = client.generic(method, path)
            if isinstance(response, StreamingHttpResponse):
                b"".join(response)
        # PostgreSQL takes entries by COPY, which is no statement.
        entered = connection.vendor != "sqlite" or any(ENTRY in one for one in statements)
        entries = list(LedgerEntry.objects.filter(pk__gt=known).exclude(action__in=READ)) if entered else []
        transaction.set_rollback(True)
    client.cookies = cookies
    wrote = [one for one in statements if WRITES.match(one) and not any(own in one for own in (ENTRY, *OWN_MEMORY))]
    return _cell(response), [*wrote, *(f"entered {entry.action}" for entry in entries)]


class Statements(list[str]):
    """What a request asks of the database, without values: SQLite answers a question of its own to say what they were."""

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        self.append(sql)
        return execute(sql, params, many, context)


def _cell(response: Any) -> str:
    location = response.headers.get("Location", "")
    if response.status_code in (301, 302, 303) and "/accounts/login/" in location.split("?")[0]:
        return "sign-in"
    return str(response.status_code)


def table(answers: Sequence[Answers]) -> str:
    lines = [text for one in sorted(answers, key=lambda one: one.address.label) for text in one.lines()]
    return "\n".join([NOTE, head(), *lines]) + "\n"


NOTE = """\
# What every address answers to everybody: status, or "sign-in" where it leads to the sign-in page.
# Written by `python -m tests.site.crawl --write`. Read every line that changes: deny unless somebody is meant to enter.
# POST has an empty body: 400 and 422 mean "let in, but nothing was said"; 303 and 302 that it was done."""


def main() -> int:
    if "--write" not in sys.argv:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    os.environ["CRAWL_WRITE"] = "1"
    return int(pytest.main([str(Path(__file__).with_name("test_crawl.py")), "-q", "-p", "no:cacheprovider"]))


if __name__ == "__main__":
    sys.exit(main())

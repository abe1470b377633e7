"""The incidents that are open when the demo is looked at: each state a person may meet, as in the design's list."""

from dataclasses import dataclass
from datetime import timedelta

from escalation_site.demo.author import Author
from escalation_site.demo.case import Case
from escalation_site.demo.recording import seconds
from escalation_site.demo.vocabulary import COMMENTS, Trouble
from incidents.intake.values import AlertValue
from incidents.models import Page
from incidents.services.intake import News

MINUTE = 60.0
HOUR = 60 * MINUTE


@dataclass(frozen=True, slots=True)
class Open:
    """One open incident. ``age`` is in seconds before the end; ``filed_by`` names whoever filed it, empty for a
    monitor.

    ``taken_after`` is when somebody answered, in seconds from its start, None when nobody has; ``snoozed`` for how
    long it is put aside, in seconds from the end; ``alerts`` how often the monitor said it.
    """

    service: str
    title: str
    severity: int
    age: float
    filed_by: str = ""
    taken_after: float | None = None
    stage: str = ""
    mitigated: bool = False
    snoozed: float = 0
    alerts: int = 1


PRESENT: tuple[Open, ...] = (
    Open("status-page", "Old status page links to a retired domain", 5, 26 * HOUR, "luca", taken_after=40 * MINUTE),
    Open("back-office", "Monthly VAT export needs a second run", 4, 16 * HOUR, "luca", taken_after=35 * MINUTE),
    Open(
        "gift-cards",
        "Gift card balance lookups time out at peak",
        3,
        12 * HOUR,
        taken_after=150,
        stage="investigating",
        alerts=9,
        mitigated=True,
    ),
    Open("warehouse", "Printer queue in the Rotterdam hub drops labels", 4, 11 * HOUR, "sofie", taken_after=420),
    Open(
        "partner-gateway",
        "Certificate for partner gateway ends in 6 days",
        3,
        9 * HOUR,
        taken_after=200,
        snoozed=30 * HOUR,
    ),
    Open(
        "fraud-screening",
        "Fraud score missing on 2% of orders",
        3,
        4 * HOUR,
        taken_after=380,
        stage="investigating",
        alerts=4,
    ),
    Open(
        "shipping-labels",
        "Carrier API answers 503 for parcel labels",
        2,
        3 * HOUR,
        "davide",
        taken_after=240,
        stage="investigating",
    ),
    Open(
        "orders-database",
        "Failover of the Milan data hall left two shards read-only",
        1,
        2.6 * HOUR,
        taken_after=70,
        stage="mitigating",
        alerts=31,
    ),
    Open(
        "refunds",
        "Refunds stuck in “pending” since release 2026.11.3",
        2,
        35 * MINUTE,
        "femke",
        taken_after=190,
        stage="investigating",
    ),
    Open("returns", "Reports page slow for the warehouse in Turin", 4, 2 * HOUR, "luca"),
    Open("chargebacks", "Evidence upload fails for large files", 4, 3.2 * HOUR, "davide"),
    Open("sign-in", "Sign-in codes delayed by SMS provider", 3, 13 * MINUTE, alerts=214),
    Open("orders-replica-americas", "Replica lag over 90 s on orders-db-2", 2, 8 * MINUTE),
    Open("payments-gateway", "Card payments failing at checkout, 38% declined", 1, 6 * MINUTE, alerts=42),
    Open("merchant-webhooks", "Webhook retries rising for three merchants", 3, 2 * MINUTE, alerts=7),
)

_TROUBLE = Trouble("Reported", "", 0, "")


def present_write(author: Author) -> None:
    """Add the open incidents; nothing of them happens after ``author.until``."""
    for one in sorted(PRESENT, key=lambda one: -one.age):
        _write(author, one)


def _write(author: Author, one: Open) -> Case:
    case, now = author.case(), author.until
    at = now - seconds(one.age)
    service = author.directory.services[one.service]
    if one.filed_by:
        author.person_files(case, service, one.severity, at, title=one.title, by=one.filed_by)
    else:
        author.monitor_alerts(case, service, _TROUBLE, one.severity, at, title=one.title)
    if one.taken_after is not None:
        _taken(author, case, one)
    case.time_passes(now)
    _alerts(case, one, author)
    return case


def _taken(author: Author, case: Case, one: Open) -> None:
    """Somebody answered, and has worked on it since."""
    at = case.incident.started_at + seconds(one.taken_after or 0)
    case.time_passes(at)
    page = next(page for page in reversed(case.pages) if page.state == Page.State.DELIVERED)
    actor = author.directory.people[page.recipient_id]
    case.acknowledged(actor, max(at, case.journal[-1].at + timedelta(seconds=5)), page)
    left = (author.until - case.journal[-1].at).total_seconds()
    last = "snoozed" if one.snoozed else "comment"
    for done in ("comment", one.stage, "mitigated" if one.mitigated else "", last):
        then = case.journal[-1].at + seconds(left * 0.15)
        case.time_passes(then)
        then = max(then, case.journal[-1].at + timedelta(seconds=1))
        if done == "comment":
            case.commented(actor, then, author.chance.choice(COMMENTS))
        elif done == "mitigated":
            case.mitigated(actor, then)
        elif done == "snoozed":
            case.snoozed(actor, then, author.until + seconds(one.snoozed))
        elif done:
            case.moved(actor, then, done)


def _alerts(case: Case, one: Open, author: Author) -> None:
    if case.alert is None or one.alerts < 2:
        return
    at = max(case.journal[-1].at + timedelta(seconds=1), author.until - timedelta(seconds=20))
    value = AlertValue(action="trigger", dedup_key=case.alert.dedup_key, summary=case.alert.summary)
    case.repeated(min(at, author.until), News("trigger", case.alert.integration, value, at, one.alerts - 1))

"""What goes wrong at Brightquay, and what people write about it.

Examples are data: they are English and not translated.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that goes wrong: the alert's name, its title (``{n}`` is a figure, ``{service}`` the service), how it
    is worse (-1) or milder (+1) than the service's usual severity, and what it turned out to be."""

    alert: str
    title: str
    shift: int
    cause: str


TROUBLES: dict[str, tuple[Trouble, ...]] = {
    "payments": (
        Trouble(
            "PaymentErrorRateHigh",
            "{service}: {n}% of requests declined",
            -1,
            "A release changed the retry settings. Rolled back.",
        ),
        Trouble(
            "AcquirerPoolExhausted",
            "{service}: pool to the second acquirer saturated",
            0,
            "Pool raised from 200 to 400 connections.",
        ),
        Trouble(
            "QueueAgeHigh",
            "{service}: oldest entry waits {n} min",
            0,
            "A consumer hung on one message. Restarted; the message set aside.",
        ),
        Trouble(
            "PartnerFileMissing",
            "{service}: partner file missing from Nordbanken",
            1,
            "The bank sent it late; loaded by hand.",
        ),
        Trouble(
            "LatencyHigh", "{service}: p95 latency {n}00 ms", 0, "A missing index after the last migration. Added."
        ),
        Trouble(
            "CertificateExpiresSoon",
            "{service}: certificate ends in {n} days",
            1,
            "Renewed; the reminder now comes a month ahead.",
        ),
    ),
    "fraud": (
        Trouble(
            "ScoreMissing",
            "{service}: score missing on {n}% of orders",
            0,
            "The model server ran out of memory. Limits raised.",
        ),
        Trouble(
            "RuleTimeout",
            "{service}: rules take longer than {n}00 ms",
            1,
            "One rule read the whole history. Rewritten.",
        ),
        Trouble(
            "ReviewQueueLong",
            "{service}: {n}0 orders wait for review",
            1,
            "Two reviewers were away. Others stepped in.",
        ),
    ),
    "storefront": (
        Trouble(
            "ErrorRateHigh",
            "{service}: {n}% of pages fail",
            -1,
            "A feature flag was switched on too widely. Switched off.",
        ),
        Trouble(
            "LatencyHigh",
            "{service}: pages take {n} s",
            0,
            "The cache was cold after a restart. Warmed; restarts are now staggered.",
        ),
        Trouble(
            "BasketLost", "{service}: baskets lose their last item", 0, "A race between two tabs. Fixed and released."
        ),
        Trouble("ImagesMissing", "{service}: product pictures missing", 1, "The image host blocked us. Limits agreed."),
        Trouble(
            "ProviderDelayed",
            "{service}: provider delays messages by {n} min",
            0,
            "The provider recovered. Traffic moved meanwhile.",
        ),
    ),
    "platform": (
        Trouble(
            "NodeNotReady", "{service}: {n} nodes not ready", 0, "A kernel update hung. Nodes drained and rebooted."
        ),
        Trouble(
            "ErrorBudgetBurn",
            "{service}: error budget burns {n} times too fast",
            -1,
            "One bad route after a change. Reverted.",
        ),
        Trouble("DiskAlmostFull", "{service}: disk {n}0% full", 1, "Old logs were never removed. Rotation mended."),
        Trouble("CertificateExpiresSoon", "{service}: certificate ends in {n} days", 1, "Renewed."),
        Trouble(
            "MemoryPressure", "{service}: memory above {n}0%", 0, "A leak in the sidecar. Pinned to the version before."
        ),
        Trouble(
            "PacketLoss",
            "{service}: {n}% packet loss between regions",
            -1,
            "The carrier rerouted. Ticket closed by them.",
        ),
    ),
    "database": (
        Trouble(
            "ReplicaLag",
            "Replica lag over {n}0 s on {service}",
            0,
            "A report held a long transaction. Cancelled, moved to the night.",
        ),
        Trouble(
            "ConnectionsHigh",
            "{service}: {n}0% of connections in use",
            0,
            "A client leaked connections. Deployed its fix.",
        ),
        Trouble(
            "ReadOnly",
            "{service}: shards read-only after failover",
            -1,
            "Failover stopped half way. Finished by hand; runbook corrected.",
        ),
        Trouble(
            "BackupLate", "{service}: last backup {n} h old", 1, "The backup host was full. Old snapshots removed."
        ),
        Trouble(
            "SlowQueries",
            "{service}: {n}0 slow queries a minute",
            1,
            "Statistics were stale after the import. Analysed.",
        ),
    ),
    "logistics": (
        Trouble(
            "CarrierUnavailable",
            "{service}: carrier API answers 503",
            0,
            "The carrier recovered. Labels printed again in order.",
        ),
        Trouble(
            "LabelQueueLong",
            "{service}: {n}0 labels wait in the Rotterdam hub",
            0,
            "A printer queue was stuck. Cleared.",
        ),
        Trouble(
            "StockMismatch", "{service}: stock differs for {n} articles", 1, "A count was booked twice. Corrected."
        ),
        Trouble(
            "ScannerOffline",
            "{service}: {n} scanners offline in Turin",
            1,
            "The access point lost its power. Replaced.",
        ),
    ),
    "customer-support": (
        Trouble(
            "ChatUnavailable",
            "{service}: visitors cannot start a chat",
            0,
            "The provider had an outage; form offered instead.",
        ),
        Trouble("ArticlesOutdated", "{service}: {n} articles show old prices", 1, "Published again."),
        Trouble(
            "MailDelayed", "{service}: answers leave {n} min late", 1, "The mail queue was stuck behind a large file."
        ),
    ),
}
"""By the team that owns the service."""

FILED: tuple[tuple[str, str], ...] = (
    ("Customers call about {service}", "Several callers in the last half hour, all with the same complaint."),
    ("{service} shows wrong figures", "The totals do not match the list below them."),
    ("{service} is slow in Turin", "Pages take more than ten seconds since this morning. Rotterdam is fine."),
    ("{service}: a partner cannot get in", "The partner gets “access denied” since the change of yesterday."),
    ("{service} stopped sending confirmations", "No confirmation has arrived since about nine."),
    ("{service}: export fails", "The export ends with an error after two minutes."),
)

CATEGORY_OF = ("outage", "wrong-figures", "slowness", "access", "outage", "wrong-figures")
"""The category of each of `FILED`, in their order."""
CUSTOMERS = ("northwind", "lagoon-hotels", "", "", "")
"""Whom what is filed hits, in turn; most of it hits everybody."""

COMMENTS: tuple[str, ...] = (
    "Looking at it.",
    "Errors start right after the last deploy. Comparing with the one before.",
    "Same graph as last month; checking the runbook.",
    "It is not the network: both regions see it.",
    "Rolled back on one node, watching for five minutes.",
    "Numbers are going down. Not calling it yet.",
    "Told the support desk what to say.",
    "The vendor has a ticket; they see it too.",
    "Restarted the consumer; the queue drains slowly.",
    "Back to normal for ten minutes. Waiting for the next peak.",
)

REASONS: tuple[str, ...] = (
    "I need somebody who knows this database.",
    "Customers are affected and I cannot reach the vendor.",
    "This needs a decision about the release.",
    "I am on another incident.",
)

MISSING: tuple[str, ...] = (
    "Nothing about the certificate that is renewed on Thursday.",
    "The runbook named in the note has moved; I found it after a search.",
    "That the vendor had opened a ticket I only heard from the vendor.",
    "Which of the two replicas was taken out, and until when.",
)
"""What somebody who came on call had to find out."""


@dataclass(frozen=True, slots=True)
class Left:
    """A note for whoever is on call next: ``hours`` before the end, ticked off ``done_after`` hours, 0 for not at all."""

    schedule: str
    hours: float
    text: str
    watch: bool = False
    done_after: float = 0


NOTES: tuple[Left, ...] = (
    Left("payments-first", 290, "The second acquirer is slow on Fridays after ten at night; it has always come back."),
    Left(
        "payments-first", 170, "Declines of issuer group 7 creep up after midnight. Look at them twice a night.", True
    ),
    Left("payments-first", 96, "Certificate of the settlement gateway ends soon; the new one is ordered.", True, 60),
    Left(
        "payments-first", 26, "Release 2026.11.3 changed the refund queue. If refunds wait, restart the consumer first."
    ),
    Left("payments-second", 120, "The vendor answers on the partner line only until eight in the evening.", True),
    Left("platform-follow-the-sun", 60, "Cluster eu-north-1 runs one node short until the new one is racked.", True),
    Left("platform-follow-the-sun", 9, "Sign-in codes: the provider has a ticket. They promise news every hour."),
    Left("database-first", 200, "Two shards of the orders database share a host until the move on Saturday.", True),
    Left("database-first", 30, "The nightly backup takes an hour longer since Tuesday. It ends well."),
    Left("storefront-first", 80, "The winter campaign starts Monday at six; caches are warmed by hand before.", True),
    Left("logistics-shifts", 36, "Scanners in Turin need the second access point; the first loses power in the rain."),
    Left("managers-on-duty", 140, "The board wants one line on any SEV-1 before breakfast.", True),
)
"""What people left for whoever came next."""

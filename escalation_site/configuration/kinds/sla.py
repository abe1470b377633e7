"""SLA targets: by when an incident is to be acknowledged and resolved."""

from escalation_site.configuration.books import BookKind
from policies.book_pages.shelf import BOOKS


class SlaTargets(BookKind):
    section = "sla"
    help = "SLA targets, in order: the first that fits an incident holds. A change is a new version."
    book = BOOKS["sla"]


KIND = SlaTargets()

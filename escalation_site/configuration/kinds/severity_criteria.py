"""Severity criteria: the questions from whose answers a severity is proposed."""

from escalation_site.configuration.books import BookKind
from policies.book_pages.shelf import BOOKS


class SeverityCriteria(BookKind):
    section = "severity_criteria"
    help = "Severity criteria, all of them in their order. A change is a new version."
    book = BOOKS["criteria"]


KIND = SeverityCriteria()

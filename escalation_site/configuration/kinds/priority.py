"""The priority matrix: what is worked on first."""

from escalation_site.configuration.books import BookKind
from policies.book_pages.shelf import BOOKS


class PriorityMatrix(BookKind):
    section = "priority"
    help = "The priority matrix, and how priority rises as an SLA's time runs down."
    book = BOOKS["priority"]


KIND = PriorityMatrix()

"""Channel criteria: by which kinds of contact method people are paged for which incident."""

from escalation_site.configuration.books import BookKind
from policies.book_pages.shelf import BOOKS


class ChannelCriteria(BookKind):
    section = "channels"
    help = "Channel criteria, all rules in their order. A change is a new version."
    book = BOOKS["channels"]
    after = ("services", "categories", "customers", "custom_fields")


KIND = ChannelCriteria()

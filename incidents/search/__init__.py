"""Full-text search over incidents: what is typed becomes words (pure), words become a query of the database at hand.

The index is a table of the database (`schema`), kept in step by triggers, so that no way of writing can forget it.
"""

from incidents.search.lookup import among, matching, matching_now, newest, newest_among, rank, spelled
from incidents.search.words import Wanted, wanted

__all__ = ["Wanted", "among", "matching", "matching_now", "newest", "newest_among", "rank", "spelled", "wanted"]

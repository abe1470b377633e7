"""The house's own facts (custom fields) in the vocabulary of conditions, kept in step with the rows they come from.

The vocabulary is a value that every reader of conditions has by default. The house's own facts are handed to it at the moments
when books of rules are read or conditions are written, so that a field made a second ago is offered and understood by the next
reader, in every process. Whether they changed costs no query where a book is read: the stamp of the rows comes along with it.
"""

from __future__ import annotations

from django.db.models.expressions import Combinable

from policies import ports
from policies.conditions import VOCABULARY

_NOTHING_READ = object()


def stamp_expression() -> Combinable:
    """What tells one state of the house's own facts from another, as a part of some other query."""
    return ports.own_facts_stamp()


def own_facts_take(stamp: object) -> None:
    """Speak of the house's own facts as they are at ``stamp``: one query where this process knows another state of them."""
    if stamp != VOCABULARY.stamp:
        VOCABULARY.declare(ports.own_facts(), stamp=stamp)


def own_facts_follow() -> None:
    """The same where no book is read: one small query, and a second one where something changed."""
    own_facts_take(ports.own_facts_state())


def own_facts_forget() -> None:
    """This process changed them: the next reader looks anew, whatever the stamp says."""
    VOCABULARY.declare((), stamp=_NOTHING_READ)

"""What the words of an escalation mean, as pages say it (R140, R141)."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _


@dataclass(frozen=True, slots=True)
class Term:
    key: str
    word: str
    means: str


def glossary() -> tuple[Term, ...]:
    """In the active language, in the order in which an incident meets them."""
    return (
        Term(
            "ack_timeout",
            _("Acknowledgement timeout"),
            _(
                "The time the people of a level have to confirm that they saw the alert. Then the next level is told. "
                "Acknowledging does not stop the resolution timeout."
            ),
        ),
        Term(
            "resolve_timeout",
            _("Resolution timeout"),
            _(
                "The time to resolve or mitigate the incident before the next escalation. It runs on although somebody "
                "has acknowledged."
            ),
        ),
        Term(
            "acknowledge",
            _("Acknowledge"),
            _("To say “I have seen it, and I have it”: nobody else is paged until the resolution timeout ends."),
        ),
        Term(
            "mitigate",
            _("Mitigate"),
            _("To take the harm off those who are affected, although the cause is still there."),
        ),
        Term(
            "exhausted",
            _("Exhausted"),
            _("Everybody on the path was called and nobody answered: it is listed, and the catch-all was told."),
        ),
    )


def meaning(key: str) -> str:
    """What the term of that key means; "" where there is none."""
    return next((term.means for term in glossary() if term.key == key), "")

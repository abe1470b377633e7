"""What the people of a swap are told, each in their own language and on their clock."""

from collections.abc import Callable, Iterable
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from oncall import ports
from oncall.models import Swap, SwapAsk, User
from oncall.swap_links import ask_link
from oncall.telling import distinct, duty_words, note_to, span_words

Text = tuple[str, str]


def facts(swap: Swap, *, at: datetime) -> dict[str, str]:
    """Names and times for the sentences, on the clock in force."""
    back = swap.return_start and swap.return_end and span_words(swap.return_start, swap.return_end, at=at)
    return {
        "name": swap.requester.name,
        "taker": swap.accepted_by.name if swap.accepted_by else "",
        "decider": swap.decided_by.name if swap.decided_by else "",
        "duty": duty_words(swap.schedule, swap.role),
        "span": span_words(swap.start, swap.end, at=at),
        "back": back or "",
        "note": swap.note,
    }


def asking(swap: Swap, asks: Iterable[SwapAsk], *, at: datetime, reminder: int = 0) -> list[ports.Note]:
    """The question, with the link on which the person asked answers with one tap."""
    return [
        note_to(
            ask.user,
            lambda: _question(swap, at=at, again=bool(reminder)),
            key=f"swap:{swap.pk}:asked:{reminder}",
            link=ask_link(ask),
            subject_ref=f"schedule:{swap.schedule_id}",
        )
        for ask in asks
    ]


def _question(swap: Swap, *, at: datetime, again: bool) -> Text:
    words = facts(swap, at=at)
    subject = _("Still open: can you take a shift of %(name)s?") if again else _("Can you take a shift of %(name)s?")
    lines = [_("%(name)s asks you to take %(duty)s: %(span)s.") % words]
    if words["back"]:
        lines.append(_("In return %(name)s takes yours: %(back)s.") % words)
    if words["note"]:
        lines.append(_("“%(note)s”") % words)
    lines.append(_("Whoever accepts first gets it. The link opens a page with the answer one tap away."))
    return subject % words, "\n".join(lines)


def settled(swap: Swap, others: Iterable[User], *, at: datetime) -> list[ports.Note]:
    """Done: both parties, and those who were asked and need not answer any more."""

    def parties() -> Text:
        words = facts(swap, at=at)
        lines = [_("%(taker)s takes %(duty)s for %(name)s: %(span)s.") % words]
        if words["back"]:
            lines.append(_("In return %(name)s takes the shift of %(taker)s: %(back)s.") % words)
        return _("The swap is done: %(duty)s") % words, "\n".join(lines)

    def rest() -> Text:
        words = facts(swap, at=at)
        return (
            _("Not needed any more: the shift of %(name)s") % words,
            _("%(taker)s takes %(duty)s: %(span)s. You need do nothing.") % words,
        )

    people = distinct([swap.requester, swap.accepted_by])
    known = {person.pk for person in people}
    return [
        *_to(people, parties, swap, "done"),
        *_to([user for user in distinct(others) if user.pk not in known], rest, swap, "taken"),
    ]


def waiting(swap: Swap, managers: Iterable[User], *, at: datetime, reminder: int = 0) -> list[ports.Note]:
    """Accepted, and a manager's word is needed."""

    def words() -> Text:
        told = facts(swap, at=at)
        return (
            _("A swap waits for your word: %(duty)s") % told,
            _("%(taker)s would take %(duty)s for %(name)s: %(span)s. It counts once a manager approves it.") % told,
        )

    return _to(managers, words, swap, f"waiting:{reminder}", link=reverse("oncall:swap", args=(swap.pk,)))


def accepted_waits(swap: Swap, *, at: datetime) -> list[ports.Note]:
    """To whoever asked: somebody said yes, a manager decides."""

    def words() -> Text:
        told = facts(swap, at=at)
        return (
            _("%(taker)s would take your shift") % told,
            _("%(taker)s has accepted: %(duty)s, %(span)s. A manager decides; until then the shift is yours.") % told,
        )

    return _to([swap.requester], words, swap, "accepted")


def declined_by_manager(swap: Swap, *, at: datetime) -> list[ports.Note]:
    def words() -> Text:
        told = facts(swap, at=at)
        return (
            _("The swap is declined: %(duty)s") % told,
            _("%(decider)s has declined it. %(name)s keeps the shift: %(span)s.") % told,
        )

    return _to(distinct([swap.requester, swap.accepted_by]), words, swap, "declined")


def refused_by_all(swap: Swap, *, at: datetime) -> list[ports.Note]:
    def words() -> Text:
        told = facts(swap, at=at)
        return (
            _("Nobody can take your shift"),
            _("Everybody you asked has declined. The shift is still yours: %(duty)s, %(span)s.") % told,
        )

    return _to([swap.requester], words, swap, "refused")


def expired(swap: Swap, *, at: datetime) -> list[ports.Note]:
    def words() -> Text:
        told = facts(swap, at=at)
        return (
            _("Your request for a swap has expired"),
            _("Nobody took it in time. The shift is still yours: %(duty)s, %(span)s.") % told,
        )

    def taker() -> Text:
        told = facts(swap, at=at)
        return (
            _("The swap has expired"),
            _("No manager decided in time. %(name)s keeps the shift: %(duty)s, %(span)s.") % told,
        )

    notes = _to([swap.requester], taker if swap.accepted_by else words, swap, "expired")
    return [*notes, *(_to([swap.accepted_by], taker, swap, "expired") if swap.accepted_by else [])]


def cancelled(swap: Swap, people: Iterable[User], *, at: datetime) -> list[ports.Note]:
    """To those who were asked and had not said no: the question is withdrawn."""

    def words() -> Text:
        told = facts(swap, at=at)
        return (
            _("Not needed any more: the shift of %(name)s") % told,
            _("%(name)s keeps it: %(duty)s, %(span)s. You need do nothing.") % told,
        )

    return _to(people, words, swap, "cancelled")


def _to(
    people: Iterable[User], words: Callable[[], Text], swap: Swap, what: str, *, link: str = ""
) -> list[ports.Note]:
    return [
        note_to(
            user,
            words,
            key=f"swap:{swap.pk}:{what}",
            link=link or reverse("oncall:swap", args=(swap.pk,)),
            subject_ref=f"schedule:{swap.schedule_id}",
        )
        for user in people
    ]

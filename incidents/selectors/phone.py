"""What the page behind a page's link shows: no sign-in, one incident, one person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from escalation_site.ui.durations import list_of
from incidents.hours import Hours
from incidents.links import UNDO_WINDOW, expired, nonce_read
from incidents.models import EscalationRun, Incident, Page
from incidents.selectors.ladder import run_of
from incidents.selectors.steps import Standing, level_title, next_calls, standing_of
from incidents.selectors.who import people_called
from incidents.timeline_words import why_words
from oncall.models import User
from policies.escalation import ForecastStep, Phase, RunState
from policies.services import version_definition


class Look(StrEnum):
    """Which of its faces the phone page shows."""

    RINGING = "ringing"
    MINE = "mine"
    TAKEN = "taken"
    DECLINED = "declined"
    RESOLVED = "resolved"
    EXPIRED = "expired"
    USED = "used"


@dataclass(frozen=True, slots=True)
class Link:
    """One face of the chain of command: ``phase`` is gone, now or later; ``rings`` is whether it is being called now."""

    phase: str
    name: str
    at: datetime | None
    is_you: bool = False
    rings: bool = False


@dataclass(frozen=True, slots=True)
class PhonePage:
    """Everything the phone page shows. ``undo_until`` is set while the acknowledgement can be taken back by one tap."""

    page: Page
    incident: Incident
    look: Look
    standing: Standing
    level_name: str
    levels: int
    next_at: datetime | None = None
    next_to: str = ""
    others: Sequence[User] = ()
    chain: Sequence[Link] = ()
    undo_until: datetime | None = None

    @property
    def why(self) -> str:
        return why_words(self.page.why)

    @property
    def other_names(self) -> str:
        return list_of([user.name for user in self.others])


def page_behind(token: str) -> Page | None:
    """The page a link was made for, with its incident and recipient; None for a link that is not ours or whose person has left."""
    nonce = nonce_read(token)
    if nonce is None:
        return None
    return (
        Page.objects.select_related(
            "recipient", "incident__service", "incident__team", "incident__owner", "incident__resolved_by"
        )
        .filter(link_nonce=nonce, recipient__is_active=True)
        .first()
    )


def look_of(page: Page, *, at: datetime) -> Look:
    """Which face to show: what has become of the incident first, then of the link."""
    incident = page.incident
    if incident.state == Incident.State.RESOLVED:
        return Look.RESOLVED
    if incident.state == Incident.State.ACKNOWLEDGED and not _is_awaited(page):
        return Look.MINE if incident.owner_id == page.recipient_id else Look.TAKEN
    if expired(page.created_at, at=at):
        return Look.EXPIRED
    if page.declined_at is not None:
        return Look.DECLINED
    return Look.USED if page.link_used_at is not None else Look.RINGING


def _is_awaited(page: Page) -> bool:
    """Whether the level in force wants everybody's answer and still waits for this person's."""
    if page.answered_at is not None:
        return False
    run = run_of(page.incident)
    state = RunState.from_json(run.state) if run and run.pk == page.run_id else None
    if state is None or state.phase is not Phase.PAGING or (state.level, state.cycle) != (page.level, page.cycle):
        return False
    return page.recipient_id in state.paged and page.recipient_id not in state.answered


def phone_page(page: Page, *, at: datetime) -> PhonePage:
    """What to show for ``page`` at ``at``: its run, the pages beside it and whoever is next."""
    incident, look = page.incident, look_of(page, at=at)
    run = run_of(incident)
    hours = Hours()
    standing = standing_of(incident, run, at=at, hours=hours)
    if run is None:
        return PhonePage(page, incident, look, standing, "", 0)
    policy = version_definition(run.policy_version)
    # It may have come by the policy that the incident was on before.
    own = run if run.pk == page.run_id else EscalationRun.objects.select_related("policy_version").get(pk=page.run_id)
    rungs = version_definition(own.policy_version)
    undo_until = page.answered_at + UNDO_WINDOW if page.answered_at and page.link_used_at else None
    state, calendar = RunState.from_json(run.state), hours.of(policy, incident)
    coming = next_calls(policy, state, at=at, calendar=calendar, limit=len(policy.levels))
    names = _next_names(run, coming, incident, at)
    pages = list(Page.objects.filter(run=own, cycle=page.cycle).select_related("recipient").order_by("id"))
    return PhonePage(
        page,
        incident,
        look,
        standing,
        level_title(rungs, page.level),
        len(rungs.levels),
        next_at=coming[0].at if coming else None,
        next_to=names or standing.to,
        others=_others(page, pages),
        chain=_chain(page, pages, coming if own is run else (), names, own),
        undo_until=undo_until if look is Look.MINE and undo_until and undo_until > at else None,
    )


def _others(page: Page, pages: Sequence[Page]) -> list[User]:
    """Who else is on the page's level and has not said that they cannot take it, each once."""
    beside = [one for one in pages if one.level == page.level and one.recipient_id != page.recipient_id]
    declined = {one.recipient_id for one in beside if one.declined_at is not None}
    return list({one.recipient_id: one.recipient for one in beside if one.recipient_id not in declined}.values())


def _next_names(run: EscalationRun, coming: Sequence[ForecastStep], incident: Incident, at: datetime) -> str:
    if not coming:
        return ""
    people = people_called(
        version_definition(run.policy_version), coming[0].level, service=incident.service, team=incident.team, at=at
    )
    return list_of([one.user.name for one in people])


def _chain(
    page: Page, pages: Sequence[Page], coming: Sequence[ForecastStep], names: str, run: EscalationRun
) -> list[Link]:
    """At most four links: who was called before, who is called now, who comes next."""
    policy = version_definition(run.policy_version)
    links: list[Link] = []
    called = sorted({one.level for one in pages})
    for level in called:
        own = page if level == page.level else next(one for one in pages if one.level == level)
        phase = "now" if own is page else "gone" if level < page.level else "later"
        links.append(Link(phase, own.recipient.name, own.created_at, is_you=own is page, rings=level == called[-1]))
    for place, step in enumerate(coming):
        if step.cycle == page.cycle and step.level is not None and step.level > called[-1]:
            first = names if names and not place else policy.levels[step.level].name
            links.append(Link("later", first, step.at))
    you = next((place for place, link in enumerate(links) if link.is_you), 0)
    return links[max(0, min(you - 1, len(links) - 4)) :][:4]

"""A proposed severity as pages show it: on filing and in triage."""

from dataclasses import dataclass

from incidents.models import Service
from incidents.services.assess import is_milder, service_facts
from policies.criteria import CriteriaDef, Proposal, context_flags, proposal_text, worse_sentence
from policies.criteria.sentences import unclear_sentence


@dataclass(frozen=True, slots=True)
class Shown:
    """What the answers lead to. ``begun``: something is answered. ``rank`` is the severity it would have as the form stands: the
    chosen one, else the proposed one, else the one of the ambiguous; None while nothing is said. ``asked_first`` and ``nobody`` say
    what would follow instead of a page."""

    begun: bool
    proposed: int | None
    says: str
    because: str
    unclear: str
    worse: str
    flags: tuple[str, ...]
    rank: int | None
    differs: bool
    milder: bool
    asked_first: str
    nobody: str


def proposal_shown(criteria: CriteriaDef, proposal: Proposal, *, service: Service | None, chosen: int | None) -> Shown:
    text = proposal_text(criteria, proposal)
    begun = bool(proposal.answers and criteria.severity)
    is_open = begun and (proposal.unclear or proposal.severity is None)
    ambiguous = is_open and chosen is None
    proposed = proposal.severity if begun else None
    return Shown(
        begun=begun,
        proposed=proposed,
        says=text.says,
        because=text.because,
        unclear=text.unclear if is_open else "",
        worse=worse_sentence(criteria, proposal) if begun else "",
        flags=context_flags(proposal, service_facts(service)) if begun else (),
        rank=chosen or (criteria.unclear.severity if ambiguous else proposed),
        differs=begun and not is_open and chosen is not None and chosen != proposed,
        milder=begun and is_milder(chosen, proposal),
        asked_first=unclear_sentence(criteria.unclear) if ambiguous else "",
        nobody=text.because if begun and chosen is None and not proposal.escalate else "",
    )

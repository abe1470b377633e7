"""Severity criteria: questions with a yes, a number or a choice for an answer, and what severity follows. Pure.

Two people who answer alike are proposed the same severity (`propose`). Criteria are read and written as documents
(`criteria_parse`, `criteria_dump`), told in words (`criteria_text`, `proposal_text`), and `READY` is the set Watchbell comes with.
"""

from policies.criteria.answers import NO, UNKNOWN, YES, answers_read, answers_usable
from policies.criteria.document import criteria_dump, criteria_parse
from policies.criteria.facts import (
    ASKABLE,
    SERVICE_FACTS,
    answers_known,
    choices_of,
    criteria_vocabulary,
    facts_given,
    has_own_options,
)
from policies.criteria.proposing import propose
from policies.criteria.ready import READY
from policies.criteria.schema import criteria_schema
from policies.criteria.sentences import (
    CriteriaText,
    ProposalText,
    answered_lines,
    context_flags,
    criteria_text,
    proposal_text,
    worse_sentence,
)
from policies.criteria.values import (
    AnswerKind,
    Because,
    CriteriaDef,
    Criterion,
    Given,
    Option,
    Otherwise,
    Proposal,
    Question,
    Scale,
    Unclear,
)

__all__ = [
    "ASKABLE",
    "NO",
    "READY",
    "SERVICE_FACTS",
    "UNKNOWN",
    "YES",
    "AnswerKind",
    "Because",
    "CriteriaDef",
    "CriteriaText",
    "Criterion",
    "Given",
    "Option",
    "Otherwise",
    "Proposal",
    "ProposalText",
    "Question",
    "Scale",
    "Unclear",
    "answered_lines",
    "answers_known",
    "answers_read",
    "answers_usable",
    "choices_of",
    "context_flags",
    "criteria_dump",
    "criteria_parse",
    "criteria_schema",
    "criteria_text",
    "criteria_vocabulary",
    "facts_given",
    "has_own_options",
    "proposal_text",
    "propose",
    "worse_sentence",
]

"""The form in which people write conditions: rows to add, move and remove, with and without scripts."""

from policies.conditions_form.acts import act, is_act
from policies.conditions_form.draft import CheckDraft, GroupDraft, WindowDraft, document_of, draft_of, draft_sent
from policies.conditions_form.field import ConditionField, ConditionForm, ConditionWidget
from policies.conditions_form.page import Offers

__all__ = [
    "CheckDraft",
    "ConditionField",
    "ConditionForm",
    "ConditionWidget",
    "GroupDraft",
    "Offers",
    "WindowDraft",
    "act",
    "document_of",
    "draft_of",
    "draft_sent",
    "is_act",
]

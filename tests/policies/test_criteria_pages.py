"""The criteria on pages: read by everybody, written by managers with and without scripts, tried before they are published."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from audit.models import LedgerEntry
from policies.books import CRITERIA, book_publish, book_read
from policies.criteria import READY, CriteriaDef, criteria_dump, criteria_parse, propose
from policies.criteria.acts import act
from policies.criteria.draft import CriteriaDraft, document_of, draft_of, draft_sent
from policies.criteria.page import criteria_editor
from policies.criteria.values import Scale
from policies.models import BookVersion
from tests.incidents.views.conftest import browser_of as browser_of
from tests.incidents.views.conftest import night as night
from tests.world.harness import World

Browser = Callable[[str], Client]
PAGE = "/policies/criteria/"
EDIT = "/policies/tools/criteria/"
HTMX = {"HX-Request": "true"}
MOST_QUERIES = 12


class Sent(dict[str, list[str]]):
    """What a browser sends, as forms read it."""

    def get(self, name: str, default: str = "") -> str:  # type: ignore[override]  # as a QueryDict
        return self[name][-1] if self.get_all(name) else default

    def get_all(self, name: str) -> list[str]:
        return super().get(name, [])

    def getlist(self, name: str) -> list[str]:
        return self.get_all(name)


def text_of(response: Any) -> str:
    return str(response.content.decode())


def form_of(response: Any) -> dict[str, Any]:
    """What the browser would send back for the page as it is."""
    return sent_of(response.context["edit"].draft, base=response.context["edit"].base)


def sent_of(draft: CriteriaDraft, *, base: int = 0) -> dict[str, Any]:
    sent: dict[str, Any] = {**draft.texts, "base": str(base), "reason": "As we learned"}
    if draft.escalate:
        sent["otherwise_escalate"] = "on"
    for row, question in enumerate(draft.questions):
        sent |= {f"question-{row}-{name}": text for name, text in question.texts.items()}
        if question.required:
            sent[f"question-{row}-required"] = "on"
    for scale in Scale:
        for row, criterion in enumerate(draft.scales[scale]):
            prefix = f"{scale.value}-{row}"
            sent |= {f"{prefix}-value": criterion.value, f"{prefix}-reason": criterion.reason}
            sent |= condition_sent(criterion.when, f"{prefix}-when")
    return sent


def condition_sent(group: Any, name: str) -> dict[str, Any]:
    sent: dict[str, Any] = {f"{name}-join": group.join}
    for row, part in enumerate(group.parts):
        place = f"{name}-{row}"
        if hasattr(part, "join"):
            sent |= condition_sent(part, place)
        else:
            plain = ("fact", "key", "operator", "value", "lines", "least", "most", "within", "zone", "calendar")
            sent |= {f"{place}-{field}": getattr(part, field) for field in plain}
            if part.values:
                sent[f"{place}-values"] = part.values
    return sent


# --- the draft


def test_when_the_criteria_are_put_into_the_form_and_back_then_they_say_the_same() -> None:
    draft = draft_of(READY)
    sent = Sent({name: value if isinstance(value, list) else [value] for name, value in sent_of(draft).items()})
    again = draft_sent(sent)
    assert criteria_dump(criteria_parse(document_of(again))) == criteria_dump(READY)


def test_when_rows_are_added_moved_and_removed_then_the_draft_and_the_focus_follow() -> None:
    draft = draft_of(READY)
    count = len(draft.questions)
    assert act(draft, "question-add") == f"question-{count}-text"
    assert act(draft, f"question-{count}-fact") == f"question-{count}-fact"
    assert act(draft, f"question-{count}-remove") == "question-add"
    first = draft.questions[0]
    assert act(draft, "question-0-down") == "question-1-down"
    assert draft.questions[1] is first
    assert act(draft, "question-1-up") == "question-0-down"
    assert act(draft, "impact-add") == f"impact-{len(READY.impact)}-value"
    assert act(draft, "severity-0-when-add-check").startswith("severity-0-when-")
    assert act(draft, "severity-0-when-show") == "severity-0"
    assert act(draft, "severity-0-remove") == "severity-add"
    assert len(draft.scales[Scale.SEVERITY]) == len(READY.severity) - 1
    for nonsense in ("save", "question-99-remove", "severity-99-when-add-check", "question-0-up", "urgency-0-dance"):
        before = document_of(draft)
        assert act(draft, nonsense) == ""
        assert document_of(draft) == before


def test_when_the_last_row_is_removed_then_the_focus_is_on_adding_one() -> None:
    draft = draft_of(CriteriaDef(READY.questions[:1]))
    assert act(draft, "question-0-remove") == "question-add"


def test_when_a_question_is_dropped_that_a_criterion_asks_for_then_the_criterion_is_shown_as_wrong() -> None:
    draft = draft_of(READY)
    del draft.questions[0]
    editor = criteria_editor(draft, reason="")
    assert not editor.wrong
    with pytest.raises(Exception, match="names no fact") as refused:
        criteria_parse(document_of(draft))
    wrong = criteria_editor(draft, reason="", problems=refused.value.problems).wrong  # type: ignore[attr-defined]
    assert wrong[0].target == "severity-0"


# --- reading


@pytest.mark.requirement("R080")
@pytest.mark.parametrize("username", ["sofie", "marta", "elena", "amara", "hugo"])
def test_when_anybody_who_is_signed_in_opens_the_criteria_then_they_read_what_leads_to_which_severity(
    browser_of: Browser, username: str
) -> None:
    page = text_of(browser_of(username).get(PAGE))
    assert "A service is down for a thousand customers or more." in page
    assert "A service is down, and the number of customers affected is 1000 or more." in page
    assert "Is a service down?" in page
    assert ("/policies/tools/criteria/history/" in page) is (username != "sofie")
    assert (f'href="{EDIT}"' in page) is (username in ("elena", "hugo"))


def test_when_nobody_is_signed_in_then_the_criteria_lead_to_the_sign_in(night: World) -> None:
    assert night.client.get(PAGE).status_code == 302
    assert night.client.get(EDIT).status_code == 302


def test_when_the_criteria_were_published_then_the_page_names_the_version(night: World, browser_of: Browser) -> None:
    document = {"questions": [{"key": "a", "fact": "outage", "text": "Is it dark?"}], "severity": []}
    book_publish(shape=CRITERIA, definition=document, author=night.cast.elena, at=night.now, reason="Ours")
    page = text_of(browser_of("marta").get(PAGE))
    assert "In force, version 1" in page
    assert "Is it dark?" in page
    assert "Reason: Ours" in page
    assert "No criterion is written yet" in page


# --- writing


@pytest.mark.parametrize("username", ["sofie", "marta", "amara"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_when_somebody_else_than_a_manager_would_write_them_then_it_is_refused(
    browser_of: Browser, username: str, method: str
) -> None:
    assert getattr(browser_of(username), method)(EDIT).status_code == 403


def test_when_a_manager_saves_then_a_version_holds_and_the_ledger_says_who_and_why(
    night: World, browser_of: Browser
) -> None:
    elena = browser_of("elena")
    sent = form_of(elena.get(EDIT)) | {"question-0-text": "Is the shop dark?", "do": "save"}
    assert elena.post(EDIT, sent).status_code == 302
    version = BookVersion.objects.get()
    assert (version.number, version.author, version.reason) == (1, night.cast.elena, "As we learned")
    assert str(book_read(CRITERIA).value.questions[0].text) == "Is the shop dark?"
    assert LedgerEntry.objects.filter(action="book.publish", object_id="criteria").count() == 1
    assert elena.get("/policies/tools/criteria/history/").status_code == 200


def test_when_a_question_of_the_house_is_added_step_by_step_without_scripts_then_it_proposes_a_severity(
    browser_of: Browser,
) -> None:
    elena = browser_of("elena")
    page = elena.get(EDIT)
    page = elena.post(EDIT, form_of(page) | {"do": "question-add"})
    row = len(page.context["edit"].draft.questions) - 1
    filled = form_of(page) | {
        f"question-{row}-text": "Did the backup fail?",
        f"question-{row}-name": "backup_failed",
        "do": "severity-add",
    }
    page = elena.post(EDIT, filled)
    last = len(page.context["edit"].draft.scales[Scale.SEVERITY]) - 1
    rule = {
        f"severity-{last}-value": "2",
        f"severity-{last}-reason": "The backup failed.",
        f"severity-{last}-when-0-fact": "custom.backup_failed",
        f"severity-{last}-when-0-operator": "is",
        f"severity-{last}-when-0-value": "yes",
    }
    page = elena.post(EDIT, form_of(page) | rule | {"do": "look", "answer-backup-failed": "yes"})
    assert "SEV-2 is proposed. The backup failed." in text_of(page)
    assert not BookVersion.objects.exists()
    assert elena.post(EDIT, form_of(page) | rule | {"do": "save"}).status_code == 302
    criteria = book_read(CRITERIA).value
    assert criteria.questions[-1].fact == "custom.backup_failed"
    assert propose(criteria, {"backup-failed": True}).severity == 2


def test_when_something_is_wrong_then_nothing_is_saved_and_the_field_is_named(browser_of: Browser) -> None:
    elena = browser_of("elena")
    sent = form_of(elena.get(EDIT)) | {"question-0-text": "", "unclear_within": "5s", "do": "save"}
    response = elena.post(EDIT, sent)
    assert response.status_code == 422
    targets = [line.target for line in response.context["page"].wrong]
    assert targets == ["id_question-0-text", "id_unclear_within"]
    assert 'aria-invalid="true"' in text_of(response)
    assert not BookVersion.objects.exists()


def test_when_somebody_saved_meanwhile_then_theirs_is_shown_before_it_is_replaced(
    night: World, browser_of: Browser
) -> None:
    elena = browser_of("elena")
    sent = form_of(elena.get(EDIT)) | {"do": "save"}
    document = criteria_dump(READY) | {"urgency": []}
    book_publish(shape=CRITERIA, definition=document, author=night.cast.hugo, at=night.now, base=0)
    response = elena.post(EDIT, sent)
    assert response.status_code == 409
    assert "saved version 1 after you began" in text_of(response)
    assert BookVersion.objects.count() == 1
    assert elena.post(EDIT, form_of(response) | {"do": "save"}).status_code == 302
    assert BookVersion.objects.count() == 2


def test_when_the_browser_has_scripts_then_the_editor_alone_comes_back(browser_of: Browser) -> None:
    elena = browser_of("elena")
    sent = form_of(elena.get(EDIT)) | {"do": "severity-add"}
    page = text_of(elena.post(EDIT, sent, headers=HTMX))
    assert page.lstrip().startswith("<form")
    assert "<html" not in page


def test_when_only_a_part_asks_to_be_drawn_again_then_only_that_comes_back(browser_of: Browser) -> None:
    elena = browser_of("elena")
    sent = form_of(elena.get(EDIT)) | {"do": "show", "answer-outage": "yes"}
    tried = text_of(elena.post(EDIT, sent, headers={**HTMX, "HX-Target": "tried"}))
    assert 'id="tried"' in tried
    assert "SEV-2 is proposed. A service is down." in tried
    assert "<form" not in tried
    builder = text_of(elena.post(EDIT, sent, headers={**HTMX, "HX-Target": "severity-1-when-builder"}))
    assert 'id="severity-1-when-builder"' in builder
    assert 'id="severity-0-when-builder"' not in builder
    gone = elena.post(EDIT, sent, headers={**HTMX, "HX-Target": "severity-99-when-builder"})
    assert text_of(gone) == ""


def test_when_the_pages_are_drawn_then_the_queries_stay_few(
    browser_of: Browser, django_assert_max_num_queries: Any
) -> None:
    elena = browser_of("elena")
    for address in (PAGE, EDIT):
        with django_assert_max_num_queries(MOST_QUERIES):
            elena.get(address)

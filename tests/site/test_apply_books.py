"""The books of the house in a configuration file."""

import jsonschema
import pytest
import yaml

from audit.models import LedgerEntry
from escalation_site.configuration.plan import Step
from escalation_site.configuration.problems import ConfigurationInvalid
from escalation_site.configuration.registry import file_schema
from policies.books import PRIORITY, ROUTING, SLA, book_read
from policies.models import BookVersion, EscalationPolicy
from tests.site.test_apply import AT, apply, organisation

pytestmark = pytest.mark.django_db

BOOKS = """
routing:
  rules:
    - key: payments-vip
      name: VIP customers cannot pay
      reason: A VIP customer cannot pay.
      when: {all: [{fact: vip}, {fact: payment_failure}]}
      then: {policy: payments-critical, severity_at_least: SEV-1, tell: [{kind: user, ref: elena}]}
sla:
  targets:
    - {name: Worst, severity: [SEV-1], acknowledge: 5m, resolve: 4h}
priority:
  thresholds: [{at_percent: 50, raise_by: 1}]
"""


def test_when_books_are_applied_then_each_is_a_version_with_the_file_as_its_reason() -> None:
    apply(organisation())
    plan = apply(BOOKS)
    assert [(change.section, change.step) for change in plan.changes if change.step is Step.CHANGED] == [
        ("priority", Step.CHANGED),
        ("sla", Step.CHANGED),
        ("routing", Step.CHANGED),
    ]
    assert book_read(ROUTING).value.rules[0].then.severity_at_least == 1
    assert book_read(SLA).value.targets[0].resolve_seconds == 4 * 3600
    assert book_read(PRIORITY).value.thresholds[0].at_percent == 50
    version = BookVersion.objects.get(book="routing")
    assert (version.number, version.reason, version.created_at) == (1, "organisation.yaml", AT)


def test_a_second_run_writes_nothing_and_a_changed_line_is_shown_by_its_place() -> None:
    apply(organisation())
    apply(BOOKS)
    assert apply(BOOKS).is_empty
    (change,) = apply(BOOKS.replace("SEV-1, tell", "SEV-2, tell")).of(Step.CHANGED)
    assert list(change.lines()) == ["~ routing changed", "    rules[0].then.severity_at_least: SEV-1 → SEV-2"]
    assert BookVersion.objects.filter(book="routing").count() == 2


def test_rules_and_what_they_name_may_come_in_one_file() -> None:
    apply(organisation() + BOOKS)
    assert book_read(ROUTING).number == 1


def test_a_section_left_empty_says_nothing() -> None:
    apply("routing:\n")
    assert not BookVersion.objects.exists()


def test_when_a_file_says_what_watchbell_comes_with_then_no_version_is_made() -> None:
    assert apply("routing: {rules: []}").is_empty
    assert not BookVersion.objects.exists()


def test_mistakes_are_told_with_line_and_field_and_nothing_changes() -> None:
    text = """routing:
  rules:
    - key: a
      name: First
      when: {fact: vip}
      then: {policy: nowhere, tell: [{kind: user, ref: nobody}]}
    - key: b
      nmae: Second
      name: Second
      when: {fact: vip}
      then: {severity: SEV-9}
sla:
  targets: [{name: Worst, resolve: soon}]
"""
    with pytest.raises(ConfigurationInvalid) as caught:
        apply(text)
    said = str(caught.value)
    assert "organisation.yaml:8: routing.rules[1].nmae: is not a known field. Did you mean “name”?" in said
    assert "routing.rules[1].then.severity" in said
    assert "organisation.yaml:13: sla.targets[0].resolve" in said
    assert not BookVersion.objects.exists()


def test_when_rules_name_what_there_is_not_then_each_is_told() -> None:
    text = """routing:
  rules:
    - key: a
      name: First
      when: {fact: vip}
      then: {policy: nowhere, team: nobodys, tell: [{kind: user, ref: nobody}]}
"""
    with pytest.raises(ConfigurationInvalid) as caught:
        apply(text)
    said = str(caught.value)
    for message in ("“nowhere” is not among the policies", "“nobodys” is not among the teams",
                    "“nobody” is not among the users"):  # fmt: skip
        assert message in said


def test_the_schema_accepts_books_and_refuses_a_misspelt_field() -> None:
    schema = jsonschema.Draft202012Validator(file_schema())
    schema.validate(yaml.safe_load(BOOKS))
    assert not schema.is_valid({"routing": {"ruels": []}})
    assert not schema.is_valid({"sla": []})


# --- documents that go with a policy

GUIDED = """
policies:
  payments-critical:
    guidelines:
      - {title: Runbook, url: "https://docs.example.org/runbook"}
      - {title: Who decides, url: "https://docs.example.org/raci"}
"""


def test_guideline_documents_are_applied_in_their_order_and_once() -> None:
    apply(organisation())
    apply(GUIDED)
    policy = EscalationPolicy.objects.get(slug="payments-critical")
    assert [one.title for one in policy.guidelines.all()] == ["Runbook", "Who decides"]
    assert apply(GUIDED).is_empty
    assert LedgerEntry.objects.filter(action="policy.guidelines").count() == 1
    apply("policies: {payments-critical: {guidelines: null}}")
    assert not policy.guidelines.exists()


@pytest.mark.parametrize(
    ("guidelines", "said"),
    [
        ("[{title: Runbook}]", "guidelines[0]: “url” is missing"),
        ("[{title: Runbook, uri: x}]", "guidelines[0].uri: is not a known field"),
        ("[{title: Runbook, url: 'javascript:alert(1)'}]", "Enter a valid URL"),
        ("Runbook", "must be a list"),
    ],
)
def test_what_is_wrong_with_a_document_is_told_and_nothing_changes(guidelines: str, said: str) -> None:
    apply(organisation())
    with pytest.raises(ConfigurationInvalid) as caught:
        apply(f"policies: {{payments-critical: {{guidelines: {guidelines}}}}}")
    assert said in str(caught.value)

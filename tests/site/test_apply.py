"""`manage.py apply`: what it makes, what it leaves alone, and what it says."""

import re
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import LedgerEntry
from escalation_site.configuration.applying import configuration_apply
from escalation_site.configuration.document import document_read
from escalation_site.configuration.plan import Plan, Step
from escalation_site.configuration.registry import file_schema
from incidents.intake.door import key_digest
from incidents.models import Integration, Service
from notifications.models import ContactMethod
from oncall.models import Membership, Schedule, ScheduleVersion, Team, User
from oncall.selectors import holders_at
from policies.models import EscalationPolicy, PolicyVersion

pytestmark = pytest.mark.django_db

AT = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "configuration-as-code.md"


def organisation() -> str:
    """The complete small organisation that the documentation shows."""
    found = re.search(r"```yaml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    return found[1]


def apply(text: str, *, dry_run: bool = False, user: User | None = None, at: datetime = AT, **environ: str) -> Plan:
    return configuration_apply(text, source="organisation.yaml", at=at, environ=environ, user=user, dry_run=dry_run)


def writes(captured: CaptureQueriesContext) -> list[str]:
    return [query["sql"] for query in captured if re.match(r"\s*(INSERT|UPDATE|DELETE)", query["sql"])]


def test_when_the_documented_organisation_is_applied_then_everything_in_it_exists() -> None:
    plan = apply(organisation())

    assert {change.step for change in plan.changes} == {Step.CREATED}
    marta = User.objects.get(username="marta")
    assert (marta.name, marta.role, marta.time_zone, marta.language) == (
        "Marta Ferri",
        "responder",
        "Europe/Rome",
        "it",
    )
    assert marta.manager == User.objects.get(username="elena")
    assert not marta.has_usable_password()
    assert list(ContactMethod.objects.filter(user__username="jonas").values_list("address", flat=True)) == [
        "jonas.pager@example.org",
        "jonas@example.org",
    ]
    payments = Team.objects.get(slug="payments")
    assert payments.parent == Team.objects.get(slug="commerce")
    assert payments.memberships.get(user__username="elena").role == Membership.Role.LEAD
    service = Service.objects.get()
    assert (service.team, service.tier, service.default_severity, service.revenue_flow) == (payments, 1, 2, True)
    assert service.policy is not None
    assert service.policy.current_version is not None
    assert Integration.objects.get().severity_map == {"page": 1, "ticket": 4}


def test_when_the_schedule_is_applied_then_the_right_person_is_on_call_from_then_on() -> None:
    apply(organisation())
    schedule = Schedule.objects.get()

    on_call = {holder.role: holder.user.username for holder in holders_at(schedules=[schedule], at=AT)[schedule.pk]}

    # 2 March 2026 is eight weeks after the first turn: Marta's again.
    assert on_call == {"primary": "marta", "secondary": "jonas"}
    assert ScheduleVersion.objects.get().effective_from == AT


def test_when_a_new_person_has_an_address_and_no_contact_methods_then_they_are_paged_there() -> None:
    apply(organisation())

    assert ContactMethod.objects.get(user__username="marta").address == "marta@example.org"


def test_when_the_same_file_is_applied_again_then_nothing_is_written() -> None:
    apply(organisation())

    with CaptureQueriesContext(connection) as captured:
        plan = apply(organisation())

    assert plan.is_empty
    assert writes(captured) == []
    assert plan.summary() == "Nothing to change: 10 objects are as the file says."


def test_when_it_is_a_dry_run_then_the_plan_is_the_same_and_nothing_stays() -> None:
    rehearsed = apply(organisation(), dry_run=True)

    assert not User.objects.exists()
    assert not LedgerEntry.objects.exists()
    assert apply(organisation()).changes == rehearsed.changes


def test_when_one_timeout_changes_then_the_plan_shows_that_alone_and_the_policy_gets_a_version() -> None:
    apply(organisation())

    plan = apply(organisation().replace("ack_timeout: 5m", "ack_timeout: 7m"))

    (change,) = plan.of(Step.CHANGED)
    assert list(change.lines()) == ["~ policies/payments-critical changed", "    levels[0].ack_timeout.after: 5m → 7m"]
    assert EscalationPolicy.objects.get().current_version == PolicyVersion.objects.get(number=2)


def test_when_the_rotation_changes_then_a_new_version_is_in_force_and_the_past_stays() -> None:
    apply(organisation())
    later = AT.replace(month=6)

    apply(organisation().replace("participants: [marta, jonas]", "participants: [jonas, marta]"), at=later)

    assert list(ScheduleVersion.objects.values_list("number", "effective_from")) == [(1, AT), (2, later)]


def test_when_a_field_is_left_out_then_it_stays_and_when_it_is_null_then_it_is_emptied() -> None:
    apply(organisation())

    apply("users: {marta: {manager: null}}\nservices: {payments-gateway: {region: null}}")

    marta, service = User.objects.get(username="marta"), Service.objects.get()
    assert (marta.manager, marta.name, service.region, service.tier) == (None, "Marta Ferri", "", 1)


def test_when_members_change_then_the_file_decides_who_belongs() -> None:
    apply(organisation())

    plan = apply("teams: {payments: {members: [jonas, sofie]}}")

    assert "    members: jonas, marta → jonas, sofie" in list(plan.of(Step.CHANGED)[0].lines())
    people = (
        Membership.objects.filter(team__slug="payments")
        .order_by("user__username")
        .values_list("user__username", "role")
    )
    assert list(people) == [("elena", "lead"), ("jonas", "member"), ("sofie", "member")]


def test_when_only_the_leads_are_given_then_the_members_stay() -> None:
    apply(organisation())

    apply("teams: {payments: {leads: [jonas]}}")

    people = (
        Membership.objects.filter(team__slug="payments")
        .order_by("user__username")
        .values_list("user__username", "role")
    )
    assert list(people) == [("jonas", "lead"), ("marta", "member")]


def test_when_names_are_used_before_they_are_defined_then_they_are_found() -> None:
    backwards = "\n".join(reversed(re.split(r"\n(?=\w)", organisation())))

    assert len(apply(backwards).of(Step.CREATED)) == 10


def test_when_something_changes_then_the_ledger_says_what_who_and_by_which_way() -> None:
    apply(organisation())
    elena = User.objects.get(username="elena")

    apply("services: {payments-gateway: {tier: 2}}", user=elena)

    entry = LedgerEntry.objects.latest("id")
    assert (entry.action, entry.source, entry.actor_label) == ("service.change", "command", "Elena Conti")
    assert (entry.before, entry.after) == ({"tier": 1}, {"tier": 2})
    created = set(LedgerEntry.objects.filter(actor_kind="system").values_list("action", flat=True))
    assert sorted(created) == [
        "contact_methods.set",
        "integration.create",
        "policy.create",
        "policy.publish",
        "schedule.create",
        "schedule.publish",
        "service.create",
        "team.create",
        "team.members",
        "user.create",
    ]


def test_when_all_is_applied_at_an_instant_then_its_history_carries_that_instant() -> None:
    apply(organisation())

    assert set(Service.history.values_list("history_date", flat=True)) == {AT}
    assert set(Membership.history.values_list("history_date", flat=True)) == {AT}


DOOR = "integrations: {door: {name: Door, kind: pagerduty, service: payments-gateway%s}}"


def test_when_the_file_sets_a_key_then_only_its_digest_is_kept() -> None:
    apply(organisation())

    plan = apply(DOOR % ", key: 0123456789abcdef")

    door = Integration.objects.get(slug="door")
    assert (door.key_digest, door.key_hint) == (key_digest("0123456789abcdef"), "cdef")
    assert plan.new_keys == ()
    assert "0123456789abcdef" not in str([list(change.lines()) for change in plan.changes])
    assert apply(DOOR % ", key: 0123456789abcdef").is_empty
    assert not LedgerEntry.objects.filter(after__icontains="0123456789abcdef").exists()


def test_when_the_key_comes_from_the_environment_then_the_variable_is_read() -> None:
    apply(organisation())

    apply(DOOR % ", key_env: DOOR_KEY", DOOR_KEY="fedcba9876543210")

    assert Integration.objects.get(slug="door").key_digest == key_digest("fedcba9876543210")


def test_when_no_key_is_given_then_one_is_made_and_told_once() -> None:
    apply(organisation())

    (name, key), *others = apply(DOOR % "").new_keys

    assert (name, others) == ("door", [])
    assert Integration.objects.get(slug="door").key_digest == key_digest(key)
    assert apply(DOOR % "").new_keys == ()


def test_when_a_password_comes_from_the_environment_then_it_is_set_once_and_not_shown() -> None:
    apply(organisation())
    text = "users: {marta: {password_env: MARTA_PASSWORD}}"

    plan = apply(text, MARTA_PASSWORD="eight-bells-at-noon")

    assert User.objects.get(username="marta").check_password("eight-bells-at-noon")
    assert list(plan.of(Step.CHANGED)[0].lines())[1] == "    password_env: (as before) → (a new secret)"
    assert LedgerEntry.objects.latest("id").after == {"password": "(changed)"}
    assert apply(text, MARTA_PASSWORD="eight-bells-at-noon").is_empty


def test_when_the_schema_is_printed_then_it_is_valid_and_accepts_the_documented_organisation() -> None:
    printed = StringIO()
    call_command("apply", schema=True, stdout=printed)
    schema = file_schema()

    jsonschema.Draft202012Validator.check_schema(schema)
    content: Any = document_read(organisation(), source="organisation.yaml").data
    jsonschema.Draft202012Validator(schema).validate(content)
    assert '"payments' not in printed.getvalue()
    assert not jsonschema.Draft202012Validator(schema).is_valid({"users": {"marta": {"nmae": "Marta"}}})


def test_when_the_command_is_run_then_it_prints_the_plan_and_the_new_key(tmp_path: Path) -> None:
    file, printed = tmp_path / "organisation.yaml", StringIO()
    file.write_text(organisation(), encoding="utf-8")

    call_command("apply", str(file), stdout=printed)

    lines = printed.getvalue().splitlines()
    assert lines[0] == "+ users/elena created"
    assert "10 created, 0 changed, 0 unchanged." in lines
    assert lines[-1].startswith("  payments-gateway-alertmanager: ")


def test_when_the_file_is_missing_or_not_text_then_one_line_says_so(tmp_path: Path) -> None:
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(CommandError, match="No such file"):
        call_command("apply", str(tmp_path / "absent.yaml"))
    with pytest.raises(CommandError, match="is not UTF-8"):
        call_command("apply", str(binary))
    with pytest.raises(CommandError, match="no active user “nobody”"):
        call_command("apply", _empty(tmp_path), actor="nobody")


def _empty(directory: Path) -> str:
    file = directory / "empty.yaml"
    file.write_text("", encoding="utf-8")
    return str(file)

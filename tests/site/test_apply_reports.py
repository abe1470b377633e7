"""Digests, regular exports and dashboards as code: applied, changed, unchanged, given back as they were, refused with the place."""

from typing import Any

import jsonschema
import pytest
import yaml

from audit.models import LedgerEntry
from escalation_site.configuration.applying import configuration_apply
from escalation_site.configuration.problems import ConfigurationInvalid
from escalation_site.configuration.registry import file_schema, kind_of
from notifications.models import Destination
from oncall.models import User
from reports.cards import FIRST, cards_dump
from reports.models import Dashboard, Digest, ExportSchedule
from tests.world.harness import World

SECTIONS = ("digests", "regular_exports", "dashboards")
FILE = """
digests:
  standup.payments: {send_at: 08:00, destination: production}
  week.payments: {send_at: "07:30", time_zone: Europe/Lisbon}
  month: {send_at: 06:00, active: false}
regular_exports:
  elena/My week: {source: report, filters: "severity=2&period=28d&page=3", format: csv, cadence: weekly, weekday: tue, send_at: 07:00}
dashboards:
  elena/Nights:
    filters: period=28d
    shared: team
    team: payments
    cards:
      - {kind: number, metric: incidents}
      - {kind: bar, metric: acknowledge, dimension: service, wide: true}
  hugo/The house: {}
"""


@pytest.fixture(autouse=True)
def channel(world: World) -> Destination:
    return Destination.objects.create(name="Production", slug="production", kind="chat", host="chat.example")


def apply(world: World, text: str, user: User | None = None) -> list[str]:
    plan = configuration_apply(text, source="reports.yaml", at=world.now, environ={}, user=user)
    return [str(change.step.value) for change in plan.changes]


def test_digests_exports_and_dashboards_are_applied_once_and_changed_by_field(world: World) -> None:
    apply(world, FILE)
    standup = Digest.objects.get(kind="standup")
    assert (standup.team, str(standup.destination)) == (world.cast.payments, "Production")
    # Eight in Rome, where the team is; half past seven in Lisbon, where it says so.
    assert f"{standup.next_due_at:%H:%M}" == "07:00"
    assert f"{Digest.objects.get(kind='week').next_due_at:%a %H:%M}" == "Mon 07:30"
    assert Digest.objects.get(kind="month").active is False
    regular = ExportSchedule.objects.get()
    assert (regular.owner, regular.query, regular.format) == (world.cast.elena, "severity=2&period=28d", "csv")
    assert f"{regular.next_due_at:%a %H:%M}" == "Tue 06:00"
    nights, house = Dashboard.objects.order_by("-name").get(name="Nights"), Dashboard.objects.get(name="The house")
    assert (nights.shared, nights.team, len(nights.cards)) == ("team", world.cast.payments, 2)
    assert (house.shared, house.cards) == ("everybody", cards_dump(FIRST))
    before = LedgerEntry.objects.count()
    assert set(apply(world, FILE)) == {"unchanged"}
    assert LedgerEntry.objects.count() == before
    apply(world, "digests: {standup.payments: {destination: null}}\ndashboards: {elena/Nights: {shared: everybody}}")
    standup.refresh_from_db()
    nights.refresh_from_db()
    assert (standup.destination, f"{standup.send_at:%H:%M}") == (None, "08:00")
    assert (nights.shared, nights.team, len(nights.cards)) == ("everybody", None, 2)


def test_what_there_is_written_to_a_file_and_applied_changes_nothing(world: World) -> None:
    apply(world, FILE)
    given: dict[str, Any] = {section: kind_of(section).current() for section in SECTIONS}
    text = yaml.safe_dump(given)
    assert set(apply(world, text)) == {"unchanged"}
    Digest.objects.all().delete()
    ExportSchedule.objects.all().delete()
    Dashboard.objects.all().delete()
    assert set(apply(world, text)) == {"created"}
    assert {section: kind_of(section).current() for section in SECTIONS} == given


def test_the_ledger_names_whoever_applied_the_file_and_not_the_owner(world: World) -> None:
    apply(world, FILE, user=world.cast.hugo)
    entries = LedgerEntry.objects.filter(object_type__in=("digest", "export_schedule", "dashboard"))
    assert {(entry.actor_label, entry.source) for entry in entries} == {("Hugo Brandt", "command")}
    assert entries.count() == 6


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("digests: {standup.payment: {send_at: 08:00}}", "Did you mean “payments”?"),
        ("digests: {noon.payments: {send_at: 08:00}}", "cannot be a name here"),
        ("digests: {standup.payments: {send_at: 25:00}}", "digests.standup.payments.send_at: must be a time of day"),
        ("digests: {standup.payments: {}}", "“send_at” is missing"),
        ("digests: {week.payments: {send_at: 08:00, destination: production}}", "nothing else is"),
        ("digests: {month.payments: {send_at: 08:00}}", "choose no team"),
        ("regular_exports: {elen/A: {source: report, cadence: daily, send_at: 07:00}}", "Did you mean “elena”?"),
        ("regular_exports: {elena/A: {source: reports, cadence: daily, send_at: 07:00}}", "Did you mean “report”?"),
        ("regular_exports: {marta/A: {source: report, cadence: daily, send_at: 07:00}}", "Your role does not see this report."),
        ("dashboards: {elena/A: {shared: team}}", "“team” is missing"),
        ("dashboards: {elena/A: {team: payments}}", "goes with “shared: team” only"),
        ("dashboards: {elena/A: {cards: [{kind: number, metric: incident}]}}", "cards[0].metric: cannot be drawn so"),
        ("dashboards: {elena/A: {cards: [{kind: number, metric: pages}, {kind: pie, metric: pages}]}}", "cards[1].dimension"),
        ("dashboards: {elena/A: {cards: [{kind: number, metric: pages, dimension: team}]}}", "is for cards of these kinds only"),
        ("dashboards: {elena/A: {cards: [{kind: number, metric: pages, width: 2}]}}", "cards[0].width: is not a known field"),
    ],
)  # fmt: skip
def test_a_mistake_is_refused_with_its_place_and_nothing_is_written(world: World, text: str, says: str) -> None:
    with pytest.raises(ConfigurationInvalid) as refused:
        apply(world, text)
    assert says in str(refused.value)
    assert not Digest.objects.exists()
    assert not ExportSchedule.objects.exists()
    assert not Dashboard.objects.exists()


def test_whoever_applies_switches_digests_on_only_where_they_may(world: World) -> None:
    with pytest.raises(ConfigurationInvalid, match="Managers switch digests on for their teams"):
        apply(world, "digests: {standup.platform: {send_at: 08:00}}", user=world.cast.elena)
    assert apply(world, "digests: {standup.payments: {send_at: 08:00}}", user=world.cast.elena) == ["created"]


def test_the_schema_accepts_the_file_and_refuses_a_misspelt_field() -> None:
    schema = jsonschema.Draft202012Validator(file_schema())
    text = FILE.replace("08:00", '"08:00"').replace("06:00", '"06:00"').replace("07:00", '"07:00"')
    schema.validate(yaml.safe_load(text))
    assert not schema.is_valid({"digests": {"standup": {"sendat": "08:00"}}})
    assert not schema.is_valid({"dashboards": {"Nights": {}}})

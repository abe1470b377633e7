"""Reports narrowed and cut by the house's own questions: every kind of field, on every page, and cards that group by an answer."""

from typing import Any

import pytest
from django.test import Client

from incidents.models import CustomField, Incident
from incidents.services.lifecycle import incident_acknowledge, incident_open
from reports.boards import dashboard_create
from reports.cards import CardInvalid, CardSpec, Drawn
from tests.world.harness import World

Kind = CustomField.Kind


@pytest.fixture
def elena(world: World) -> Client:
    """The manager's browser."""
    client = Client()
    client.force_login(world.cast.elena)
    return client


def opened(world: World, title: str, **answers: Any) -> Incident:
    made = incident_open(
        title=title, summary="", severity=2, service=world.cast.gateway, reporter=world.cast.sofie, at=world.now
    )
    Incident.objects.filter(pk=made.pk).update(facts={"custom": answers} if answers else {})
    return made


FIELDS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("vip", Kind.FLAG, {}),
    ("channel", Kind.CHOICE, {"options": ["Shop", "Café"]}),
    ("countries", Kind.CHOICES, {"options": ["IT", "NL", "Österreich"]}),
    ("loss", Kind.NUMBER, {}),
    ("since", Kind.DATE, {}),
    ("contract", Kind.TEXT, {}),
)


@pytest.fixture
def asked(world: World) -> None:
    for key, kind, more in FIELDS:
        CustomField.objects.create(key=key, label=key.title(), kind=kind, **more)
    opened(
        world,
        "Big",
        vip=True,
        channel="Café",
        countries=["NL", "Österreich"],
        loss=900.5,
        since="2026-11-20",
        contract="NW-17",
    )
    opened(world, "Small", vip=False, channel="Shop", countries=["IT"], loss=10, since="2026-11-01", contract="AC-1")
    opened(world, "Unasked")


@pytest.mark.requirement("R323")
@pytest.mark.requirement("R252")
@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("custom_vip=yes", {"Big"}),
        ("custom_vip=no", {"Small"}),
        ("custom_vip=unknown", {"Unasked"}),
        ("custom_channel=Caf%C3%A9", {"Big"}),
        ("custom_channel=Shop&custom_channel=unknown", {"Small", "Unasked"}),
        ("custom_countries=%C3%96sterreich", {"Big"}),
        ("custom_countries=IT&custom_countries=NL", {"Big", "Small"}),
        ("custom_loss=900.5", {"Big"}),
        ("custom_loss.from=10&custom_loss.until=100", {"Small"}),
        ("custom_since.from=2026-11-10", {"Big"}),
        ("custom_since=2026-11-01", {"Small"}),
        ("custom_contract=nw-", {"Big"}),
        ("custom_contract=nw-&custom_vip=no", set()),
        ("", {"Big", "Small", "Unasked"}),
    ],
)
def test_when_a_report_is_narrowed_by_an_answer_then_page_and_list_count_the_same(
    elena: Client, query: str, found: set[str]
) -> None:
    board: Any = elena.get(f"/reports/?period=28d&{query}")
    assert board.context["board"].total == len(found)
    behind: Any = elena.get(f"/reports/incidents/?period=28d&{query}")
    assert {row["incident"].title for row in behind.context["rows"]} == found
    checks: Any = elena.get(f"/reports/process/?period=28d&{query}")
    (noise,) = (one for one in checks.context["checks"] if one.key == "noise")
    assert noise.asked == len(found)


@pytest.mark.usefixtures("asked")
def test_when_what_is_asked_makes_no_sense_then_the_field_says_so_and_nothing_is_narrowed(elena: Client) -> None:
    answer: Any = elena.get("/reports/?period=custom&first=2026-11-20&last=2026-11-25&custom_loss=much")
    assert answer.context["board"].total == 3
    assert "Enter a number." in answer.content.decode()
    narrowed = elena.get("/reports/?team=payments&severity=1&custom_vip=no&custom_loss.from=5").content.decode()
    assert "Narrowed to: Teams: Payments · Severity: SEV-1 · Loss from: 5 · Vip: No.</p>" in narrowed
    assert answer.context["scope"].period.days == 6


@pytest.mark.requirement("R323")
@pytest.mark.usefixtures("asked")
def test_when_a_card_is_by_an_answer_then_each_group_leads_to_those_who_gave_it(world: World, elena: Client) -> None:
    big = Incident.objects.get(title="Big")
    incident_acknowledge(incident_id=big.pk, actor=world.cast.marta, at=world.now)
    board = dashboard_create(owner=world.cast.elena, name="VIP", at=world.now, cards=())
    given = (
        {"metric": "incidents", "kind": "pie", "dimension": "custom_vip"},
        {"metric": "escalated", "kind": "table", "dimension": "custom_channel"},
    )
    for card in given:
        answer = elena.post(f"/reports/boards/{board.pk}/card/", {"action": "add", **card})
        assert answer.status_code == 302
    page: Any = elena.get(f"/reports/boards/{board.pk}/")
    ring, table = (one.body for one in page.context["cards"])
    assert ring.title == "Incidents by vip"
    assert {row.label: row.words for row in ring.rows} == {"yes": "1", "no": "1", "none": "1"}
    assert {row.label: row.cells[0].words for row in table.rows} == {"Café": "1", "Shop": "1", "none": "1"}
    for rows, expected in (
        (ring.rows, {"yes": "Big", "no": "Small", "none": "Unasked"}),
        (table.rows, {"Café": "Big", "Shop": "Small", "none": "Unasked"}),
    ):
        for row in rows:
            address = row.cells[0].link if row.cells else row.link
            behind: Any = elena.get(address)
            assert [one["incident"].title for one in behind.context["rows"]] == [expected[row.label]]


@pytest.mark.usefixtures("asked")
def test_when_a_question_is_no_longer_asked_then_its_card_stays_and_says_none(world: World, elena: Client) -> None:
    cards = [CardSpec(Drawn.BAR, "incidents", "custom_gone")]
    board = dashboard_create(owner=world.cast.elena, name="Old", at=world.now, cards=cards)
    page: Any = elena.get(f"/reports/boards/{board.pk}/")
    assert [row.label for row in page.context["cards"][0].body.rows] == ["none"]


def test_pages_have_no_answers_and_are_not_grouped_by_them() -> None:
    with pytest.raises(CardInvalid):
        CardSpec(Drawn.BAR, "pages", "custom_vip")

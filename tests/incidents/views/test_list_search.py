"""Finding incidents: by words, by any field, in every order, with counts that hold."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from incidents.filters import IncidentFilter
from incidents.models import Category, Customer, CustomField, Incident, Service
from incidents.search import lookup, newest, newest_among, wanted
from incidents.selectors import listing, searching
from incidents.selectors.listing import COUNTED
from incidents.services.lifecycle import incident_acknowledge, incident_comment, incident_resolve
from incidents.views import listing as views
from tests.world.harness import World

Browser = Callable[[str], Client]
File = Callable[..., Incident]
LIST = "/incidents/"
LIST_QUERIES = 15


def titles(response: Any) -> list[str]:
    return [row.incident.title for group in response.context["groups"] for row in group.rows]


def test_when_words_are_typed_then_they_are_cut_as_the_index_cuts_them() -> None:
    assert wanted(' Überlast "Disk  FULL" db-1_a!! ').terms == (
        ("disk", "full"),
        ("uberlast",),
        ("db",),
        ("1",),
        ("a",),
    )
    assert wanted('"" -- \'); DROP *').terms == (("drop",),)
    assert not wanted("  \x00 ¿? ")
    assert len(wanted(" ".join(f"w{n}" for n in range(99))).terms) == 12


def test_when_words_are_searched_then_what_people_said_is_found_by_those_who_may_read_it(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    cast = night.cast
    cards = file_incident("Zahlungen überlastet", summary="Queue at pay-gw.example.com is long")
    file_incident("Other trouble")
    file_incident("Keys leaked at the gateway", restricted=True)
    incident_comment(incident_id=cards.pk, text="The certificate ran out.", actor=cast.marta, at=night.now)
    incident_comment(incident_id=cards.pk, text="My terminal shows error E42.", actor=cast.sofie, at=night.now)
    incident_resolve(incident_id=cards.pk, actor=cast.marta, at=night.now, resolution="Renewed it.")
    marta, sofie, nils = browser_of("marta"), browser_of("sofie"), browser_of("nils")

    def found(client: Client, words: str, **more: str) -> list[str]:
        return titles(client.get(LIST, {"q": words, "tab": "resolved", **more}))

    for words in ("uberlast", "ZAHL", "example gw", '"queue at"', "certif", "e42 zahlung", "renewed", cards.reference):
        assert found(marta, words) == [cards.title], words
    for words in ('"at queue"', "nothinglikethis", "?", '"', "a* & (b", "x" * 500, "INC-"):
        assert found(marta, words) == [], words
    # What colleagues said among themselves is not for whoever filed it.
    assert found(sofie, "certificate") == []
    assert found(sofie, "terminal e42") == [cards.title]
    assert found(nils, "keys gateway", tab="open") == []
    assert found(marta, "keys gateway", tab="open") == ["Keys leaked at the gateway"]
    # The index follows what is corrected.
    cards.refresh_from_db()
    cards.title = "Payments slow"
    cards.save()
    assert found(marta, "zahlungen") == []
    assert found(marta, "payments certif") == ["Payments slow"]


def test_when_the_title_says_it_then_it_comes_before_what_was_only_said_of_it(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    said = file_incident("Slow pages", summary="Perhaps the certificate.")
    file_incident("Certificate expired", severity=4)
    marta = browser_of("marta")
    assert titles(marta.get(LIST, {"q": "certificate"})) == ["Certificate expired", "Slow pages"]
    assert titles(marta.get(LIST, {"q": "certificate", "sort": "priority"}))[0] == said.title


@pytest.mark.requirement("R264", "R265")
def test_when_tabs_and_quick_filters_are_used_then_each_incident_is_in_one_tab_and_counts_match(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    cast = night.cast
    wiki = Service.objects.create(name="Wiki", slug="wiki", team=cast.platform)
    made = [file_incident(f"Number {n}", service=wiki if n % 2 else cast.gateway) for n in range(8)]
    for incident in made[2:6]:
        incident_acknowledge(incident_id=incident.pk, actor=cast.marta, at=night.now)
    incident_resolve(incident_id=made[5].pk, actor=cast.marta, at=night.now)
    marta = browser_of("marta")
    pages = {tab: marta.get(LIST, {"tab": tab}) for tab in ("open", "triggered", "acknowledged", "resolved")}

    shown = [title for tab in ("triggered", "acknowledged", "resolved") for title in titles(pages[tab])]
    assert sorted(shown) == sorted(one.title for one in made)
    assert [tab["count"] for tab in pages["open"].context["tabs"]] == [7, 4, 3, 1]
    counts = {one["label"]: one["count"] for one in pages["open"].context["whose"] if one.get("shown")}
    assert counts == {"Everybody’s": 7, "Mine": 3, "My teams’": 4}
    for whose, count in (("mine", 3), ("team", 4), ("", 7)):
        page = marta.get(LIST, {"whose": whose})
        assert len(titles(page)) == count
        # Choosing one does not change what the others would show.
        assert [one["count"] for one in page.context["whose"] if one.get("shown")] == [7, 3, 4]


@pytest.mark.requirement("R195", "R305")
def test_when_the_list_is_sorted_then_each_order_is_right_and_kept_by_the_live_part(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    at = night.now
    wiki = Service.objects.create(name="Wiki", slug="wiki", team=night.cast.platform)
    for title, severity, minutes, service in (
        ("A", 3, 10, wiki),
        ("B", 2, 50, None),
        ("C", 1, None, wiki),
        ("D", 4, 20, None),
    ):
        incident = file_incident(title, severity=severity, service=service or night.cast.gateway)
        due = at + timedelta(minutes=minutes) if minutes else None
        Incident.objects.filter(pk=incident.pk).update(sla_due_at=due, priority=minutes and (1 if minutes < 15 else 4))
    marta = browser_of("marta")

    def order(sort: str, **more: Any) -> str:
        return "".join(titles(marta.get(LIST, {"sort": sort, **more})))

    assert order("") == "CBAD"
    assert order("sla") == "ADBC"
    assert order("team") == "BDCA"
    assert order("oldest") == "ABCD"
    assert order("newest") == "DCBA"
    page = marta.get(LIST, {"sort": "sla", "severity": ["3", "4"]})
    assert 'hx-get="/incidents/?sort=sla&amp;severity=3&amp;severity=4"' in page.content.decode()
    # Time runs down and raises one: those of a low priority stay out of sight.
    assert order("", priority=["1", "2"]) == "A"


@pytest.mark.requirement("R194")
def test_when_there_are_ten_thousand_then_the_list_asks_few_questions_and_counts_no_further(
    night: World,
    browser_of: Browser,
    file_incident: File,
    django_assert_max_num_queries: Any,
) -> None:
    first = file_incident("Storm 0")
    columns = [field.attname for field in Incident._meta.concrete_fields if field.attname != "id"]
    rows = (
        Incident(**{name: getattr(first, name) for name in columns} | {"title": f"Storm {n}", "severity": 1 + n % 5})
        for n in range(1, COUNTED + 5)
    )
    Incident.objects.bulk_create(rows, batch_size=2_000)
    marta = browser_of("marta")
    marta.get(LIST)
    for query, shown in (
        ({}, "10,000+"),
        ({"sort": "next"}, "10,000+"),
        ({"sort": "sla"}, "10,000+"),
        ({"q": "storm"}, "2,000+"),
        ({"q": "storm", "whose": "team"}, "10,000+"),
        ({"page": "200"}, "10,000+"),
    ):
        with django_assert_max_num_queries(LIST_QUERIES):
            response = marta.get(LIST, query)
        assert response.context["tabs"][0]["shown"] == shown, query
    assert response.context["page"].paginator.num_pages == 200
    assert "filter, or export them" in response.content.decode()
    assert len(titles(marta.get(LIST, {"q": '"storm 9999"'}))) == 1


@pytest.mark.requirement("R194")
def test_when_more_say_a_word_than_anybody_reads_then_the_newest_are_listed_and_what_is_open_is_not_hidden_by_them(
    night: World, browser_of: Browser, file_incident: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "MATCHED", 2)
    file_incident("Storm over the coast")
    for number in range(4):
        incident = file_incident(f"Storm {number}", severity=4)
        incident_resolve(incident_id=incident.pk, actor=night.cast.marta, at=night.now)
    hidden = file_incident("Storm in secret", restricted=True)
    marta, nils = browser_of("marta"), browser_of("nils")

    resolved = marta.get(LIST, {"q": "storm", "tab": "resolved"})

    assert titles(resolved) == ["Storm 3"]
    assert {tab["url"]: tab["shown"] for tab in resolved.context["tabs"]}["?q=storm&tab=resolved"] == "1+"
    assert "There are 1+ of them" in resolved.content.decode()
    # Two are open, and both are found, however many newer ones are over; to whom it does not concern one is no match.
    assert sorted(titles(marta.get(LIST, {"q": "storm"}))) == ["Storm in secret", "Storm over the coast"]
    assert titles(nils.get(LIST, {"q": "storm"})) == ["Storm over the coast"]
    # What narrows it further is looked for among all of them, and so is what a file holds.
    assert len(titles(marta.get(LIST, {"q": "storm", "tab": "resolved", "severity": "4"}))) == 4
    # Where that is too many for a list, what is open is still looked for among all of them.
    monkeypatch.setattr(searching, "COMPLETE", 2)
    narrowed = marta.get(LIST, {"q": "storm", "environment": "production"})
    assert sorted(titles(narrowed)) == ["Storm in secret", "Storm over the coast"]
    assert [tab["shown"] for tab in narrowed.context["tabs"]] == ["2", "2", "0", "1+"]
    assert len(titles(marta.get(LIST, {"q": "storm", "tab": "resolved", "environment": "production"}))) == 4
    assert titles(nils.get(LIST, {"q": "storm", "environment": "production"})) == ["Storm over the coast"]
    file: Any = marta.post(f"{LIST}export/csv/?q=storm&tab=resolved")
    assert b"".join(file.streaming_content).decode().count("Storm ") == 4
    assert titles(marta.get(LIST, {"q": hidden.reference})) == ["Storm in secret"]


@pytest.mark.requirement("R194")
def test_when_support_staff_look_for_a_common_word_then_their_own_are_found_however_many_newer_ones_of_others_say_it(
    night: World, browser_of: Browser, file_incident: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "MATCHED", 2)
    wiki = Service.objects.create(name="Wiki", slug="wiki", team=night.cast.platform)
    old = file_incident("Storm over the coast", service=wiki)
    file_incident("Calm over the coast", service=wiki)
    for number in range(4):
        other = file_incident(f"Storm {number}", service=wiki, reporter=night.cast.marta)
        incident_resolve(incident_id=other.pk, actor=night.cast.marta, at=night.now)
    sofie = browser_of("sofie")

    assert titles(sofie.get(LIST, {"q": "storm"})) == ["Storm over the coast"]
    incident_resolve(incident_id=old.pk, actor=night.cast.marta, at=night.now)

    page = sofie.get(LIST, {"q": "storm", "tab": "resolved"})
    assert titles(page) == ["Storm over the coast"]
    assert [tab["shown"] for tab in page.context["tabs"]] == ["0", "0", "0", "1"]
    # Of more than anybody reads the newest are shown, and those that are open.
    monkeypatch.setattr(searching, "MATCHED", 1)
    open_now = file_incident("Storm at sea", service=wiki)
    for number in range(2):
        mine = file_incident(f"Storm again {number}", service=wiki)
        incident_resolve(incident_id=mine.pk, actor=night.cast.marta, at=night.now)
    assert titles(sofie.get(LIST, {"q": "storm", "tab": "resolved"})) == ["Storm again 1"]
    assert titles(sofie.get(LIST, {"q": "storm"})) == [open_now.title]


@pytest.mark.requirement("R264")
def test_when_words_are_looked_for_then_tabs_and_quick_filters_count_what_each_would_show_in_every_order(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    cast = night.cast
    wiki = Service.objects.create(name="Wiki", slug="wiki", team=cast.platform)
    made = [file_incident(f"Storm {n}", service=wiki if n % 2 else cast.gateway) for n in range(6)]
    file_incident("Storm in secret", restricted=True, service=wiki)
    incident_acknowledge(incident_id=made[0].pk, actor=cast.marta, at=night.now)
    for minutes, number in ((1, 5), (2, 2), (3, 3)):
        incident_acknowledge(incident_id=made[number].pk, actor=cast.marta, at=night.now)
        incident_resolve(incident_id=made[number].pk, actor=cast.marta, at=night.now + timedelta(minutes=minutes))
    marta = browser_of("marta")

    for tab in ("open", "resolved"):
        for whose in ("", "mine", "team", "nobody"):
            page = marta.get(LIST, {"q": "storm", "tab": tab, "whose": whose})
            shown = next(one["count"] for one in page.context["tabs"] if one["current"])
            assert shown == len(titles(page)), (tab, whose)
            for one in page.context["whose"]:
                if one.get("shown"):
                    other = marta.get(
                        LIST + (one["url"] if not one["current"] else f"?q=storm&tab={tab}&whose={whose}")
                    )
                    assert one["count"] == len(titles(other)), (tab, whose, one["label"])
    # What was resolved last comes first, whenever it began.
    assert titles(marta.get(LIST, {"q": "storm", "tab": "resolved", "sort": "newest"})) == [
        "Storm 3",
        "Storm 2",
        "Storm 5",
    ]
    by_age = titles(marta.get(LIST, {"q": "storm", "tab": "resolved", "sort": "oldest"}))
    assert by_age == ["Storm 5", "Storm 3", "Storm 2"], "all began at once: the last number first"


@pytest.mark.requirement("R194")
def test_when_nearly_all_say_a_word_then_looking_into_one_after_another_finds_what_gathering_finds(
    night: World, file_incident: File
) -> None:
    made = [file_incident(f"{'Storm' if n % 3 else 'Calm'} {n}", severity=1 + n % 2) for n in range(8)]
    calm, storm = wanted("calm"), wanted("storm")
    worst = Incident.objects.filter(severity=1)
    for words in (calm, storm):
        for among_them in (Incident.objects.all(), worst, Incident.objects.none()):
            found = [
                newest_among(words, among_them, inside=True, limit=limit, **way)
                for limit in (2, 99)
                for way in ({}, {"one_by_one": True}, {"few": True})
            ]
            assert found[0] == found[1] == found[2] == found[3][:2], words
            assert found[3] == found[4] == found[5]
    assert newest_among(storm, worst, inside=True, limit=99) == [made[n].pk for n in (4, 2)]


@pytest.mark.requirement("R194")
@pytest.mark.parametrize("near", [1, 2, 20])
def test_when_the_newest_say_a_word_or_only_old_ones_then_the_same_are_found_however_far_back_is_looked(
    night: World, file_incident: File, monkeypatch: pytest.MonkeyPatch, near: int
) -> None:
    made = [file_incident(f"{'Storm' if n < 3 else 'Calm'} {n}") for n in range(6)]
    monkeypatch.setattr(lookup, "_NEAR", near)
    storm, calm = made[2::-1], made[:2:-1]
    for limit in (1, 2, 3, 9):
        for word, those in (("storm", storm), ("calm", calm), ("number", []), ("card", made[::-1])):
            found = newest(wanted(word), inside=True, limit=limit)
            assert found == [one.pk for one in those[:limit]], (word, limit)


@pytest.mark.requirement("R264")
def test_when_a_quick_filter_holds_more_than_a_screen_shows_then_its_count_stops_and_the_tab_counts_on(
    night: World, browser_of: Browser, file_incident: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "QUICK", 2)
    monkeypatch.setattr(views, "QUICK", 2)
    for number in range(4):
        file_incident(f"Storm {number}")
    marta = browser_of("marta")
    for query in ({}, {"q": "storm"}, {"whose": "team"}, {"whose": "team", "q": "storm"}):
        page = marta.get(LIST, query)
        assert [tab["shown"] for tab in page.context["tabs"]] == ["4", "4", "0", "0"], query
        shown = {one["label"]: one["shown"] for one in page.context["whose"] if one.get("shown")}
        assert shown == {"Everybody’s": "2+", "Mine": "0", "My teams’": "2+"}, query
        assert len(titles(page)) == 4


def test_when_any_field_is_filtered_then_it_narrows_and_its_chip_takes_it_off(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    cast = night.cast
    security = Category.objects.create(name="Security", slug="security")
    breach = Category.objects.create(name="Breach", slug="breach", parent=security)
    acme = Customer.objects.create(name="Acme", slug="acme")
    CustomField.objects.create(key="rack", label="Rack", kind="choice", options=["r1", "r2"])
    one = file_incident("One", category=breach, customer=acme, facts={"custom": {"rack": "r2"}})
    Incident.objects.filter(pk=one.pk).update(sla_due_at=night.now - timedelta(minutes=1))
    file_incident("Two", severity=4, restricted=True, is_test=True)
    night.alert("DiskFull", cluster="eu-1")
    night.settle()
    marta = browser_of("marta")
    expected = {
        "category=security": ["One"],
        "customer=acme": ["One"],
        "custom_rack=r2": ["One"],
        "custom_rack=r1": [],
        "sla=late": ["One"],
        "reporter=sofie&team=payments&team=platform": ["One", "Two"],
        "restricted=yes": ["Two"],
        "is_test=yes": ["Two"],
        "source=monitoring": ["DiskFull is bad"],
        "integration=nonsense": ["DiskFull is bad", "One", "Two"],
        "label=cluster%3Deu-1": ["DiskFull is bad"],
        "label=cluster": ["DiskFull is bad"],
        "label=cluster%3Dus": [],
        "label=%3D%27%22__": [],
        "state=acknowledged": [],
        "stage=new": ["DiskFull is bad", "One", "Two"],
        "tier=9": ["DiskFull is bad", "One", "Two"],
        "merged=yes": [],
        "since=2026-11-22&until=2026-11-22": ["DiskFull is bad", "One", "Two"],
        "until=2026-11-21": [],
        "severity=1&severity=4&q=two": ["Two"],
    }
    for query, wanted_titles in expected.items():
        response = marta.get(f"{LIST}?{query}&sort=oldest")
        assert sorted(titles(response)) == wanted_titles, query
    # Words that are searched keep every value of the other filters.
    page = marta.get(f"{LIST}?severity=1&severity=4&q=two").content.decode()
    assert page.count('type="hidden" name="severity"') == 2
    form = marta.get(f"{LIST}filters/?severity=1&custom_rack=r2", headers={"HX-Request": "true"}).content.decode()
    assert 'name="custom_rack"' in form
    assert "<html" not in form
    assert set(IncidentFilter.base_filters) >= {"owner", "reporter", "environment", "stage", "major"}
    assert cast.marta.username in form

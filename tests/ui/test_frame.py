"""The frame around pages: who sees which places, and what that costs."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.test import RequestFactory

from escalation_site.ui import adapter
from escalation_site.ui.context import Frame, navigation
from escalation_site.ui.navigation import place_of
from oncall.models import User

pytestmark = pytest.mark.urls("tests.ui.urls")


@pytest.fixture
def request_of(rf: RequestFactory) -> Callable[..., HttpRequest]:
    def make(user: Any, path: str = "/incidents/") -> HttpRequest:
        request = rf.get(path)
        request.user = user
        return request

    return make


def person(role: str) -> User:
    return User(
        pk=7, username="jonas", first_name="Jonas", last_name="de Wit", email="jonas@brightquay.example", role=role
    )


@pytest.mark.parametrize(
    ("role", "places"),
    [
        ("reporter", ["home", "incidents"]),
        ("responder", ["home", "incidents", "oncall", "policies", "services"]),
        ("manager", ["home", "incidents", "oncall", "policies", "services", "metrics"]),
        ("auditor", ["home", "incidents", "oncall", "policies", "services", "metrics", "audit"]),
        (
            "administrator",
            ["home", "incidents", "oncall", "policies", "services", "metrics", "audit", "admin", "design"],
        ),
    ],
)
def test_when_somebody_looks_at_the_navigation_then_it_holds_what_the_role_may_see(
    request_of: Callable[..., HttpRequest], role: str, places: list[str]
) -> None:
    frame = Frame(request_of(person(role)))
    assert [place.name for place in (*frame.work, *frame.learn, *frame.run)] == places


def test_when_the_reader_audits_then_filing_is_not_offered(request_of: Callable[..., HttpRequest]) -> None:
    assert Frame(request_of(person("auditor"))).file is None
    assert Frame(request_of(person("reporter"))).file is not None


def test_when_nobody_is_signed_in_then_nothing_is_offered(request_of: Callable[..., HttpRequest]) -> None:
    frame = Frame(request_of(AnonymousUser()))
    assert (frame.role, frame.work, frame.duties) == ("", [], [])


@pytest.mark.parametrize(
    ("path", "role", "name"),
    [
        ("/", "reporter", "home"),
        ("/incidents/42/", "reporter", "incidents"),
        ("/incidents/new/", "reporter", "file"),
        ("/reports/mtta/", "manager", "metrics"),
        ("/incidents/workflow/", "administrator", "builder"),
        ("/incidents/categories/", "administrator", "builder"),
        ("/incidents/categories/", "responder", "incidents"),
        ("/x/", "administrator", ""),
    ],
)
def test_when_a_page_is_open_then_its_place_is_marked(path: str, role: str, name: str) -> None:
    assert place_of(path, role) == name


@pytest.mark.urls("tests.ui.urls_bare")
def test_when_an_installation_lacks_a_page_then_no_link_leads_to_it(request_of: Callable[..., HttpRequest]) -> None:
    assert [place.name for place in Frame(request_of(person("responder"))).work] == ["home"]


@pytest.mark.django_db
def test_when_a_page_has_no_navigation_then_the_frame_asks_the_database_nothing(
    request_of: Callable[..., HttpRequest], django_assert_num_queries: Any
) -> None:
    request = request_of(person("responder"))
    with django_assert_num_queries(0):
        html = render_to_string("404.html", {**navigation(request), "request": request})
    assert "There is nothing here" in html


def test_when_incidents_are_triggered_then_the_navigation_counts_them(
    request_of: Callable[..., HttpRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    teams = [adapter.TeamLink("Payments", "/teams/payments/", 3)]
    monkeypatch.setattr(adapter, "counts_for", lambda user: adapter.Counts(6, teams))
    monkeypatch.setattr(adapter, "duties_of", lambda user, at, mark: [adapter.Watch("Payments, second")])
    request = request_of(person("responder"))
    html = render_to_string("base.html", {**navigation(request), "user": request.user}, request)
    assert '<span class="count hot" id="nav-triggered">6<span class="sr"> triggered</span></span>' in html
    assert "Payments, second" in html
    assert html.count("<h1>") == 1


def test_when_there_is_a_storm_then_the_navigation_says_that_there_are_more_than_it_counts(
    request_of: Callable[..., HttpRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    teams = [adapter.TeamLink("Payments", "/", 1_000), adapter.TeamLink("Platform", "/", 999)]
    monkeypatch.setattr(adapter, "counts_for", lambda user: adapter.Counts(10_000, teams))
    monkeypatch.setattr(adapter, "duties_of", lambda user, at, mark: [])
    request = request_of(person("responder"))
    html = render_to_string("base.html", {**navigation(request), "user": request.user}, request)
    assert 'id="nav-triggered">999+<span' in html
    assert html.count("999+") == 3
    assert '<span class="count">999<span' in html


@pytest.mark.parametrize("name", ["400", "403", "403_csrf", "404", "429", "500"])
def test_when_a_page_fails_then_its_error_page_needs_no_context(name: str) -> None:
    html = render_to_string(f"{name}.html")
    assert name[:3] in html
    assert "Go to the home page" in html


@pytest.mark.parametrize("script", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>'])
def test_when_a_name_holds_markup_then_the_frame_escapes_it(
    request_of: Callable[..., HttpRequest], monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    monkeypatch.setattr(adapter, "counts_for", lambda user: adapter.Counts(1, [adapter.TeamLink(script, "/", 1)]))
    monkeypatch.setattr(adapter, "duties_of", lambda user, at, mark: [adapter.Watch(script)])
    request = request_of(person("responder"))
    assert script not in render_to_string("base.html", {**navigation(request), "user": request.user}, request)

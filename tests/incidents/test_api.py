"""The API: who may, what it answers, and that it goes through the same services as the pages."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from audit.models import LedgerEntry
from incidents.models import Incident, TimelineEvent
from incidents.services.lifecycle import incident_open
from oncall.models import ApiToken
from oncall.tokens import PREFIX, token_create, token_revoke
from tests.world.harness import World

INCIDENTS = "/api/v1/incidents/"
MOST_QUERIES = 15


class Caller:
    """A program with somebody's token."""

    def __init__(self, plain: str) -> None:
        self._client = Client(headers={"authorization": f"Bearer {plain}"})

    def get(self, path: str, **query: Any) -> Any:
        return self._client.get(path, query)

    def post(self, path: str, **body: Any) -> Any:
        return self._client.post(path, body, content_type="application/json")


@pytest.fixture
def caller(world: World) -> Callable[[str], Caller]:
    def make(username: str) -> Caller:
        person = world.cast.people[username]
        _token, plain = token_create(owner=person, name="test", actor=person, at=world.now)
        return Caller(plain)

    return make


@pytest.fixture
def filed(world: World) -> Callable[..., Incident]:
    """File an incident as Sofie, without anybody being paged (it has no engine turn)."""

    def make(title: str = "Card payments fail", **values: Any) -> Incident:
        given = {"title": title, "summary": "", "severity": 1, "service": world.cast.gateway, "at": world.now}
        return incident_open(**{**given, "reporter": world.cast.sofie, **values})

    return make


def refusal(response: Any) -> tuple[int, str, str]:
    error = response.json()["error"]
    assert set(error) == {"code", "message", "field"}
    assert error["message"]
    return response.status_code, error["code"], error["field"]


# --- who


def test_when_nobody_is_named_then_the_api_asks_for_a_token(world: World) -> None:
    response = Client().get(INCIDENTS)
    assert refusal(response) == (401, "not_authenticated", "")
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("plain", ["", "wb_nonsense", "é"])
def test_when_a_token_is_unknown_then_it_is_refused(world: World, plain: str) -> None:
    assert Caller(plain).get(INCIDENTS).status_code == 401


def test_when_a_token_is_revoked_or_its_owner_leaves_then_it_no_longer_works(world: World) -> None:
    marta = world.cast.marta
    revoked, plain = token_create(owner=marta, name="old", actor=marta, at=world.now)
    _kept, other = token_create(owner=marta, name="other", actor=marta, at=world.now)
    assert Caller(plain).get(INCIDENTS).status_code == 200
    token_revoke(token=revoked, actor=marta, at=world.now)
    assert Caller(plain).get(INCIDENTS).status_code == 401
    marta.is_active = False
    marta.save()
    assert Caller(other).get(INCIDENTS).status_code == 401


def test_when_tokens_are_guessed_then_the_guesses_are_stopped_and_the_owner_is_not(
    world: World, caller: Callable[[str], Caller]
) -> None:
    marta = caller("marta")
    answers = [Caller(f"{PREFIX}{number}").get(INCIDENTS).status_code for number in range(22)]
    assert answers == [401] * 20 + [429] * 2
    assert marta.get(INCIDENTS).status_code == 200


def test_when_a_token_is_made_then_only_its_digest_is_stored(world: World) -> None:
    marta = world.cast.marta
    token, plain = token_create(owner=marta, name="deploy", actor=marta, at=world.now)
    assert plain.startswith(PREFIX)
    assert plain not in str(ApiToken.objects.values().get(pk=token.pk))
    entry = LedgerEntry.objects.get(action="api_token.create")
    assert plain not in str((entry.data, entry.after))
    assert token.digest not in str((entry.data, entry.after))


def test_when_a_token_is_used_often_then_the_use_is_noted_once_a_minute(
    world: World, caller: Callable[[str], Caller], django_assert_max_num_queries: Any
) -> None:
    marta = caller("marta")
    marta.get(INCIDENTS)
    first = ApiToken.objects.get().last_used_at
    world.jump(seconds=59)
    marta.get(INCIDENTS)
    assert ApiToken.objects.get().last_used_at == first
    world.jump(seconds=1)
    marta.get(INCIDENTS)
    assert ApiToken.objects.get().last_used_at == world.now


def test_when_a_session_writes_then_it_needs_the_csrf_token(world: World, filed: Callable[..., Incident]) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.cast.marta, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(INCIDENTS).status_code == 200
    response = client.post(f"{INCIDENTS}{filed().pk}/acknowledge/", {}, content_type="application/json")
    assert response.status_code == 403


# --- reading


def test_when_incidents_are_listed_then_filters_are_those_of_the_page(
    world: World, caller: Callable[[str], Caller], filed: Callable[..., Incident]
) -> None:
    filed("Cards")
    filed("Slow page", severity=4)
    marta = caller("marta")

    def titles(**query: Any) -> list[str]:
        return [row["title"] for row in marta.get(INCIDENTS, **query).json()["results"]]

    assert titles() == ["Slow page", "Cards"]
    assert titles(severity=1) == ["Cards"]
    assert titles(q="slow") == ["Slow page"]
    assert titles(tab="acknowledged") == []
    assert titles(sort="oldest") == ["Cards", "Slow page"]
    assert titles(whose="mine") == []
    assert refusal(marta.get(INCIDENTS, severity="banana"))[0] == 400


def test_when_fifty_incidents_are_listed_then_the_queries_stay_few(
    caller: Callable[[str], Caller], filed: Callable[..., Incident], django_assert_max_num_queries: Any
) -> None:
    for number in range(51):
        filed(f"Incident {number}")
    marta = caller("marta")
    with django_assert_max_num_queries(MOST_QUERIES):
        found = marta.get(INCIDENTS).json()
    assert (found["count"], len(found["results"])) == (51, 50)
    assert len(marta.get(INCIDENTS, page_size=500).json()["results"]) == 51


def test_when_an_incident_is_restricted_then_other_teams_do_not_find_it(
    caller: Callable[[str], Caller], filed: Callable[..., Incident]
) -> None:
    secret = filed("Secret", restricted=True)
    nils, marta = caller("nils"), caller("marta")
    assert nils.get(INCIDENTS).json()["count"] == 0
    for path in ("", "alerts/"):
        assert refusal(nils.get(f"{INCIDENTS}{secret.pk}/{path}")) == (404, "not_found", "")
    assert refusal(nils.post(f"{INCIDENTS}{secret.pk}/acknowledge/"))[0] == 404
    assert marta.get(f"{INCIDENTS}{secret.pk}/").json()["title"] == "Secret"


def test_when_an_incident_is_read_then_it_says_where_its_escalation_stands(
    world: World, caller: Callable[[str], Caller]
) -> None:
    world.alert()
    world.settle()
    world.expect_page("marta")
    found = caller("marta").get(f"{INCIDENTS}{world.incident.pk}/").json()
    assert found["escalation"]["policy"] == "critical-payments"
    assert found["escalation"]["level"] == 1
    assert found["escalation"]["next_due_at"] == (world.now + timedelta(minutes=5)).isoformat().replace("+00:00", "Z")
    alerts = caller("marta").get(f"{INCIDENTS}{world.incident.pk}/alerts/").json()["results"]
    assert [alert["count"] for alert in alerts] == [1]


def test_when_who_is_on_call_is_asked_then_the_rota_answers(world: World, caller: Callable[[str], Caller]) -> None:
    marta = caller("marta")
    found = marta.get("/api/v1/on-call/", at="2026-12-01T03:00:00+01:00").json()
    assert [(one["role"], one["person"]["username"]) for one in found[0]["holders"]] == [
        ("primary", "marta"),
        ("secondary", "jonas"),
    ]
    shifts = marta.get("/api/v1/schedules/payments/shifts/", since="2026-12-01T00:00:00Z", until="2026-12-02T00:00:00Z")
    assert {row["person"]["username"] for row in shifts.json()} == {"marta", "jonas"}
    assert refusal(marta.get("/api/v1/on-call/", at="yesterday")) == (400, "refused", "at")
    assert refusal(marta.get("/api/v1/schedules/payments/shifts/", until="2020-01-01T00:00:00Z"))[2] == "until"


@pytest.mark.parametrize(
    "path", ["schedules/", "schedules/payments/", "on-call/", "policies/", "policies/critical-payments/"]
)
def test_when_support_staff_ask_for_schedules_or_policies_then_they_are_refused(
    caller: Callable[[str], Caller], path: str
) -> None:
    assert refusal(caller("sofie").get(f"/api/v1/{path}"))[0] == 403
    assert caller("amara").get(f"/api/v1/{path}").status_code == 200


def test_when_the_ledger_is_asked_then_only_auditors_and_administrators_read_it(
    caller: Callable[[str], Caller], filed: Callable[..., Incident]
) -> None:
    incident = filed()
    for username, status in (("marta", 403), ("elena", 403), ("sofie", 403), ("amara", 200), ("hugo", 200)):
        assert caller(username).get("/api/v1/ledger/").status_code == status
    found = caller("amara").get("/api/v1/ledger/", subject=f"incident:{incident.pk}", action="incident.open").json()
    assert [row["after"]["title"] for row in found["results"]] == ["Card payments fail"]


def test_when_the_catalogue_is_read_then_it_names_owner_and_policy(caller: Callable[[str], Caller]) -> None:
    found = caller("sofie").get("/api/v1/services/payments-gateway/").json()
    assert (found["team"]["slug"], found["policy"]) == ("payments", "critical-payments")


# --- acting


def test_when_a_program_files_an_incident_then_its_policy_starts(world: World, caller: Callable[[str], Caller]) -> None:
    response = caller("sofie").post(INCIDENTS, title="Cards fail", service="payments-gateway", severity=1)
    assert response.status_code == 201
    world.settle()
    world.expect_page("marta", level=1)
    incident = world.incident
    assert (incident.source, incident.reporter) == ("api", world.cast.sofie)
    assert LedgerEntry.objects.get(action="incident.open").source == "api"


def test_when_what_is_filed_is_wrong_then_every_field_at_fault_is_named(caller: Callable[[str], Caller]) -> None:
    response = caller("sofie").post(INCIDENTS, title="", service="nothing", severity=9)
    assert refusal(response)[0] == 400
    assert {error["field"] for error in response.json()["errors"]} == {"title", "service", "severity"}
    assert refusal(caller("amara").post(INCIDENTS, title="x", service="payments-gateway"))[:2] == (403, "not_allowed")


@pytest.mark.requirement("R325")
def test_when_a_program_walks_an_incident_through_its_life_then_each_step_is_recorded(
    world: World, caller: Callable[[str], Caller], filed: Callable[..., Incident]
) -> None:
    at = f"{INCIDENTS}{filed().pk}/"
    marta = caller("marta")
    assert marta.post(f"{at}acknowledge/").json()["owner"]["username"] == "marta"
    assert marta.post(f"{at}unacknowledge/").json()["state"] == "triggered"
    assert marta.post(f"{at}escalate/", reason="Needs a database person").status_code == 200
    assert marta.post(f"{at}reassign/", owner="jonas").json()["owner"]["username"] == "jonas"
    assert marta.post(f"{at}comment/", text="Looking at it").status_code == 200
    assert marta.post(f"{at}mitigate/").json()["mitigated_at"]
    later = (world.now + timedelta(hours=1)).isoformat()
    assert marta.post(f"{at}snooze/", until=later).json()["snoozed_until"]
    assert marta.post(f"{at}resolve/", resolution="Restarted").json()["resolution"] == "Restarted"
    assert marta.post(f"{at}reopen/", reason="Again").json()["state"] == "triggered"
    kinds = set(TimelineEvent.objects.values_list("kind", flat=True))
    for verb in [
        "acknowledge",
        "unacknowledge",
        "escalate",
        "reassign",
        "comment",
        "mitigate",
        "snooze",
        "resolve",
        "reopen",
    ]:
        assert f"incident.{verb}" in kinds
        assert LedgerEntry.objects.get(action=f"incident.{verb}").source == "api"


def test_when_it_has_changed_meanwhile_then_the_answer_is_a_conflict(
    caller: Callable[[str], Caller], filed: Callable[..., Incident]
) -> None:
    at = f"{INCIDENTS}{filed().pk}/"
    marta = caller("marta")
    marta.post(f"{at}resolve/")
    assert refusal(marta.post(f"{at}acknowledge/")) == (409, "conflict", "")
    assert refusal(marta.post(f"{at}escalate/")) == (400, "required", "reason")


@pytest.mark.parametrize("username", ["sofie", "amara"])
def test_when_somebody_who_does_not_respond_acts_then_it_is_refused(
    caller: Callable[[str], Caller], filed: Callable[..., Incident], username: str
) -> None:
    incident = filed()
    somebody = caller(username)
    for verb in ("acknowledge", "mitigate", "resolve"):
        assert refusal(somebody.post(f"{INCIDENTS}{incident.pk}/{verb}/"))[:2] == (403, "not_allowed")
    if username == "amara":
        assert refusal(somebody.post(f"{INCIDENTS}{incident.pk}/comment/", text="x"))[0] == 403
    incident.refresh_from_db()
    assert incident.is_open


# --- the document and the page of one's tokens


def test_when_the_document_is_asked_for_then_it_describes_the_api(world: World) -> None:
    response = Client().get("/api/v1/schema/", headers={"accept": "application/vnd.oai.openapi+json"})
    paths = response.json()["paths"]
    assert "/api/v1/incidents/{id}/acknowledge/" in paths
    assert "/api/v1/schedules/{slug}/shifts/" in paths
    assert response.json()["components"]["securitySchemes"]["token"]["scheme"] == "bearer"


def test_when_somebody_makes_a_token_then_it_is_shown_once_and_works(world: World) -> None:
    client = Client()
    client.force_login(world.cast.marta, backend="django.contrib.auth.backends.ModelBackend")
    response = client.post("/accounts/tokens/", {"name": "deploy script"})
    plain = response.context["plain"]
    assert plain in response.content.decode()
    assert "no-store" in response.headers["Cache-Control"]
    assert Caller(plain).get(INCIDENTS).status_code == 200
    assert plain not in client.get("/accounts/tokens/").content.decode()
    token = ApiToken.objects.get()
    assert client.post(f"/accounts/tokens/{token.pk}/revoke/").status_code == 303
    assert Caller(plain).get(INCIDENTS).status_code == 401
    assert LedgerEntry.objects.filter(action="api_token.revoke").count() == 1


def test_when_a_token_is_somebody_elses_then_it_cannot_be_revoked_here(world: World) -> None:
    marta = world.cast.marta
    token, _plain = token_create(owner=marta, name="hers", actor=marta, at=world.now)
    client = Client()
    client.force_login(world.cast.jonas, backend="django.contrib.auth.backends.ModelBackend")
    assert client.post(f"/accounts/tokens/{token.pk}/revoke/").status_code == 404
    assert client.post("/accounts/tokens/", {"name": "  "}).status_code == 422

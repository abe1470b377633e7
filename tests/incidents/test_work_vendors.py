"""Vendors: called with their contract shown, mailed at most once, their clock watched; documents where they help."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from audit.models import LedgerEntry
from escalation_site.kernel.errors import Conflict, DomainError
from incidents.models import Document, Incident, ResponseRole, Vendor, VendorCase
from incidents.services.roles import role_take
from incidents.services.vendor_mail import case_send, vendors_check
from incidents.services.vendors import vendor_answered, vendor_call, vendor_closed
from notifications.channels import OutcomeUnknown, Unavailable, channels_replaced
from notifications.models import Message
from tests.incidents.asking import filed, lines
from tests.world.harness import World

BACKEND = "django.contrib.auth.backends.ModelBackend"


class Post:
    """A mail server: keeps what it gets, and fails as told."""

    label = "E-mail"
    concurrency = 1
    time_limit = 10.0

    def __init__(self) -> None:
        self.got: list[Any] = []
        self.fails: list[Exception] = []

    def send(self, outgoing: Any, *, hand_over: Any) -> Any:
        if self.fails:
            raise self.fails.pop(0)
        self.got.append(outgoing)


@pytest.fixture
def post(world: World) -> Iterator[Post]:
    found = Post()
    with channels_replaced({"email": found}):
        yield found


@pytest.fixture
def vendor(world: World) -> Vendor:
    made = Vendor.objects.create(
        name="Cardlink",
        slug="cardlink",
        email="noc@cardlink.example",
        phone="+31 20 555 01",
        contract="CL-2291",
        support_level="Gold, 24×7",
        response_minutes=30,
    )
    made.services.add(world.cast.gateway)
    return made


def browser(world: World, username: str) -> Client:
    client = Client()
    client.force_login(world.cast.people[username], backend=BACKEND)
    return client


def called(world: World, incident: Incident, vendor: Vendor) -> VendorCase:
    return vendor_call(
        incident_id=incident.pk, vendor=vendor, reason="No authorisations", actor=world.cast.elena, at=world.now
    )


@pytest.mark.requirement("R101")
def test_when_a_vendor_is_called_then_it_is_mailed_its_contract_is_shown_and_its_clock_runs(
    world: World, vendor: Vendor, post: Post
) -> None:
    incident, client = filed(world), browser(world, "elena")
    assert "Escalate to vendor" in client.get(f"/incidents/{incident.pk}/response/").content.decode()
    page = client.get(f"/incidents/{incident.pk}/vendors/cardlink/").content.decode()
    assert "CL-2291" in page
    assert "Gold, 24×7" in page

    sent = client.post(f"/incidents/{incident.pk}/vendors/cardlink/", {"reason": "No authorisations"})

    assert sent.status_code == 303
    case = VendorCase.objects.get()
    assert (case.due_at - case.opened_at).total_seconds() == 30 * 60
    assert vendors_check(at=world.now) == 1
    assert vendors_check(at=world.now) == 0
    [mail] = post.got
    assert mail.address == "noc@cardlink.example"
    for words in ("No authorisations", incident.reference, "Contract: CL-2291", "Support level: Gold, 24×7"):
        assert words in mail.body
    case.refresh_from_db()
    assert case.told_state == "sent"
    text = client.get(f"/incidents/{incident.pk}/response/").content.decode()
    assert "Mail handed over" in text
    assert "data-due" in text or "<time" in text
    with pytest.raises(Conflict, match="called already"):
        called(world, incident, vendor)
    assert [kind for kind in lines(incident) if kind.startswith("vendor")] == ["vendor.call", "vendor.tell"]


def test_a_mail_that_cannot_be_sent_is_tried_again_and_in_the_end_a_person_is_told_to_call(
    world: World, vendor: Vendor, post: Post
) -> None:
    incident = filed(world)
    post.fails = [Unavailable("421 busy"), OutcomeUnknown("timed out")]
    first = called(world, incident, vendor)
    assert case_send(case_id=first.pk, at=world.now)
    first.refresh_from_db()
    assert first.told_state == "waiting"
    world.jump(minutes=1)

    case_send(case_id=first.pk, at=world.now)

    first.refresh_from_db()
    assert first.told_state == "unknown"  # It may have it: never sent again.
    assert not case_send(case_id=first.pk, at=world.now)
    assert post.got == []
    assert incident.timeline.filter(kind="vendor.untold").count() == 1
    vendor_closed(case_id=first.pk, actor=world.cast.elena, at=world.now)

    second = called(world, incident, vendor)
    VendorCase.objects.filter(pk=second.pk).update(told_state="sending")  # The process died there.
    second.history.create(
        **{field.attname: getattr(second, field.attname) for field in second._meta.concrete_fields},
        history_date=world.now,
        history_type="~",
    )
    world.jump(minutes=6)
    vendors_check(at=world.now)
    second.refresh_from_db()
    assert second.told_state == "unknown"


@pytest.mark.requirement("R105")
def test_a_vendor_that_does_not_answer_in_time_is_said_once_to_the_vendor_lead_and_an_answer_stops_its_clock(
    world: World, vendor: Vendor, post: Post
) -> None:
    cast, incident = world.cast, filed(world)
    lead = ResponseRole.objects.get(key="vendor-lead")
    role_take(incident_id=incident.pk, role=lead, actor=cast.jonas, at=world.now)
    case = called(world, incident, vendor)
    vendors_check(at=world.now)
    world.jump(minutes=31)
    for _look in range(3):
        vendors_check(at=world.now)
    told = {message.recipient.username: message.body for message in _messages("vendor-overdue")}
    assert list(told) == ["jonas"]
    assert "has not answered in time" in told["jonas"]
    assert incident.timeline.filter(kind="vendor.overdue").count() == 1
    assert "Overdue" in browser(world, "elena").get(f"/incidents/{incident.pk}/response/").content.decode()
    address = f"/incidents/{incident.pk}/vendor-cases/{case.pk}"

    browser(world, "jonas").post(f"{address}/answered/", {"reference": "CAS-77"})

    case.refresh_from_db()
    assert (case.answered_at, case.reference) == (world.now, "CAS-77")
    world.jump(minutes=1)
    vendor_answered(case_id=case.pk, actor=cast.jonas, at=world.now, reference="CAS-78")
    case.refresh_from_db()
    assert case.answered_at is not None
    assert (case.answered_at < world.now, case.reference) == (True, "CAS-78")
    assert LedgerEntry.objects.filter(object_type="vendor_case", subject=incident.subject).count() >= 4
    with pytest.raises(DomainError, match="Say what is needed"):
        vendor_call(incident_id=incident.pk, vendor=vendor, reason=" ", actor=cast.jonas, at=world.now)


def _messages(start: str) -> Any:
    return Message.objects.filter(idempotency_key__startswith=start).select_related("recipient")


@pytest.mark.requirement("R109")
def test_documents_stand_on_incidents_of_their_service_and_are_found_by_those_they_are_meant_for(world: World) -> None:
    runbook = Document.objects.create(
        title="Restart the gateway",
        slug="restart",
        kind="runbook",
        text="# Steps\n\n1. **Drain** it <script>x</script>",
    )
    runbook.services.add(world.cast.gateway)
    Document.objects.create(
        title="Is it the network?", slug="network", text="Try another one.", keywords="wifi", for_requesters=True
    )
    incident = filed(world)
    marta, sofie = browser(world, "marta"), browser(world, "sofie")

    panel = marta.get(f"/incidents/{incident.pk}/response/", headers={"HX-Request": "true"}).content.decode()

    assert "Restart the gateway" in panel
    assert "Is it the network?" not in panel
    text = marta.get("/incidents/documents/restart/").content.decode()
    assert "<strong>Drain</strong>" in text
    assert "<script>x" not in text
    assert "Restart the gateway" in marta.get("/incidents/documents/?q=drain").content.decode()
    found = sofie.get("/incidents/documents/").content.decode()
    assert "Is it the network?" in found
    assert "Restart the gateway" not in found
    assert "Is it the network?" in sofie.get("/incidents/documents/?q=WIFI").content.decode()
    assert sofie.get("/incidents/documents/restart/").status_code == 404

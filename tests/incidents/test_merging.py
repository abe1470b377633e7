"""Several records of one trouble: merged into one, split again, linked to each other."""

from typing import Any

import pytest

from audit.models import LedgerEntry
from escalation_site.kernel.errors import Conflict, DomainError, NotAllowed
from incidents.models import Alert, EscalationRun, Follower, Incident, IncidentLink, Page, Service
from incidents.services.lifecycle import incident_acknowledge, incident_comment, incident_open, incident_resolve
from incidents.services.linking import incident_link, incident_unlink
from incidents.services.merging import incident_merge, incident_unmerge
from incidents.services.splitting import incident_split
from tests.world.harness import World

WIRE = "BankWireDown"


def filed(world: World, title: str = "Cards fail", **values: Any) -> Incident:
    given: dict[str, Any] = {
        "title": title,
        "summary": "",
        "severity": 2,
        "service": world.cast.gateway,
        "reporter": world.cast.sofie,
        "at": world.now,
    }
    incident = incident_open(**given | values)
    world.settle()
    world.expect_page("marta", level=1)
    return incident


def rung(world: World, name: str = WIRE) -> Incident:
    """What a monitor says, with Marta paged for it."""
    world.alert(name)
    world.settle()
    world.expect_page("marta", level=1)
    return Incident.objects.latest("pk")


def ledger(incident: Incident) -> list[str]:
    return list(LedgerEntry.objects.filter(subject=incident.subject).order_by("pk").values_list("action", flat=True))


@pytest.mark.requirement("R193")
def test_when_incidents_are_merged_then_one_record_keeps_all_and_nobody_is_paged_for_the_other(world: World) -> None:
    marta = world.cast.marta
    kept, noise = filed(world), rung(world)
    Follower.objects.create(incident=noise, user=world.cast.jonas, since=world.now)
    incident_comment(incident_id=noise.pk, text="The wire is down.", actor=marta, at=world.now)
    incident_acknowledge(incident_id=kept.pk, actor=marta, at=world.now)
    state_before = EscalationRun.objects.get(incident=kept, superseded=False).state

    incident_merge(incident_id=noise.pk, other_id=kept.pk, actor=marta, at=world.now, reason="One and the same.")

    kept.refresh_from_db()
    noise.refresh_from_db()
    assert (noise.merged_into, noise.state) == (kept, "resolved")
    assert (kept.state, kept.alert_count, kept.alerts.count()) == ("acknowledged", 1, 1)
    assert {row.user for row in kept.followers.all()} == {world.cast.jonas}
    assert IncidentLink.objects.filter(source=noise, target=kept, kind="duplicate").exists()
    assert EscalationRun.objects.get(incident=kept, superseded=False).state == state_before
    assert "incident.merge" in ledger(noise)
    assert "incident.absorb" in ledger(kept)
    # The level after Marta's would be called in five minutes: nobody is.
    world.advance(minutes=30)
    assert Page.objects.filter(incident=noise).count() == 1

    # The same alert again, its recovery, and another firing: all the target's.
    world.alert(WIRE)
    world.recover(WIRE)
    world.settle()
    world.alert(WIRE)
    world.settle()
    kept.refresh_from_db()
    assert (kept.is_open, kept.alerts.count(), kept.alert_count) == (True, 2, 3)
    assert Incident.objects.count() == 2


def test_when_a_merge_is_taken_back_then_each_has_its_own_again(world: World) -> None:
    marta = world.cast.marta
    kept, noise = filed(world), rung(world)
    third = filed(world, "Third")
    for one in (noise, kept):
        incident_acknowledge(incident_id=one.pk, actor=marta, at=world.now)
    incident_merge(incident_id=third.pk, other_id=noise.pk, actor=marta, at=world.now)
    incident_merge(incident_id=noise.pk, other_id=kept.pk, actor=marta, at=world.now)
    third.refresh_from_db()
    assert third.merged_into == kept

    incident_unmerge(incident_id=noise.pk, actor=marta, at=world.now)

    for one in (kept, noise, third):
        one.refresh_from_db()
    assert (noise.merged_into, noise.state, noise.owner, noise.alert_count) == (None, "acknowledged", marta, 1)
    assert (kept.alert_count, kept.alerts.count(), noise.alerts.count()) == (0, 0, 1)
    assert third.merged_into == noise
    assert not IncidentLink.objects.filter(source=noise, target=kept).exists()
    world.settle()  # whoever had it has it again: nobody is called
    incident_unmerge(incident_id=third.pk, actor=marta, at=world.now)
    third.refresh_from_db()
    assert third.state == "triggered"
    world.settle()
    world.expect_page("marta", level=1)
    with pytest.raises(Conflict):
        incident_unmerge(incident_id=third.pk, actor=marta, at=world.now)


def test_when_a_merge_makes_no_sense_or_shows_what_is_restricted_then_it_is_refused(world: World) -> None:
    cast = world.cast
    kept, noise, over = filed(world), filed(world, "Noise"), filed(world, "Over")
    secret = filed(world, "Secret", restricted=True)
    incident_resolve(incident_id=over.pk, actor=cast.marta, at=world.now)

    def merge(one: Incident, other: int, who: Any = cast.marta) -> None:
        incident_merge(incident_id=one.pk, other_id=other, actor=who, at=world.now)

    for one, other, who, error in (
        (kept, kept.pk, cast.marta, DomainError),
        (kept, 999_999, cast.marta, DomainError),
        (kept, over.pk, cast.marta, Conflict),
        (secret, kept.pk, cast.marta, NotAllowed),
        (kept, secret.pk, cast.nils, DomainError),
        (kept, noise.pk, cast.sofie, NotAllowed),
    ):
        with pytest.raises(error):
            merge(one, other, who)
    merge(kept, secret.pk)
    with pytest.raises(Conflict):
        merge(noise, kept.pk)
    assert Incident.objects.filter(merged_into__isnull=False).count() == 1


@pytest.mark.requirement("R193")
def test_when_what_was_merged_turns_out_to_be_another_trouble_then_it_is_split_off(world: World) -> None:
    marta = world.cast.marta
    kept, noise = rung(world, "CardsDown"), rung(world)
    incident_merge(incident_id=noise.pk, other_id=kept.pk, actor=marta, at=world.now)
    incident_comment(incident_id=kept.pk, text="The wire again.", actor=marta, at=world.now)
    said = kept.timeline.get(kind="incident.comment")
    own, wire = Alert.objects.get(dedup_key=kept.dedup_key), Alert.objects.get(dedup_key=noise.dedup_key)

    given: dict[str, Any] = {"incident_id": kept.pk, "title": "The wire", "actor": marta, "at": world.now}
    with pytest.raises(DomainError):
        incident_split(**given, alerts=[own.pk])
    new = incident_split(**given, alerts=[wire.pk], comments=[said.pk], keep=True)

    assert (new.owner, new.state, new.alert_count) == (marta, "acknowledged", 1)
    assert new.timeline.get(kind="incident.comment").text == "The wire again."
    assert [link.target for link in new.links_out.all()] == [kept]
    world.settle()  # Marta keeps it: nobody is called
    world.recover(WIRE)
    world.settle()
    new.refresh_from_db()
    kept.refresh_from_db()
    assert (new.state, kept.state, kept.alert_count) == ("resolved", "triggered", 1)
    with pytest.raises(Conflict):
        incident_split(**given | {"incident_id": new.pk})


def test_when_incidents_are_linked_then_both_timelines_say_so_unless_it_would_show_a_restricted_one(
    world: World,
) -> None:
    cast = world.cast
    one, other = filed(world), filed(world, "Other")
    wiki = Service.objects.create(name="Wiki", slug="wiki", team=cast.platform, policy=cast.policy)
    secret = filed(world, "Secret", service=wiki, restricted=True)

    def say(kind: str, first: Incident, second: Incident, who: Any = cast.marta) -> IncidentLink:
        return incident_link(incident_id=first.pk, other_id=second.pk, kind=kind, actor=who, at=world.now)

    link = say("blocks", one, other)
    assert one.timeline.filter(kind="incident.link_blocks").exists()
    assert other.timeline.filter(kind="incident.linked_blocks").exists()
    for refused in (("blocks", one, other), ("blocks", other, one)):
        with pytest.raises(Conflict):
            say(*refused)
    with pytest.raises(DomainError):
        say("split_from", one, other)
    with pytest.raises(NotAllowed):
        say("related", one, other, cast.sofie)
    with pytest.raises(DomainError):
        say("related", one, secret, cast.jonas)
    say("related", one, secret, cast.hugo)
    assert not one.timeline.filter(kind="incident.link_related").exists()
    assert secret.timeline.filter(kind="incident.linked_related").exists()
    incident_unlink(link_id=link.pk, incident_id=other.pk, actor=cast.marta, at=world.now)
    assert not IncidentLink.objects.filter(pk=link.pk).exists()
    with pytest.raises(Conflict):
        incident_unlink(link_id=link.pk, incident_id=other.pk, actor=cast.marta, at=world.now)

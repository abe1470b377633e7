"""The life cycle: ways that are open, what must be there first, closing, and reviews that satisfy a guard."""

from datetime import timedelta
from typing import Any

import pytest

from audit.models import LedgerEntry
from escalation_site.kernel.errors import Conflict, DomainError, NotAllowed
from incidents.models import Incident, Review, Stage, StageGuard, Task, Transition
from incidents.selectors.review import report_json, report_markdown, report_of
from incidents.services.lifecycle import (
    incident_acknowledge,
    incident_mitigate,
    incident_open,
    incident_reopen,
    incident_resolve,
)
from incidents.services.reviews import ReviewEditedMeanwhile, review_save, version_of
from incidents.services.stages import incident_close, incident_stage, stages_ahead
from incidents.services.workflow import (
    Guard,
    Workflow,
    stage_remove,
    stage_set,
    stages_order,
    workflow_now,
    workflow_set,
)
from incidents.stages import stages_create
from tests.world.harness import World

TEXTS = {"root_cause": "A full disk", "mitigation": "Rotated the logs", "follow_up": "- Alert at 80 %"}


def filed(world: World, title: str = "Something is wrong", **values: Any) -> Incident:
    """Sofie files it; no engine turn follows, so that nobody is paged."""
    given: dict[str, Any] = {"title": title, "summary": "", "severity": 3, "reporter": world.cast.sofie, **values}
    return incident_open(service=world.cast.gateway, at=world.now, **given)


def stage(key: str) -> Stage:
    return Stage.objects.get(key=key)


def go(world: World, incident: Incident, key: str, **more: Any) -> Incident:
    more.setdefault("actor", world.cast.marta)
    return incident_stage(incident_id=incident.pk, stage=stage(key), at=world.now, **more)


def resolved(world: World, **values: Any) -> Incident:
    incident = filed(world, "Cards fail", **values)
    return incident_resolve(incident_id=incident.pk, actor=world.cast.marta, at=world.now, resolution="A full disk")


@pytest.mark.requirement("R129")
def test_only_the_ways_of_the_workflow_are_open_to_people(world: World) -> None:
    incident = filed(world)
    assert [one.key for one in stages_ahead(incident)] == ["triage", "investigating"]

    with pytest.raises(DomainError, match="Triage and Investigating") as refused:
        go(world, incident, "mitigating")
    assert refused.value.field == "stage"
    assert go(world, incident, "triage").stage.key == "triage"
    assert go(world, incident, "triage").stage.key == "triage"
    assert incident.timeline.filter(kind="incident.stage").count() == 1
    for end in ("resolved", "closed"):
        with pytest.raises(DomainError):
            go(world, incident, end)
    with pytest.raises(NotAllowed):
        go(world, incident, "investigating", actor=world.cast.sofie)

    # What Watchbell does by itself needs no way: New → Mitigating, and back to Triage.
    other = filed(world)
    assert incident_mitigate(incident_id=other.pk, actor=world.cast.marta, at=world.now).stage.key == "mitigating"
    incident_resolve(incident_id=other.pk, actor=world.cast.marta, at=world.now)
    with pytest.raises(Conflict):
        go(world, other, "triage")
    assert (
        incident_reopen(incident_id=other.pk, actor=world.cast.marta, reason="Again", at=world.now).stage.key
        == "triage"
    )


@pytest.mark.requirement("R129")
def test_an_administrator_adds_renames_orders_and_removes_stages(world: World) -> None:
    by: dict[str, Any] = {"actor": world.cast.hugo, "at": world.now}
    waiting = stage_set(stage=Stage(), values={"key": "vendor", "name": "Waiting for the vendor"}, **by)
    assert list(Stage.objects.values_list("key", flat=True))[-3:] == ["vendor", "resolved", "closed"]
    stage_set(stage=stage("triage"), values={"name": "Sorting"}, **by)
    stages_order(keys=["new", "triage", "vendor", "investigating", "mitigating", "resolved", "closed"], **by)
    seen = workflow_now().document()
    wanted = Workflow(workflow_now().ways | {("triage", "vendor")}, workflow_now().guards)
    assert workflow_set(wanted=wanted, seen=seen, **by)
    assert not workflow_set(wanted=wanted, **by)

    incident = filed(world)
    go(world, incident, "triage")
    assert go(world, incident, "vendor").stage.name == "Waiting for the vendor"
    # A stage without any way out leads everywhere.
    assert {one.key for one in stages_ahead(Incident.objects.get())} == {"new", "triage", "investigating", "mitigating"}

    with pytest.raises(Conflict):
        workflow_set(wanted=Workflow(), seen=seen, **by)
    with pytest.raises(Conflict):
        stage_remove(stage=waiting, **by)
    with pytest.raises(DomainError):
        stage_remove(stage=stage("triage"), **by)
    with pytest.raises(DomainError):
        stages_order(keys=["closed", "new", "triage", "vendor", "investigating", "mitigating", "resolved"], **by)
    with pytest.raises(NotAllowed):
        workflow_set(wanted=Workflow(), actor=world.cast.elena, at=world.now)
    go(world, incident, "investigating")
    stage_remove(stage=waiting, **by)
    assert not Transition.objects.filter(after__key="vendor").exists()
    assert list(LedgerEntry.objects.filter(action__startswith="workflow").values_list("action", flat=True)) == [
        "workflow.change"
    ]
    assert LedgerEntry.objects.filter(action="stage.remove").exists()


def test_what_an_administrator_took_away_stays_away_after_the_next_migration(world: World) -> None:
    assert StageGuard.objects.filter(stage__key="closed", kind="review", severity=1).exists()
    workflow_set(wanted=Workflow(), actor=world.cast.hugo, at=world.now)

    stages_create(None, using="default")

    assert workflow_now() == Workflow()


@pytest.mark.requirement("R129")
def test_a_sev_1_is_closed_with_a_published_review_or_a_reason_on_record(world: World) -> None:
    mild, severe, overridden = resolved(world), resolved(world, severity=1), resolved(world, severity=1)
    with pytest.raises(Conflict):
        incident_close(incident_id=filed(world).pk, actor=world.cast.marta, at=world.now)
    assert incident_close(incident_id=mild.pk, actor=world.cast.marta, at=world.now).closed_at == world.now

    with pytest.raises(DomainError, match="review") as refused:
        incident_close(incident_id=severe.pk, actor=world.cast.marta, at=world.now)
    assert refused.value.code == "guarded"
    review_save(incident_id=severe.pk, values=TEXTS, actor=world.cast.marta, at=world.now)
    with pytest.raises(DomainError):
        incident_close(incident_id=severe.pk, actor=world.cast.marta, at=world.now)
    draft = Review.objects.get()
    review_save(
        incident_id=severe.pk, values=TEXTS, seen=draft.edited_at, publish=True, actor=world.cast.marta, at=world.now
    )
    closed = incident_close(incident_id=severe.pk, actor=world.cast.marta, at=world.now)
    assert (closed.stage.key, closed.state) == ("closed", "resolved")
    again = incident_reopen(incident_id=severe.pk, actor=world.cast.marta, reason="Back", at=world.now)
    assert (again.closed_at, again.stage.key) == (None, "triage")

    with pytest.raises(NotAllowed):
        incident_close(incident_id=overridden.pk, actor=world.cast.marta, at=world.now, override="Duplicate")
    incident_close(incident_id=overridden.pk, actor=world.cast.elena, at=world.now, override="A drill")
    entry = LedgerEntry.objects.get(action="incident.override")
    assert entry.subject == overridden.subject
    assert entry.data == {"stage": "closed", "missing": ["review"], "reason": "A drill"}
    assert overridden.timeline.get(kind="incident.override").text == "A drill"


def test_guards_look_at_tasks_owner_and_cause_for_the_severities_they_name(world: World) -> None:
    guards = frozenset(
        {Guard("resolved", "resolution", 2), Guard("resolved", "tasks", 5), Guard("investigating", "owner", 5)}
    )
    workflow_set(wanted=Workflow(frozenset(), guards), actor=world.cast.hugo, at=world.now)
    incident = filed(world)
    task = Task.objects.create(incident=incident, title="Call the bank", created_at=world.now)

    with pytest.raises(DomainError, match="owns"):
        go(world, incident, "investigating")
    incident_acknowledge(incident_id=incident.pk, actor=world.cast.marta, at=world.now)
    go(world, incident, "investigating")
    with pytest.raises(DomainError, match="task"):
        incident_resolve(incident_id=incident.pk, actor=world.cast.marta, at=world.now)
    Task.objects.filter(pk=task.pk).update(state=Task.State.DROPPED, ended_at=world.now)
    incident_resolve(incident_id=incident.pk, actor=world.cast.marta, at=world.now)

    severe = filed(world, severity=2)
    with pytest.raises(DomainError) as refused:
        incident_resolve(incident_id=severe.pk, actor=world.cast.marta, at=world.now)
    assert refused.value.field == "resolution"
    # The system resolves what recovered, whatever is missing.
    assert incident_resolve(incident_id=severe.pk, actor=None, at=world.now).state == "resolved"


@pytest.mark.requirement("R112")
def test_the_report_of_a_resolved_incident_has_six_parts_from_its_record(world: World) -> None:
    incident = filed(world, "Cards fail | *now*", severity=1)
    incident_acknowledge(incident_id=incident.pk, actor=world.cast.marta, at=world.now)
    Task.objects.create(incident=incident, title="Alert at 80 %", created_at=world.now)
    incident_mitigate(incident_id=incident.pk, actor=world.cast.marta, at=world.now + timedelta(minutes=9))
    incident_resolve(
        incident_id=incident.pk, actor=world.cast.marta, at=world.now + timedelta(minutes=20), resolution="A full disk"
    )
    incident.refresh_from_db()

    report = report_of(incident, reader=world.cast.marta)
    data = report_json(report)
    assert data["severity"] == {"now": "SEV-1", "course": ["SEV-1"]}
    assert [one["slug"] for one in data["services"]] == ["payments-gateway"]
    assert [moment["at"] for moment in data["timeline"]] == sorted(moment["at"] for moment in data["timeline"])
    assert any("Marta Ferri" in moment["what"] for moment in data["timeline"])
    assert (data["root_cause"], data["follow_up"], data["status"]) == ("A full disk", "- Alert at 80 %", "draft")
    assert "mitigation" in data

    review_save(incident_id=incident.pk, values=TEXTS, publish=True, actor=world.cast.marta, at=world.now)
    published = report_of(incident, reader=world.cast.amara)
    document = report_markdown(published)
    headings = [line for line in document.splitlines() if line.startswith("## ")]
    assert headings == [
        "## Severity", "## Affected services", "## Timeline", "## Root cause", "## What was done", "## What follows",
    ]  # fmt: skip
    assert document.startswith(f"# {incident.reference}: Cards fail \\| \\*now\\*")
    assert report_json(published)["version"] == 1


@pytest.mark.requirement("R112")
def test_a_review_notices_what_was_saved_meanwhile_and_is_corrected_by_versions(world: World) -> None:
    incident = resolved(world)
    first = review_save(incident_id=incident.pk, values=TEXTS, actor=world.cast.marta, at=world.now)
    began = first.edited_at

    review_save(
        incident_id=incident.pk, values={**TEXTS, "lessons": "Luck"}, seen=began, actor=world.cast.jonas,
        at=world.now + timedelta(minutes=1),
    )  # fmt: skip
    with pytest.raises(ReviewEditedMeanwhile) as refused:
        review_save(
            incident_id=incident.pk, values={**TEXTS, "lessons": "Skill"}, seen=began, actor=world.cast.marta,
            at=world.now + timedelta(minutes=2),
        )  # fmt: skip
    theirs = refused.value.review
    assert (theirs.lessons, theirs.author) == ("Luck", world.cast.jonas)
    with pytest.raises(ReviewEditedMeanwhile):
        review_save(incident_id=incident.pk, values=TEXTS, seen=None, actor=world.cast.marta, at=world.now)

    at = world.now + timedelta(minutes=3)
    with pytest.raises(DomainError) as missing:
        review_save(
            incident_id=incident.pk, values={**TEXTS, "mitigation": " "}, seen=theirs.edited_at, publish=True,
            actor=world.cast.marta, at=at,
        )  # fmt: skip
    assert missing.value.field == "mitigation"
    done = review_save(
        incident_id=incident.pk, values=TEXTS, seen=theirs.edited_at, publish=True, actor=world.cast.marta, at=at
    )
    assert version_of(done) == 1
    corrected = review_save(
        incident_id=incident.pk, values={**TEXTS, "root_cause": "A full disk, unwatched"}, seen=done.edited_at,
        actor=world.cast.jonas, at=at + timedelta(minutes=1),
    )  # fmt: skip
    assert (version_of(corrected), corrected.published_at) == (2, at)
    assert incident.timeline.get(kind="review.correct").data["number"] == "2"
    entry = LedgerEntry.objects.get(action="review.correct")
    assert (entry.before, entry.subject) == ({"root_cause": "A full disk"}, incident.subject)
    with pytest.raises(NotAllowed):
        review_save(incident_id=incident.pk, values=TEXTS, actor=world.cast.amara, at=at)

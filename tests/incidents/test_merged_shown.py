"""What a merged incident had is to be found where it went: files, tasks, words; and it counts no more."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client

from incidents.models import Attachment, Incident, Task
from incidents.services.attachments import attachment_add
from incidents.services.lifecycle import incident_comment
from incidents.services.merging import incident_merge, incident_unmerge
from incidents.services.tasks import task_create
from tests.incidents.views.conftest import browser_of, file_incident, night
from tests.world.harness import World

__all__ = ["browser_of", "file_incident", "night"]
Browser = Callable[[str], Client]


@pytest.fixture(autouse=True)
def files_of_this_test(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.mark.requirement("R193")
def test_when_an_incident_is_merged_then_the_other_shows_what_it_had_and_splitting_takes_it_back(
    night: World, browser_of: Browser, file_incident: Any
) -> None:
    kept, noise = file_incident("Cards fail"), file_incident("Tills fail")
    night.expect_page("marta")
    night.expect_page("marta")
    by: dict[str, Any] = {"actor": night.cast.marta, "at": night.now}
    attachment_add(incident_id=noise.pk, upload=ContentFile(b"boot", name="boot.log"), **by)
    task_create(incident_id=noise.pk, title="Call the carrier", assignee=night.cast.jonas, **by)
    incident_comment(incident_id=noise.pk, text="The wire is down.", **by)
    incident_merge(incident_id=noise.pk, other_id=kept.pk, **by)
    marta = browser_of("marta")

    def of_kept(page: str) -> str:
        return marta.get(f"/incidents/{kept.pk}/{page}/").content.decode()

    reference = noise.reference
    files, work = of_kept("files"), of_kept("response")
    assert ("boot.log" in files, f"from {reference}" in files) == (True, True)
    assert ("Call the carrier" in work, f"from {reference}" in work) == (True, True)
    assert "The wire is down." in of_kept("links")
    jonas = next(
        row for row in marta.get("/incidents/workload/").context["rows"] if row["load"].user == night.cast.jonas
    )
    assert jonas["load"].tasks == 1

    incident_unmerge(incident_id=noise.pk, **by)

    assert "boot.log" not in of_kept("files")
    assert "Call the carrier" not in of_kept("response")
    assert (Attachment.objects.get().incident, Task.objects.get().incident) == (noise, noise)


def test_when_an_incident_is_merged_then_lists_and_figures_count_the_trouble_once(
    night: World, browser_of: Browser, file_incident: Any
) -> None:
    kept, noise = file_incident("Cards fail"), file_incident("Tills fail")
    night.expect_page("marta")
    night.expect_page("marta")
    incident_merge(incident_id=noise.pk, other_id=kept.pk, actor=night.cast.marta, at=night.now)
    marta = browser_of("marta")

    def titles(address: str) -> list[str]:
        groups = marta.get(f"/incidents/?{address}").context["groups"]
        return [row.incident.title for group in groups for row in group.rows]

    assert titles("tab=resolved") == []
    assert titles("tab=resolved&merged=yes") == ["Tills fail"]
    assert titles("tab=resolved&q=tills") == ["Tills fail"]
    assert list(Incident.objects.counted()) == [kept]

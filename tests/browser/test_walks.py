"""Each role does its work, from the sign-in page on, at a desk and on a phone; every place it comes to is checked at one of the two.

`make walks` checks each at both, in light and in dark, and keeps pictures in build/walks.
"""

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from escalation_site.env import BASE_DIR
from tests.browser.conftest import Windows
from tests.browser.looks import SIZES
from tests.browser.walking import Walk

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.parametrize("size", SIZES)]

KNOWN = {"desktop": "Parcel tracking shows no dates", "phone": "Invoices print without a logo"}
"""What a colleague had filed before, by the size of the screen of whoever meets it again."""


@pytest.mark.requirement("R121", "R306")
def test_when_support_staff_walk_then_they_follow_what_is_known_and_file_and_comment_what_is_not(
    windows: Windows, size: str
) -> None:
    walk = Walk("support", size, windows)
    page = walk.page
    walk.sign_in("sofie")
    walk.look("home")
    page.get_by_role("link", name="File an incident").click()
    page.get_by_label("What is wrong? required", exact=True).fill(KNOWN[size])
    page.get_by_label("Affected service").select_option("payments-gateway")
    known = page.locator("#filing-similar .simc").filter(has_text=KNOWN[size])
    walk.look("already-known")
    known.get_by_role("button", name="It is this one: follow it").click()
    expect(page.get_by_role("heading", name=KNOWN[size])).to_be_visible()
    expect(page.locator("#request-panel")).to_contain_text("You follow it")

    walk.go("Home")
    page.get_by_role("link", name="File an incident").click()
    title = f"The printer of {size} labels hums"
    page.get_by_label("What is wrong? required", exact=True).fill(title)
    page.get_by_label("What do people see? required", exact=True).fill("It hums, and no label comes out.")
    page.get_by_label("Affected service").select_option("payments-gateway")
    page.get_by_label("Type").select_option("outage")
    page.locator("label:has(input[name=severity][value='3'])").click()
    expect(page.locator("#will-page")).to_contain_text("Marta Ferri")
    walk.look("form")
    page.get_by_role("button", name="File incident").click()
    expect(page.get_by_role("heading", name=title)).to_be_visible()
    page.locator("#composer [name=text]").fill("It stops humming when it is cold.")
    page.locator("#composer").get_by_role("button", name="Post").click()
    expect(page.locator("#incident-timeline")).to_contain_text("It stops humming when it is cold.")
    walk.look("followed")
    walk.go("My requests")
    for one in (title, KNOWN[size]):
        expect(walk.main.get_by_role("link", name=one)).to_be_visible()
    walk.look("requests")
    walk.end()


@pytest.mark.requirement("R079", "R260")
def test_when_a_responder_is_paged_then_they_take_it_by_its_link_call_for_more_and_resolve_it(
    windows: Windows, size: str
) -> None:
    walk = Walk("responder", size, windows)
    page = walk.page
    walk.open(f"/p/{windows.places[f'walk_{size}']['link']}/")
    walk.look("page")
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_role("heading", name="It’s yours, Marta Ferri.")).to_be_visible()
    walk.look("taken")
    page.get_by_role("link", name="Open the incident").click()
    walk.sign_in("marta")
    expect(page.locator("#incident-head .state.acked")).to_be_visible()
    walk.act("escalate", reason="The acquirer must look, too.")
    walk.told("The next level is called now.")
    walk.look("incident")
    if walk.on_phone:
        page.locator("#incident-thumb").get_by_role("link", name="Write an update").click()
    page.locator("#composer [name=text]").fill("Terminals are back after a restart of `gw-2`.")
    page.locator("#composer").get_by_role("button", name="Post").click()
    expect(page.locator("#incident-timeline")).to_contain_text("Terminals are back")
    walk.look("timeline")
    walk.act("mitigate")
    walk.told("Marked mitigated.")
    walk.act("reassign", owner="Jonas de Wit", note="You know the sockets.")
    expect(page.locator("#incident-head .facts")).to_contain_text("Jonas de Wit")
    walk.act("resolve", resolution="gw-2 had run out of sockets; restarted.")
    expect(page.locator("#incident-head .state.resolved")).to_be_visible()
    expect(page.locator("#incident-timeline")).to_contain_text("gw-2 had run out of sockets")
    walk.look("resolved")
    walk.end()


@pytest.mark.requirement("R196", "R215")
def test_when_a_manager_walks_then_they_move_work_take_command_and_see_what_is_behind_a_figure(
    windows: Windows, size: str
) -> None:
    walk = Walk("manager", size, windows)
    page, number = walk.page, windows.places[f"walk_{size}"]["lead"]
    walk.sign_in("elena")
    walk.look("home")
    walk.go("Incidents")
    page.get_by_role("navigation", name="Ways to look").get_by_role("link", name="Board").click()
    page.locator(f"#move-{number}").click()
    page.locator("#act-dialog select").first.select_option(label="Triage")
    page.locator("#act-dialog").get_by_role("button", name="Move").click()
    moved = page.locator("[data-column][data-title='Triage']").locator(f"#card-{number}")
    expect(moved).to_be_visible()
    walk.look("board")
    moved.click()
    walk.act("major", reason="Shops cannot close their day.")
    walk.told("It is a major incident.")
    if walk.on_phone:
        page.locator("[data-show=details]").click()
    page.locator(f"#incident-work a[href$='/incidents/{number}/response/']").click()
    page.locator("#take-commander").click()
    expect(page.locator("#work-body")).to_contain_text("Elena Conti")
    walk.look("command")
    _figures(walk)
    walk.end()


def _figures(walk: Walk) -> None:
    """From a figure to the incidents behind it, and to how it is counted."""
    page = walk.page
    walk.go("Metrics")
    figure = page.locator(".kpi .v").first
    expect(figure).to_be_visible()
    walk.look("metrics")
    figure.click()
    page.wait_for_url(re.compile("/reports/incidents/"))
    page.get_by_text("How this is counted").click()
    walk.look("behind-a-figure")


@pytest.mark.requirement("R299", "R300")
def test_when_an_auditor_walks_then_they_find_an_entry_prove_it_and_take_an_incidents_pack(
    windows: Windows, size: str, tmp_path: Path
) -> None:
    walk = Walk("auditor", size, windows)
    page, reference = walk.page, f"INC-{windows.places['done']}"
    walk.sign_in("amara")
    page.get_by_role("link", name="Browse the ledger").click()
    page.locator("form.filters [name=subject]").fill(reference)
    page.locator("form.filters [name=action]").select_option("incident.resolve")
    page.get_by_role("button", name="Search").click()
    page.locator("[data-row-link]").first.click()
    expect(page.locator("#entry")).to_contain_text("Jonas de Wit")
    walk.look("found")
    page.get_by_role("link", name="Link to this entry").click()
    page.get_by_role("button", name="Check it in this browser").click()
    expect(page.get_by_text("Proved by this browser.")).to_be_visible()
    walk.look("proof")
    page.get_by_role("link", name="From signal to review").click()
    expect(walk.main).to_contain_text("Receipts are late")
    walk.look("trail")
    page.get_by_role("link", name="Audit pack").click()
    page.get_by_role("button", name="Make it").click()
    page.wait_for_url(re.compile(r"/audit/packs/\d+/$"))
    _pack_made(windows, int(page.url.rstrip("/").rsplit("/", 1)[1]))
    digest = _pack_taken(page, tmp_path / "pack.zip")
    expect(walk.main).to_contain_text(digest)
    walk.look("pack")
    walk.end()


def _pack_made(windows: Windows, pk: int) -> None:
    """By a program of its own, as the cluster makes it: there is none beside this site, which nothing else shall change."""
    code = "import django, sys; django.setup(); from reports.tasks import pack_make; print(pack_make(int(sys.argv[1])))"
    made = subprocess.run(
        [sys.executable, "-c", code, str(pk)],
        cwd=BASE_DIR,
        env=windows.site.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert made.stdout.strip().endswith("ready"), made.stderr


def _pack_taken(page: Page, target: Path) -> str:
    """Download the pack once the page, which asks by itself, offers it; the digest of what came."""
    with page.expect_download() as coming:
        page.get_by_role("button", name="Download").click()
    coming.value.save_as(target)
    return hashlib.sha256(target.read_bytes()).hexdigest()


@pytest.mark.requirement("R120", "R128")
def test_when_an_administrator_walks_then_they_add_a_person_a_question_and_a_policy(
    windows: Windows, size: str
) -> None:
    walk = Walk("administrator", size, windows)
    page = walk.page
    walk.sign_in("hugo")
    walk.look("home")
    walk.go("Form and workflow")
    page.get_by_role("link", name="Add a field").click()
    page.locator("#id_label").fill(f"Which till, at the {size}?")
    page.locator("#id_kind").select_option("text")
    page.get_by_role("button", name="Keep the field").click()
    expect(page.locator("#build-preview")).to_contain_text(f"Which till, at the {size}?")
    walk.look("form-builder")
    _policy(walk)
    _person(walk)
    walk.end()


def _policy(walk: Walk) -> None:
    """A policy of a ready one, under a name of its own."""
    page = walk.page
    walk.go("Policies")
    page.get_by_role("link", name="New policy").click()
    walk.main.locator("a[href='?from=hybrid']").click()
    page.locator("#id_name").fill(f"Nights at the {walk.size}")
    expect(page.locator("#policy-preview")).to_contain_text("Payments")
    walk.look("policy-form")
    page.locator("#id_reason").fill("Nights have a ladder of their own")
    page.locator("button[value=save]").last.click()
    page.wait_for_url(f"**/policies/nights-at-the-{walk.size}/")
    walk.look("policy")


def _person(walk: Walk) -> None:
    """In the administration, which has a frame of its own."""
    page = walk.page
    walk.go("Admin")
    walk.open("/admin/oncall/user/add/")
    page.locator("#id_username").fill(f"new-{walk.size}")
    for name in ("password1", "password2"):
        page.locator(f"#id_{name}").fill("a lamp beside the harbour")
    page.locator("#id_first_name").fill("Noor")
    page.locator("#id_last_name").fill(f"at the {walk.size}")
    page.locator("#id_email").fill(f"noor-{walk.size}@brightquay.example")
    page.locator("[name=_save]").first.click()
    page.wait_for_url(re.compile(r"/admin/oncall/user/\d+/change/"))
    page.locator("#id_role").select_option("responder")
    page.locator("[name=_save]").first.click()
    page.wait_for_url(re.compile(r"/admin/oncall/user/(\?.*)?$"))
    expect(page.get_by_role("table")).to_contain_text(f"Noor at the {walk.size}")
    walk.look("people")

"""All checks of a scope, each defined once: what is counted, from where it is a finding, and what it found."""

from collections.abc import Sequence
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from oncall.editing.permissions import teams_of
from oncall.models import User
from policies.models import EscalationPolicy
from policies.services import version_definition
from reports.process.handovers import handovers
from reports.process.passing import incident_handovers
from reports.process.patterns import (
    cluster_findings,
    loudness,
    misrouting_findings,
    noise_findings,
    priority_findings,
    rerouted,
    reviewed_findings,
    severity_findings,
)
from reports.process.people import fatigue_findings, loads
from reports.process.reading import ground_read
from reports.process.timers import Timed, timer_findings, timer_table
from reports.process.values import Check, Finding, Ground
from reports.process.work import completion, fairness_findings, overdue_findings, toil_findings
from reports.selectors import Scope


def found_in(scope: Scope, *, at: datetime) -> list[Check]:
    """Every check over the scope's incidents, in the language in force. About twenty queries, however many incidents."""
    ground = ground_read(scope, at=at)
    return [
        _timers(ground, scope),
        _fatigue(ground),
        _noise(ground),
        _misrouting(ground),
        _severity(ground),
        _clusters(ground),
        _overdue(scope, at),
        _toil(scope),
        _fairness(scope),
        _handovers(scope),
        _passing(scope),
    ]


def finding_of(scope: Scope, check: str, key: str, *, at: datetime) -> tuple[Check, Finding] | None:
    """One finding by its key, computed anew; None where it is none any more."""
    for one in found_in(scope, at=at):
        if one.key == check:
            return next(((one, finding) for finding in one.findings if finding.key == key), None)
    return None


def _timers(ground: Ground, scope: Scope) -> Check:
    policies = timed_policies(scope.user)
    return Check(
        "timers",
        _("Timers against what happens"),
        _(
            "For each level of a policy in force: how long its people took from being called to the acknowledgement, beside its "
            "timeout. Too short: at least 40% ran out and the median answer came later than the timeout. Too long: nine in ten "
            "answers came within a third of it. At least five answers. A timeout in business hours is held against working time, by the "
            "calendar of the service. The suggested value lets three in four answers arrive."
        ),
        timer_findings(ground, policies),
        len(policies),
        _("Every timeout fits what happens, as far as there are five answers."),
        timer_table(ground, policies),
    )


def timed_policies(reader: User) -> list[Timed]:
    """The policies in force with the page where ``reader`` changes or reads them. Three queries."""
    own = {team.pk for team in teams_of(reader)}
    found = EscalationPolicy.objects.exclude(current_version=None).select_related("current_version").order_by("name")
    return [
        Timed(
            policy.pk, policy.name, _policy_link(policy, reader, own), version_definition(policy.current_version).levels
        )
        for policy in found
        if policy.current_version is not None
    ]


def _policy_link(policy: EscalationPolicy, reader: User, own: set[int]) -> str:
    writes = reader.may_manage and (policy.team_id is None or policy.team_id in own)
    return reverse("policies:policy_edit" if writes else "policies:policy", args=(policy.slug,))


def _fatigue(ground: Ground) -> Check:
    return Check(
        "fatigue",
        _("Alert fatigue"),
        _(
            "Pages of each person. Too much: more than 14 a week, three disturbed nights a week (22:00 to 06:00 where they live), or "
            "more than two incidents on every fifth day. Noise: ended without anybody, or came again within a day."
        ),
        fatigue_findings(ground),
        len(ground.people),
        _("Nobody was paged five times."),
        loads(ground),
    )


def _noise(ground: Ground) -> Check:
    return Check(
        "noise",
        _("Noisiest sources"),
        _(
            "Incidents that ended without anybody acknowledging them, or that came again within a day of their end, by service. At "
            "least five; to be acted on from 40%."
        ),
        noise_findings(ground),
        len(ground.cases),
        _("No service made five incidents of noise."),
        loudness(ground),
    )


def _misrouting(ground: Ground) -> Check:
    return Check(
        "misrouting",
        _("Sent the wrong way"),
        _(
            "Incidents that were handed over to another team within an hour of their beginning. To be acted on from two."
        ),
        misrouting_findings(ground),
        len(ground.cases),
        _("No incident changed its team within an hour."),
        rerouted(ground),
    )


def _severity(ground: Ground) -> Check:
    return Check(
        "severity",
        _("Severity and priority at the beginning"),
        _(
            "The severity an incident began with against the one it has now: of those whose severity a published review confirms, and "
            "of all by where they came from; and the priority, as impact and urgency made it. At least five incidents; to be acted on "
            "from 20%."
        ),
        [*reviewed_findings(ground), *severity_findings(ground), *priority_findings(ground)],
        len(ground.cases),
        _("No severity or priority was changed."),
    )


def _clusters(ground: Ground) -> Check:
    return Check(
        "clusters",
        _("Trouble that comes again"),
        _("At least three incidents of one service whose titles have the same words, numbers left out."),
        cluster_findings(ground),
        len(ground.cases),
        _("Nothing came three times."),
    )


def _overdue(scope: Scope, at: datetime) -> Check:
    findings, number = overdue_findings(scope, at=at)
    return Check(
        "overdue",
        _("Overdue actions"),
        _(
            "Tasks whose time is over, by who has them, whatever the period; and severe or major incidents without a published review "
            "a week after their end. Done and done in time: of the tasks that were due in the period, dropped ones left out. Whoever "
            "has an overdue task is reminded, with their manager, when its time is over and every week after."
        ),
        findings,
        number,
        _("Nothing is overdue."),
        completion(scope, at=at),
    )


def _toil(scope: Scope) -> Check:
    findings, manual, automatic = toil_findings(scope)
    words = {"manual": manual, "automatic": automatic}
    return Check(
        "toil",
        _("Work by hand"),
        _("Steps on the timelines by people (%(manual)d) and by the system (%(automatic)d). What was said is left out.")
        % words,
        findings,
        manual + automatic,
        _("No step was taken by hand ten times."),
    )


def _fairness(scope: Scope) -> Check:
    findings, number = fairness_findings(scope)
    return Check(
        "fairness",
        _("Time on call"),
        _("Hours, nights and weekends of each schedule against even shares: 100 is even, below 75 is one-sided."),
        findings,
        number,
        _("Every schedule is shared evenly."),
    )


def _handovers(scope: Scope) -> Check:
    findings, measured, number = handovers(scope)
    return Check(
        "handovers",
        _("Handovers of shifts"),
        _(
            "Whoever comes on call says whether the brief was complete. To be acted on where fewer than four in five of at least five "
            "say that it was."
        ),
        findings,
        number,
        _("No schedule leaves people without the whole picture."),
        measured,
    )


def _passing(scope: Scope) -> Check:
    findings, measured, number = incident_handovers(scope)
    return Check(
        "passing",
        _("Handovers of incidents"),
        _(
            "Whoever is handed an incident says whether they had its full context; beside it, how much of the checklist came along: "
            "words for the receiver, a summary, what customers notice, what was tried, a runbook or bridge. To be acted on where fewer "
            "than four in five of at least five say that they had it."
        ),
        findings,
        number,
        _("No team leaves the next person without context."),
        measured,
    )


def weighed(checks: Sequence[Check]) -> int:
    """How many findings are to be acted on."""
    return sum(finding.weight == "act" for check in checks for finding in check.findings)

"""What is known of an incident, corrected by people and tools; the routing rules are asked again each time.

What gets worse applies at once, another path that a rule names for it (`incidents.routing.other_path`) and whoever must know
of it; the team stays.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from escalation_site.kernel.errors import Conflict
from incidents.changes import Changes
from incidents.models import Incident, RoutingDecision
from incidents.permissions import require_responder
from incidents.routing import Subject, routes_of, rules_ask_for
from incidents.routing.again import Asked, rules_ask, rules_obey
from incidents.routing.setting import COLUMNS, CUSTOM, RECORDS, facts_checked
from incidents.services.checkpoints import severity_take
from incidents.services.escalator import Escalator
from incidents.services.severity import terms_follow
from incidents.services.stored_runs import current_runs
from incidents.services.working import Work, working
from oncall.models import User
from policies.escalation import SeverityChanged, SlaChanged
from policies.routing import Aspect, aspect_reasons


def incident_facts(
    *,
    incident_id: int,
    values: Mapping[str, Any],
    actor: User | None,
    at: datetime,
    reason: str = "",
    source: str = "web",
) -> Incident:
    """Set what is known of it: ``impact``, ``urgency`` and facts by the names of the conditions' vocabulary, None for "not known any more".

    The routing rules are asked again: a worse severity applies at once (R056), people and specialists that rules name now
    are told and paged, marks are added, and a policy that a rule names now begins where that rule counts more (R053); the
    team stays. What is the same already does nothing. ``actor`` None is the system. Raises DomainError naming the field at
    fault, NotAllowed for people who may not respond, Conflict when it is resolved.
    """
    checked = facts_checked(values)
    with working(incident_id, actor=actor, at=at, source=source) as work:
        incident = work.incident
        if actor is not None:
            require_responder(actor, incident)
        if incident.state == Incident.State.RESOLVED:
            raise Conflict(_("It is resolved already."))
        changed = _changed(incident, checked)
        if not changed:
            return incident
        milder = _milder(incident, changed)
        _store(work, changed, reason=reason.strip())
        terms_follow(work)
        rules_follow(work, milder=milder)
    return incident


def repeats_follow(incidents: Sequence[Incident], *, changes: Changes) -> None:
    """Alerts of these locked incidents came again: where rules that did not match before match by that, what they say
    happens. One small query where no rule counts repeats. The caller writes ``changes``."""
    if not incidents or not rules_ask_for("refires"):
        return
    routed = routes_of([Subject(incident) for incident in incidents], at=changes.at)
    rows = RoutingDecision.objects.filter(incident__in=incidents).order_by("pk")
    before = {pk: frozenset(rules) for pk, rules in rows.values_list("incident", "decision__rules")}
    fresh = [one.incident for one in routed if set(one.route.rules) - before.get(one.incident.pk, frozenset())]
    if not fresh:
        return
    escalator, runs = Escalator(changes), current_runs(fresh)
    for incident in fresh:
        rules_follow(Work(incident, runs.get(incident.pk), changes, escalator))
    escalator.settle()


def rules_follow(work: Work, *, milder: bool = False) -> None:
    """Ask the rules again, and let a worse severity go the way of severities. ``milder`` says that what changed made it so."""
    rows = RoutingDecision.objects.filter(incident=work.incident).order_by("-pk")
    before = rows.values_list("decision__severity", flat=True).first()
    asked = rules_ask(work, milder=milder)
    severity = _worse(work.incident, asked.routed.route.severity, before)
    if asked.other is not None:
        # The path it goes over to begins by the new severity.
        if severity is not None:
            _take(work, severity, asked)
        rules_obey(asked, work)
        return
    rules_obey(asked, work)
    if severity is not None:
        _take(work, severity, asked)
        work.event(SlaChanged(work.changes.at, work.incident.sla_due_at))
        work.event(SeverityChanged(work.changes.at, severity))


def _worse(incident: Incident, severity: int | None, before: str | None) -> int | None:
    """The severity of the rules where it is worse than the incident's, and worse than what rules decided before too: whoever
    made it milder since then knew of that."""
    if severity is None or severity >= incident.severity:
        return None
    return None if before is not None and severity >= int(before[-1]) else severity


def _take(work: Work, severity: int, asked: Asked) -> None:
    reasons = [
        reason
        for aspect in (Aspect.SEVERITY, Aspect.SEVERITY_AT_LEAST)
        for reason in aspect_reasons(asked.routed.route, aspect, asked.routed.definition)
    ]
    severity_take(work.incident, severity, changes=work.changes, text=" ".join(reasons))


def _milder(incident: Incident, changed: Mapping[str, Any]) -> bool:
    """Whether impact or urgency falls and neither rises: 1 is the worst, and nothing known is not milder."""
    ranks = [(getattr(incident, name), changed[name]) for name in ("impact", "urgency") if name in changed]
    known = [(was, now) for was, now in ranks if was is not None and now is not None]
    return any(now > was for was, now in known) and not any(was is None or now < was for was, now in ranks if now)


def _changed(incident: Incident, checked: Mapping[str, Any]) -> dict[str, Any]:
    known = {**incident.facts, **{name: getattr(incident, name) for name in COLUMNS}}
    if CUSTOM in checked:
        checked = {**checked, CUSTOM: _merged(known.get(CUSTOM) or {}, checked[CUSTOM])}
    return {name: value for name, value in checked.items() if value != known.get(name)}


def _merged(answers: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any] | None:
    """The answers with what is said now; those that are not known any more are gone, None where nothing is left."""
    merged = {**answers, **said}
    return {key: value for key, value in merged.items() if value is not None} or None


def _store(work: Work, changed: Mapping[str, Any], *, reason: str) -> None:
    incident, incident_before = work.incident, work.incident.facts
    facts = {**incident.facts, **{name: value for name, value in changed.items() if name not in COLUMNS}}
    values: dict[str, Any] = {name: changed[name] for name in COLUMNS if name in changed}
    facts = {name: value for name, value in facts.items() if value is not None}
    work.changes.set(incident, "incident.facts", data={"reason": reason} if reason else None, **values, facts=facts)
    named = [name for name in changed if name not in (*RECORDS, CUSTOM)]
    if CUSTOM in changed:
        before, after = incident_before.get(CUSTOM) or {}, changed[CUSTOM] or {}
        named += [f"{CUSTOM}.{key}" for key in sorted({*before, *after}) if before.get(key) != after.get(key)]
    if named:
        work.changes.timeline(incident, "incident.facts", text=reason, facts=named, source=work.changes.source)

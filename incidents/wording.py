"""What a page says, in the recipient's language: who, what, since when, why you, and the link."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from incidents.bridges import bridge_of
from incidents.models import Incident
from oncall.models import User
from oncall.rota.clock import zone_named
from policies.severity import Severity

_ON_CALL_BECAUSE: Mapping[str, str | Promise] = {
    "override": gettext_lazy("You are on call for %(name)s by an override."),
    "swap": gettext_lazy("You are on call for %(name)s by a swap."),
    "cover": gettext_lazy("You are on call for %(name)s in place of somebody who is away."),
    "holiday_cover": gettext_lazy("You are on call for %(name)s in place of somebody who has a public holiday."),
    "next_in_turn": gettext_lazy("You are the next in turn for %(name)s: whoever is on call was passed over."),
    "handover": gettext_lazy("You were on call for %(name)s until a moment ago; the handover is still under way."),
}


def why_text(why: dict[str, Any]) -> str:
    """Why this person, in words, from what was copied when they were chosen. In the language in force."""
    name = why.get("name", "")
    match why.get("kind"):
        case "schedule" if why.get("because") in _ON_CALL_BECAUSE:
            return str(_ON_CALL_BECAUSE[why["because"]]) % {"name": name}
        case "schedule":
            return _("You are on call for %(name)s.") % {"name": name}
        case "team_lead":
            return _("You lead %(name)s.") % {"name": name}
        case "team":
            return _("You are in %(name)s.") % {"name": name}
        case "manager":
            return _("You are the manager of %(name)s.") % {"name": name}
        case "catch_all":
            return _("Nobody answered on any level; you are its catch-all.")
        case "rule":
            return _("A rule sends incidents like this one straight to you.")
        case "final":
            return _("Nobody answered on any level; the last word is yours.")
        case "asked":
            return _("%(name)s asks for your help: %(reason)s") % {"name": name, "reason": why.get("reason", "")}
        case _:
            return _("The policy names you.")


def page_subject(incident: Incident, recipient: User) -> str:
    """The line a locked telephone shows: severity first."""
    with translation.override(recipient.language):
        test = _("TEST ") if incident.is_test else ""
        return f"{test}[{Severity(incident.severity).label}] {incident.title} · {incident.reference}"


def post_subject(incident: Incident) -> str:
    """The first line of what a place is told, in the language of the house."""
    with translation.override(settings.LANGUAGE_CODE):
        test = _("TEST ") if incident.is_test else ""
        return f"{test}[{Severity(incident.severity).label}] {incident.title} · {incident.reference}"


def post_body(incident: Incident, *, level: int | None, name: str, people: Sequence[str]) -> str:
    """What a place is told besides, in the language of the house. ``level`` is counted from 1, None for none."""
    with translation.override(settings.LANGUAGE_CODE):
        lines = [
            _("Service: %(service)s, %(environment)s")
            % {"service": incident.service.name, "environment": incident.environment}
        ]
        if level is not None and name:
            lines.append(_("Level %(level)d: %(name)s") % {"level": level, "name": name})
        if people:
            lines.append(_("Paged: %(people)s") % {"people": ", ".join(people)})
        return "\n".join(lines)


def unrouted_body(incident: Incident, recipient: User, *, link: str) -> str:
    """The text that tells an administrator of an incident which nobody is paged for, though nobody said so."""
    with translation.override(recipient.language):
        service = _("Service: %(service)s, %(environment)s") % {
            "service": incident.service.name,
            "environment": incident.environment,
        }
        lines = [
            incident.title,
            "",
            service,
            _("Nobody is paged for it: no escalation has begun, and nobody who was asked decided.")
            if incident.service.policy_id
            else _("Nobody is paged for it: its service has no escalation policy."),
            "",
            link,
        ]
        return "\n".join(lines)


def informed_body(incident: Incident, recipient: User, *, link: str) -> str:
    """The text that lets somebody know of an incident for which those above them are paged."""
    with translation.override(recipient.language):
        lines = [
            incident.title,
            "",
            _("Service: %(service)s, %(environment)s")
            % {"service": incident.service.name, "environment": incident.environment},
            _("Severity: %(severity)s") % {"severity": Severity(incident.severity).label},
            _("It is so severe that those above you are called at once. You are informed; you are not paged."),
            "",
            link,
        ]
        return "\n".join(lines)


def told_body(incident: Incident, recipient: User, *, reasons: Sequence[str], link: str) -> str:
    """The text that lets somebody know of an incident because a routing rule says so. ``reasons`` are the rules' own."""
    with translation.override(recipient.language):
        lines = [
            incident.title,
            "",
            _("Service: %(service)s, %(environment)s")
            % {"service": incident.service.name, "environment": incident.environment},
            _("Severity: %(severity)s") % {"severity": Severity(incident.severity).label},
            _("A routing rule says that you want to know of it. You are informed; you are not paged."),
            *(_("Why: %(reason)s") % {"reason": reason} for reason in reasons),
            "",
            link,
        ]
        return "\n".join(lines)


def rules_failed_body(incident: Incident, recipient: User, *, number: int, reason: str, link: str) -> str:
    """The text that tells an administrator that the routing rules fail. ``number`` is the version, 0 where none could be read."""
    with translation.override(recipient.language):
        failed = (
            _("Version %(number)d of the routing rules failed: %(reason)s") % {"number": number, "reason": reason}
            if number
            else _("The routing rules cannot be read: %(reason)s") % {"reason": reason}
        )
        lines = [
            failed,
            "",
            _("Incidents go the way of their service’s own policy until the rules are mended. This is one of them:"),
            incident.title,
            "",
            link,
        ]
        return "\n".join(lines)


def major_body(incident: Incident, recipient: User, *, reason: str, link: str) -> str:
    """The text that tells somebody that a major incident is theirs to oversee."""
    with translation.override(recipient.language):
        lines = [
            _("This is a major incident, and you oversee it."),
            "",
            incident.title,
            _("Service: %(service)s, %(environment)s")
            % {"service": incident.service.name, "environment": incident.environment},
            _("Severity: %(severity)s") % {"severity": Severity(incident.severity).label},
        ]
        if reason:
            lines += [_("Why: %(reason)s") % {"reason": reason}]
        if bridge := bridge_of(incident):
            lines += [_("Bridge: %(url)s") % {"url": bridge}]
        return "\n".join([*lines, "", link])


def page_body(
    incident: Incident, *, recipient: User, level: int, levels: int, why: dict[str, Any], link: str, at: datetime
) -> str:
    """The text of a page. Times are in the recipient's zone."""
    with translation.override(recipient.language):
        since = incident.started_at.astimezone(zone_named(recipient.time_zone))
        lines = [
            incident.title,
            "",
            _("Service: %(service)s, %(environment)s")
            % {"service": incident.service.name, "environment": incident.environment},
            _("Severity: %(severity)s") % {"severity": Severity(incident.severity).label},
            _("Since: %(since)s") % {"since": since.strftime("%a %d %b %H:%M:%S %Z")},
            _("Level %(level)d of %(levels)d. %(why)s")
            % {"level": min(level, levels), "levels": levels, "why": why_text(why)},
        ]
        if incident.summary:
            lines += ["", incident.summary[:1000]]
        lines += ["", _("See it and acknowledge with one tap:"), link, "", _("The link works once, for 24 hours.")]
        return "\n".join(lines)

"""What a page says, in the recipient's language: who, what, since when, why you, and the link."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

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
        case "final":
            return _("Nobody answered on any level; the last word is yours.")
        case _:
            return _("The policy names you.")


def page_subject(incident: Incident, recipient: User) -> str:
    """The line a locked telephone shows: severity first."""
    with translation.override(recipient.language):
        test = _("TEST ") if incident.is_test else ""
        return f"{test}[{Severity(incident.severity).label}] {incident.title} · {incident.reference}"


def unrouted_body(incident: Incident, recipient: User, *, link: str) -> str:
    """The text that tells an administrator of an incident which nobody is paged for."""
    with translation.override(recipient.language):
        service = _("Service: %(service)s, %(environment)s") % {
            "service": incident.service.name,
            "environment": incident.environment,
        }
        lines = [
            incident.title,
            "",
            service,
            _("Nobody is paged for it: its service has no escalation policy."),
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

"""The buttons below a chat message (R260): which are shown, and how the message reads once somebody pressed one."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from incidents.models import Incident
from incidents.wording import post_subject
from oncall.models import Team

MOST_TEAMS = 100
"""In the menu; whoever looks for another opens the incident."""
State = Incident.State

LABELS: Mapping[str, str | Promise] = {
    "acknowledge": gettext_lazy("Acknowledge"),
    "team": gettext_lazy("Hand it over to …"),
    "resolve": gettext_lazy("Resolve"),
}
_OFFERED = {
    State.TRIGGERED: ("acknowledge", "team", "resolve"),
    State.ACKNOWLEDGED: ("team", "resolve"),
    State.RESOLVED: (),
}


def offered(incident: Incident) -> list[dict[str, Any]]:
    """The buttons below its message as it stands, in the language of the house: one query where there is a menu of teams."""
    verbs = _OFFERED[State(incident.state)]
    if not verbs:
        return []
    teams = Team.objects.exclude(pk=incident.team_id).order_by("name").values_list("slug", "name")[:MOST_TEAMS]
    with translation.override(settings.LANGUAGE_CODE):
        shown = [_button(verb, list(teams) if verb == "team" else None) for verb in verbs]
    return [one for one in shown if one.get("options") != []]


def _button(verb: str, options: Sequence[Sequence[str]] | None) -> dict[str, Any]:
    button: dict[str, Any] = {"verb": verb, "label": str(LABELS[verb])}
    return button if options is None else {**button, "options": [list(one) for one in options]}


def address() -> str:
    """Whom the chat service tells of a press."""
    return settings.PUBLIC_URL.rstrip("/") + reverse("chat_act")


def link_of(incident: Incident) -> str:
    return settings.PUBLIC_URL.rstrip("/") + incident.get_absolute_url()


def lines_of(incident: Incident) -> list[str]:
    """How the message reads once somebody acted: what it is, who has it, and its link."""
    with translation.override(settings.LANGUAGE_CODE):
        team = _("Team: %(team)s") % {"team": incident.team.name}
        return [post_subject(incident), _standing(incident), team, link_of(incident)]


def _standing(incident: Incident) -> str:
    if incident.state == State.RESOLVED:
        if incident.resolved_by is None:
            return _("It recovered by itself.")
        return _("%(name)s resolved it.") % {"name": incident.resolved_by.name}
    if incident.state == State.ACKNOWLEDGED and incident.owner is not None:
        return _("%(name)s has it.") % {"name": incident.owner.name}
    return _("Nobody has answered yet.")

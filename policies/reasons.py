"""Why a person was chosen or passed over, in words: said about them."""

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from policies.sentences import channels_words

_SKIPS: Mapping[str, str | Promise] = {
    "away": gettext_lazy("they are away"),
    "holiday": gettext_lazy("they have a public holiday"),
    "inactive": gettext_lazy("their account is switched off"),
    "over_capacity": gettext_lazy("they have had as many pages as their limit allows"),
    "too_long": gettext_lazy("they have been on call for longer than the limit allows"),
    "too_little_rest": gettext_lazy("they have not had the rest they are due"),
}
_UNTOLD: Mapping[str, str | Promise] = {
    "not_configured": gettext_lazy("there is no such destination"),
    "switched_off": gettext_lazy("it is switched off"),
    "restricted": gettext_lazy("the incident is restricted, and not everybody who reads there may know of it"),
    "unreachable": gettext_lazy("it refused or could not be reached"),
    "outcome_unknown": gettext_lazy("it was handed over, but the outcome is unknown"),
}
_ON_CALL_BECAUSE: Mapping[str, str | Promise] = {
    "override": gettext_lazy("on call for %(name)s by an override"),
    "swap": gettext_lazy("on call for %(name)s by a swap"),
    "cover": gettext_lazy("on call for %(name)s in place of somebody who is away"),
    "holiday_cover": gettext_lazy("on call for %(name)s in place of somebody who has a public holiday"),
    "next_in_turn": gettext_lazy("next in turn for %(name)s"),
    "handover": gettext_lazy("on call for %(name)s until a moment ago"),
}


def skip_words(reason: str) -> str:
    """Why somebody was passed over, said about them; a reason nobody knows stays as it is."""
    if reason.startswith("lacks:"):
        return _("they lack a required skill: %(skills)s") % {
            "skills": reason.removeprefix("lacks:").replace(",", ", ")
        }
    return str(_SKIPS.get(reason, reason))


def untold_words(reason: str) -> str:
    """Why a destination was not told, said about it; a reason nobody knows stays as it is."""
    return str(_UNTOLD.get(reason, reason))


def channels_words_of(why: Mapping[str, Any]) -> str:
    """What chose how a person was told, "" for nothing but themselves: "criterion “Wake people”: SMS and call", then
    "the level names SMS and chat"."""
    chosen, level = why.get("channels"), why.get("level")
    said = []
    if chosen:
        places = {"name": chosen.get("name", ""), "channels": channels_words(chosen.get("use", ()))}
        said.append(_("criterion “%(name)s”: %(channels)s") % places)
    if level:
        said.append(level_words_of(level))
    return "; ".join(said)


def level_words_of(level: Mapping[str, Any]) -> str:
    """Which channels a person's level names, and that they have none of them, where that is so."""
    places = {"channels": channels_words(level.get("use", ()))}
    if level.get("lacks"):
        return _("the level names %(channels)s, of which they have none: told by their own") % places
    return _("the level names %(channels)s") % places


def why_words(why: Mapping[str, Any]) -> str:
    """Why a person was chosen, said about them: "on call for Payments"."""
    name = why.get("name", "")
    match why.get("kind"):
        case "schedule" if why.get("because") in _ON_CALL_BECAUSE:
            return str(_ON_CALL_BECAUSE[why["because"]]) % {"name": name}
        case "schedule":
            return _("on call for %(name)s") % {"name": name}
        case "team_lead":
            return _("leads %(name)s") % {"name": name}
        case "team":
            return _("in %(name)s") % {"name": name}
        case "manager":
            return _("manager of %(name)s") % {"name": name}
        case "catch_all":
            return _("catch-all when nobody answers")
        case "rule":
            return _("sent for by a rule")
        case "final":
            return _("has the last word when nobody answers")
        case "asked":
            return _("called in by %(name)s") % {"name": name}
        case _:
            return _("named by the policy")

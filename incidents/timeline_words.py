"""How each kind of timeline line looks and reads: one entry per kind, kept apart from what happened.

A sentence is a translatable template; its ``%(places)s`` are filled with the names and figures copied into the line when it
happened, each escaped and set in bold.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy

from escalation_site.ui.durations import list_of
from policies.reasons import skip_words, why_words

__all__ = [
    "BECAUSE",
    "WORDINGS",
    "Wording",
    "because_words",
    "line_html",
    "reason_words",
    "sentence_html",
    "skip_words",
    "why_words",
]

PEOPLE, ESCALATION, ALERTS, SYSTEM = "people", "escalation", "alerts", "system"


@dataclass(frozen=True, slots=True)
class Wording:
    """The icon, the sentence, and under which filter of the timeline the line shows."""

    icon: str
    sentence: str | Promise
    group: str


WORDINGS: Mapping[str, Wording] = {
    "incident.open": Wording("bell", gettext_lazy("Opened by %(actor)s"), SYSTEM),
    "incident.acknowledge": Wording("user-check", gettext_lazy("%(actor)s acknowledged"), PEOPLE),
    "incident.unacknowledge": Wording("undo-2", gettext_lazy("%(actor)s gave it back"), PEOPLE),
    "incident.escalate": Wording("arrow-up-from-line", gettext_lazy("%(actor)s called the next level"), PEOPLE),
    "incident.mitigate": Wording("shield-check", gettext_lazy("%(actor)s marked it mitigated"), PEOPLE),
    "incident.resolve": Wording("circle-check", gettext_lazy("Resolved by %(actor)s"), PEOPLE),
    "incident.reopen": Wording("rotate-cw", gettext_lazy("%(actor)s reopened it"), PEOPLE),
    "incident.reassign": Wording("user-round-plus", gettext_lazy("%(actor)s handed it to %(name)s"), PEOPLE),
    "incident.snooze": Wording("moon", gettext_lazy("%(actor)s snoozed it until %(until)s"), PEOPLE),
    "incident.stage": Wording("arrow-right", gettext_lazy("%(actor)s moved it to %(name)s"), PEOPLE),
    "incident.comment": Wording("message-square", gettext_lazy("%(actor)s wrote"), PEOPLE),
    "incident.severity": Wording("gauge", gettext_lazy("Severity is %(after)s, it was %(before)s"), PEOPLE),
    "incident.stall": Wording(
        "octagon-alert", gettext_lazy("The watchdog found no next step and alarmed the administrators"), SYSTEM
    ),
    "escalation.enter_level": Wording(
        "bell-ring", gettext_lazy("Level %(level)s, %(name)s, was paged: %(people)s. %(because)s"), ESCALATION
    ),
    "escalation.skip_level": Wording(
        "skip-forward", gettext_lazy("Level %(level)s, %(name)s, was skipped. %(because)s"), ESCALATION
    ),
    "escalation.skip_person": Wording("skip-forward", gettext_lazy("%(name)s was passed over: %(skip)s"), ESCALATION),
    "escalation.repeat_level": Wording(
        "bell-ring", gettext_lazy("Level %(level)s, %(name)s, was told again: %(people)s. %(because)s"), ESCALATION
    ),
    "escalation.inform_level": Wording(
        "bell", gettext_lazy("Level %(level)s, %(name)s, was informed and not paged: %(people)s"), ESCALATION
    ),
    "escalation.final": Wording("siren", gettext_lazy("The final decision-maker was paged: %(people)s"), ESCALATION),
    "escalation.exhaust": Wording("bell-off", gettext_lazy("Every level was called and nobody answered"), ESCALATION),
    "escalation.catch_all": Wording("siren", gettext_lazy("The catch-all was paged: %(people)s"), ESCALATION),
    "escalation.no_policy": Wording(
        "bell-off", gettext_lazy("%(name)s has no escalation policy: nobody was paged"), ESCALATION
    ),
    "escalation.set_aside": Wording(
        "octagon-alert", gettext_lazy("The escalation stopped on an error: %(reason)s"), SYSTEM
    ),
    "page.delivered": Wording("package-check", gettext_lazy("The page for %(name)s was delivered"), ESCALATION),
    "page.failed": Wording("triangle-alert", gettext_lazy("The page for %(name)s failed: %(reason)s"), ESCALATION),
    "page.cancelled": Wording("ban", gettext_lazy("The page for %(name)s was called off"), ESCALATION),
    "page.decline": Wording("hand", gettext_lazy("%(name)s can’t take it"), ESCALATION),
    "alert.receive": Wording("zap", gettext_lazy("Alert from %(integration)s: %(summary)s"), ALERTS),
    "alert.repeat": Wording("layers", gettext_lazy("The same alert came again"), ALERTS),
    "alert.recover": Wording("heart-pulse", gettext_lazy("Recovered: %(summary)s"), ALERTS),
}
"""Every kind the services write. A kind that is missing here is shown by its own name, never hidden."""

BECAUSE: Mapping[str, str | Promise] = {
    "ack_timeout": gettext_lazy("Nobody had answered in time."),
    "resolve_timeout": gettext_lazy("It was not resolved in time."),
    "by_hand": gettext_lazy("Somebody asked for it."),
    "nobody_on_call": gettext_lazy("Nobody was on call."),
    "nobody_reachable": gettext_lazy("Nobody could be reached."),
    "acknowledged": gettext_lazy("Somebody has it."),
    "unacknowledged": gettext_lazy("It was given back."),
    "ack_expired": gettext_lazy("The acknowledgement ran out."),
    "snooze_ended": gettext_lazy("The snooze ended."),
    "reopened": gettext_lazy("It was reopened."),
    "restarted": gettext_lazy("The ladder was started again."),
    "resolved": gettext_lazy("It was resolved."),
    "unanswered": gettext_lazy("Nobody had answered yet."),
    "partly_answered": gettext_lazy("Not everybody had answered."),
    "severity_raised": gettext_lazy("Its severity got worse."),
    "declined": gettext_lazy("Whoever was told cannot take it."),
}
"""Why the escalation moved, as a sentence of its own."""

_REASONS: Mapping[str, str | Promise] = {
    "no_contact_method": gettext_lazy("no contact method"),
    "unreachable": gettext_lazy("unreachable by every contact method"),
    "outcome_unknown": gettext_lazy("handed over, but the outcome is unknown"),
    "acknowledged": gettext_lazy("somebody answered"),
    "resolved": gettext_lazy("it was resolved"),
    "snoozed": gettext_lazy("it was snoozed"),
}


def reason_words(reason: str) -> str:
    """Why a page failed or was called off, in words; a reason written by a person or a provider stays as it is."""
    return str(_REASONS.get(reason, reason))


def because_words(because: str) -> str:
    """Why the escalation moved, "" for a cause that needs no words."""
    return str(BECAUSE.get(because, ""))


def sentence_html(template: str | Promise, places: Mapping[str, Any]) -> SafeString:
    """``template`` with its places filled, escaped; names and figures bold, the cause plain. A place that the data lacks reads "…"."""
    filled = {
        name: conditional_escape(value) if name == "because" else format_html("<b>{}</b>", value)
        for name, value in places.items()
    }
    return mark_safe((conditional_escape(str(template)) % _Places(filled)).strip())  # noqa: S308  every part is escaped above


class _Places(dict[str, Any]):
    def __missing__(self, name: str) -> str:
        return "…"


def line_html(kind: str, *, actor: str, data: Mapping[str, Any]) -> SafeString:
    """The sentence of one line. ``actor`` is who did it, in words; ``data`` is the line's own."""
    wording = WORDINGS.get(kind)
    if wording is None:
        return format_html("{}", kind)
    places = {**data, "actor": actor, "because": because_words(str(data.get("because", "")))}
    if isinstance(data.get("people"), list):
        places["people"] = list_of([str(name) for name in data["people"]])
    if "reason" in data:
        places["reason"] = reason_words(str(data["reason"]))
    if "skip" in data:
        places["skip"] = skip_words(str(data["skip"]))
    return sentence_html(wording.sentence, places)

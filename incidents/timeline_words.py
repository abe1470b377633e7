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
from incidents.checkpoint_words import checkpoint_places
from incidents.models import StageGuard
from incidents.roles import role_label
from policies.conditions import VOCABULARY, Kind
from policies.reasons import skip_words, untold_words, why_words
from policies.sentences import channels_words

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

PEOPLE, DECISIONS, ESCALATION, ALERTS, SYSTEM = "people", "decisions", "escalation", "alerts", "system"


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
    "incident.ack_expire": Wording("hourglass", gettext_lazy("The acknowledgement ran out: nobody has it"), ESCALATION),
    "incident.escalate": Wording("arrow-up-from-line", gettext_lazy("%(actor)s called the next level"), PEOPLE),
    "incident.escalate:expertise": Wording(
        "arrow-up-from-line", gettext_lazy("%(actor)s called the next level for its expertise"), PEOPLE
    ),
    "incident.escalate:authority": Wording(
        "arrow-up-from-line", gettext_lazy("%(actor)s called the next level for a decision"), PEOPLE
    ),
    "incident.escalate:visibility": Wording(
        "arrow-up-from-line", gettext_lazy("%(actor)s called the next level so that it knows"), PEOPLE
    ),
    "incident.mitigate": Wording("shield-check", gettext_lazy("%(actor)s marked it mitigated"), PEOPLE),
    "incident.resolve": Wording("circle-check", gettext_lazy("Resolved by %(actor)s"), PEOPLE),
    "incident.reopen": Wording("rotate-cw", gettext_lazy("%(actor)s reopened it"), PEOPLE),
    "incident.reassign": Wording("user-round-plus", gettext_lazy("%(actor)s handed it to %(name)s"), PEOPLE),
    "incident.admit": Wording(
        "eye", gettext_lazy("%(actor)s showed it to %(name)s, who had not seen it: it is restricted"), PEOPLE
    ),
    "incident.snooze": Wording("moon", gettext_lazy("%(actor)s snoozed it until %(until)s"), PEOPLE),
    "incident.stage": Wording("arrow-right", gettext_lazy("%(actor)s moved it to %(name)s"), PEOPLE),
    "incident.classify": Wording("tag", gettext_lazy("%(actor)s said what kind it is and whom it hits"), PEOPLE),
    "incident.close": Wording("lock", gettext_lazy("%(actor)s closed it"), PEOPLE),
    "incident.override": Wording(
        "shield-alert",
        gettext_lazy("%(actor)s let it go on to %(name)s although something was missing: %(missing)s"),
        PEOPLE,
    ),
    "review.publish": Wording("book-open-text", gettext_lazy("%(actor)s published its review"), PEOPLE),
    "review.correct": Wording(
        "book-open-text", gettext_lazy("%(actor)s corrected its review: version %(number)s"), PEOPLE
    ),
    "incident.team": Wording("users", gettext_lazy("%(actor)s handed it over from %(before)s to %(name)s"), PEOPLE),
    "incident.comment": Wording("message-square", gettext_lazy("%(actor)s wrote"), PEOPLE),
    "incident.correct": Wording("pencil", gettext_lazy("%(actor)s corrected what they had written"), PEOPLE),
    "incident.decide": Wording("stamp", gettext_lazy("%(actor)s recorded a decision"), DECISIONS),
    "incident.describe": Wording("pencil", gettext_lazy("%(actor)s changed the description: %(fields)s"), PEOPLE),
    "incident.bridge": Wording("headset", gettext_lazy("%(actor)s opened the bridge"), PEOPLE),
    "incident.bridge_major": Wording(
        "headset", gettext_lazy("The bridge of the major incident was opened"), ESCALATION
    ),
    "incident.bridge_end": Wording("headset", gettext_lazy("%(actor)s took the bridge away"), PEOPLE),
    "incident.call_in": Wording("user-round-plus", gettext_lazy("%(actor)s called in %(people)s"), PEOPLE),
    "incident.tell": Wording("megaphone", gettext_lazy("%(actor)s told %(people)s"), PEOPLE),
    "incident.brief_read": Wording("book-open-text", gettext_lazy("%(actor)s read the brief and joined"), PEOPLE),
    "incident.handover_rate:whole": Wording(
        "user-check", gettext_lazy("%(actor)s took it over with the full context"), PEOPLE
    ),
    "incident.handover_rate": Wording(
        "triangle-alert", gettext_lazy("%(actor)s took it over and lacked something"), PEOPLE
    ),
    "incident.undo": Wording("undo-2", gettext_lazy("%(actor)s took the last step back"), PEOPLE),
    "incident.undo:snooze": Wording("undo-2", gettext_lazy("%(actor)s took the snooze back"), PEOPLE),
    "incident.undo:resolve": Wording("undo-2", gettext_lazy("%(actor)s took the resolution back"), PEOPLE),
    "incident.undo:reassign": Wording("undo-2", gettext_lazy("%(actor)s took the handover back"), PEOPLE),
    "incident.link_duplicate": Wording(
        "link", gettext_lazy("%(actor)s said that it is a duplicate of %(name)s"), PEOPLE
    ),
    "incident.linked_duplicate": Wording(
        "link", gettext_lazy("%(actor)s said that %(name)s is a duplicate of it"), PEOPLE
    ),
    "incident.link_caused_by": Wording("link", gettext_lazy("%(actor)s said that it is caused by %(name)s"), PEOPLE),
    "incident.linked_caused_by": Wording("link", gettext_lazy("%(actor)s said that %(name)s is caused by it"), PEOPLE),
    "incident.link_blocks": Wording("link", gettext_lazy("%(actor)s said that it blocks %(name)s"), PEOPLE),
    "incident.linked_blocks": Wording("link", gettext_lazy("%(actor)s said that %(name)s blocks it"), PEOPLE),
    "incident.link_related": Wording("link", gettext_lazy("%(actor)s said that it has to do with %(name)s"), PEOPLE),
    "incident.linked_related": Wording("link", gettext_lazy("%(actor)s said that it has to do with %(name)s"), PEOPLE),
    "incident.unlink": Wording("link", gettext_lazy("%(actor)s took the link to %(name)s away"), PEOPLE),
    "incident.merge": Wording("merge", gettext_lazy("%(actor)s merged it into %(name)s"), PEOPLE),
    "incident.absorb": Wording("merge", gettext_lazy("%(actor)s merged %(name)s, “%(title)s”, into it"), PEOPLE),
    "incident.unmerge": Wording("split", gettext_lazy("%(actor)s split it from %(name)s again"), PEOPLE),
    "incident.release": Wording("split", gettext_lazy("%(actor)s split %(name)s off again"), PEOPLE),
    "incident.split": Wording("split", gettext_lazy("%(actor)s split %(name)s, “%(title)s”, off"), PEOPLE),
    "incident.split_from": Wording("split", gettext_lazy("%(actor)s split it from %(name)s"), PEOPLE),
    "incident.severity": Wording("gauge", gettext_lazy("Severity is %(after)s, it was %(before)s"), PEOPLE),
    "incident.assess": Wording(
        "gauge", gettext_lazy("%(actor)s assessed it: %(proposed)s follows from the answers. %(reason)s"), PEOPLE
    ),
    "incident.assess_open": Wording(
        "gauge", gettext_lazy("%(actor)s assessed it: the answers leave the severity open"), PEOPLE
    ),
    "incident.priority": Wording("gauge", gettext_lazy("Priority is %(after)s, it was %(before)s"), SYSTEM),
    "incident.priority_first": Wording("gauge", gettext_lazy("Priority is %(after)s"), SYSTEM),
    "incident.priority_sla": Wording(
        "gauge",
        gettext_lazy("Priority rose from %(before)s to %(after)s: %(percent)s percent of the SLA’s time has passed"),
        SYSTEM,
    ),
    "incident.sla": Wording(
        "hourglass", gettext_lazy("By the SLA “%(name)s” it is to be resolved by %(until)s"), SYSTEM
    ),
    "incident.sla_none": Wording("hourglass", gettext_lazy("It has no SLA any more"), SYSTEM),
    "incident.stall": Wording(
        "octagon-alert", gettext_lazy("The watchdog found no next step and alarmed the administrators"), SYSTEM
    ),
    "escalation.enter_level": Wording(
        "bell-ring", gettext_lazy("Level %(level)s, %(name)s, was paged: %(people)s. %(because)s"), ESCALATION
    ),
    "escalation.skip_level": Wording(
        "skip-forward", gettext_lazy("Level %(level)s, %(name)s, was skipped. %(because)s"), ESCALATION
    ),
    "escalation.post": Wording("send", gettext_lazy("Told %(places)s"), ESCALATION),
    "escalation.post_skip": Wording("skip-forward", gettext_lazy("%(name)s was not told: %(untold)s"), ESCALATION),
    "post.failed": Wording("triangle-alert", gettext_lazy("%(name)s could not be told: %(untold)s"), ESCALATION),
    "escalation.skip_person": Wording("skip-forward", gettext_lazy("%(name)s was passed over: %(skip)s"), ESCALATION),
    "escalation.own_channels": Wording(
        "send",
        gettext_lazy("%(people)s: no contact method of level %(level)s (%(channels)s), so told by their own"),
        ESCALATION,
    ),
    "escalation.repeat_level": Wording(
        "bell-ring", gettext_lazy("Level %(level)s, %(name)s, was told again: %(people)s. %(because)s"), ESCALATION
    ),
    "escalation.inform_level": Wording(
        "bell", gettext_lazy("Level %(level)s, %(name)s, was informed and not paged: %(people)s"), ESCALATION
    ),
    "team.join": Wording("users", gettext_lazy("%(name)s responds too; %(owner)s keeps it in sight"), ESCALATION),
    "escalation.final": Wording("siren", gettext_lazy("The final decision-maker was paged: %(people)s"), ESCALATION),
    "escalation.exhaust": Wording("bell-off", gettext_lazy("Every level was called and nobody answered"), ESCALATION),
    "escalation.catch_all": Wording("siren", gettext_lazy("The catch-all was paged: %(people)s"), ESCALATION),
    "escalation.no_policy": Wording(
        "bell-off", gettext_lazy("%(name)s has no escalation policy: nobody was paged"), ESCALATION
    ),
    "escalation.set_aside": Wording(
        "octagon-alert", gettext_lazy("The escalation stopped on an error: %(reason)s"), SYSTEM
    ),
    "escalation.bring_back": Wording(
        "history", gettext_lazy("A clock was ahead and had put the next step off: it comes at %(until)s now"), SYSTEM
    ),
    "checkpoint.bring_back": Wording(
        "history",
        gettext_lazy("A clock was ahead and had put off the end of a question: it is at %(until)s now"),
        SYSTEM,
    ),
    "checkpoint.open": Wording(
        "circle-question-mark", gettext_lazy("Asked %(people)s: %(asks)s Until %(until)s"), PEOPLE
    ),
    "checkpoint.confirm": Wording("check", gettext_lazy("%(actor)s decided: %(decided)s"), DECISIONS),
    "checkpoint.decline": Wording("ban", gettext_lazy("%(actor)s decided: %(decided)s"), DECISIONS),
    "checkpoint.time_out": Wording("hourglass", gettext_lazy("Nobody decided in time: %(decided)s"), SYSTEM),
    "checkpoint.unheard": Wording(
        "triangle-alert", gettext_lazy("Nobody could be asked: %(asks)s %(decided)s"), SYSTEM
    ),
    "checkpoint.withdraw": Wording("ban", gettext_lazy("The question is not needed any more: %(asks)s"), SYSTEM),
    "checkpoint.set_aside": Wording(
        "octagon-alert", gettext_lazy("What was to follow failed with an error: %(asks)s"), SYSTEM
    ),
    "incident.major_person": Wording("siren", gettext_lazy("%(actor)s declared it a major incident"), PEOPLE),
    "incident.major_rule": Wording("siren", gettext_lazy("A rule declared it a major incident"), SYSTEM),
    "incident.major_level": Wording(
        "siren", gettext_lazy("The level that was reached makes it a major incident"), ESCALATION
    ),
    "incident.major_end": Wording("undo-2", gettext_lazy("%(actor)s said that it is no major incident"), PEOPLE),
    "incident.overseer": Wording("user-check", gettext_lazy("%(name)s oversees it and was told"), ESCALATION),
    "incident.overseer_unreached": Wording(
        "triangle-alert",
        gettext_lazy("%(name)s oversees it and could not be told: there is no contact method"),
        ESCALATION,
    ),
    "incident.no_overseer": Wording("triangle-alert", gettext_lazy("Nobody is there to oversee it"), ESCALATION),
    "routing.decide": Wording("split", gettext_lazy("Routed by rules, version %(version)s: %(rules)s"), ESCALATION),
    "routing.severity": Wording(
        "gauge", gettext_lazy("A rule made its severity %(after)s; it came as %(before)s"), ESCALATION
    ),
    "routing.fail": Wording(
        "octagon-alert",
        gettext_lazy("The routing rules failed, so it goes the way of its service: %(reason)s"),
        SYSTEM,
    ),
    "routing.team_gone": Wording(
        "triangle-alert",
        gettext_lazy("A rule names the team %(name)s, which is gone: its service’s team has it"),
        SYSTEM,
    ),
    "routing.policy_gone": Wording(
        "triangle-alert",
        gettext_lazy(
            "A rule names the policy %(name)s, which is gone or says nothing: its service’s policy is followed"
        ),
        SYSTEM,
    ),
    "routing.suppress": Wording("bell-off", gettext_lazy("Kept silent by a rule until %(until)s"), ESCALATION),
    "routing.suppress_guarded": Wording(
        "shield-check", gettext_lazy("A rule would keep it silent; it is guarded, so only a person may"), ESCALATION
    ),
    "incident.wake": Wording("bell-ring", gettext_lazy("%(actor)s ended the silence"), PEOPLE),
    "routing.path": Wording(
        "split", gettext_lazy("It went over from the policy %(before)s to %(after)s, which begins at once"), ESCALATION
    ),
    "routing.page_nobody": Wording("bell-off", gettext_lazy("Nobody is paged for it"), ESCALATION),
    "routing.page_after_all": Wording(
        "bell-ring", gettext_lazy("It is worse than it was: its escalation begins after all"), ESCALATION
    ),
    "routing.tell": Wording("bell", gettext_lazy("A rule informed %(people)s"), ESCALATION),
    "routing.tell_nobody": Wording(
        "triangle-alert", gettext_lazy("A rule informs people, but nobody is to be found there now"), ESCALATION
    ),
    "routing.tell_barred": Wording(
        "lock", gettext_lazy("%(name)s was not informed: it is restricted, and they may not see it"), ESCALATION
    ),
    "routing.send_for": Wording("bell-ring", gettext_lazy("A rule sent for %(people)s"), ESCALATION),
    "routing.guarded": Wording(
        "shield-check", gettext_lazy("A rule guards it: what automation would do waits for a person"), ESCALATION
    ),
    "routing.protected": Wording(
        "lock", gettext_lazy("A rule protects it: only owners of the service may silence it"), ESCALATION
    ),
    "incident.tier": Wording(
        "building-2", gettext_lazy("%(actor)s gave it SLA tier %(after)s; by contract it is %(before)s"), PEOPLE
    ),
    "incident.tier_said": Wording("building-2", gettext_lazy("%(actor)s gave it SLA tier %(after)s"), PEOPLE),
    "attachment.add": Wording("paperclip", gettext_lazy("%(actor)s attached %(name)s"), PEOPLE),
    "attachment.remove": Wording("trash-2", gettext_lazy("%(actor)s removed the attachment %(name)s"), PEOPLE),
    "attachment.unscanned": Wording(
        "shield-alert", gettext_lazy("Nobody could check the attachment %(name)s: the scanner gave no answer"), SYSTEM
    ),
    "attachment.refuse": Wording(
        "shield-alert", gettext_lazy("The scanner refused %(name)s; nobody can open it. %(reason)s"), SYSTEM
    ),
    "survey.answer": Wording("scale", gettext_lazy("%(actor)s said how it went: %(score)s of 5"), PEOPLE),
    "complaint.log": Wording("megaphone", gettext_lazy("%(actor)s logged a complaint of %(name)s"), PEOPLE),
    "complaint.answer": Wording("reply", gettext_lazy("%(actor)s answered a complaint"), PEOPLE),
    "problem.propose": Wording("search", gettext_lazy("A rule proposes a problem record"), ESCALATION),
    "incident.facts": Wording("pencil", gettext_lazy("%(actor)s changed what is known of it: %(facts)s"), PEOPLE),
    "task.create": Wording("square-check", gettext_lazy("%(actor)s added the task “%(name)s”"), PEOPLE),
    "task.assign": Wording("user-round-plus", gettext_lazy("%(actor)s gave the task “%(title)s” to %(name)s"), PEOPLE),
    "task.begin": Wording("play", gettext_lazy("%(actor)s began “%(name)s”"), PEOPLE),
    "task.finish": Wording("circle-check", gettext_lazy("%(actor)s finished “%(name)s”"), PEOPLE),
    "task.drop": Wording("ban", gettext_lazy("%(actor)s dropped the task “%(name)s”"), PEOPLE),
    "task.reopen": Wording("rotate-cw", gettext_lazy("%(actor)s opened the task “%(name)s” again"), PEOPLE),
    "task.approve": Wording("shield-check", gettext_lazy("%(actor)s approved “%(name)s”"), PEOPLE),
    "role.fill": Wording("user-check", gettext_lazy("%(name)s has the role %(role)s by the role map"), SYSTEM),
    "role.take": Wording("user-check", gettext_lazy("%(actor)s took the role %(role)s"), PEOPLE),
    "role.give": Wording("user-round-plus", gettext_lazy("%(actor)s gave the role %(role)s to %(name)s"), PEOPLE),
    "role.hand_over": Wording("replace", gettext_lazy("The role %(role)s went from %(before)s to %(name)s"), PEOPLE),
    "role.leave": Wording("user-x", gettext_lazy("%(name)s no longer has the role %(role)s"), PEOPLE),
    "plan.apply": Wording("list-checks", gettext_lazy("%(actor)s applied the plan “%(name)s”"), PEOPLE),
    "plan.section": Wording("pencil", gettext_lazy("%(actor)s wrote in the plan: %(name)s"), PEOPLE),
    "objective.create": Wording("flag", gettext_lazy("%(actor)s added the objective “%(name)s”"), PEOPLE),
    "objective.meet": Wording("circle-check", gettext_lazy("Objective met: %(name)s"), PEOPLE),
    "objective.drop": Wording("ban", gettext_lazy("%(actor)s dropped the objective “%(name)s”"), PEOPLE),
    "objective.reopen": Wording("rotate-cw", gettext_lazy("%(actor)s opened the objective “%(name)s” again"), PEOPLE),
    "vendor.call": Wording("phone", gettext_lazy("%(actor)s called %(name)s, which is to answer by %(until)s"), PEOPLE),
    "vendor.tell": Wording("package-check", gettext_lazy("The mail to %(name)s was handed over"), ESCALATION),
    "vendor.untold": Wording(
        "triangle-alert", gettext_lazy("It is not certain that %(name)s got the mail: call them"), ESCALATION
    ),
    "vendor.answer": Wording("reply", gettext_lazy("%(name)s answered"), PEOPLE),
    "vendor.overdue": Wording("hourglass", gettext_lazy("%(name)s has not answered in time"), ESCALATION),
    "vendor.close": Wording("check", gettext_lazy("Nothing more is wanted of %(name)s"), PEOPLE),
    "teams.post": Wording("megaphone", gettext_lazy("%(actor)s to all teams, %(name)s: %(people)s were told"), PEOPLE),
    "teams.post_nobody": Wording(
        "megaphone", gettext_lazy("%(actor)s to all teams, %(name)s: nobody else is engaged"), PEOPLE
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
    "suppression_ended": gettext_lazy("The time for which a rule kept it silent is over."),
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


_DESCRIBED: Mapping[str, str | Promise] = {
    "title": gettext_lazy("title"),
    "summary": gettext_lazy("summary"),
    "customer_impact": gettext_lazy("what customers notice"),
    "environment": gettext_lazy("environment"),
    "category": gettext_lazy("category"),
    "customer": gettext_lazy("customer"),
}


def described_label(name: str) -> str:
    """What a part of the description is called."""
    return str(_DESCRIBED.get(name, name))


def fact_label(name: str) -> str:
    """What a fact is called; "Label: cpu" for a member of an open family, its own name for what is no fact any more."""
    fact = VOCABULARY.find(name)
    if fact is None:
        return name
    is_open = fact.kind is Kind.OPEN
    return f"{fact.label}: {name.partition('.')[2]}" if is_open else str(fact.label)


class _Places(dict[str, Any]):
    def __missing__(self, name: str) -> str:
        return "…"


def line_html(kind: str, *, actor: str, data: Mapping[str, Any]) -> SafeString:
    """The sentence of one line. ``actor`` is who did it, in words; ``data`` is the line's own."""
    wording = WORDINGS.get(f"{kind}:{data.get('cause')}") or WORDINGS.get(kind)
    if wording is None:
        return format_html("{}", kind)
    places = {**data, "actor": actor, "because": because_words(str(data.get("because", "")))}
    if isinstance(data.get("people"), list):
        places["people"] = list_of([str(name) for name in data["people"]])
    if isinstance(data.get("rules"), list):
        places["rules"] = list_of([str(name) for name in data["rules"]])
    if isinstance(data.get("facts"), list):
        places["facts"] = list_of([fact_label(str(name)) for name in data["facts"]])
    if isinstance(data.get("missing"), list):
        places["missing"] = list_of([str(dict(StageGuard.Kind.choices).get(kind, kind)) for kind in data["missing"]])
    if "reason" in data:
        places["reason"] = reason_words(str(data["reason"]))
    if kind == "incident.describe" and isinstance(data.get("fields"), list):
        places["fields"] = list_of([described_label(str(name)) for name in data["fields"]])
    if "role" in data:
        places["role"] = role_label(str(data["role"]))
    if "asks" in data:
        places |= checkpoint_places(kind, data)
    if isinstance(data.get("places"), list):
        places["places"] = list_of([str(name) for name in data["places"]])
    if isinstance(data.get("channels"), list):
        places["channels"] = channels_words([str(kind) for kind in data["channels"]])
    if "untold" in data:
        places["untold"] = untold_words(str(data["untold"]))
    if "skip" in data:
        places["skip"] = skip_words(str(data["skip"]))
    return sentence_html(wording.sentence, places)

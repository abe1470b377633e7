"""How the ledger's actions and objects read to people. An action that is not listed shows as its own name."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

ACTIONS: dict[str, str | Promise] = {
    "alert.receive": _("Received an alert"),
    "alert.recover": _("Heard that the alert recovered"),
    "attempt.answered_late": _("Got a provider's answer after the end"),
    "attempt.unknown": _("Could not tell whether it arrived"),
    "contact_methods.set": _("Changed how to reach somebody"),
    "delivery.cancelled": _("Cancelled a delivery"),
    "delivery.failed": _("Could not deliver"),
    "delivery.sent": _("Delivered"),
    "escalation.catch_all": _("Told the catch-all"),
    "escalation.enter_level": _("Called a level"),
    "escalation.exhaust": _("Found every level unanswered"),
    "escalation.no_policy": _("Found no escalation policy"),
    "escalation.skip_level": _("Skipped a level"),
    "incident.acknowledge": _("Acknowledged"),
    "incident.close": _("Closed"),
    "incident.comment": _("Commented"),
    "incident.escalate": _("Escalated by hand"),
    "incident.mitigate": _("Marked as mitigated"),
    "incident.open": _("Opened"),
    "incident.reassign": _("Reassigned"),
    "incident.reopen": _("Reopened"),
    "incident.resolve": _("Resolved"),
    "incident.severity": _("Changed the severity"),
    "incident.snooze": _("Snoozed"),
    "incident.snooze_end": _("Ended the snooze"),
    "incident.stage": _("Moved to another stage"),
    "incident.stall": _("Found no next step"),
    "incident.unacknowledge": _("Gave the acknowledgement back"),
    "integration.set": _("Changed an integration"),
    "message.cancel_asked": _("Asked to cancel a message"),
    "message.cancelled": _("Cancelled a message"),
    "message.failed": _("Could not reach the person"),
    "override.cancel": _("Ended an override"),
    "override.create": _("Took over on call"),
    "page.cancelled": _("Cancelled a page"),
    "page.decline": _("Could not take the page"),
    "page.delivered": _("Page arrived"),
    "page.failed": _("Page did not arrive"),
    "page.send": _("Paged"),
    "policy.create": _("Created a policy"),
    "policy.publish": _("Published a policy version"),
    "schedule.create": _("Created a schedule"),
    "schedule.publish": _("Published a schedule version"),
    "service.create": _("Created a service"),
    "service.set": _("Changed a service"),
    "team.create": _("Created a team"),
    "team.members": _("Changed the members of a team"),
    "user.create": _("Created a person"),
}

OBJECTS: dict[str, str | Promise] = {
    "alert": _("Alert"),
    "attempt": _("Attempt"),
    "delivery": _("Delivery"),
    "incident": _("Incident"),
    "integration": _("Integration"),
    "message": _("Message"),
    "override": _("Override"),
    "page": _("Page"),
    "policy": _("Policy"),
    "run": _("Escalation run"),
    "schedule": _("Schedule"),
    "service": _("Service"),
    "team": _("Team"),
    "user": _("Person"),
}


def action_words(action: str) -> str:
    return str(ACTIONS.get(action, action))


def object_words(object_type: str) -> str:
    return str(OBJECTS.get(object_type, object_type))

"""How the figures are called on the page."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

QUEUES: dict[str, str | Promise] = {
    "signals": _("Signals to read"),
    "steps": _("Escalation steps due"),
    "questions": _("Decisions whose time is up"),
    "deliveries": _("Messages to send"),
    "page_reports": _("Outcomes of pages to note"),
    "tasks": _("Tasks for the cluster"),
}
LATENESS: dict[str, str | Promise] = {
    "signals": _("Signal accepted until read"),
    "steps": _("Escalation step due until done"),
    "deliveries": _("Message due until its channel is called"),
    "page_reports": _("Page ended until noted"),
}
OUTCOMES: dict[str, str | Promise] = {
    "sent": _("Sent"),
    "refused": _("Refused"),
    "error": _("Error"),
    "unknown": _("Unknown"),
    "cancelled": _("Cancelled"),
    "": _("Under way"),
}
PARTS: dict[str, str | Promise] = {
    "engine": _("No engine has shown a sign of life in the last day."),
    "cluster": _("No cluster has shown a sign of life in the last day."),
}

"""The roles every installation begins with. Data: an administrator may rename, add and order roles afterwards."""

from typing import Any

from django.apps import apps as installed
from django.apps.registry import Apps
from django.utils.translation import gettext, gettext_noop

from escalation_site.kernel.tables import of_today

COMMANDER = "commander"
COMMUNICATIONS = "communications"
VENDOR_LEAD = "vendor-lead"

FIRST_ROLES = (
    (COMMANDER, gettext_noop("Commander"), gettext_noop("Leads the response and decides."), 1),
    ("mitigation", gettext_noop("Mitigation lead"), gettext_noop("Acknowledges and stops the harm."), 2),
    (
        COMMUNICATIONS,
        gettext_noop("Communications lead"),
        gettext_noop("Tells stakeholders what is known and when more follows."),
        1,
    ),
    ("scribe", gettext_noop("Scribe"), gettext_noop("Writes down what was seen, decided and done."), None),
    (VENDOR_LEAD, gettext_noop("Vendor lead"), gettext_noop("Calls vendors and partners and keeps them at it."), None),
)
"""Key, name, duty, and the severity from which it is shown as vacant (None: major incidents only)."""
_WORDS = frozenset(word for _key, name, duty, _from in FIRST_ROLES for word in (name, duty))


def role_label(words: str) -> str:
    """A role's name or duty in the reader's language where it is one of the first; an administrator's own as it stands."""
    return gettext(words) if words in _WORDS else words


def role_needed(role: Any, incident: Any) -> bool:
    """Whether ``incident``, as severe as it is now, wants somebody in ``role``: a major one wants all of them (R012)."""
    if not role.active:
        return False
    return incident.major_at is not None or (role.needed_from is not None and incident.severity <= role.needed_from)


def roles_create(sender: Any, *, using: str, apps: Apps = installed, **kwargs: Any) -> None:
    """After each migration: give a database that has no role at all the first ones."""
    from incidents.models import ResponseRole  # the models are not loaded yet when the app's configuration imports this

    if of_today(apps, ResponseRole) and not ResponseRole.objects.using(using).exists():
        ResponseRole.objects.using(using).bulk_create(
            ResponseRole(key=key, name=name, duty=duty, needed_from=severity, position=position)
            for position, (key, name, duty, severity) in enumerate(FIRST_ROLES, 1)
        )

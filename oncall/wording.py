"""Roles, reasons and causes of the rota in the reader's words."""

from collections.abc import Callable, Collection

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from escalation_site.ui.durations import list_of
from oncall import rota

ROLES: dict[str, str | Promise] = {"primary": gettext_lazy("primary"), "secondary": gettext_lazy("backup")}
CAUSES: dict[rota.Cause, str | Promise] = {
    rota.Cause.UNASSIGNED: gettext_lazy("no layer is in force"),
    rota.Cause.CLOSED: gettext_lazy("every layer is closed then"),
    rota.Cause.EMPTY_SLOT: gettext_lazy("it is the turn of an empty slot"),
    rota.Cause.ABSENT: gettext_lazy("everybody who could is away"),
    rota.Cause.REMOVED: gettext_lazy("an override took off whoever was on call"),
}


def role_words(role: str) -> str:
    """The role as people say it; one the organisation made up, as it is."""
    return str(ROLES.get(role, role))


def cause_words(cause: rota.Cause) -> str:
    """Why nobody is on call."""
    return str(CAUSES[cause])


def why_words(shift: rota.Shift, name_of: Callable[[int], str], *, instead: Collection[int] = ()) -> str:
    """Why somebody is on call: "by the layer “Weekly”", "by override, for Marta Ferri".

    ``instead`` is whom the rotation would have named, where the shift itself does not say.
    """
    others = (shift.instead_of,) if shift.instead_of is not None else instead
    names = [name_of(other) for other in others if other != shift.user_id]
    if not names:
        return _why_alone(shift)
    name = {"name": list_of(names)}
    match shift.why:
        case rota.Why.OVERRIDE:
            return _("by override, for %(name)s") % name
        case rota.Why.SWAP:
            return _("by swap, for %(name)s") % name
        case rota.Why.COVER:
            return _("covers for %(name)s, who is away") % name
        case rota.Why.HOLIDAY_COVER:
            return _("covers for %(name)s, who has a public holiday") % name
        case _:
            return _why_alone(shift)


def _why_alone(shift: rota.Shift) -> str:
    match shift.why:
        case rota.Why.OVERRIDE:
            return _("by override")
        case rota.Why.SWAP:
            return _("by swap")
        case rota.Why.COVER:
            return _("covers an absence")
        case rota.Why.HOLIDAY_COVER:
            return _("covers a public holiday")
        case _ if shift.layer:
            return _("by the layer “%(layer)s”") % {"layer": shift.layer}
        case _:
            return _("with everyone of the schedule")


def override_words(override: rota.Override, name_of: Callable[[int], str]) -> str:
    """What an override does to its window, as one sentence without its times."""
    words = {
        "name": name_of(override.user_id),
        "other": name_of(override.replaces) if override.replaces is not None else "",
        "role": role_words(override.role),
    }
    match override.kind, bool(override.role):
        case rota.OverrideKind.COVER, True:
            return _("%(name)s alone is on call as %(role)s") % words
        case rota.OverrideKind.COVER, False:
            return _("%(name)s alone is on call in the first role") % words
        case rota.OverrideKind.REPLACE, True:
            return _("%(name)s takes the place of %(other)s as %(role)s") % words
        case rota.OverrideKind.REPLACE, False:
            return _("%(name)s takes the place of %(other)s") % words
        case rota.OverrideKind.ADD, True:
            return _("%(name)s is on call too, as %(role)s") % words
        case rota.OverrideKind.ADD, False:
            return _("%(name)s is on call too, in the first role") % words
        case rota.OverrideKind.REMOVE, True:
            return _("%(name)s is taken off as %(role)s") % words
        case _:
            return _("%(name)s is taken off") % words


def override_label(override: rota.Override, name_of: Callable[[int], str]) -> str:
    """What an override does, in the few words a block has room for."""
    name = name_of(override.user_id)
    match override.kind:
        case rota.OverrideKind.REPLACE if override.replaces is not None:
            return _("%(name)s for %(other)s") % {"name": name, "other": name_of(override.replaces)}
        case rota.OverrideKind.ADD:
            return _("%(name)s joins") % {"name": name}
        case rota.OverrideKind.REMOVE:
            return _("%(name)s is off") % {"name": name}
        case _:
            return name


def absence_words(absence: rota.Absence) -> str:
    """Why somebody is away."""
    return _("public holiday") if absence.reason is rota.AbsenceReason.HOLIDAY else _("away")

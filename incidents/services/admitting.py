"""A part in a restricted incident for somebody who does not see it: never by accident, and put on record.

Whoever owns it, holds a role on it or has a task of it sees it (``querysets.ties``), so that giving somebody a part shows it to them.
"""

from django.utils.translation import gettext as _

from escalation_site.kernel.errors import DomainError
from incidents.changes import Changes
from incidents.models import Incident
from incidents.services.notices import may_see
from oncall.models import User

FIELD = "admit"
"""The field of forms and of the API that says: show it to them."""


def shows_it_to(user: User, incident: Incident, *, admit: bool) -> bool:
    """Whether a part for ``user`` shows them ``incident``, which they do not see yet; False where they do.

    Raises DomainError (code "outsider", field "admit") where it would and ``admit`` does not say that this is meant.
    """
    if may_see(user, incident):
        return False
    if not admit:
        raise DomainError(
            _(
                "It is restricted, and %(name)s does not see it yet. Say that it is to be shown to them, or choose another."
            )
            % {"name": user.name},
            field=FIELD,
            code="outsider",
        )
    return True


def admitted(user: User, incident: Incident, *, changes: Changes) -> None:
    """Enter that ``user`` sees the restricted ``incident`` from now on, and by whom."""
    changes.timeline(incident, "incident.admit", name=user.name, source=changes.source)
    changes.ledger(incident, "incident.admit", data={"person": user.name, "id": user.pk})

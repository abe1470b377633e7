"""Which step of the first run comes next. Read from what exists, so that an interrupted first run goes on where it
stopped.
"""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from incidents.models import Incident, Service
from oncall.models import Schedule, Team, User
from policies.models import EscalationPolicy


@dataclass(frozen=True, slots=True)
class Step:
    key: str
    title: str | Promise


STEPS = (
    Step("administrator", _("You")),
    Step("team", _("Your team")),
    Step("schedule", _("Who is on call")),
    Step("policy", _("Who is told when")),
    Step("service", _("What can break")),
    Step("test", _("A test page")),
)


def next_step() -> str:
    """Key of the first step that is not done; "" when the installation is set up and has had an incident."""
    done = (
        ("administrator", User.objects.exists),
        ("team", Team.objects.filter(memberships__isnull=False).exists),
        ("schedule", Schedule.objects.filter(versions__isnull=False).exists),
        ("policy", EscalationPolicy.objects.filter(current_version__isnull=False).exists),
        ("service", Service.objects.filter(policy__isnull=False).exists),
        ("test", Incident.objects.exists),
    )
    return next((key for key, is_done in done if not is_done()), "")

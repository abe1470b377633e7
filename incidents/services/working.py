"""What every service that changes an incident does first and last: lock it, and write what became of it.

The run, the pages and the messages hang on the incident's lock.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from escalation_site.kernel.errors import DomainError
from incidents.changes import Changes, actor_of, lock_one
from incidents.models import EscalationRun, Incident, Stage
from incidents.services.escalator import Escalator
from incidents.services.stored_runs import current_runs
from incidents.services.waiting import checkpoints_overtaken
from oncall.models import User
from policies.escalation import Event


@dataclass
class Work:
    """A locked incident, its run, and where changes go."""

    incident: Incident
    run: EscalationRun | None
    changes: Changes
    escalator: Escalator

    def event(self, event: Event) -> bool:
        return self.run is not None and self.escalator.event(self.run, event)

    def overtakes(self, event: Event) -> None:
        """A person does ``event`` while something waits for a person's word: what that makes needless is withdrawn."""
        runs = {self.incident.pk: self.run} if self.run else {}
        checkpoints_overtaken([self.incident], runs, event, escalator=self.escalator)
        self.run = runs.get(self.incident.pk)


@contextmanager
def working(incident_id: int, *, actor: User | None, at: datetime, source: str) -> Iterator[Work]:
    """Lock one incident, let the caller change it, then perform what the run decided and write everything."""
    with transaction.atomic():
        incident = lock_one(incident_id)
        changes = Changes(at=at, actor=actor_of(actor), user=actor, source=source)
        work = Work(incident, current_runs([incident]).get(incident.pk), changes, Escalator(changes))
        yield work
        work.escalator.settle()
        changes.write()


def stage(key: str) -> Stage:
    """The stage of that key. Raises DomainError when an administrator removed it."""
    try:
        return Stage.objects.get(key=key)
    except Stage.DoesNotExist as error:
        raise DomainError(_("The stage “%(key)s” is missing.") % {"key": key}, field="stage") from error

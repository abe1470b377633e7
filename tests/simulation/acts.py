"""What people, monitors and administrators do in a story, by the services every door of the product calls."""

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any

import orjson

from incidents.intake.door import answer_events
from incidents.models import Page
from incidents.services.deciding import checkpoint_decide
from incidents.services.facts import incident_facts
from incidents.services.handing import incident_reassign
from incidents.services.inbox import signals_accept
from incidents.services.lifecycle import (
    incident_acknowledge,
    incident_escalate,
    incident_mitigate,
    incident_open,
    incident_reopen,
    incident_resolve,
    incident_snooze,
    incident_unacknowledge,
)
from incidents.services.merging import incident_merge, incident_unmerge
from incidents.services.pages import page_decline
from incidents.services.severity import incident_severity
from incidents.services.splitting import incident_split
from notifications.models import ContactMethod
from notifications.services import contact_methods_set
from notifications.values import ContactMethodValue
from oncall.absences import absence_create
from oncall.services import override_create
from tests.simulation.asking import rows
from tests.simulation.books import books_renew
from tests.simulation.organisation import ORPHAN, RESPONDERS, SERVICES, Organisation, routing_key

Act = Callable[[], object]
SYMPTOMS = ("disk-full", "queue-long", "card-refused")
KNOWN: tuple[dict[str, Any], ...] = (
    {"impact_class": "minor"},
    {"impact_class": "customer-facing"},
    {"impact": 1},
    {"impact": 4},
    {"vip": True},
    {"impact": None, "impact_class": None},
)
"""What may become known of an incident."""
LATEST = 6  # people act on the newest incidents


class Acts:
    """``make(verb, chance, at)`` gives something to do, or None where there is nothing to do it with."""

    def __init__(self, organisation: Organisation) -> None:
        self.organisation = organisation

    def make(self, verb: str, chance: Random, at: datetime) -> Act | None:
        make: Callable[[Random, datetime], Act | None] = getattr(self, f"_{verb}")
        return make(chance, at)

    # --- signals

    def _alert(self, chance: Random, at: datetime) -> Act:
        return self._signal("trigger", chance, at)

    def _storm(self, chance: Random, at: datetime) -> Act:
        several = [self._event("trigger", chance) for _number in range(chance.randint(4, 25))]
        return lambda: signals_accept(signals=several, at=at)

    def _recovery(self, chance: Random, at: datetime) -> Act:
        return self._signal("resolve", chance, at)

    def _acknowledged_at_the_source(self, chance: Random, at: datetime) -> Act:
        return self._signal("acknowledge", chance, at)

    def _signal(self, action: str, chance: Random, at: datetime) -> Act:
        event = self._event(action, chance)
        return lambda: signals_accept(signals=[event], at=at)

    def _event(self, action: str, chance: Random) -> tuple[int, bytes]:
        slug = chance.choice((*SERVICES, *SERVICES, ORPHAN))
        body: dict[str, Any] = {
            "routing_key": routing_key(slug),
            "event_action": action,
            "dedup_key": f"{slug}/{chance.choice(SYMPTOMS)}",
        }
        if action == "trigger":
            severity = chance.choice(("critical", "error", "warning"))
            body["payload"] = {"summary": body["dedup_key"], "source": "simulation", "severity": severity}
        answer = answer_events(orjson.dumps(body))
        assert answer.store is not None, answer
        return answer.store

    def _form(self, chance: Random, at: datetime) -> Act:
        slug, severity = chance.choice((*SERVICES, ORPHAN)), chance.choice((1, 1, 2, 3, 4, 5))
        service, reporter = self.organisation.services[slug], self.organisation.people["sofie"]
        return lambda: incident_open(
            title=f"{slug} is odd", summary="", severity=severity, service=service, reporter=reporter, at=at
        )

    # --- people

    def _by(self, service: Callable[..., object], chance: Random, at: datetime, **more: Any) -> Act | None:
        """``service`` on one of the newest incidents by somebody who responds."""
        found = [pk for (pk,) in rows("SELECT id FROM incidents_incident ORDER BY id DESC LIMIT %s", LATEST)]
        if not found:
            return None
        # Mostly what is open; sometimes what is over, by somebody who looks at an old page.
        still_open = [
            pk for (pk,) in rows("SELECT id FROM incidents_incident WHERE state <> 'resolved' ORDER BY id DESC")
        ]
        wants_open = service is not incident_reopen and still_open and chance.random() < 0.8
        pk = chance.choice(still_open[:LATEST] if wants_open else found)
        actor = self.organisation.people[chance.choice(RESPONDERS)]
        return lambda: service(incident_id=pk, actor=actor, at=at, **more)

    def _acknowledge(self, chance: Random, at: datetime) -> Act | None:
        return self._by(incident_acknowledge, chance, at)

    def _give_back(self, chance: Random, at: datetime) -> Act | None:
        return self._by(incident_unacknowledge, chance, at)

    def _resolve(self, chance: Random, at: datetime) -> Act | None:
        return self._by(incident_resolve, chance, at)

    def _reopen(self, chance: Random, at: datetime) -> Act | None:
        return self._by(incident_reopen, chance, at, reason="It is back.")

    def _reassign(self, chance: Random, at: datetime) -> Act | None:
        owner = self.organisation.people[chance.choice(RESPONDERS)]
        return self._by(incident_reassign, chance, at, owner=owner)

    def _snooze(self, chance: Random, at: datetime) -> Act | None:
        until = at + timedelta(minutes=chance.choice((1, 10, 120, 900)))
        return self._by(incident_snooze, chance, at, until=until)

    def _escalate(self, chance: Random, at: datetime) -> Act | None:
        return self._by(incident_escalate, chance, at, reason="It grows.")

    def _mitigate(self, chance: Random, at: datetime) -> Act | None:
        return self._by(incident_mitigate, chance, at)

    def _severity(self, chance: Random, at: datetime) -> Act | None:
        return self._by(incident_severity, chance, at, severity=chance.choice((1, 1, 2, 3, 4)))

    def _facts(self, chance: Random, at: datetime) -> Act | None:
        return self._by(incident_facts, chance, at, values=chance.choice(KNOWN))

    def _merge(self, chance: Random, at: datetime) -> Act | None:
        newest = [pk for (pk,) in rows("SELECT id FROM incidents_incident ORDER BY id DESC LIMIT %s", LATEST)]
        return self._by(incident_merge, chance, at, other_id=chance.choice(newest)) if len(newest) > 1 else None

    def _unmerge(self, chance: Random, at: datetime) -> Act | None:
        merged = [
            pk for (pk,) in rows("SELECT id FROM incidents_incident WHERE merged_into_id IS NOT NULL ORDER BY id DESC")
        ]
        if not merged:
            return None
        pk, actor = chance.choice(merged[:LATEST]), self.organisation.people[chance.choice(RESPONDERS)]
        return lambda: incident_unmerge(incident_id=pk, actor=actor, at=at)

    def _split(self, chance: Random, at: datetime) -> Act | None:
        return self._by(incident_split, chance, at, title="It is another one", keep=chance.random() < 0.3)

    def _page(self, chance: Random) -> Page | None:
        newest = list(Page.objects.select_related("recipient", "incident").order_by("-pk")[:LATEST])
        return chance.choice(newest) if newest else None

    def _acknowledge_by_link(self, chance: Random, at: datetime) -> Act | None:
        page = self._page(chance)
        if page is None:
            return None
        return lambda: incident_acknowledge(incident_id=page.incident_id, actor=page.recipient, at=at, page=page)

    def _decline(self, chance: Random, at: datetime) -> Act | None:
        page = self._page(chance)
        return None if page is None else lambda: page_decline(page=page, at=at)

    # --- plans

    def _edit_policy(self, chance: Random, at: datetime) -> Act:
        slug = chance.choice(SERVICES)
        return lambda: self.organisation.policy_renew(slug, chance, at=at)

    def _edit_books(self, chance: Random, at: datetime) -> Act:
        author = self.organisation.people["hugo"]
        return lambda: books_renew(chance, author=author, at=at)

    def _decide(self, chance: Random, at: datetime) -> Act | None:
        """Somebody answers a question: mostly one that is open, and sometimes who was not asked."""
        asked = rows(
            "SELECT c.id, a.user_id FROM incidents_checkpoint c JOIN incidents_checkpointask a ON a.checkpoint_id = c.id "
            "ORDER BY c.outcome = '' DESC, c.id DESC, a.id LIMIT %s",
            LATEST,
        )
        if not asked:
            return None
        checkpoint, user = chance.choice(asked)
        people = {one.pk: one for one in self.organisation.people.values()}
        actor = people[user] if chance.random() < 0.8 else people[chance.choice(list(people))]
        verdict, severity = chance.choice(("confirm", "confirm", "decline")), chance.choice((None, None, 1, 3))
        return lambda: checkpoint_decide(
            checkpoint_id=checkpoint, verdict=verdict, actor=actor, at=at, severity=severity
        )

    def _override(self, chance: Random, at: datetime) -> Act:
        schedule = self.organisation.schedules[chance.choice(("payments", "platform", "nights"))]
        user = self.organisation.people[chance.choice(RESPONDERS)]
        start = at + timedelta(minutes=chance.choice((0, 30)))
        end = start + timedelta(hours=chance.choice((1, 12)))
        actor = self.organisation.people["elena"]
        return lambda: override_create(schedule=schedule, user=user, start=start, end=end, actor=actor, at=at)

    def _absence(self, chance: Random, at: datetime) -> Act:
        user = self.organisation.people[chance.choice(RESPONDERS)]
        end = at + timedelta(hours=chance.choice((2, 30)))
        return lambda: absence_create(user=user, start=at, end=end, actor=user, at=at)

    def _contact_method(self, chance: Random, at: datetime) -> Act:
        """Somebody switches a method off or on, or the order of their methods round."""
        user = self.organisation.people[chance.choice(RESPONDERS)]
        values = [
            ContactMethodValue(kind=method.kind, address=method.address, enabled=chance.random() < 0.7)
            for method in ContactMethod.objects.filter(user=user).order_by("position", "id")
        ]
        chance.shuffle(values)
        return lambda: contact_methods_set(user_id=user.pk, values=values, at=at)

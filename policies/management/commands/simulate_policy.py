"""``manage.py simulate_policy SLUG``: what the policy would do, step by step, without telling anybody."""

import json
from argparse import ArgumentParser
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now
from policies.durations import duration_seconds
from policies.escalation import WHOLE
from policies.models import EscalationPolicy
from policies.severity import Severity
from policies.simulation.asking import Asked, answered
from policies.simulation.walk import Deed


class Command(BaseCommand):
    help = "Show what a policy would do: who is told, when, how and why."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("policy", help="The policy's short name.")
        parser.add_argument(
            "--at", type=_instant, help="When the incident begins: 2026-03-29T01:57+01:00. Now, if left out."
        )
        parser.add_argument("--severity", type=int, default=1, choices=Severity.values)
        parser.add_argument("--service", default="", help="A service of the policy.")
        parser.add_argument("--version-number", type=int, help="An older version; the one in force, if left out.")
        parser.add_argument("--against", type=int, help="A version to compare with.")
        parser.add_argument("--start-level", type=int, help="Begin at this level, as a routing rule may have it.")
        parser.add_argument(
            "--timers-percent", type=int, default=WHOLE, help="How much of the policy's times people get."
        )
        parser.add_argument(
            "--sla-due", type=_instant, help="When the SLA ends; by the SLA targets in force, if left out."
        )
        parser.add_argument(
            "--answer",
            action="append",
            default=[],
            metavar="WHO:AFTER[:DEED]",
            help="jonas:7m, or jonas:7m:resolve; counted from when they are told. May be repeated.",
        )
        parser.add_argument("--unreachable", action="append", default=[], metavar="WHO")
        parser.add_argument("--json", action="store_true", help="As the API answers.")

    def handle(self, *args: Any, **options: Any) -> None:
        policy = (
            EscalationPolicy.objects.select_related("team", "current_version").filter(slug=options["policy"]).first()
        )
        if policy is None:
            raise CommandError(f"No policy is called {options['policy']}.")
        asked = Asked(
            at=options["at"] or now(),
            severity=options["severity"],
            service=options["service"],
            version=options["version_number"],
            against=options["against"],
            start_level=options["start_level"],
            timers_percent=options["timers_percent"],
            sla_due_at=options["sla_due"],
            acts=tuple(_act(text) for text in options["answer"]),
            unreachable=options["unreachable"],
        )
        try:
            answer = answered(policy, asked)
        except DomainError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(answer, cls=DjangoJSONEncoder, indent=2, ensure_ascii=False))
            return
        for step in answer["steps"]:
            self._lines(timezone.localtime(step["at"]).strftime("%Y-%m-%d %H:%M:%S %Z"), step["text"])
        for difference in answer.get("differences", ()):
            self._lines(difference["verdict"], [" / ".join(difference[side] or ["-"]) for side in ("this", "against")])

    def _lines(self, head: str, lines: list[str]) -> None:
        self.stdout.write(f"{head}  {lines[0]}")
        for line in lines[1:]:
            self.stdout.write(f"{' ' * len(head)}  {line}")


def _instant(text: str) -> datetime:
    """A time without an offset is one on the clock of the site."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else timezone.make_aware(found)


def _act(text: str) -> tuple[str, Deed, timedelta, bool]:
    who, _colon, rest = text.partition(":")
    after, _colon, deed = rest.partition(":")
    try:
        return who, Deed(deed or Deed.ACKNOWLEDGE), timedelta(seconds=duration_seconds(after)), False
    except ValueError as error:
        raise CommandError(f"{text}: write WHO:AFTER, such as jonas:7m, or WHO:AFTER:DEED.") from error

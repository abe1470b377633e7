"""``manage.py backtest_policy SLUG``: what a draft or another version would have done with the incidents there were."""

from argparse import ArgumentParser
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError

from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now
from incidents.backtest import Outcome, backtest
from policies.definition import PolicyDef, policy_parse
from policies.models import EscalationPolicy
from policies.services import version_definition


class Command(BaseCommand):
    help = "Walk past incidents again under a draft or another version, beside the version in force."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("policy", help="The policy's short name.")
        parser.add_argument("--days", type=int, default=90, help="How far back, a year at most.")
        wanted = parser.add_mutually_exclusive_group(required=True)
        wanted.add_argument("--version-number", type=int, help="Another version of the policy.")
        wanted.add_argument("--draft", type=Path, metavar="FILE", help="A definition as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        policy = EscalationPolicy.objects.select_related("current_version").filter(slug=options["policy"]).first()
        if policy is None or policy.current_version is None:
            raise CommandError(f"No policy with a version in force is called {options['policy']}.")
        until = now()
        try:
            found = backtest(
                policy,
                current=version_definition(policy.current_version),
                draft=_draft(policy, options["version_number"], options["draft"]),
                since=until - timedelta(days=options["days"]),
                until=until,
            )
        except (DomainError, OSError, orjson.JSONDecodeError) as error:
            raise CommandError(str(error)) from error
        newest = " (the newest; there were more)" if found.cut else ""
        self.stdout.write(f"{found.incidents} incidents of {options['days']} days{newest}")
        self.stdout.write(f"{'':<24}{'in force':>12}{'draft':>12}{'change':>12}")
        for label, current, draft in zip(_LABELS, _figures(found.current), _figures(found.draft), strict=True):
            change = "" if current is None or draft is None else f"{draft - current:+g}"
            self.stdout.write(f"{label:<24}{_text(current):>12}{_text(draft):>12}{change:>12}")


_LABELS = ("pages", "median s to page", "longest s to page", "nobody paged", "woken at night", "exhausted")


def _draft(policy: EscalationPolicy, number: int | None, path: Path | None) -> PolicyDef:
    if path is not None:
        return policy_parse(orjson.loads(path.read_bytes()))
    version = policy.versions.filter(number=number or 0).first()
    if version is None:
        raise CommandError(f"{policy.name} has no version {number}.")
    return version_definition(version)


def _figures(one: Outcome) -> tuple[float | None, ...]:
    times = [span.total_seconds() if span is not None else None for span in (one.median_to_page, one.longest_to_page)]
    return (one.pages, *times, one.unpaged, one.woken, one.exhausted)


def _text(figure: float | None) -> str:
    return "-" if figure is None else f"{figure:g}"

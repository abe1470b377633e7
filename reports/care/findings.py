"""The findings as rows: kept while they last, and with the date once they are mended."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from policies.lint import Finding
from policies.models import PolicyFinding
from reports.care.gathering import everything_found


def findings_check(*, at: datetime) -> int:
    """Look at everything and bring the rows up to date; how many findings there are. May run twice without harm."""
    found = {finding.key: finding for finding in everything_found(at=at)}
    findings_store(found=list(found.values()), at=at)
    return len(found)


@transaction.atomic
def findings_store(*, found: Iterable[Finding], at: datetime) -> None:
    """Make the open rows exactly `found`: new ones are added, known ones seen again, the others gone at `at`."""
    wanted = {finding.key: finding for finding in found}
    rows = PolicyFinding.objects.select_for_update().filter(gone_at=None)
    known = {(row.code, row.about, row.place): row for row in rows}
    seen = []
    for key in known.keys() & wanted.keys():
        row, finding = known[key], wanted[key]
        row.data, row.last_seen_at = dict(finding.data), at
        seen.append(row)
    PolicyFinding.objects.bulk_update(seen, ["data", "last_seen_at"], batch_size=200)
    gone = [row.pk for key, row in known.items() if key not in wanted]
    PolicyFinding.objects.filter(pk__in=gone).update(gone_at=at)
    new = [_row(finding, at) for key, finding in wanted.items() if key not in known]
    # Another run may have added the same ones meanwhile.
    PolicyFinding.objects.bulk_create(new, ignore_conflicts=True, batch_size=200)


def _row(finding: Finding, at: datetime) -> PolicyFinding:
    kind, _colon, pk = finding.about.partition(":")
    return PolicyFinding(
        code=finding.code.value,
        policy_id=int(pk) if kind == "policy" else None,
        about=finding.about,
        place=finding.place[:120],
        data=dict(finding.data),
        first_seen_at=at,
        last_seen_at=at,
    )

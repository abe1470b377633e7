"""Writes of the policies app."""

from datetime import datetime

import orjson
from django.db import transaction

from audit.services import Actor, EntryValue, entry_append
from oncall.models import User
from policies.definition import PolicyDef, policy_dump, policy_parse
from policies.models import EscalationPolicy, PolicyVersion


@transaction.atomic
def policy_publish(
    *, policy: EscalationPolicy, definition: object, author: User | None, at: datetime, reason: str = ""
) -> PolicyVersion:
    """Make ``definition`` the version new incidents get; runs under way keep theirs (DESIGN.md §5, invariant 7).

    Returns the current version when nothing would change. Raises DefinitionInvalid naming every field at fault.
    """
    document = policy_dump(policy_parse(definition))
    policy = EscalationPolicy.objects.select_for_update().get(pk=policy.pk)
    last = policy.versions.order_by("-number").first()
    if last is not None and last.definition == document and policy.current_version_id == last.pk:
        return last
    version = PolicyVersion.objects.create(
        policy=policy,
        number=last.number + 1 if last else 1,
        definition=document,
        author=author,
        reason=reason,
        created_at=at,
    )
    policy.current_version = version
    policy._history_date = at  # type: ignore[attr-defined]  # simple-history reads it off the object
    policy.save(update_fields=["current_version"])
    entry_append(
        EntryValue(
            at=at,
            action="policy.publish",
            object_type="policy",
            object_id=str(policy.pk),
            object_label=f"{policy.name} v{version.number}",
            subject=f"policy:{policy.pk}",
            actor=Actor("user", str(author.pk), author.name) if author else Actor.system("system"),
            before={"definition": last.definition} if last else None,
            after={"definition": document},
            data={"reason": reason} if reason else None,
        )
    )
    return version


_parsed: dict[bytes, PolicyDef] = {}


def version_definition(version: PolicyVersion) -> PolicyDef:
    """The version as a value; each definition is parsed once per process.

    Remembered by its content and not by its number, which a rolled-back transaction may give out twice.
    """
    key = orjson.dumps(version.definition)
    if key not in _parsed:
        if len(_parsed) > 1000:
            _parsed.clear()
        _parsed[key] = policy_parse(version.definition)
    return _parsed[key]

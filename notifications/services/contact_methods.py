"""How a person is reached."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from simple_history.utils import bulk_create_with_history, bulk_update_with_history

from audit.binding import reason_now
from audit.services import Actor, EntryValue, entry_append
from notifications.models import ContactMethod
from notifications.values import ContactMethodValue


@transaction.atomic
def contact_methods_set(
    *, user_id: int, values: Sequence[ContactMethodValue], at: datetime, actor: Actor | None = None
) -> list[ContactMethod]:
    """Make the person's contact methods exactly these, in this order; does nothing when they already are.

    A method that stays keeps its row and its verification. Values are expected to be validated.
    """
    existing = {
        (method.kind, method.address): method
        for method in ContactMethod.objects.select_for_update().filter(user_id=user_id)
    }
    before = [_facts(method) for method in sorted(existing.values(), key=lambda method: (method.position, method.pk))]
    wanted = {(value.kind, value.address): (position, value) for position, value in enumerate(values)}
    for key in existing.keys() - wanted.keys():
        existing.pop(key).delete()
    changed: list[ContactMethod] = []
    added: list[ContactMethod] = []
    for key, (position, value) in wanted.items():
        method = existing.get(key)
        if method is None:
            added.append(ContactMethod(user_id=user_id, kind=value.kind, address=value.address))
            method = added[-1]
        elif (method.position, method.enabled) != (position, value.enabled):
            changed.append(method)
        method.position, method.enabled = position, value.enabled
        method.verified_at = value.verified_at or method.verified_at
    if added:
        bulk_create_with_history(added, ContactMethod, default_date=at, default_change_reason=reason_now())
    if changed:
        bulk_update_with_history(
            changed,
            ContactMethod,
            ["position", "enabled", "verified_at"],
            default_date=at,
            default_change_reason=reason_now(),
        )
    result = list(ContactMethod.objects.filter(user_id=user_id).order_by("position", "id"))
    after = [_facts(method) for method in result]
    if after != before:
        entry_append(
            EntryValue(
                at=at,
                action="contact_methods.set",
                object_type="user",
                object_id=str(user_id),
                subject=f"user:{user_id}",
                actor=actor,
                before={"methods": before},
                after={"methods": after},
            )
        )
    return result


def _facts(method: ContactMethod) -> dict[str, Any]:
    return {"kind": method.kind, "address": method.address, "enabled": method.enabled}

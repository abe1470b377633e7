"""What somebody has typed and not filed yet: one draft each, private, gone when it is filed or thrown away.

It is nobody's business but its author's, so that neither ledger nor history has it; its files are entered when they become
the incident's.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction

from incidents.models import FilingDraft, Incident
from incidents.services.attachments import attachments_bind, attachments_forget
from oncall.models import User

MAX_VALUES = 200
MAX_TEXT = 20_000
Value = str | list[str]


def draft_save(*, user: User, values: Mapping[str, Sequence[str]], at: datetime) -> FilingDraft | None:
    """Keep what a form sent, by the names of its fields. Nothing typed and nothing kept so far: no draft."""
    kept = _kept(values)
    with transaction.atomic():
        draft = FilingDraft.objects.select_for_update().filter(user=user).first()
        if draft is None:
            if not kept:
                return None
            return FilingDraft.objects.create(user=user, values=kept, updated_at=at)
        draft.values, draft.updated_at = kept, at
        draft.save(update_fields=["values", "updated_at"])
    return draft


def draft_begin(*, user: User, at: datetime) -> FilingDraft:
    """The draft that a file can be kept with, also where nothing is typed yet."""
    draft, _made = FilingDraft.objects.get_or_create(user=user, defaults={"values": {}, "updated_at": at})
    return draft


def draft_discard(*, user: User) -> bool:
    """Throw it away with its files. Returns whether there was one."""
    with transaction.atomic():
        draft = FilingDraft.objects.select_for_update().filter(user=user).first()
        if draft is None:
            return False
        attachments_forget(draft.attachments.filter(removed_at=None))
        draft.delete()
    return True


@transaction.atomic
def draft_filed(*, incident: Incident, user: User, at: datetime, source: str = "web") -> None:
    """It became ``incident``: its files go there, and the draft is gone."""
    draft = FilingDraft.objects.select_for_update().filter(user=user).first()
    if draft is None:
        return
    if draft.attachments.filter(removed_at=None).exists():
        attachments_bind(draft=draft, incident_id=incident.pk, actor=user, at=at, source=source)
    draft.delete()


def _kept(values: Mapping[str, Sequence[str]]) -> dict[str, Value]:
    """As text, or a list where a name came more than once; blanks are left out."""
    found: dict[str, Value] = {}
    for name in list(values)[:MAX_VALUES]:
        said = [text[:MAX_TEXT] for text in values[name] if text.strip()][:MAX_VALUES]
        if said:
            found[name] = said if len(said) > 1 else said[0]
    return found

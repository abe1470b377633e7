"""Who somebody is in a chat service: said by themselves, once, and taken back by them or an administrator."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from audit.services import Actor, EntryValue, entry_append
from escalation_site.kernel.errors import Conflict, DomainError
from notifications.channels.chat.tokens import AccountClaim
from notifications.models import ChatAccount


def chat_account_of(*, host: str, account: str) -> ChatAccount | None:
    """Whose account it is, with the person; None for nobody's, and for that of somebody who has left."""
    found = ChatAccount.objects.select_related("user").filter(host=host, account=account)
    return found.filter(user__is_active=True).first()


@transaction.atomic
def chat_account_link(*, claim: AccountClaim, user_id: int, actor: Actor, at: datetime) -> ChatAccount:
    """From here on, what the claimed account does in chat counts as done by that person. Linking twice does nothing.

    Raises DomainError where the link is too old, Conflict where the account is somebody else's.
    """
    if claim.over(at):
        raise DomainError(_("This link is too old. Press the button in the chat again."))
    row, made = ChatAccount.objects.select_for_update().get_or_create(
        host=claim.host,
        account=claim.account,
        defaults={"user_id": user_id, "handle": claim.handle, "linked_at": at},
    )
    if row.user_id != user_id:
        raise Conflict(_("This account belongs to somebody else here. They or an administrator can part it from them."))
    if made:
        _enter(row, "chat_account.link", actor=actor, at=at)
    return row


@transaction.atomic
def chat_account_part(*, row: ChatAccount, actor: Actor, at: datetime) -> None:
    """What the account does in chat counts as nobody's again."""
    _enter(row, "chat_account.part", actor=actor, at=at)
    row.delete()


def _enter(row: ChatAccount, action: str, *, actor: Actor, at: datetime) -> None:
    entry_append(
        EntryValue(
            at=at,
            action=action,
            object_type="chat_account",
            object_id=str(row.pk),
            object_label=str(row),
            subject=f"user:{row.user_id}",
            actor=actor,
            data={"host": row.host, "account": row.account, "handle": row.handle},
        )
    )

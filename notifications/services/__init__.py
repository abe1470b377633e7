"""Writes of this app. Each is called inside or opens the transaction that also holds its ledger entries."""

from notifications.services.contact_methods import contact_methods_set
from notifications.services.messages import Cancellation, messages_cancel, messages_create

__all__ = ["Cancellation", "contact_methods_set", "messages_cancel", "messages_create"]

"""Who may write the books of the house."""

from oncall.models import User


def may_edit_books(user: User) -> bool:
    """As for a policy of no team: every manager, and administrators. Who wrote what stands in the history."""
    return user.is_active and user.may_manage

"""Who may look after policies."""

from oncall.models import User


def may_review(user: User) -> bool:
    """Managers and administrators ask for reviews, close them, and have everything looked at anew."""
    return user.is_active and user.may_manage

"""Who may use which part of the API: the same roles as on the pages."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView


class OfRole(BasePermission):
    """Signed-in people whose role is among ``roles``."""

    roles: frozenset[str] = frozenset()

    def has_permission(self, request: Request, view: APIView) -> bool:
        user: Any = request.user
        return bool(user and user.is_authenticated and user.role in self.roles)


class Staff(OfRole):
    """Everybody but support staff: schedules and policies are for those who answer, manage or check."""

    roles = frozenset({"responder", "manager", "auditor", "administrator"})


class LedgerReader(OfRole):
    """Auditors and administrators."""

    roles = frozenset({"auditor", "administrator"})

"""Views of the ledger and audit packs in the admin: to look at. Administrators have no power over what auditors keep."""

from django.contrib import admin

from escalation_site.admin_site.base import ReadOnlyAdmin
from reports.models import AuditPack, LedgerView


@admin.register(LedgerView)
class LedgerViewAdmin(ReadOnlyAdmin):
    list_display = ("name", "owner", "shared", "created_at")
    list_filter = ("shared",)
    list_select_related = ("owner",)
    search_fields = ("name",)


@admin.register(AuditPack)
class AuditPackAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "asked_by", "asked_at", "state", "size", "expires_at")
    list_filter = ("state",)
    list_select_related = ("asked_by", "incident")
    search_fields = ("=sha256",)
    exclude = ("file",)

"""Addresses of the ledger's browser."""

from django.urls import path

from reports import audit_views

app_name = "audit"
urlpatterns = [
    path("", audit_views.browser, name="browser"),
    path("<int:pk>/", audit_views.entry_page, name="entry"),
    path("export.csv", audit_views.export, {"kind": "csv"}, name="export_csv"),
    path("export.json", audit_views.export, {"kind": "json"}, name="export_json"),
]

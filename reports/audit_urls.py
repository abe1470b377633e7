"""Addresses of the ledger's browser."""

from django.urls import path

from reports import audit_views, proof_views
from reports.audit import pack_pages, pages, view_pages

app_name = "audit"
urlpatterns = [
    path("", audit_views.browser, name="browser"),
    path("incidents/<int:pk>/", pages.trail, name="trail"),
    path("past/", pages.past, name="past"),
    path("versions/<slug:name>/<int:pk>/", pages.versions, name="versions"),
    path("packs/", pack_pages.packs, name="packs"),
    path("packs/<int:pk>/", pack_pages.pack, name="pack"),
    path("packs/<int:pk>/file/", pack_pages.pack_file, name="pack_file"),
    path("views/", view_pages.ledger_views, name="views"),
    path("views/<int:pk>/", view_pages.ledger_view, name="view"),
    path("views/<int:pk>/delete/", view_pages.ledger_view_end, name="view_end"),
    path("<int:pk>/", audit_views.entry_page, name="entry"),
    path("<int:pk>/proof.json", proof_views.proof, name="proof"),
    path("checkpoint", proof_views.checkpoint, name="checkpoint"),
    path("checkpoint/cosigned", proof_views.checkpoint_cosigned, name="checkpoint_cosigned"),
    path("consistency.json", proof_views.consistency, name="consistency"),
    path("keys", proof_views.keys, name="keys"),
    path("keys.json", proof_views.keys_json, name="keys_json"),
    path("bundle/", proof_views.bundle, name="bundle"),
    *(path(f"export.{kind}", audit_views.export, {"kind": kind}, name=f"export_{kind}") for kind in ("csv", "json")),
]

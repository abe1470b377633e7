"""Addresses of the list: its filters, what is done to several at once, exports and saved views."""

from django.urls import path

from incidents.views import bulk, export, linking, listing, saved

list_pages = [
    path("", listing.incident_list, name="list"),
    path("filters/", listing.list_filters, name="filters"),
    path("bulk/", bulk.incidents_bulk, name="bulk"),
    path("bulk/people/", bulk.bulk_people, name="bulk_people"),
    path("export/<slug:kind>/", export.incidents_export, name="export"),
    path("views/", saved.view_list, name="views"),
    path("views/new/", saved.view_new, name="view_new"),
    path("views/<int:pk>/", saved.view_edit, name="view_edit"),
    path("views/<int:pk>/<slug:verb>/", saved.view_act, name="view_act"),
    path("<int:pk>/links/", linking.incident_links, name="links"),
    path("<int:pk>/links/<int:link>/remove/", linking.link_remove, name="link_remove"),
]

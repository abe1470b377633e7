"""Addresses of the review, and of what administrators build: the form, the categories and the workflow."""

from django.urls import path

from incidents.views import builder, review, workflow

builder_pages = [
    path("form/", builder.form_builder, name="form_builder"),
    path("form/preview/", builder.form_preview, name="form_preview"),
    path("form/fields/new/", builder.field_new, name="field_new"),
    path("form/fields/<slug:key>/", builder.field_edit, name="field_edit"),
    path("form/fields/<slug:key>/move/", builder.field_move, name="field_move"),
    path("form/fields/<slug:key>/retire/", builder.field_retire, name="field_retire"),
    path("categories/", workflow.category_list, name="categories"),
    path("categories/new/", workflow.category_edit, name="category_new"),
    path("categories/<slug:slug>/edit/", workflow.category_edit, name="category_edit"),
    path("workflow/", workflow.workflow, name="workflow"),
    path("workflow/stages/", workflow.stage_change, name="stage_new"),
    path("workflow/stages/<slug:key>/", workflow.stage_change, name="stage_change"),
]
review_pages = [
    path("<int:pk>/filed/", review.incident_filed, name="filed"),
    path("<int:pk>/review/", review.incident_review, name="review"),
    path("<int:pk>/review/export/<slug:form>/", review.incident_review_export, name="review_export"),
]

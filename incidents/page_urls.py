"""Addresses below /p/<token>/: the link in a page. Their names stand alone, because the link is made without knowing any page of ours."""

from django.urls import path

from incidents.views import phone

urlpatterns = [
    path("", phone.page_show, name="page"),
    path("acknowledge/", phone.page_acknowledge, name="page-acknowledge"),
    path("escalate/", phone.page_escalate, name="page-escalate"),
    path("decline/", phone.page_decline_view, name="page-decline"),
    path("undo/", phone.page_undo, name="page-undo"),
]

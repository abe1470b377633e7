"""Addresses below /incidents/ of filing, of attachments, of whoever waits for the end of an incident, and of complaints."""

from django.urls import path

from incidents.views import attaching, beside, complaints, drafting, filing, request_page, requester

filing_pages = [
    path("new/similar/", filing.filing_similar, name="similar"),
    path("new/questions/", filing.filing_questions, name="questions"),
    path("new/customers/", filing.filing_customers, name="customers"),
    path("new/draft/", drafting.draft_keep, name="draft"),
    path("new/draft/discard/", drafting.draft_throw_away, name="draft_discard"),
    path("new/files/", drafting.draft_files, name="draft_files"),
    path("attachments/<int:pk>/", attaching.attachment_get, name="attachment"),
    path("attachments/<int:pk>/remove/", attaching.attachment_take_away, name="attachment_remove"),
    path("attachments/<int:pk>/scan/", attaching.attachment_check_again, name="attachment_scan"),
    path("requests/", requester.request_list, name="requests"),
    path("complaints/", complaints.complaint_list, name="complaints"),
    path("complaints/<int:pk>/", complaints.complaint_detail, name="complaint"),
    path("complaints/<int:pk>/answer/", complaints.complaint_reply, name="complaint_answer"),
    path("complaints/<int:pk>/assign/", complaints.complaint_give, name="complaint_assign"),
    path("<int:pk>/files/", attaching.incident_files, name="files"),
    path("<int:pk>/beside/", beside.incident_beside, name="beside"),
    path("<int:pk>/request/", request_page.request_detail, name="request"),
    path("<int:pk>/request/live/", request_page.request_live, name="request_live"),
    path("<int:pk>/request/panel/", requester.request_panel, name="request_panel"),
    path("<int:pk>/request/reopen/", requester.request_reopen, name="request_reopen"),
    path("<int:pk>/request/rate/", requester.request_rate, name="request_rate"),
    path("<int:pk>/follow/", requester.request_follow, name="follow"),
    path("<int:pk>/gather/", requester.request_gather, name="gather"),
    path("<int:pk>/unfollow/", requester.request_unfollow, name="unfollow"),
    path("<int:pk>/complaints/", complaints.incident_complaints, name="incident_complaints"),
    path("<int:pk>/complaints/new/", complaints.complaint_new, name="complaint_new"),
]

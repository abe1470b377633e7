"""Addresses of what is said and told on an incident, below /incidents/."""

from django.urls import path

from incidents.views import about, detail, handover, talk

talk_pages = [
    path("<int:pk>/comment/", talk.incident_write, name="comment"),
    path("<int:pk>/comment/people/", talk.people_offered, name="people"),
    path("<int:pk>/lines/", detail.incident_lines, name="lines"),
    path("<int:pk>/lines/<int:event>/", talk.line_detail, name="line"),
    path("<int:pk>/lines/<int:event>/pin/", talk.line_pin, name="line_pin"),
    path("<int:pk>/lines/<int:event>/unpin/", talk.line_unpin, name="line_unpin"),
    path("<int:pk>/lines/<int:event>/decide/", talk.line_decide, name="line_decide"),
    path("<int:pk>/lines/<int:event>/task/", talk.line_task, name="line_task"),
    path("<int:pk>/describe/", about.incident_description, name="describe"),
    path("<int:pk>/responders/", about.responders, name="responders"),
    path("<int:pk>/brief/", about.incident_brief, name="brief"),
    path("<int:pk>/brief/read/", about.incident_brief_read, name="brief_read"),
    path("<int:pk>/brief/rate/", handover.handover_rate, name="handover_rate"),
]

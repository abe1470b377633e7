"""Addresses of the work on an incident: roles, tasks, time, the action plan, vendors, documents."""

from django.urls import path

from incidents.views import documents, plan_page, role_map, tasks, vendors, work

work_pages = [
    path("role-map/", role_map.role_map, name="role_map"),
    path("role-map/<slug:slug>/", role_map.role_map, name="role_map"),
    path("documents/", documents.document_list, name="documents"),
    path("documents/<slug:document>/", documents.document_detail, name="document"),
    path("<int:pk>/response/", work.incident_work, name="work"),
    path("<int:pk>/roles/<slug:role>/", work.role_change, name="role"),
    path("<int:pk>/time/", work.time_spent, name="time"),
    path("<int:pk>/teams-post/", work.teams_posting, name="teams_post"),
    path("<int:pk>/tasks/", tasks.task_new, name="tasks"),
    path("<int:pk>/tasks/<int:task>/", tasks.task_detail, name="task"),
    path("<int:pk>/tasks/<int:task>/<slug:do>/", tasks.task_act, name="task_act"),
    path("<int:pk>/plan/", plan_page.plan_detail, name="plan"),
    path("<int:pk>/plan/export/<slug:form>/", plan_page.plan_export, name="plan_export"),
    path("<int:pk>/plan/<slug:part>/", plan_page.plan_act, name="plan_act"),
    path("<int:pk>/vendors/<slug:vendor>/", vendors.vendor_calling, name="vendor"),
    path("<int:pk>/vendor-cases/<int:case>/<slug:step>/", vendors.vendor_case_act, name="vendor_case"),
]

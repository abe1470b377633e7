"""UNFOLD: the admin's branding, colours and sidebar (DESIGN_LANGUAGE.md §8). Settings import it, so it imports no model."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Named = str | Promise


def _file(path: str) -> Callable[[HttpRequest], str]:
    return lambda _request: static(path)


def _steps(*values: str) -> dict[str, str]:
    """Colours by step, each written as lightness, chroma and hue."""
    names = ("50", "100", "200", "300", "400", "500", "600", "700", "800", "900", "950")
    return {name: f"oklch({value})" for name, value in zip(names, values, strict=True)}


BASE = _steps(
    ".974 .004 235", ".945 .006 235", ".912 .006 235", ".845 .009 235", ".680 .014 240", ".510 .018 244",
    ".410 .022 246", ".365 .020 245", ".285 .018 245", ".207 .016 245", ".168 .014 245",
)  # fmt: skip
PETROL = _steps(
    ".963 .013 222", ".930 .025 222", ".865 .036 222", ".800 .075 218", ".800 .100 216", ".690 .100 222",
    ".435 .085 229", ".385 .078 230", ".340 .065 231", ".285 .048 233", ".258 .030 234",
)  # fmt: skip
INK, INK_DARK = "oklch(.235 .025 248)", "oklch(.945 .006 235)"


def _place(title: Named, icon: str, model: str) -> dict[str, Any]:
    """An entry of the sidebar; ``model`` is "app_model"."""
    return {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{model}_changelist")}


def _area(title: Named, *places: dict[str, Any], folded: bool = False) -> dict[str, Any]:
    return {"title": title, "items": list(places), "collapsible": folded}


SIDEBAR = [
    _area(
        _("People and teams"),
        _place(_("People"), "person", "oncall_user"),
        _place(_("Teams"), "groups", "oncall_team"),
        _place(_("Memberships"), "group_add", "oncall_membership"),
        _place(_("Contact methods"), "contact_mail", "notifications_contactmethod"),
        _place(_("Destinations"), "send", "notifications_destination"),
        _place(_("Skills"), "school", "oncall_skill"),
    ),
    _area(
        _("On call"),
        _place(_("Schedules"), "calendar_month", "oncall_schedule"),
        _place(_("Schedule versions"), "history", "oncall_scheduleversion"),
        _place(_("Overrides"), "swap_horiz", "oncall_override"),
        _place(_("Absences"), "event_busy", "oncall_absence"),
        _place(_("Swaps"), "sync_alt", "oncall_swap"),
        _place(_("Handoffs"), "handshake", "oncall_handoff"),
        _place(_("Handoff notes"), "sticky_note_2", "oncall_handoffnote"),
        _place(_("Accepted gaps"), "event_note", "oncall_gapacceptance"),
        _place(_("Calendars that are read"), "event_upcoming", "oncall_calendarsource"),
    ),
    _area(
        _("Escalation"),
        _place(_("Policies"), "stairs", "policies_escalationpolicy"),
        _place(_("Policy versions"), "history", "policies_policyversion"),
        _place(_("Book versions"), "menu_book", "policies_bookversion"),
        _place(_("Business calendars"), "work_history", "policies_workcalendar"),
        _place(_("Escalation runs"), "steps", "incidents_escalationrun"),
        _place(_("Pages"), "notifications_active", "incidents_page"),
        _place(_("Checkpoints"), "contact_support", "incidents_checkpoint"),
        _place(_("People asked"), "person_search", "incidents_checkpointask"),
        _place(_("Routing decisions"), "alt_route", "incidents_routingdecision"),
        _place(_("Responding teams"), "groups", "incidents_respondingteam"),
    ),
    _area(
        _("Incidents"),
        _place(_("Incidents"), "crisis_alert", "incidents_incident"),
        _place(_("Stages"), "linear_scale", "incidents_stage"),
        _place(_("Timeline events"), "timeline", "incidents_timelineevent"),
        _place(_("Pinned lines"), "push_pin", "incidents_timelinepin"),
        _place(_("Links"), "link", "incidents_incidentlink"),
        _place(_("Saved views"), "bookmark", "incidents_savedview"),
        _place(_("Views to begin with"), "bookmark_star", "incidents_openingview"),
        _place(_("Attachments"), "attach_file", "incidents_attachment"),
        _place(_("Followers"), "visibility", "incidents_follower"),
        _place(_("Survey answers"), "thumbs_up_down", "incidents_survey"),
        _place(_("Complaints"), "campaign", "incidents_complaint"),
        _place(_("Drafts"), "edit_document", "incidents_filingdraft"),
    ),
    _area(
        _("Work on incidents"),
        _place(_("Response roles"), "badge", "incidents_responserole"),
        _place(_("Role map"), "account_tree", "incidents_roleduty"),
        _place(_("Role holders"), "assignment_ind", "incidents_roleholder"),
        _place(_("Tasks"), "checklist", "incidents_task"),
        _place(_("Dependencies"), "schema", "incidents_taskwait"),
        _place(_("Time spent"), "timer", "incidents_timeentry"),
        _place(_("Plan templates"), "library_books", "incidents_plantemplate"),
        _place(_("Action plans"), "fact_check", "incidents_actionplan"),
        _place(_("Objectives"), "flag", "incidents_objective"),
        _place(_("Vendors"), "handshake", "incidents_vendor"),
        _place(_("Vendor cases"), "phone_in_talk", "incidents_vendorcase"),
        _place(_("Documents"), "description", "incidents_document"),
    ),
    _area(
        _("Form and workflow"),
        _place(_("Categories"), "category", "incidents_category"),
        _place(_("Customers"), "apartment", "incidents_customer"),
        _place(_("Fields of the form"), "dynamic_form", "incidents_customfield"),
        _place(_("Ways from stage to stage"), "conversion_path", "incidents_transition"),
        _place(_("Guards of stages"), "gpp_maybe", "incidents_stageguard"),
        _place(_("Reviews"), "rate_review", "incidents_review"),
    ),
    _area(
        _("Intake"),
        _place(_("Services"), "deployed_code", "incidents_service"),
        _place(_("Integrations"), "hub", "incidents_integration"),
        _place(_("Signals"), "inbox", "incidents_inboxsignal"),
        _place(_("Alerts"), "warning", "incidents_alert"),
    ),
    _area(
        _("Delivery"),
        _place(_("Messages"), "mail", "notifications_message"),
        _place(_("Deliveries"), "send", "notifications_delivery"),
        _place(_("Attempts"), "outbound", "notifications_attempt"),
        _place(_("Page reports"), "mark_email_read", "incidents_pagereport"),
        folded=True,
    ),
    _area(
        _("Reports"),
        _place(_("Dashboards"), "dashboard", "reports_dashboard"),
        _place(_("Figures of incidents"), "monitoring", "reports_incidentfigures"),
        _place(_("Figures of pages"), "query_stats", "reports_pagefigures"),
        _place(_("Figures of days"), "calendar_view_day", "reports_dayfigures"),
        _place(_("Place in the ledger"), "pin_drop", "reports_figurescursor"),
        _place(_("Regular exports"), "schedule_send", "reports_exportschedule"),
        _place(_("Exports"), "download", "reports_exportfile"),
        _place(_("Digests"), "summarize", "reports_digest"),
        _place(_("Readers of digests"), "mark_email_unread", "reports_digestreader"),
        folded=True,
    ),
    _area(
        _("Access"),
        _place(_("API tokens"), "key", "oncall_apitoken"),
        _place(_("Calendar feeds"), "rss_feed", "oncall_calendarfeed"),
        _place(_("Groups"), "group", "auth_group"),
        _place(_("Second steps"), "phonelink_lock", "mfa_authenticator"),
        _place(_("E-mail addresses"), "alternate_email", "account_emailaddress"),
        _place(_("Sign-in providers"), "login", "socialaccount_socialapp"),
        _place(_("Accounts at providers"), "account_circle", "socialaccount_socialaccount"),
        _place(_("Tokens of providers"), "token", "socialaccount_socialtoken"),
        folded=True,
    ),
    _area(
        _("Running"),
        _place(_("Processes"), "monitor_heart", "incidents_processbeat"),
        _place(_("Alarms"), "warning", "incidents_alarm"),
        _place(_("Regular tasks"), "schedule", "django_q_schedule"),
        _place(_("Failed tasks"), "error", "django_q_failure"),
        _place(_("Done tasks"), "task_alt", "django_q_success"),
        _place(_("Waiting tasks"), "pending_actions", "django_q_ormq"),
        folded=True,
    ),
    _area(
        _("Proof"),
        _place(_("Ledger"), "verified", "audit_ledgerentry"),
        _place(_("Audit packs"), "inventory_2", "reports_auditpack"),
        _place(_("Views of the ledger"), "bookmark", "reports_ledgerview"),
        _place(_("Seals"), "approval", "audit_ledgerseal"),
        _place(_("Ledger keys"), "vpn_key", "audit_ledgerkey"),
        _place(_("Tiles of the tree"), "grid_on", "audit_ledgertile"),
        _place(_("Sealed up to"), "update", "audit_ledgerhorizon"),
        _place(_("Salts"), "grain", "audit_ledgersalt"),
        _place(_("Digests of what was forgotten"), "tag", "audit_ledgerdigest"),
        _place(_("Verifications"), "fact_check", "audit_ledgercheck"),
        _place(_("Signs of life of the sealer"), "timer", "audit_ledgerbeat"),
        _place(_("Keepers of checkpoints"), "safety_check", "audit_keeper"),
        _place(_("Checkpoints sent"), "outbox", "audit_keepersending"),
        _place(_("Archived segments"), "inventory_2", "audit_ledgersegment"),
        _place(_("Notes of the admin"), "edit_note", "admin_logentry"),
        folded=True,
    ),
]


def organisation(_request: HttpRequest) -> str:
    return str(settings.ORGANISATION_NAME)


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Watchbell",
    "SITE_HEADER": "Watchbell",
    "SITE_SUBHEADER": organisation,
    "SITE_URL": "/",
    "SITE_ICON": _file("img/mark.svg"),
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _file("img/mark.svg")}],
    "STYLES": [_file("css/tokens.css"), _file("css/admin.css")],
    "SCRIPTS": [_file("js/admin.js")],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": True,
    "COLORS": {
        "base": BASE,
        "primary": PETROL,
        "font": {
            "subtle-light": "var(--color-base-500)",
            "subtle-dark": "var(--color-base-400)",
            "default-light": "var(--color-base-600)",
            "default-dark": "var(--color-base-300)",
            "important-light": INK,
            "important-dark": INK_DARK,
        },
    },
    "SIDEBAR": {"show_search": True, "show_all_applications": False, "navigation": SIDEBAR},
}

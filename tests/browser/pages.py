"""Every page a person can open, and who opens it. test_axe.py checks that none is forgotten."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class PageOf:
    """``name`` is the file of its screenshot; ``path`` may hold places of the organisation ("{ringing}").

    ``foreign`` is drawn by somebody else's script, whose own marks are not ours to mend: a CSS selector.
    """

    name: str
    path: str
    username: str = ""
    foreign: str = ""
    status: int = 200

    def address(self, places: Mapping[str, Any]) -> str:
        return self.path.format(**places)


PAGES = (
    PageOf("sign-in", "/accounts/login/"),
    PageOf("password-reset", "/accounts/password/reset/"),
    PageOf("password-reset-done", "/accounts/password/reset/done/"),
    PageOf("not-found", "/nowhere/", status=404),
    PageOf("page-ringing", "/p/{link}/"),
    PageOf("page-answered", "/p/{used_link}/"),
    PageOf("page-unknown", "/p/nonsense/", status=404),
    PageOf("home-reporter", "/", "sofie"),
    PageOf("home-responder", "/", "marta"),
    PageOf("home-manager", "/", "elena"),
    PageOf("home-auditor", "/", "amara"),
    PageOf("home-administrator", "/", "hugo"),
    PageOf("incidents", "/incidents/", "marta"),
    PageOf("incidents-reporter", "/incidents/", "sofie"),
    PageOf("incidents-resolved", "/incidents/?tab=resolved", "marta"),
    PageOf("incidents-none", "/incidents/?q=nothing+like+this", "marta"),
    PageOf("incident-ringing", "/incidents/{ringing}/", "marta"),
    PageOf("incident-taken", "/incidents/{taken}/", "marta"),
    PageOf("incident-resolved", "/incidents/{done}/", "marta"),
    PageOf("incident-reporter", "/incidents/{ringing}/", "sofie"),
    PageOf("incident-escalate", "/incidents/{ringing}/escalate/", "marta"),
    PageOf("incident-severity", "/incidents/{ringing}/severity/", "marta"),
    PageOf("incident-new", "/incidents/new/?service=payments-gateway", "sofie"),
    PageOf("services", "/incidents/services/", "marta"),
    PageOf("service", "/incidents/services/payments-gateway/", "marta"),
    PageOf("on-call", "/oncall/", "marta"),
    PageOf("on-call-manager", "/oncall/", "elena"),
    PageOf("on-call-then", "/oncall/?team=payments&at=2026-10-25T02:30", "marta"),
    PageOf("schedule", "/oncall/payments/", "marta"),
    PageOf("schedule-day", "/oncall/payments/?view=day&from=2026-10-25", "marta"),
    PageOf("schedule-month", "/oncall/payments/?view=month&zone=schedule", "hugo"),
    PageOf("workload", "/oncall/workload/?range=next52", "elena"),
    PageOf("workload-own", "/oncall/workload/", "marta"),
    PageOf("clashes", "/oncall/clashes/", "elena"),
    PageOf("clashes-everybody", "/oncall/clashes/?who=everybody", "marta"),
    PageOf("schedule-new", "/oncall/new/", "elena"),
    PageOf("schedule-edit", "/oncall/payments/edit/", "elena"),
    PageOf("schedule-history", "/oncall/payments/history/", "elena"),
    PageOf("handoffs", "/oncall/handoffs/", "elena"),
    PageOf("handoff", "/oncall/handoffs/{handoff_waiting}/", "jonas"),
    PageOf("handoff-kept", "/oncall/handoffs/{handoff_kept}/", "marta"),
    PageOf("handoff-next", "/oncall/payments/handoff/", "marta"),
    PageOf("my-duty", "/oncall/mine/", "marta"),
    PageOf("my-duty-manager", "/oncall/mine/", "elena"),
    PageOf("override-plan", "/oncall/payments/override/", "elena"),
    PageOf("absence-plan", "/oncall/absences/new/", "elena"),
    PageOf("absences", "/oncall/absences/", "elena"),
    PageOf("swap-ask", "/oncall/payments/swap/?role=primary&at={shift_at}", "marta"),
    PageOf("swap", "/oncall/swaps/{swap}/", "marta"),
    PageOf("swap-asked", "/oncall/swaps/{swap}/", "jonas"),
    PageOf("swap-answer", "/oncall/swaps/answer/{swap_token}/"),
    PageOf("swap-unknown", "/oncall/swaps/answer/nonsense/", status=404),
    PageOf("calendars", "/oncall/calendars/", "marta"),
    PageOf("calendars-manager", "/oncall/calendars/", "elena"),
    PageOf("policies", "/policies/", "elena"),
    PageOf("policy", "/policies/critical-payments/", "elena"),
    PageOf("policy-new", "/policies/new/", "elena"),
    PageOf("policy-example", "/policies/new/?from=hybrid", "elena"),
    PageOf("policy-edit", "/policies/critical-payments/edit/", "elena"),
    PageOf("policy-history", "/policies/critical-payments/history/", "elena"),
    PageOf("policy-simulate", "/policies/critical-payments/simulate/", "elena"),
    PageOf("policy-simulate-compare", "/policies/critical-payments/simulate/?against=1", "elena"),
    PageOf("findings", "/policies/findings/", "elena"),
    PageOf("reviews", "/policies/reviews/", "elena"),
    PageOf("review", "/policies/reviews/{review}/", "elena"),
    PageOf("conditions", "/policies/tools/conditions/", "elena"),
    PageOf("metrics", "/reports/", "elena"),
    PageOf("metrics-incidents", "/reports/incidents/", "elena"),
    PageOf("audit", "/audit/", "amara"),
    PageOf("audit-entry", "/audit/1/", "amara"),
    PageOf("design", "/design/", "hugo"),
    PageOf("tokens", "/accounts/tokens/", "marta"),
    PageOf("password", "/accounts/password/change/", "marta"),
    PageOf("second-step", "/accounts/2fa/", "marta"),
    PageOf("refused", "/audit/", "marta", status=403),
    PageOf("api-docs", "/api/v1/docs/", foreign="#swagger-ui"),
    PageOf("admin", "/admin/", "hugo"),
    PageOf("admin-people", "/admin/oncall/user/", "hugo"),
    PageOf("admin-person", "/admin/oncall/user/{marta}/change/", "hugo"),
    PageOf("admin-person-new", "/admin/oncall/user/add/", "hugo"),
    PageOf("admin-incidents", "/admin/incidents/incident/", "hugo"),
    PageOf("admin-incident", "/admin/incidents/incident/{ringing}/change/", "hugo"),
    PageOf("admin-incident-history", "/admin/incidents/incident/{taken}/history/", "hugo"),
    PageOf("admin-policy", "/admin/policies/escalationpolicy/1/change/", "hugo"),
    PageOf("admin-ledger", "/admin/audit/ledgerentry/", "hugo"),
    PageOf("admin-tasks", "/admin/django_q/schedule/", "hugo"),
)

"""The demo's shared dashboards: what a manager looks at every morning, and what the lead of a team does."""

from datetime import datetime

from oncall.models import Team, User
from reports.boards import dashboard_change, dashboard_create
from reports.cards import CardSpec, Drawn
from reports.models import Dashboard

MANAGER = (
    CardSpec(Drawn.NUMBER, "incidents"),
    CardSpec(Drawn.TIME, "acknowledge"),
    CardSpec(Drawn.TIME, "resolve"),
    CardSpec(Drawn.NUMBER, "escalated"),
    CardSpec(Drawn.NUMBER, "sla"),
    CardSpec(Drawn.NUMBER, "csat"),
    CardSpec(Drawn.WORDS, "summary", wide=True),
    CardSpec(Drawn.LINE, "acknowledge"),
    CardSpec(Drawn.LINE, "escalated"),
    CardSpec(Drawn.BAR, "escalated", "team"),
    CardSpec(Drawn.PIE, "incidents", "severity"),
    CardSpec(Drawn.TABLE, "resolve", "service", wide=True),
)
TEAM_LEAD = (
    CardSpec(Drawn.NUMBER, "pages"),
    CardSpec(Drawn.NUMBER, "sleep"),
    CardSpec(Drawn.NUMBER, "noise"),
    CardSpec(Drawn.TIME, "handoff"),
    CardSpec(Drawn.WORDS, "standup"),
    CardSpec(Drawn.WORDS, "update"),
    CardSpec(Drawn.LINE, "pages"),
    CardSpec(Drawn.BAR, "noise", "service"),
    CardSpec(Drawn.HOURS, "pages", wide=True),
    CardSpec(Drawn.TABLE, "first_contact", "service", wide=True),
)


def boards_write(*, until: datetime) -> None:
    """Elena's own, for everybody who reads reports; and one of Payments, for those in the team."""
    elena, payments = User.objects.get(username="elena"), Team.objects.get(slug="payments")
    house = dashboard_create(owner=elena, name="Managers: the month", cards=MANAGER, at=until)
    dashboard_change(board=house, actor=elena, shared=Dashboard.Shared.EVERYBODY, at=until)
    team = dashboard_create(
        owner=elena, name="Team lead: Payments", query="period=28d&team=payments", cards=TEAM_LEAD, at=until
    )
    dashboard_change(board=team, actor=elena, shared=Dashboard.Shared.TEAM, team=payments, at=until)

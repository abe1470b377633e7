"""What Brightquay promises and looks at: targets, policies' care, a dashboard, what is sent out."""

from datetime import time, timedelta

from tests.browser.night import Night


def promise(night: Night) -> None:
    """Office hours with some holidays, and what was promised about incidents."""
    from policies.books import SLA, book_publish
    from policies.calendars.services import calendar_set, holidays_added
    from policies.models import WorkCalendar

    hours = [{"days": ["mon", "tue", "wed", "thu", "fri"], "start": "09:00", "end": "18:00"}]
    holidays = holidays_added([], place="IT", year=night.at.year)
    values = {"name": "Office", "slug": "office", "zone": "Europe/Rome", "windows": hours, "holidays": holidays}
    calendar_set(calendar=WorkCalendar(), values={**values, "is_default": True}, actor=night.cast.elena, at=night.at)
    targets = [
        {"name": "Outages", "severity": ["SEV-1"], "tier": [1], "acknowledge": "5m", "resolve": "4h"},
        {"name": "The rest", "resolve": "40h", "hours": "business"},
    ]
    book_publish(
        shape=SLA, definition={"targets": targets}, author=night.cast.elena, at=night.at, reason="The new contract"
    )


def arrange(night: Night) -> int:
    """A dashboard with a card of every kind, and of the work."""
    from reports.boards import dashboard_create
    from reports.cards import FIRST, GROUPED, CardSpec, Drawn

    kinds = (Drawn.LINE, Drawn.BAR, Drawn.PIE, Drawn.TABLE, Drawn.HOURS)
    cards = [CardSpec(kind, "incidents", "severity" if kind in GROUPED else "") for kind in kinds]
    cards += [CardSpec(Drawn.PIE, "tasks", "task_state"), CardSpec(Drawn.BAR, "worked", "person")]
    board = dashboard_create(owner=night.cast.elena, name="Nights", at=night.at, cards=(*FIRST, *cards))
    return board.pk


def look_after(night: Night) -> int:
    """What the linter finds, a review that was closed and one that is overdue."""
    from policies.models import PolicyReview
    from reports.care.findings import findings_check
    from reports.care.reviews import review_close, review_open

    elena, at = night.cast.elena, night.at
    findings_check(at=at)
    asked = {"policy": night.cast.policy, "cause": PolicyReview.Cause.BY_HAND, "actor": elena}
    done = review_open(**asked, at=at - timedelta(days=60))
    review_close(review_id=done.pk, outcome="kept", note="Both levels answered.", actor=elena, at=at)
    waiting = review_open(**asked, at=at)
    PolicyReview.objects.filter(pk=waiting.pk).update(due_at=at - timedelta(days=1))
    return int(waiting.pk)


def send_out(night: Night) -> dict[str, int]:
    """The stand-up of Payments, a report that comes to Elena every week, and one that was made for her."""
    from reports.digests.services import digest_set
    from reports.exports.services import export_make, export_request, export_schedule_set

    elena, at = night.cast.elena, night.at
    digest = digest_set(kind="standup", team=night.cast.payments, send_at=time(8), actor=elena, at=at)
    regular = export_schedule_set(
        owner=elena,
        name="Monday’s report",
        source="report",
        query="period=28d",
        format="xlsx",
        cadence="weekly",
        send_at=time(7),
        at=at,
    )
    made = export_request(user=elena, source="report", query="period=28d", format="csv", at=at)
    export_make(export_id=made.pk, at=at)
    return {"digest": digest.pk, "regular": regular.pk}

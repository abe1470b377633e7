"""How the sender tells that a page's message ended: by one INSERT, which waits for nobody."""

from datetime import datetime

from incidents.models import Page, PageReport
from notifications.models import Message


def page_report(message: Message, outcome: str, at: datetime) -> None:
    """Leave a report for the engine, in the sender's transaction. A message that is no page (a notice) needs none."""
    page_id = Page.objects.filter(message=message.pk).values_list("pk", flat=True).first()
    if page_id is not None:
        PageReport.objects.create(page_id=page_id, outcome=outcome, reason=message.state_reason, at=at)

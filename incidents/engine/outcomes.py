"""How the sender tells that a message ended: that of a page by INSERTs, which wait for nobody."""

from collections.abc import Sequence
from datetime import datetime

from escalation_site.kernel.composed import Composed
from escalation_site.kernel.rows import rows_insert
from incidents.models import Page, PageReport
from incidents.services.pages import post_failed
from notifications.models import Message

_pages_of = Composed(lambda messages: Page.objects.filter(message__in=messages).values_list("message", "pk"))


class PageReporter:
    """Leaves reports for the engine, in the sender's transaction. A message that is no page (a notice) needs none."""

    def __call__(self, message: Message, outcome: str, at: datetime) -> None:
        self.many([(message, outcome)], at)

    def many(self, outcomes: Sequence[tuple[Message, str]], at: datetime) -> None:
        """Tell of these together: as many statements for one as for sixteen."""
        pages = dict(_pages_of(messages=[message.pk for message, _outcome in outcomes]))
        for message, outcome in outcomes:
            # No page stands for a place; only its failure leads anywhere.
            if message.destination_id is not None and outcome == Message.State.FAILED:
                post_failed(message=message, at=at)
        rows_insert(
            [
                PageReport(page_id=pages[message.pk], outcome=outcome, reason=message.state_reason, at=at)
                for message, outcome in outcomes
                if message.pk in pages
            ]
        )


page_report = PageReporter()

"""One digest as one reader gets it: of what they may see, in their language, on their clock."""

from collections.abc import Collection
from datetime import datetime

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from incidents.models import Incident
from oncall.models import User
from oncall.rota.clock import zone_named
from oncall.telling import as_read_by
from reports.digests.month import month_content
from reports.digests.standup import standup_content
from reports.digests.value import Content, text_of
from reports.digests.week import week_content
from reports.models.digests import Digest

SHOWN_IN_CHAT = 8
"""Incidents of a section: chat services cut what is longer than some 3,000 characters."""


def content_for(digest: Digest, reader: User, teams: Collection[int] | None, *, at: datetime) -> Content:
    """In the language and zone in force; days are those of the digest's own zone."""
    zone = zone_named(digest.zone)
    visible = Incident.objects.visible_to(reader)
    match digest.kind:
        case Digest.Kind.STANDUP:
            return standup_content(visible=visible, team=digest.team, teams=teams, at=at, zone=zone)
        case Digest.Kind.WEEK:
            return week_content(reader=reader, team=digest.team, teams=teams, at=at, zone=zone)
        case _:
            return month_content(reader=reader, at=at, zone=zone)


def mail_for(digest: Digest, reader: User, teams: Collection[int] | None, *, at: datetime) -> tuple[str, str, str]:
    """Subject, text and HTML, with every link in full."""
    base = settings.PUBLIC_URL.rstrip("/")
    with as_read_by(reader):
        content = content_for(digest, reader, teams, at=at)
        text = text_of(content, base=base, more_words=_("and %(number)d more"))
        html = render_to_string(
            "reports/digests/mail.html",
            {"content": content, "base": base, "digest": digest, "language": reader.language},
        )
        return content.title, text, html


def post_for(digest: Digest, teams: Collection[int] | None, *, at: datetime) -> tuple[str, str]:
    """Subject and text for the digest's channel: of what everybody there may know, in the house's language, on its own clock."""
    destination = digest.destination
    carries = destination is not None and destination.carries_restricted
    visible = Incident.objects.all() if carries else Incident.objects.filter(restricted=False)
    zone = zone_named(digest.zone)
    with translation.override(settings.LANGUAGE_CODE), timezone.override(zone):
        content = standup_content(
            visible=visible,
            team=digest.team,
            teams=teams,
            at=at,
            zone=zone,
            shown=SHOWN_IN_CHAT,
            unrestricted=not carries,
        )
        base = settings.PUBLIC_URL.rstrip("/")
        return content.title, text_of(content, base=base, more_words=_("and %(number)d more"))

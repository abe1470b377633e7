"""Calendar feeds and calendars that are read in the admin: their secrets stay their owners'."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from escalation_site.admin_site.base import PlainAdmin, ReadOnlyMixin, column, each
from oncall.calendars.feeds import feed_revoke
from oncall.calendars.sources import place_of, source_remove
from oncall.models import CalendarFeed, CalendarSource


@admin.register(CalendarFeed)
class CalendarFeedAdmin(ReadOnlyMixin, PlainAdmin):
    """Made by their owners on the calendars page; an administrator can end them."""

    list_display = ("owner", "schedule", "ends_with", "created_at", "last_used_at", "revoked_at")
    list_select_related = ("owner", "schedule")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter), "schedule")
    search_fields = ("owner__username", "owner__first_name", "owner__last_name", "schedule__name", "=hint")
    fields = ("owner", "schedule", "ends_with", "created_at", "last_used_at", "revoked_at")
    actions = ("revoke",)

    @column(_("ends with"))
    def ends_with(self, feed: CalendarFeed) -> str:
        return f"…{feed.hint}"

    @admin.action(description=_("Revoke the chosen feeds"), permissions=["view"])
    def revoke(self, request: HttpRequest, chosen: QuerySet[CalendarFeed]) -> None:
        actor: Any = request.user
        each(
            request,
            list(chosen.filter(revoked_at=None).select_related("owner", "schedule")),
            lambda feed, at: feed_revoke(feed=feed, actor=actor, at=at),
            lambda n: ngettext("%(n)d feed revoked.", "%(n)d feeds revoked.", n) % {"n": n},
        )


@admin.register(CalendarSource)
class CalendarSourceAdmin(ReadOnlyMixin, PlainAdmin):
    """Of the address only the host is shown: the rest is a secret of whoever added it."""

    list_display = ("owner_name", "place", "enabled", "read_at", "read_next_at", "problem")
    list_select_related = ("user", "schedule")
    list_filter = ("enabled", ("problem", admin.EmptyFieldListFilter), "schedule")
    search_fields = ("user__username", "user__first_name", "user__last_name", "schedule__name", "problem")
    fields = ("user", "schedule", "place", "enabled", "created_by", "created_at", "read_at", "read_next_at", "problem")
    actions = ("remove",)

    @column(_("for"))
    def owner_name(self, source: CalendarSource) -> str:
        return str(source)

    @column(_("read from"))
    def place(self, source: CalendarSource) -> str:
        return place_of(source) or "–"

    @admin.action(
        description=_("Remove the chosen calendars and what they say of the time to come"), permissions=["view"]
    )
    def remove(self, request: HttpRequest, chosen: QuerySet[CalendarSource]) -> None:
        actor: Any = request.user
        each(
            request,
            list(chosen.select_related("user", "schedule__team")),
            lambda source, at: source_remove(source=source, actor=actor, at=at),
            lambda n: ngettext("%(n)d calendar removed.", "%(n)d calendars removed.", n) % {"n": n},
        )

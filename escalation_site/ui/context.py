"""Context processor of the frame: what the navigation shows, asked for only when a template draws it."""

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from escalation_site.kernel.instants import now
from escalation_site.ui import adapter
from escalation_site.ui.navigation import FILE, LEARN, RUN, WORK, Place, open_to, place_of


class Frame:
    """Everything around the page's content. Nothing is asked of the database until a template reads it."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @property
    def organisation(self) -> str:
        """The organisation's name, written under the product's."""
        return str(getattr(settings, "ORGANISATION_NAME", ""))

    @cached_property
    def role(self) -> str:
        return adapter.role_of(self._request.user)

    @cached_property
    def current(self) -> str:
        """Name of the navigation entry this page belongs to."""
        return place_of(self._request.path, self.role)

    @cached_property
    def at(self) -> datetime:
        """The instant the page is drawn for: the scripts correct a wrong browser clock by it."""
        return now()

    @cached_property
    def work(self) -> list[Place]:
        return open_to(self.role, WORK)

    @cached_property
    def learn(self) -> list[Place]:
        return open_to(self.role, LEARN)

    @cached_property
    def run(self) -> list[Place]:
        return open_to(self.role, RUN)

    @cached_property
    def file(self) -> Place | None:
        """Where to file an incident, for those who may."""
        return next(iter(open_to(self.role, [FILE])), None)

    @cached_property
    def counts(self) -> adapter.Counts:
        return adapter.counts_for(self._request.user)

    @cached_property
    def duties(self) -> list[adapter.Watch]:
        return adapter.duties_of(self._request.user, self.at, mark=self.counts.mark)


def frame_of(request: HttpRequest) -> Frame:
    """The frame of this request's page, for a view that wants to know what the frame asks anyway."""
    found: Frame | None = getattr(request, _FRAME, None)
    if found is None:
        found = Frame(request)
        setattr(request, _FRAME, found)
    return found


_FRAME = "_watchbell_frame"


def navigation(request: HttpRequest) -> Mapping[str, Any]:
    """``frame`` for every template."""
    return {"frame": frame_of(request)}

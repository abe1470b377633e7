"""Documents: runbooks, articles and references."""

from collections.abc import Mapping
from typing import Any

from escalation_site.configuration.fields import Choice, Flag, References, Text
from escalation_site.configuration.kind import Fields, Kind, Writing
from escalation_site.configuration.kinds.services import KIND as SERVICES
from incidents.models import Document
from incidents.services.documents import document_set

_PLAIN = ("title", "kind", "url", "text", "keywords", "for_requesters", "active")


class Documents(Kind):
    section = "documents"
    help = "Runbooks, articles and references, by slug: shown on incidents of their services."
    model = Document
    name_length = 80
    after = ("services",)
    fields = (
        Text("title", "Title.", required=True, most=160),
        Choice("kind", "What it is; an article unless said.", empty="article", choices=tuple(Document.Kind.values)),
        Text("url", "Its address elsewhere.", most=200, pattern=r"https?://\S+"),
        Text("text", "Its text, in Markdown.", most=50_000),
        Text("keywords", "Words it is found by.", most=240),
        References("services", "The services it belongs to; replaces what was there.", section="services"),
        Flag("for_requesters", "Whether everybody who files reads it; others are for responders only."),
        Flag("active", "Whether it is still shown.", empty=True),
    )

    def current(self) -> dict[str, Fields]:
        return {
            document.slug: {
                **{name: getattr(document, name) for name in _PLAIN},
                "services": sorted(service.slug for service in document.services.all()),
            }
            for document in Document.objects.prefetch_related("services")
        }

    def write(self, writing: Writing, name: str, wanted: Fields, changed: Mapping[str, Any]) -> Document:
        document = Document.objects.filter(slug=name).first() or Document(slug=name)
        services = [writing.row(SERVICES, slug) for slug in changed["services"]] if "services" in changed else None
        values = {field: changed[field] for field in _PLAIN if field in changed}
        return document_set(document=document, values=values, services=services, actor=writing.user, at=writing.at)


KIND = Documents()

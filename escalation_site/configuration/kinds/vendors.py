"""Vendors: who outside must help by contract."""

from collections.abc import Mapping
from typing import Any

from escalation_site.configuration.fields import Flag, References, Text, Whole
from escalation_site.configuration.kind import Fields, Kind, Writing
from escalation_site.configuration.kinds.services import KIND as SERVICES
from incidents.models import Vendor
from incidents.services.vendors import vendor_set

_PLAIN = (
    "name",
    "email",
    "phone",
    "portal_url",
    "contract",
    "support_level",
    "response_minutes",
    "instructions",
    "active",
)


class Vendors(Kind):
    section = "vendors"
    help = "Who outside must help by contract, by slug."
    model = Vendor
    name_length = 80
    after = ("services",)
    fields = (
        Text("name", "Name, unique among vendors.", required=True, most=120),
        References("services", "The services it must help with; replaces what was there.", section="services"),
        Text("email", "Where it is told; without it a person calls.", most=254, pattern=r"[^@\s]+@[^@\s]+"),
        Text("phone", "Telephone.", most=40),
        Text("portal_url", "Address of its portal.", most=200, pattern=r"https?://\S+"),
        Text("contract", "The contract, as people call it.", most=120),
        Text("support_level", "The support level.", most=120),
        Whole("response_minutes", "Minutes until it must answer; 60 unless said.", empty=60, least=1, most=100_000),
        Text("instructions", "How to open a case.", most=5000),
        Flag("active", "Whether it is still called.", empty=True),
    )

    def current(self) -> dict[str, Fields]:
        return {
            vendor.slug: {
                **{name: getattr(vendor, name) for name in _PLAIN},
                "services": sorted(service.slug for service in vendor.services.all()),
            }
            for vendor in Vendor.objects.prefetch_related("services")
        }

    def write(self, writing: Writing, name: str, wanted: Fields, changed: Mapping[str, Any]) -> Vendor:
        vendor = Vendor.objects.filter(slug=name).first() or Vendor(slug=name)
        services = [writing.row(SERVICES, slug) for slug in changed["services"]] if "services" in changed else None
        values = {field: changed[field] for field in _PLAIN if field in changed}
        return vendor_set(vendor=vendor, values=values, services=services, actor=writing.user, at=writing.at)


KIND = Vendors()

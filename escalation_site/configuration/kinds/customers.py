"""Customers: whom incidents hit, and what was promised to them."""

from collections.abc import Mapping
from typing import Any

from escalation_site.configuration.fields import Choice, Flag, Text, Whole
from escalation_site.configuration.kind import Fields, Kind, Writing
from incidents.models import Customer
from incidents.services.categories import customer_set

_FIELDS = ("name", "segment", "tier", "vip", "contract", "active")


class Customers(Kind):
    section = "customers"
    help = "Customers, by slug."
    model = Customer
    name_length = 80
    fields = (
        Text("name", "Name, unique among customers.", required=True, most=120),
        Choice("segment", "internal or external.", empty="external", choices=tuple(Customer.Segment.values)),
        Whole("tier", "The tier of the contract: 1 the best, 3 the ordinary one.", empty=3, least=1, most=3),
        Flag("vip", "Whether rules treat it as a VIP."),
        Text("contract", "Where the contract is found.", most=120),
        Flag("active", "Whether new incidents may name it.", empty=True),
    )

    def current(self) -> dict[str, Fields]:
        return {row.slug: {name: getattr(row, name) for name in _FIELDS} for row in Customer.objects.all()}

    def write(self, writing: Writing, name: str, wanted: Fields, changed: Mapping[str, Any]) -> Customer:
        customer = Customer.objects.filter(slug=name).first() or Customer(slug=name)
        return customer_set(customer=customer, values=dict(changed), actor=writing.user, at=writing.at)


KIND = Customers()

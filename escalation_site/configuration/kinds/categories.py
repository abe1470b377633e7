"""Categories: what kind of trouble it is, as a tree."""

from collections.abc import Mapping
from typing import Any

from escalation_site.configuration.fields import Flag, Reference, Text, Whole
from escalation_site.configuration.kind import Fields, Kind, Writing
from incidents.models import Category
from incidents.services.categories import category_set


class Categories(Kind):
    section = "categories"
    help = "Categories of incidents, by slug. What is left out stays: retire one with active: false."
    model = Category
    name_length = 80
    own_reference = "parent"
    fields = (
        Text("name", "Name, unique among what has the same parent.", required=True, most=80),
        Reference("parent", "The category it is part of; none stands at the top.", section="categories"),
        Whole("position", "Place among its neighbours.", empty=0, least=0, most=9999),
        Flag("active", "Whether new incidents may have it.", empty=True),
    )

    def current(self) -> dict[str, Fields]:
        return {
            category.slug: {
                "name": category.name,
                "parent": category.parent.slug if category.parent else None,
                "position": category.position,
                "active": category.active,
            }
            for category in Category.objects.select_related("parent")
        }

    def write(self, writing: Writing, name: str, wanted: Fields, changed: Mapping[str, Any]) -> Category:
        category = Category.objects.filter(slug=name).first() or Category(slug=name)
        values = dict(changed)
        if "parent" in changed:
            values["parent"] = writing.row(self, changed["parent"])
        return category_set(category=category, values=values, actor=writing.user, at=writing.at)


KIND = Categories()

"""What an administrator types into looks like something to type into."""

from typing import Any

import pytest
from django.contrib import admin
from django.test import RequestFactory

from tests.world.harness import World

# Drawn by the browser alone they have no edge: the admin takes all looks away from inputs, and its own widgets bring theirs.
BARE = "django.forms.widgets"


@pytest.mark.django_db
def test_when_a_form_of_the_admin_asks_for_something_then_its_field_has_the_admins_look(
    world: World, rf: RequestFactory
) -> None:
    request: Any = rf.get("/admin/")
    request.user = world.cast.hugo
    bare = [
        f"{model.__name__}.{name}"
        for model, shown in admin.site._registry.items()
        if shown.has_change_permission(request)
        for name, field in shown.get_form(request)().fields.items()
        if type(field.widget).__module__ == BARE and not field.widget.is_hidden
    ]

    assert bare == []

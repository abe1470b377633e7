"""Which tables a database has, by the migrations applied to it."""

from django.apps.registry import Apps
from django.db.models import Model


def of_today(reached: Apps, *models: type[Model]) -> bool:
    """Whether the migrations applied, which ``reached`` stands for, give these models the tables that this code works with.

    They do not where somebody migrated back, or to a point on the way: what follows every migration has nothing to fill there.
    """
    for model in models:
        try:
            then = reached.get_model(model._meta.app_label, model.__name__)
        except LookupError:
            return False
        if {field.column for field in then._meta.local_fields} != {field.column for field in model._meta.local_fields}:
            return False
    return True

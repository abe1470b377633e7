"""The histories that django-simple-history keeps, by name."""

from collections.abc import Mapping
from functools import lru_cache

from django.apps import apps
from django.db import models


@lru_cache(maxsize=1)
def histories() -> Mapping[str, type[models.Model]]:
    """The histories by what subjects and people call their model: "incident", "scheduleversion"."""
    found = [model for model in apps.get_models() if hasattr(model, "instance_type") and hasattr(model, "history_type")]
    by_name = sorted((model.instance_type._meta.model_name or "", model) for model in found)
    return dict(by_name)

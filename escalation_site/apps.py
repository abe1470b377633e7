from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


def _apply_schedules(using: str, **_details: Any) -> None:
    from escalation_site.schedules import schedules_apply

    if using == "default":
        schedules_apply()


class SiteConfig(AppConfig):
    name = "escalation_site"
    label = "escalation_site"
    verbose_name = _("Watchbell")

    def ready(self) -> None:
        # Once per migration and not per application: this one's signal comes after the tables of django-q2 exist.
        post_migrate.connect(_apply_schedules, sender=self, dispatch_uid="schedules")

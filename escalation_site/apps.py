from typing import Any

from django.apps import AppConfig, apps
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
        # Listening is what importing it does.
        from escalation_site import sign_ins  # noqa: F401  imported for what it connects
        from escalation_site.operations.gauges import gauges_register

        gauges_register()
        # Django tells of a migration once for each application that has models: this one has none, and would never hear.
        post_migrate.connect(_apply_schedules, sender=apps.get_app_config("django_q"), dispatch_uid="schedules")

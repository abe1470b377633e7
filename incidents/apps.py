from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from incidents.stages import stages_create


class IncidentsConfig(AppConfig):
    name = "incidents"
    verbose_name = _("Incidents")

    def ready(self) -> None:
        post_migrate.connect(stages_create, sender=self, dispatch_uid="incidents.stages")

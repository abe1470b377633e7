from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AuditConfig(AppConfig):
    name = "audit"
    verbose_name = _("Audit")

    def ready(self) -> None:
        from simple_history.signals import pre_create_historical_record

        from audit.binding import history_bound

        pre_create_historical_record.connect(history_bound, dispatch_uid="audit.binding")

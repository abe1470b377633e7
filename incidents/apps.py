from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from incidents.plan_templates import templates_create
from incidents.roles import roles_create
from incidents.stages import stages_create


class IncidentsConfig(AppConfig):
    name = "incidents"
    verbose_name = _("Incidents")

    def ready(self) -> None:
        # Models are not loaded when this module is.
        from incidents import duty, own_facts, turns
        from incidents.selectors.held import rules_held
        from oncall import ports
        from policies import ports as policy_ports

        ports.plug(tell=duty.tell, paths=duty.paths_of, pages=duty.pages_by_person, pages_since=duty.pages_since)
        policy_ports.plug(last_paged=turns.last_paged, own_facts=own_facts.PORT, rules_held=rules_held)
        own_facts.connect()
        post_migrate.connect(stages_create, sender=self, dispatch_uid="incidents.stages")
        post_migrate.connect(roles_create, sender=self, dispatch_uid="incidents.roles")
        post_migrate.connect(templates_create, sender=self, dispatch_uid="incidents.plan_templates")

"""Integrations: the doors by which a service's signals come in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from escalation_site.configuration.document import Item
from escalation_site.configuration.fields import (
    SEVERITY_SCHEMA,
    UNUSABLE,
    Choice,
    Field,
    Flag,
    Reference,
    Scope,
    Secret,
    SecretField,
    SecretFromEnvironment,
    Text,
    severity_of,
)
from escalation_site.configuration.kind import Fields, Kind, Writing
from escalation_site.configuration.kinds.services import KIND as SERVICES
from incidents.intake.door import key_digest
from incidents.models import Integration
from incidents.services.catalogue import integration_set, key_make

_KEY = r"[A-Za-z0-9._~-]+"
_PLAIN = ("name", "kind", "severity_map", "enabled")


@dataclass(frozen=True, slots=True)
class SeverityMap(Field):
    """Words of the source to severities."""

    empty: Any = field(default_factory=dict)

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": SEVERITY_SCHEMA}

    def value(self, item: Item, scope: Scope) -> Any:
        if not isinstance(item.data, dict):
            item.wrong(_("must be words with severities, such as {page: SEV-1}"))
            return UNUSABLE
        words = {word: severity_of(member) for word, member in item.members.items()}
        return UNUSABLE if UNUSABLE in words.values() else words


class Integrations(Kind):
    section = "integrations"
    help = "Doors for signals into one service, by slug."
    model = Integration
    name_length = 80
    after = ("services",)
    fields = (
        Text("name", "Name.", required=True, most=120),
        Choice("kind", "What sends the signals.", required=True, choices=tuple(Integration.Kind.values)),
        Reference("service", "The service its signals are about.", required=True, section="services"),
        SecretField(
            "key",
            "Its key, 8 to 128 characters; better long and random, and better by key_env.",
            empty=None,
            least=8,
            pattern=_KEY,
        ),
        SecretFromEnvironment(
            "key_env",
            "Environment variable that holds its key. Without either a new door gets a random key, told once.",
            empty=None,
            least=8,
            pattern=_KEY,
        ),
        SeverityMap("severity_map", "Words of the source to severities, over the usual ones."),
        Flag("enabled", "false: its signals are refused.", empty=True),
    )

    def read(self, item: Item, scope: Scope, *, exists: bool) -> Fields:
        given = super().read(item, scope, exists=exists)
        if "key" in item.members and "key_env" in item.members:
            item.members["key_env"].wrong(_("give the key either here or under “key”, not both"))
        from_environment = given.pop("key_env", None)
        if given.get("key") is None:
            given.pop("key", None)
        if from_environment is not None:
            given["key"] = from_environment
        return given

    def current(self) -> dict[str, Fields]:
        return {
            integration.slug: {
                **{name: getattr(integration, name) for name in _PLAIN},
                "service": integration.service.slug,
                "key": integration.key_digest,
            }
            for integration in Integration.objects.select_related("service")
        }

    def differs(self, name: str, before: Any, wanted: Any) -> bool:
        if name == "key" and before is not None:
            return isinstance(wanted, Secret) and key_digest(wanted.plain) != before
        return super().differs(name, before, wanted)

    def write(self, writing: Writing, name: str, wanted: Fields, changed: Mapping[str, Any]) -> Integration:
        integration = Integration.objects.filter(slug=name).first() or Integration(slug=name)
        values = {field: changed[field] for field in _PLAIN if field in changed}
        if "service" in changed:
            values["service"] = writing.row(SERVICES, changed["service"])
        secret = changed.get("key")
        key = secret.plain if isinstance(secret, Secret) else None
        if key is None and integration._state.adding:
            key = key_make()
            writing.new_keys.append((name, key))
        return integration_set(integration=integration, values=values, key=key, actor=writing.user, at=writing.at)

    def place_of(self, error_field: str) -> tuple[str | int, ...]:
        return super().place_of("key" if error_field == "key_digest" else error_field)


KIND = Integrations()

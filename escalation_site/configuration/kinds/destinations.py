"""Destinations: chat channels and webhooks that are told of incidents."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from escalation_site.configuration.document import Item
from escalation_site.configuration.fields import (
    Choice,
    Flag,
    Scope,
    Secret,
    SecretField,
    SecretFromEnvironment,
    Text,
)
from escalation_site.configuration.kind import Fields, Kind, Writing
from notifications.models import Destination
from notifications.services.destinations import destination_check, destination_set, opened

_PLAIN = ("name", "kind", "enabled", "carries_restricted", "buttons")
_SECRETS = ("address", "secret")
_ADDRESS = r"https?://\S+"


class Destinations(Kind):
    section = "destinations"
    help = "Places that policies and rules may tell besides people, by slug: chat channels and signed webhooks."
    model = Destination
    fields = (
        Text("name", "Name, unique among destinations.", required=True, most=80),
        Choice("kind", "What it is.", required=True, choices=tuple(Destination.Kind.values)),
        SecretField("address", "Its address; whoever has it can post, so better by address_env.", empty=None, most=2000, pattern=_ADDRESS),
        SecretFromEnvironment("address_env", "Environment variable that holds its address.", empty=None, most=2000, pattern=_ADDRESS),
        SecretField("secret", "What a webhook is signed with, at least 24 characters.", empty=None, least=24, most=200),
        SecretFromEnvironment("secret_env", "Environment variable that holds the signing secret.", empty=None, least=24, most=200),
        Flag("enabled", "false: it is told nothing.", empty=True),
        Flag("carries_restricted", "true: it is told of restricted incidents too."),
        Flag("buttons", "true: a Mattermost channel whose messages have buttons to act."),
    )  # fmt: skip

    def read(self, item: Item, scope: Scope, *, exists: bool) -> Fields:
        given = super().read(item, scope, exists=exists)
        for name in _SECRETS:
            if name in item.members and f"{name}_env" in item.members:
                item.members[f"{name}_env"].wrong(
                    _("give it either here or under “%(name)s”, not both") % {"name": name}
                )
            from_environment = given.pop(f"{name}_env", None)
            if given.get(name) is None:
                given.pop(name, None)
            if from_environment is not None:
                given[name] = from_environment
        if not exists and not {"address", "address_env"} & set(item.members):
            item.wrong(_("needs an address: “address” or, better, “address_env”"))
        self._check(item, given)
        return given

    def _check(self, item: Item, given: Fields) -> None:
        try:
            destination_check(
                address=_plain(given.get("address")), secret=_plain(given.get("secret")), kind=str(given.get("kind"))
            )
        except ValidationError as error:
            for name, messages in error.message_dict.items():
                place = item.members.get(name) or item.members.get(f"{name}_env") or item
                place.wrong(" ".join(messages))

    def current(self) -> dict[str, Fields]:
        found: dict[str, Fields] = {}
        for destination in Destination.objects.all():
            address, secret = opened(destination)
            found[destination.slug] = {
                **{name: getattr(destination, name) for name in _PLAIN},
                "address": Secret(address),
                "secret": Secret(secret),
            }
        return found

    def write(self, writing: Writing, name: str, wanted: Fields, changed: Mapping[str, Any]) -> Destination:
        return destination_set(
            destination=Destination.objects.filter(slug=name).first() or Destination(slug=name),
            values={field: changed[field] for field in _PLAIN if field in changed},
            address=_plain(changed.get("address")),
            secret=_plain(changed.get("secret")),
            at=writing.at,
            actor=writing.actor,
            user=writing.user,
            data={"reason": writing.reason} if writing.reason else None,
        )

    def place_of(self, error_field: str) -> tuple[str | int, ...]:
        return super().place_of(error_field.removesuffix("_sealed"))


def _plain(secret: object) -> str | None:
    return secret.plain if isinstance(secret, Secret) else None


KIND = Destinations()

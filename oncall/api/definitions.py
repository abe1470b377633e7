"""Definitions of schedules as the API shows them: people by user name, teams by slug."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from oncall.models import Team, User
from oncall.rota_document import document_dump
from oncall.selectors import definition_spec


@dataclass(frozen=True)
class Names:
    """User names and slugs of teams, by id."""

    users: Mapping[int, str]
    teams: Mapping[int, str]

    @classmethod
    def read(cls) -> "Names":
        """Two queries."""
        return cls(
            dict(User.objects.values_list("pk", "username")),
            dict(Team.objects.values_list("pk", "slug")),
        )

    @cached_property
    def user_ids(self) -> Mapping[str, int]:
        return {name: pk for pk, name in self.users.items()}

    @cached_property
    def team_ids(self) -> Mapping[str, int]:
        return {name: pk for pk, name in self.teams.items()}


def definition_shown(definition: Mapping[str, Any], names: Names) -> dict[str, Any]:
    return document_dump(
        definition_spec(definition),
        name_user=lambda pk: names.users.get(pk, pk),
        name_team=lambda pk: names.teams.get(pk, pk),
    )

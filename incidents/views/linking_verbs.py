"""What merging, splitting and linking do with the answers of their forms; `verbs` lists them with the others."""

from datetime import datetime
from typing import Any

from incidents.services.linking import incident_link
from incidents.services.merging import incident_merge, incident_unmerge
from incidents.services.splitting import incident_split
from oncall.models import User


def link(pk: int, actor: User, at: datetime, data: dict[str, Any]) -> object:
    return incident_link(incident_id=pk, other_id=data["other"], kind=data["kind"], actor=actor, at=at)


def merge(pk: int, actor: User, at: datetime, data: dict[str, Any]) -> object:
    return incident_merge(incident_id=pk, other_id=data["other"], actor=actor, at=at, reason=data["reason"])


def unmerge(pk: int, actor: User, at: datetime, data: dict[str, Any]) -> object:
    return incident_unmerge(incident_id=pk, actor=actor, at=at, reason=data["reason"])


def split(pk: int, actor: User, at: datetime, data: dict[str, Any]) -> object:
    return incident_split(
        incident_id=pk,
        title=data["title"],
        severity=data["severity"],
        alerts=[row.pk for row in data.get("alerts", ())],
        comments=[row.pk for row in data.get("comments", ())],
        keep=data["keep"],
        actor=actor,
        at=at,
    )

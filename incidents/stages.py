"""The life cycle every installation begins with. Data: an administrator may rename, add and order stages, say which may follow which,
and what must be there first.

Acknowledging, mitigating, resolving and reopening move an incident by themselves: the ways are for people who move it by hand, and
never stand between a responder and an acknowledgement.
"""

from collections.abc import Collection, Mapping
from typing import Any

from django.apps import apps as installed
from django.apps.registry import Apps
from django.utils.translation import gettext, gettext_noop

from escalation_site.kernel.tables import of_today

FIRST_STAGES = (
    ("new", gettext_noop("New")),
    ("triage", gettext_noop("Triage")),
    ("investigating", gettext_noop("Investigating")),
    ("mitigating", gettext_noop("Mitigating")),
    ("resolved", gettext_noop("Resolved")),
    ("closed", gettext_noop("Closed")),
)
NEEDED = ("new", "triage", "mitigating", "resolved", "closed")
"""Stages that Watchbell moves incidents to by itself; they can be renamed and not removed."""
RESOLVED, CLOSED = "resolved", "closed"
ENDS = (RESOLVED, CLOSED)
"""Reached by resolving and by closing, and left by reopening."""
FIRST_WAYS: Mapping[str, tuple[str, ...]] = {
    "new": ("triage", "investigating"),
    "triage": ("investigating", "mitigating"),
    "investigating": ("triage", "mitigating"),
    "mitigating": ("investigating",),
}
"""Of stages before the ends, which have verbs of their own."""
_NAMES = frozenset(name for _key, name in FIRST_STAGES)


def stage_label(name: str) -> str:
    """A stage's name in the reader's language where it is one of the first; an administrator's own name as it stands."""
    return gettext(name) if name in _NAMES else name


def way_is_open(ways: Collection[tuple[str, str]], before: str, after: str) -> bool:
    """Whether a person may move an incident so. ``ways`` are pairs of keys; a stage without any way out is open to all. Pure."""
    out = {there for here, there in ways if here == before}
    return before != after and (not out or after in out)


def stages_create(sender: Any, *, using: str, apps: Apps = installed, **kwargs: Any) -> None:
    """After each migration: give a database that has no stage at all the first ones, and one whose ways nobody ever said
    anything about the first ways: a SEV-1 is not closed without a published review."""
    # They are not loaded yet when the app's configuration imports this.
    from incidents.models import Stage, StageGuard, Transition

    if not of_today(apps, Stage, StageGuard, Transition):
        return
    if not Stage.objects.using(using).exists():
        Stage.objects.using(using).bulk_create(
            Stage(key=key, name=name, position=position) for position, (key, name) in enumerate(FIRST_STAGES, 1)
        )
    _ways_create(using)


def _ways_create(using: str) -> None:
    """Only where the stages are the first ones and no way or guard was ever made: what an administrator took away stays away."""
    from incidents.models import Stage, StageGuard, Transition

    stages = {stage.key: stage for stage in Stage.objects.using(using)}
    untouched = set(stages) == {key for key, _name in FIRST_STAGES} and not any(
        rows.using(using).exists()
        for rows in (Transition.objects, StageGuard.objects, Transition.history, StageGuard.history)
    )
    if not untouched:
        return
    for before, several in FIRST_WAYS.items():
        for after in several:
            Transition(before=stages[before], after=stages[after]).save(using=using)
    StageGuard(stage=stages[CLOSED], kind=StageGuard.Kind.REVIEW, severity=1).save(using=using)

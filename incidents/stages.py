"""The life cycle every installation begins with. Data: an administrator may rename, add and order stages afterwards."""

from typing import Any

from django.utils.translation import gettext, gettext_noop

FIRST_STAGES = (
    ("new", gettext_noop("New")),
    ("triage", gettext_noop("Triage")),
    ("investigating", gettext_noop("Investigating")),
    ("mitigating", gettext_noop("Mitigating")),
    ("resolved", gettext_noop("Resolved")),
    ("closed", gettext_noop("Closed")),
)
_NAMES = frozenset(name for _key, name in FIRST_STAGES)


def stage_label(name: str) -> str:
    """A stage's name in the reader's language where it is one of the first; an administrator's own name as it stands."""
    return gettext(name) if name in _NAMES else name


def stages_create(sender: Any, *, using: str, **kwargs: Any) -> None:
    """After each migration: give a database that has no stage at all the first ones."""
    from incidents.models import Stage  # the models are not loaded yet when the app's configuration imports this

    if not Stage.objects.using(using).exists():
        Stage.objects.using(using).bulk_create(
            Stage(key=key, name=name, position=position) for position, (key, name) in enumerate(FIRST_STAGES, 1)
        )

"""The plan templates every installation begins with (R006). Data: an administrator may change, add and put them away afterwards."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.apps import apps as installed
from django.apps.registry import Apps
from django.utils.translation import get_language

from escalation_site.kernel.tables import of_today

FOLDER = Path(__file__).with_name("plans_shipped")
LANGUAGES = ("it", "nl")
"""Those the shipped templates are put into, one file of ``plans_shipped/words`` each."""
_TEXTS = ("title", "text", "details")


@cache
def shipped() -> dict[str, dict[str, Any]]:
    """Each template by its slug: name, description, body."""
    return {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.yaml"))}


@cache
def _words(language: str) -> Mapping[str, str]:
    """What the shipped templates say, in ``language``; nothing for English, and for a language nobody has put them into."""
    path = FOLDER / "words" / f"{language}.yaml"
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}


def plan_words(text: str) -> str:
    """A text of a shipped template in the reader's language; a text of the house's own as it stands."""
    language = (get_language() or "").partition("-")[0]
    return _words(language).get(text, text) if language in LANGUAGES else text


def body_worded(body: Any) -> Any:
    """The body of a template with every text of it in the language that is active: what an incident gets of it is kept in the words of
    whoever applies it."""
    if isinstance(body, list):
        return [body_worded(one) for one in body]
    if not isinstance(body, Mapping):
        return body
    return {
        name: plan_words(value)
        if name in _TEXTS and isinstance(value, str)
        else [plan_words(str(one)) for one in value]
        if name == "objectives" and isinstance(value, list)
        else body_worded(value)
        for name, value in body.items()
    }


def templates_create(sender: Any, *, using: str, apps: Apps = installed, **kwargs: Any) -> None:
    """After each migration: give a database that has no template at all the first ones."""
    from incidents.models import PlanTemplate  # the models are not loaded yet when the app's configuration imports this

    if of_today(apps, PlanTemplate) and not PlanTemplate.objects.using(using).exists():
        PlanTemplate.objects.using(using).bulk_create(
            PlanTemplate(slug=slug, name=one["name"], description=one["description"], body=one["body"])
            for slug, one in shipped().items()
        )

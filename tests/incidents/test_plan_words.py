"""The plans every house begins with, in the words of whoever reads and applies them."""

import pytest
import yaml
from django.utils import translation

from incidents.models import Objective, PlanTemplate, Task
from incidents.plan_templates import FOLDER, LANGUAGES, body_worded, shipped
from incidents.services.plans import plan_apply
from tests.incidents.asking import filed
from tests.world.harness import World


def texts(value: object) -> set[str]:
    """Whatever people read of a template."""
    if isinstance(value, list):
        return set().union(*map(texts, value))
    if not isinstance(value, dict):
        return set()
    own = {str(value[name]) for name in ("name", "description", "title", "text", "details") if name in value}
    return own.union(value.get("objectives", ()), *map(texts, value.values()))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_of_a_shipped_plan_is_there_in_every_language_and_nothing_else(language: str) -> None:
    words = yaml.safe_load((FOLDER / "words" / f"{language}.yaml").read_text(encoding="utf-8"))
    wanted = texts(list(shipped().values()))
    assert len(wanted) > 80
    assert set(words) == wanted
    assert all(words.values())
    # As long as the fields they go into allow.
    body = body_worded_in(language, shipped()["outage"]["body"])
    assert max(map(len, body["objectives"])) <= 240
    assert texts(body).isdisjoint({"Customers can work again", "Fail over"})


def body_worded_in(language: str, body: dict[str, object]) -> dict[str, list[str]]:
    with translation.override(language):
        return body_worded(body)  # type: ignore[no-any-return]  # a body is a body


@pytest.mark.requirement("R006")
def test_when_a_plan_is_applied_then_the_incident_gets_it_in_the_words_of_whoever_applies_it(world: World) -> None:
    incident = filed(world)
    template = PlanTemplate.objects.get(slug="outage")
    template.body["objectives"].append("Our own words")
    template.save()

    with translation.override("it"):
        assert template.label == "Interruzione"
        plan_apply(incident_id=incident.pk, template=template, actor=world.cast.marta, at=world.now)

    objectives = list(Objective.objects.order_by("rank").values_list("text", flat=True))
    assert (objectives[0], objectives[-1]) == ("I clienti possono di nuovo lavorare", "Our own words")
    assert Task.objects.filter(title="Ripristinare il servizio").exists()
